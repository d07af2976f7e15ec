//go:build cgo && linux

package cqueue

// #include "shim.h"
import "C"

import (
	"io/fs"
	"strings"
	"unsafe"
)

// An Option says how to open a queue where that differs from the defaults: create the queue or attach to it if it exists,
// with 65,536 messages of up to 4,096 bytes each when creating and whatever it has when attaching, for this user alone.
type Option func(*config)

type config struct {
	flags          C.uint32_t
	capacity       int
	maxMessageSize int
	maxHeld        int
	permissions    fs.FileMode
	directory      string
}

// WithCapacity is how many messages the queue holds. One that exists must have just this capacity.
func WithCapacity(messages int) Option { return func(c *config) { c.capacity = messages } }

// WithMaxMessageSize is how many bytes a message may have. A queue that exists must have just this limit.
func WithMaxMessageSize(bytes int) Option { return func(c *config) { c.maxMessageSize = bytes } }

// WithMaxHeld is how many messages consumers may hold at a time, beside those that wait, when creating the queue. By
// default the number follows from the capacity.
func WithMaxHeld(messages int) Option { return func(c *config) { c.maxHeld = messages } }

// WithPermissions sets the file's permissions when creating the queue. When attaching, it says how much is accepted: a
// file of another user, or one that its group may write, only if the permissions include 060 (or 040 or 004 with
// ReadOnly), or with Trust.
func WithPermissions(permissions fs.FileMode) Option {
	return func(c *config) { c.permissions = permissions }
}

// WithDirectory is where the queue's file is, instead of /dev/shm.
func WithDirectory(path string) Option { return func(c *config) { c.directory = path } }

// Exclusive creates the queue or fails with ErrExist.
func Exclusive() Option { return flag(C.CQ_EXCLUSIVE) }

// Attach attaches to the queue or fails with ErrNotExist.
func Attach() Option { return flag(C.CQ_ATTACH) }

// ReadOnly attaches with read permission alone. Only Walk, Stats, Participants and Close work.
func ReadOnly() Option { return flag(C.CQ_READ_ONLY) }

// AnyFilesystem does not refuse a file system by its kind; what it must be able to do is still tested.
func AnyFilesystem() Option { return flag(C.CQ_ANY_FILESYSTEM) }

// Trust accepts a queue whoever owns it and whoever of its group may write it. One that everybody may write is never
// accepted.
func Trust() Option { return flag(C.CQ_TRUST) }

// KeepUnlinked lets calls go on waiting when the queue was removed, instead of failing with ErrStale.
func KeepUnlinked() Option { return flag(C.CQ_KEEP_UNLINKED) }

func flag(flag C.uint32_t) Option { return func(c *config) { c.flags |= flag } }

func configure(options []Option) config {
	var c config
	for _, option := range options {
		option(&c)
	}
	return c
}

// use calls f with name and configuration as C has them. Strings that C would cut short are refused before.
func (c *config) use(name string, f func(name *C.char, config *C.cq_config) C.int) C.int {
	if strings.ContainsRune(name, 0) {
		return C.CQ_ENAME
	}
	if strings.ContainsRune(c.directory, 0) {
		return C.CQ_EINVAL
	}
	cName := C.CString(name)
	defer C.free(unsafe.Pointer(cName))
	given := C.cq_config{
		struct_size:      C.sizeof_cq_config,
		flags:            c.flags,
		capacity:         C.uint64_t(c.capacity),
		max_message_size: C.uint64_t(c.maxMessageSize),
		permissions:      C.uint32_t(c.permissions),
		max_held:         C.uint64_t(c.maxHeld),
	}
	if c.directory != "" {
		given.directory = C.CString(c.directory)
		defer C.free(unsafe.Pointer(given.directory))
	}
	return f(cName, &given)
}
