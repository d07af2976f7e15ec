package cqueue

import (
	"context"
	"fmt"
)

// A Reservation is room for a message, which is written in place and then committed. Commit or abort it; one that is
// forgotten is aborted when the garbage collector finds it. One goroutine at a time may use it. It must not be copied.
type Reservation struct {
	_ noCopy
	grip
}

// Reserve reserves room for a message of up to size bytes. The message's place in the queue is taken now; but if
// consumers have been waiting for it while later messages were there, the message moves behind these when it is
// committed. It never blocks: ErrFull says that there is no room.
func (q *Queue) Reserve(size int) (*Reservation, error) {
	r := new(Reservation) // as in Take
	if err := q.reserveInto(size, r); err != nil {
		return nil, err
	}
	return r, nil
}

func (q *Queue) reserveInto(size int, r *Reservation) error {
	if size < 0 {
		return q.failureOfSize(reserving, size)
	}
	if result := q.reserve(size, r); result != resultOK {
		return q.failure(reserving, result, size)
	}
	return nil
}

// ReserveContext is Reserve, but waits for room until the context is over.
func (q *Queue) ReserveContext(ctx context.Context, size int) (*Reservation, error) {
	if size < 0 {
		return nil, q.failureOfSize(reserving, size)
	}
	r := new(Reservation)
	result, err := q.waiting(ctx, reserving, forRoom, func() Code { return q.reserve(size, r) })
	if err == nil && result != resultOK {
		err = q.failure(reserving, result, size)
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (q *Queue) reserve(size int, r *Reservation) Code {
	var one lent
	if !q.begin() {
		return resultClosed
	}
	if result := q.handle.native.reserve(size, &one); result != resultOK {
		q.end()
		return result
	}
	r.grip, _ = q.lend(&one, ofReservation)
	return resultOK
}

// Bytes is the memory to write the message into, of the size that was reserved. Not to be used any more after Commit or
// Abort; it is nil then.
func (r *Reservation) Bytes() []byte { return r.bytes() }

// Commit publishes the first size bytes as a message. ErrNotHeld: it was committed or aborted before. ErrClosed: the
// queue was closed, and the reservation is dropped. After any other error, such as ErrTooBig, or ErrFull and ErrNoSpace
// (only if its place was given up meanwhile), it is still reserved.
func (r *Reservation) Commit(size int) error {
	if err := r.faultOf(size); err != nil {
		return err
	}
	return r.queue.conclude(committing, r.commit(size), nil, size)
}

// CommitContext is Commit, but waits for room until the context is over.
func (r *Reservation) CommitContext(ctx context.Context, size int) error {
	if err := r.faultOf(size); err != nil {
		return err
	}
	q := r.queue
	result, err := q.waiting(ctx, committing, forRoom, func() Code { return r.commit(size) })
	return q.conclude(committing, result, err, size)
}

func (r *Reservation) faultOf(size int) error {
	switch {
	case r.queue == nil:
		return errZero(committing)
	case size < 0:
		return r.queue.failureOfSize(committing, size)
	}
	return nil
}

// commit keeps everybody else from finishing the loan while the library is at it.
func (r *Reservation) commit(size int) Code {
	q, x := r.queue, r.loan
	if x == nil || !x.goes(r.turn, inHand, busy) {
		return ErrNotHeld
	}
	result := resultClosed
	if q.isClosing() {
		x.end(aborting)
	} else if result = q.handle.native.commit(&x.lent, size); x.lent.address != 0 && result != ErrNotHeld {
		x.state.Store(r.turn | inHand)
		return result
	}
	x.state.Store(r.turn | settled)
	r.letGo()
	q.end()
	return result
}

// Abort gives the reservation up. ErrNotHeld: it was committed or aborted before.
func (r *Reservation) Abort() error { return r.finish(aborting) }

func (q *Queue) failureOfSize(op operation, size int) error {
	return q.failureOf(op, ErrInvalid, fmt.Sprintf("a message of %d bytes, a size is 0 at least", size))
}
