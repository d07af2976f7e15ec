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
	defer q.end()
	walk := &walk{visit: visit}
	context := cgo.NewHandle(walk)
	defer context.Delete()
	result := C.go_walk(q.handle.address, C.uintptr_t(context))
	if walk.panicked {
		panic(walk.panic)
	}
	if result != C.CQ_OK {
		return q.failure(walking, result, 0)
	}
	return nil
}

type walk struct {
	visit    func(Peeked) bool
	panicked bool
	panic    any
}

// goVisit is called by C. A panic goes around C's frames, which have memory to free.
//
//export goVisit
func goVisit(message *C.cq_message, context C.uintptr_t) (stop C.int) {
	walk := cgo.Handle(context).Value().(*walk)
	stop, walk.panicked = 1, true
	defer func() {
		if walk.panicked {
			walk.panic = recover()
		}
	}()
	if walk.visit(Peeked{bytes.Clone(lentBytes(message)), int(message.deliveries), uint64(message.position)}) {
		stop = 0
	}
	walk.panicked = false
	return stop
}
