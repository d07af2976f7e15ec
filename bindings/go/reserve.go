package cqueue

import (
	"context"
	"fmt"
)

// A Reservation is room for a message, which is written in place and then committed. Commit or abort it; one that is
// forgotten is aborted when the garbage collector finds it. One goroutine at a time may use it. It must not be copied.
type Reservation struct {
	_    noCopy
	loan *loan
}

// Reserve reserves room for a message of up to size bytes. The message's place in the queue is taken now; but if
// consumers have been waiting for it while later messages were there, the message moves behind these when it is
// committed. It never blocks: ErrFull says that there is no room.
func (q *Queue) Reserve(size int) (*Reservation, error) {
	if size < 0 {
		return nil, q.failureOfSize(reserving, size)
	}
	r, result := q.reserve(size)
	if result != resultOK {
		return nil, q.failure(reserving, result, size)
	}
	return r, nil
}

// ReserveContext is Reserve, but waits for room until the context is over.
func (q *Queue) ReserveContext(ctx context.Context, size int) (*Reservation, error) {
	if size < 0 {
		return nil, q.failureOfSize(reserving, size)
	}
	var r *Reservation
	result, err := q.waiting(ctx, reserving, forRoom, func() (result Code) {
		r, result = q.reserve(size)
		return result
	})
	if err == nil && result != resultOK {
		err = q.failure(reserving, result, size)
	}
	return r, err
}

func (q *Queue) reserve(size int) (*Reservation, Code) {
	var one lent
	if !q.begin() {
		return nil, resultClosed
	}
	if result := q.handle.native.reserve(size, &one); result != resultOK {
		q.end()
		return nil, result
	}
	return &q.lend(&one, false).reservation, resultOK // and stays a user of the handle
}

// Bytes is the memory to write the message into, of the size that was reserved. Not to be used any more after Commit or
// Abort; it is nil then.
func (r *Reservation) Bytes() []byte { return r.loan.bytes() }

// Commit publishes the first size bytes as a message. ErrNotHeld: it was committed or aborted before. ErrClosed: the
// queue was closed, and the reservation is dropped. After any other error, such as ErrTooBig, or ErrFull and ErrNoSpace
// (only if its place was given up meanwhile), it is still reserved.
func (r *Reservation) Commit(size int) error {
	if r.loan == nil {
		return errZero(committing)
	}
	q := r.loan.queue
	if size < 0 {
		return q.failureOfSize(committing, size)
	}
	return q.conclude(committing, r.loan.commit(size), nil, size)
}

// CommitContext is Commit, but waits for room until the context is over.
func (r *Reservation) CommitContext(ctx context.Context, size int) error {
	if r.loan == nil {
		return errZero(committing)
	}
	q := r.loan.queue
	if size < 0 {
		return q.failureOfSize(committing, size)
	}
	result, err := q.waiting(ctx, committing, forRoom, func() Code { return r.loan.commit(size) })
	return q.conclude(committing, result, err, size)
}

// commit keeps everybody else from finishing the loan while the library is at it.
func (x *loan) commit(size int) Code {
	if !x.state.CompareAndSwap(inHand, busy) {
		return ErrNotHeld
	}
	q, result := x.queue, resultClosed
	if q.isClosing() {
		x.end(aborting)
	} else if result = q.handle.native.commit(&x.lent, size); x.lent.address != 0 && result != ErrNotHeld {
		x.state.Store(inHand)
		return result
	}
	x.state.Store(settled)
	q.end()
	return result
}

// Abort gives the reservation up. ErrNotHeld: it was committed or aborted before.
func (r *Reservation) Abort() error { return r.loan.finish(aborting) }

func (q *Queue) failureOfSize(op operation, size int) error {
	return q.failureOf(op, ErrInvalid, fmt.Sprintf("a message of %d bytes, a size is 0 at least", size))
}
