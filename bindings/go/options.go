package cqueue

import (
	"fmt"
	"io/fs"
	"strings"
	"time"
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
	maxHeaders     int
	maxDeliveries  int
	deadLetter     string
	timeToLive     time.Duration
	durable        string // its directory
	sync           bool   // see onDisk
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

// WithMaxHeaders is how many bytes the headers of a message may have, when creating the queue: of each the key, the
// value, and 3 more. By default messages have none. Every message costs so many bytes more, with or without headers.
func WithMaxHeaders(bytes int) Option { return func(c *config) { c.maxHeaders = bytes } }

// WithMaxDeliveries is how often a message is delivered, when creating the queue. After that, if it was not released, it
// goes to the queue deadLetter, which is in the same directory and need not exist yet. 254 at most.
func WithMaxDeliveries(deliveries int, deadLetter string) Option {
	return func(c *config) { c.maxDeliveries, c.deadLetter = deliveries, deadLetter }
}

// WithTimeToLive is how old a message may be, when creating the queue. Older ones are not delivered: they go to the
// dead letters, see WithDeadLetter, or are dropped.
func WithTimeToLive(age time.Duration) Option { return func(c *config) { c.timeToLive = age } }

// WithDeadLetter is where messages go that are too old, see WithTimeToLive, when creating the queue: a queue in the same
// directory, which need not exist yet.
func WithDeadLetter(queue string) Option { return func(c *config) { c.deadLetter = queue } }

// WithEnqueueTimes makes a queue that notes when each message was enqueued, for [Message.EnqueueTime] and OldestAge of
// [Stats].
func WithEnqueueTimes() Option { return flag(flagEnqueueTimes) }

// WithExclusiveConsumer makes a queue that has one consumer at a time: the first handle that takes or dequeues, until it
// is closed or its process dies. Others fail with ErrConsumer; those that wait do so until it is their turn.
func WithExclusiveConsumer() Option { return flag(flagExclusiveConsumer) }

// WithDurable makes a queue that survives power cuts with everything that was synced, see [Queue.Sync], or attaches to
// one. It keeps that in a directory beside the queue's file, unless WithDurableDirectory says otherwise: shared memory
// survives no reboot, so name one of the two.
func WithDurable() Option { return flag(flagDurable) }

// WithDurableDirectory is WithDurable with the directory on a disk, for this queue alone. It is made if it does not
// exist.
func WithDurableDirectory(path string) Option {
	return func(c *config) { c.flags, c.durable = c.flags|flagDurable, path }
}

// WithSync is WithDurable, and has every call of this handle that changes the queue wait until that is on the disk:
// enqueue, commit, dequeue, release, give back, and their batches. Many goroutines share a write. If the disk fails they
// return ErrIO, and what they were to do has happened all the same: call Sync, do not repeat them.
func WithSync() Option {
	return func(c *config) { c.flags, c.sync = c.flags|flagDurable, true }
}

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
	case strings.ContainsRune(c.durable, 0):
		return "the durable directory has a byte 0 in it"
	case strings.ContainsRune(c.deadLetter, 0):
		return "the name of the dead letters' queue has a byte 0 in it"
	case c.maxHeaders < 0:
		return fmt.Sprintf("WithMaxHeaders(%d): a size is 1 byte at least, or 0 for no headers", c.maxHeaders)
	case c.maxDeliveries < 0:
		return fmt.Sprintf("WithMaxDeliveries(%d): a number is 1 at least, or 0 for no limit", c.maxDeliveries)
	case c.timeToLive < 0:
		return fmt.Sprintf("WithTimeToLive(%v): an age is positive, or 0 for no limit", c.timeToLive)
	case c.sync && c.flags&flagReadOnly != 0:
		return "WithSync() and ReadOnly(): who only looks on has nothing to sync"
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
