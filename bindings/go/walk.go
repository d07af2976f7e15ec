//go:build cgo && linux

package cqueue

/*
#include "shim.h"

int goVisit(cq_message *message, uintptr_t context);

static inline int go_visit(const cq_message *message, void *context)
{
    return goVisit((cq_message *)(uintptr_t)message, (uintptr_t)context);
}

static inline int go_walk(uintptr_t handle, uintptr_t context)
{
    return cq_walk(go_queue(handle), go_visit, (void *)context);
}
*/
import "C"

import (
	"bytes"
	"runtime/cgo"
)

// A Peeked is a copy of a message that is waiting.
type Peeked struct {
	Bytes      []byte // the visitor's to keep
	Deliveries int    // what it will be when the message is delivered next: 1 for the first time
	Position   uint64 // identifies the message
}

// Walk shows visit each waiting message in the order of delivery, without taking any, until visit returns false. Messages
// that come or go meanwhile may be shown or not.
func (q *Queue) Walk(visit func(Peeked) bool) error {
	if !q.begin() {
		return q.failure(walking, resultClosed, 0)
	}
	// A goroutine of its own has C on its stack: there, visit could not panic or leave by runtime.Goexit without C losing
	// memory, nor be one half of iter.Pull.
	w := &walk{messages: make(chan Peeked), enough: make(chan struct{}), done: make(chan struct{})}
	go w.run(q)
	defer func() {
		close(w.enough)
		<-w.done
	}()
	for {
		select {
		case message := <-w.messages:
			if !visit(message) {
				return nil
			}
		case <-w.done:
			if w.result != C.CQ_OK {
				return q.failure(walking, w.result, 0)
			}
			return nil
		}
	}
}

type walk struct {
	messages chan Peeked
	enough   chan struct{} // closed by who visits
	done     chan struct{} // closed by who walks, when result is there
	result   C.int
}

func (w *walk) run(q *Queue) {
	context := cgo.NewHandle(w)
	w.result = C.go_walk(q.handle.address, C.uintptr_t(context))
	context.Delete()
	q.end()
	close(w.done)
}

// goVisit is called by C.
//
//export goVisit
func goVisit(message *C.cq_message, context C.uintptr_t) (stop C.int) {
	w := cgo.Handle(context).Value().(*walk)
	peeked := Peeked{bytes.Clone(lentBytes(message)), int(message.deliveries), uint64(message.position)}
	select {
	case w.messages <- peeked:
		return 0
	case <-w.enough:
		return 1
	}
}
