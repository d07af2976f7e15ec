//go:build cgo && linux

package cqueue

/*
#cgo noescape go_reserve
#cgo nocallback go_reserve
#cgo noescape go_commit
#cgo nocallback go_commit
#cgo noescape go_abort
#cgo nocallback go_abort
#include "shim.h"
*/
import "C"

import (
	"context"
	"sync"
)

// A Reservation is room for a message, which is written in place and then committed. Commit or abort it, or it stays until
// the queue is closed and the Reservation collected. One goroutine at a time may write it.
type Reservation struct {
	queue    *Queue
	bytes    []byte
	mutex    sync.Mutex // guards what follows
	lent     C.cq_message
	finished bool
}

// Reserve reserves room for a message of up to size bytes. The message's place in the queue is taken now; but if consumers
// have been waiting for it while later messages were there, the message moves behind these when it is committed. It never
// blocks: ErrFull says that there is no room.
func (q *Queue) Reserve(size int) (*Reservation, error) {
	r := &Reservation{queue: q}
	if result := r.reserve(size); result != C.CQ_OK {
		return nil, q.failure(reserving, result, size)
	}
	return r, nil
}

// ReserveContext is Reserve, but waits for room until the context is over. That the queue was removed it learns only from
// other calls that wait on it: if none does, look at [Stats].Unlinked.
func (q *Queue) ReserveContext(ctx context.Context, size int) (*Reservation, error) {
	r := &Reservation{queue: q}
	result, err := q.waiting(ctx, reserving, &q.handle.room, func(C.int64_t) C.int { return r.reserve(size) })
	if err == nil && result != C.CQ_OK {
		err = q.failure(reserving, result, size)
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (r *Reservation) reserve(size int) C.int {
	if !r.queue.begin() {
		return resultClosed
	}
	result := C.go_reserve(r.queue.handle.address, C.size_t(size), &r.lent)
	if result != C.CQ_OK {
		r.queue.end()
		return result
	}
	r.bytes = lentBytes(&r.lent)
	return result // and stays a user of the handle
}

// Bytes is the memory to write the message into, of the size that was reserved. Not to be used any more after Commit or
// Abort; it is nil then.
func (r *Reservation) Bytes() []byte { return r.bytes }

// Commit publishes the first size bytes as a message. ErrNotHeld: it was committed or aborted before. ErrClosed: the queue
// was closed, and the reservation is dropped. After any other error, such as ErrTooBig, or ErrFull and ErrNoSpace (only if
// its place was given up meanwhile), it is still reserved.
func (r *Reservation) Commit(size int) error {
	if result := r.commit(size); result != C.CQ_OK {
		return r.queue.failure(committing, result, size)
	}
	return nil
}

// CommitContext is Commit, but waits for room until the context is over.
func (r *Reservation) CommitContext(ctx context.Context, size int) error {
	q := r.queue
	result, err := q.waiting(ctx, committing, &q.handle.room, func(C.int64_t) C.int { return r.commit(size) })
	if err == nil && result != C.CQ_OK {
		err = q.failure(committing, result, size)
	}
	return err
}

func (r *Reservation) commit(size int) C.int {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.finished {
		return C.CQ_ENOTHELD
	}
	if r.queue.isClosing() {
		C.go_abort(r.queue.handle.address, &r.lent)
		r.finish()
		return resultClosed
	}
	result := C.go_commit(r.queue.handle.address, &r.lent, C.size_t(size))
	if r.lent.data == nil || result == C.CQ_ENOTHELD {
		r.finish()
	}
	return result
}

// Abort gives the reservation up. ErrNotHeld: it was committed or aborted before.
func (r *Reservation) Abort() error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	result := C.int(C.CQ_ENOTHELD)
	if !r.finished {
		result = C.go_abort(r.queue.handle.address, &r.lent)
		r.finish()
	}
	if result != C.CQ_OK {
		return r.queue.failure(aborting, result, 0)
	}
	return nil
}

func (r *Reservation) finish() {
	r.finished = true
	r.bytes = nil
	r.queue.end()
}
