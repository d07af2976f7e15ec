//go:build cgo && linux

package cqueue

/*
#cgo noescape go_take
#cgo nocallback go_take
#cgo noescape go_release
#cgo nocallback go_release
#cgo noescape go_return
#cgo nocallback go_return
#include "shim.h"
*/
import "C"

import (
	"context"
	"unsafe"
)

// A Message is one that was taken and is read in place. Release it when it is done with, or it stays in hand until the
// queue is closed; then it is delivered again. One goroutine at a time may use it.
type Message struct {
	queue      *Queue
	bytes      []byte
	deliveries int
	position   uint64

	// Guarded by queue.mutex.
	lent           C.cq_message
	state          loanState
	next, previous *Message
}

type loanState int

const (
	held      loanState = iota
	withdrawn           // Close gave it back; its memory stays until it is finished
	finished
)

// Take takes the oldest message, to be read in place until Release or Return. It never blocks: ErrEmpty says that no
// message is waiting.
func (q *Queue) Take() (*Message, error) {
	m := &Message{queue: q}
	if result := m.take(0); result != C.CQ_OK {
		return nil, q.failure(taking, result, 0)
	}
	return m, nil
}

// TakeContext is Take, but waits for a message until the context is over. A call that returns the context's error has
// taken none.
func (q *Queue) TakeContext(ctx context.Context) (*Message, error) {
	m := &Message{queue: q}
	result, err := q.waiting(ctx, taking, &q.handle.messages, m.take)
	if err == nil && result != C.CQ_OK {
		err = q.failure(taking, result, 0)
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (m *Message) take(patience C.int64_t) C.int {
	q := m.queue
	if !q.begin() {
		return resultClosed
	}
	result := C.go_take(q.handle.address, &m.lent, patience)
	if result != C.CQ_OK {
		q.end()
		return result
	}
	m.bytes = lentBytes(&m.lent)
	m.deliveries, m.position = int(m.lent.deliveries), uint64(m.lent.position)

	q.mutex.Lock()
	defer q.mutex.Unlock()
	if q.isClosing() { // too late for Close to find it
		C.go_return(q.handle.address, &m.lent)
		q.end()
		return resultClosed
	}
	if m.next = q.taken; m.next != nil {
		m.next.previous = m
	}
	q.taken = m
	return C.CQ_OK // and stays a user of the handle
}

func lentBytes(lent *C.cq_message) []byte { return unsafe.Slice((*byte)(lent.data), int(lent.size)) }

// Bytes is the message, in place: not to be changed, and not to be used any more after Release or Return. It is nil then.
func (m *Message) Bytes() []byte { return m.bytes }

// Deliveries is 1 the first time the message is delivered, 2 the second, ..., at most 255.
func (m *Message) Deliveries() int { return m.deliveries }

// Position identifies the message, also when it is delivered again.
func (m *Message) Position() uint64 { return m.position }

// Release says that the message is done with: it is gone. ErrNotHeld: it was finished before. ErrClosed: the queue was
// closed, and the message is delivered again.
func (m *Message) Release() error {
	return m.finish(releasing, func(address C.uintptr_t) C.int { return C.go_release(address, &m.lent) })
}

// Return says that the message is not done with: it is delivered again, before newer messages. Errors as Release.
func (m *Message) Return() error {
	return m.finish(returning, func(address C.uintptr_t) C.int { return C.go_return(address, &m.lent) })
}

func (m *Message) finish(op operation, settle func(C.uintptr_t) C.int) error {
	q, result := m.queue, C.int(C.CQ_OK)
	q.mutex.Lock()
	before := m.state
	if before == held {
		m.unlink()
		result = settle(q.handle.address)
	}
	m.state = finished
	q.mutex.Unlock()

	switch before {
	case finished:
		return q.failure(op, C.CQ_ENOTHELD, 0)
	case withdrawn:
		result = resultClosed
	}
	m.bytes = nil
	q.end()
	if result != C.CQ_OK {
		return q.failure(op, result, 0)
	}
	return nil
}

// unlink removes the message from the list of those in hand.
func (m *Message) unlink() {
	if m.previous != nil {
		m.previous.next = m.next
	} else {
		m.queue.taken = m.next
	}
	if m.next != nil {
		m.next.previous = m.previous
	}
	m.next, m.previous = nil, nil
}

// returnTaken gives back what is in hand, for Close.
func (q *Queue) returnTaken() {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	for q.taken != nil {
		m := q.taken
		C.go_return(q.handle.address, &m.lent)
		m.state = withdrawn
		m.unlink()
	}
}
