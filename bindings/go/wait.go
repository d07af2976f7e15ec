//go:build cgo && linux

package cqueue

/*
#cgo noescape go_fd
#cgo nocallback go_fd
#include "shim.h"
*/
import "C"

import (
	"context"
	"os"
	"sync"
	"syscall"
	"time"
)

const (
	// lookInterval is how often the goroutines that wait on one side of a handle, together, have the library look whether
	// the queue was removed. No descriptor tells them that.
	lookInterval = time.Second
	// lookTime is the patience of that attempt in nanoseconds: the library looks when it is about to sleep.
	lookTime C.int64_t = 1_000_000
	// memoryInterval is how often who waits for memory of the file system tries again. No descriptor tells of it, either.
	memoryInterval = 50 * time.Millisecond
)

// descriptor is one of cq_fd and cq_room_fd in Go's network poller.
//
// The poller tells of changes only. The library raises the descriptor once and takes it down in the call that finds
// nothing, so whoever was told must go on until then. That is what the token in ready means: somebody should try. Who
// takes it and succeeds puts it back for the next; who finds nothing lets it go, because the descriptor is down now and
// its next rise brings another.
type descriptor struct {
	mutex sync.Mutex
	file  *os.File
	ready chan struct{}
	look  *time.Ticker // somebody should make a patient attempt
}

// open starts the descriptor on its first use. The queue must be in use.
func (d *descriptor) open(q *Queue) C.int {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.file != nil {
		return C.CQ_OK
	}
	fd, result := q.descriptor(d)
	if result != C.CQ_OK {
		return result
	}
	// The library's own descriptor belongs to the handle; the poller gets one that it may close.
	own, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD_CLOEXEC, 0)
	if errno != 0 {
		return C.CQ_EPROCESS
	}
	file := os.NewFile(own, "cqueue")
	raw, err := file.SyscallConn()
	if err != nil {
		file.Close()
		return C.CQ_ESYSTEM
	}
	ready := make(chan struct{}, 1)
	d.file, d.ready, d.look = file, ready, time.NewTicker(lookInterval)
	// One call for as long as the file is open: at its beginning the poller forgets what it was told before. It must not
	// know the Queue, which would never be collected.
	go raw.Read(func(uintptr) bool {
		pass(ready)
		return false
	})
	return C.CQ_OK
}

func pass(ready chan<- struct{}) {
	select {
	case ready <- struct{}{}:
	default: // there is one already
	}
}

func (d *descriptor) close() {
	if d.file != nil {
		d.file.Close()
		d.look.Stop()
	}
}

// descriptor asks the library for its descriptor. The queue must be in use.
func (q *Queue) descriptor(d *descriptor) (int, C.int) {
	var fd, consumers C.int
	if d == &q.handle.messages {
		consumers = 1
	}
	result := C.go_fd(q.handle.address, consumers, &fd)
	return int(fd), result
}

// waiting makes an attempt, and as long as waiting may help waits for the descriptor and makes another. An attempt with
// patience, in nanoseconds, may sleep for so long in C.
func (q *Queue) waiting(ctx context.Context, op operation, d *descriptor, attempt func(patience C.int64_t) C.int) (C.int,
	error) {
	if ctx.Err() != nil {
		return 0, q.failureOfContext(op, ctx)
	}
	result := attempt(0)
	if !q.mayHelp(result) {
		return result, nil
	}
	if !q.begin() {
		return resultClosed, nil
	}
	opened := d.open(q)
	q.end()
	if opened != C.CQ_OK {
		return 0, q.failure(watching, opened, 0)
	}
	for {
		var memory <-chan time.Time
		if result == C.CQ_ENOSPACE {
			memory = time.After(memoryInterval)
		}
		patience, removed := C.int64_t(0), false
		select {
		case <-ctx.Done():
			return 0, q.failureOfContext(op, ctx)
		case <-q.handle.closing:
			return resultClosed, nil
		case <-d.ready:
		case <-memory:
		case <-d.look.C:
			patience = lookTime
		case <-q.handle.removed:
			removed = true
		}
		if result = attempt(patience); !q.mayHelp(result) {
			if result == C.CQ_STALE {
				q.handle.announceRemoval()
			}
			pass(d.ready)
			return result, nil
		}
		if removed {
			return C.CQ_STALE, nil
		}
	}
}

// mayHelp is whether waiting may help after an attempt with this result.
func (q *Queue) mayHelp(result C.int) bool {
	switch result {
	case C.CQ_EMPTY, C.CQ_FULL, C.CQ_TIMEOUT:
		return true
	case C.CQ_ENOSPACE: // messages that leave the queue leave their memory to new ones
		stats, err := q.Stats()
		return err == nil && (stats.Length > 0 || stats.Held > 0)
	}
	return false
}

// Descriptor is readable, for poll and event loops of one's own, while a message may be waiting: when it is, dequeue until
// ErrEmpty, which makes it unreadable again. It belongs to the queue: do not read, write or close it.
func (q *Queue) Descriptor() (int, error) { return q.watch(&q.handle.messages) }

// RoomDescriptor is the same for producers: readable while there may be room. Enqueue until ErrFull.
func (q *Queue) RoomDescriptor() (int, error) { return q.watch(&q.handle.room) }

func (q *Queue) watch(d *descriptor) (int, error) {
	if !q.begin() {
		return 0, q.failure(watching, resultClosed, 0)
	}
	defer q.end()
	fd, result := q.descriptor(d)
	if result != C.CQ_OK {
		return 0, q.failure(watching, result, 0)
	}
	return fd, nil
}
