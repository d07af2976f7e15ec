package cqueue

import (
	"fmt"
	"io/fs"
	"strings"
)

// An Option says how to open a queue where that differs from the defaults: create the queue or attach to it if it
// exists, with 65,536 messages of up to 4,096 bytes each when creating and whatever it has when attaching, for this
// user alone.
type Option func(*config)

type config struct {
	flags          uint32
	capacity       int
	maxMessageSize int
	maxHeld        int
	maxMemory      int64
	reserve        int64
	permissions    fs.FileMode
	directory      string
	forgotten      func(Forgotten)
}

// WithCapacity is how many messages the queue holds. One that exists must have just this capacity.
func WithCapacity(messages int) Option { return func(c *config) { c.capacity = messages } }

// WithMaxMessageSize is how many bytes a message may have. A queue that exists must have just this limit. Up
// to 12 KiB it is what every message costs in memory, however short it is; beyond, a message costs its own size, in
// pages of 4 KiB.
func WithMaxMessageSize(bytes int) Option { return func(c *config) { c.maxMessageSize = bytes } }

// WithMaxHeld is how many messages consumers may hold at a time, beside those that wait, when creating the queue. By
// default the number follows from the capacity.
func WithMaxHeld(messages int) Option { return func(c *config) { c.maxHeld = messages } }

// WithMaxMemory is how many bytes of memory or disk the queue may take, when creating it; the queue is full ([ErrFull])
// when it would need more. By default any number.
func WithMaxMemory(bytes int64) Option { return func(c *config) { c.maxMemory = bytes } }

// WithReserve is how many bytes of memory or disk for messages the queue takes at once, when creating it, and keeps: as
// long as it holds no more, no call fails for want of memory. By default none.
func WithReserve(bytes int64) Option { return func(c *config) { c.reserve = bytes } }

// WithPermissions sets the file's permissions when creating the queue. When attaching, it says how much is accepted: a
// file of another user, or one that its group may write, only if the permissions include 060 (or 040 or 004 with
// ReadOnly), or with Trust.
func WithPermissions(permissions fs.FileMode) Option {
	return func(c *config) { c.permissions = permissions }
}

// WithDirectory is where the queue's file is, instead of the machine's shared memory.
func WithDirectory(path string) Option { return func(c *config) { c.directory = path } }

// WithAnyFilesystem does not refuse a filesystem by its kind; what it must be able to do is still tested.
func WithAnyFilesystem() Option { return flag(flagAnyFilesystem) }

// WithForgotten has report called for each [Message] and [Reservation] that was neither finished nor kept, once the
// garbage collector found it and it was given back. Taking and reserving take about a microsecond more, to remember
// where they were called. report runs in a goroutine of its own.
func WithForgotten(report func(Forgotten)) Option { return func(c *config) { c.forgotten = report } }

// Exclusive creates the queue or fails with ErrExist.
func Exclusive() Option { return flag(flagExclusive) }

// Attach attaches to the queue or fails with ErrNotExist.
func Attach() Option { return flag(flagAttach) }

// ReadOnly attaches with read permission alone. Only Walk, Len, Stats, Participants and Close work.
func ReadOnly() Option { return flag(flagReadOnly) }

// Trust accepts a queue whoever owns it and whoever of its group may write it. One that everybody may write is never
// accepted.
func Trust() Option { return flag(flagTrust) }

// KeepUnlinked lets calls go on waiting when the queue was removed, instead of failing with ErrStale.
func KeepUnlinked() Option { return flag(flagKeepUnlinked) }

func flag(flag uint32) Option { return func(c *config) { c.flags |= flag } }

func configure(options []Option) config {
	var c config
	for _, option := range options {
		option(&c)
	}
	return c
}

// fault is what is wrong with name or configuration that C could not be shown, or "". See faultCode.
func (c *config) fault(name string) string {
	switch {
	case strings.ContainsRune(name, 0):
		return "the name has a byte 0 in it"
	case strings.ContainsRune(c.directory, 0):
		return "the directory has a byte 0 in it"
	case c.capacity < 0:
		return fmt.Sprintf("WithCapacity(%d): a capacity is 1 message at least, or 0 for the default", c.capacity)
	case c.maxMessageSize < 0:
		return fmt.Sprintf("WithMaxMessageSize(%d): a size is 1 byte at least, or 0 for the default", c.maxMessageSize)
	case c.maxHeld < 0:
		return fmt.Sprintf("WithMaxHeld(%d): a number of messages is 1 at least, or 0 for the default", c.maxHeld)
	case c.maxMemory < 0:
		return fmt.Sprintf("WithMaxMemory(%d): a limit is a number of bytes, or 0 for none", c.maxMemory)
	case c.reserve < 0:
		return fmt.Sprintf("WithReserve(%d): a reserve is a number of bytes, or 0 for none", c.reserve)
	case c.permissions&^fs.ModePerm != 0:
		return fmt.Sprintf("WithPermissions(%v): only permission bits are possible", c.permissions)
	}
	return ""
}

// faultCode is the code of what fault says.
func (c *config) faultCode(name string) Code {
	if strings.ContainsRune(name, 0) {
		return ErrName
	}
	return ErrInvalid
}
