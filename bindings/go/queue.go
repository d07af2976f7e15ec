//go:build cgo && linux

package cqueue

/*
#cgo noescape cq_abi_version
#cgo nocallback cq_abi_version
#cgo noescape cq_unlink
#cgo nocallback cq_unlink
#cgo noescape go_open
#cgo nocallback go_open
#cgo noescape go_close
#cgo nocallback go_close
#include "shim.h"
*/
import "C"

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// A Queue is an open handle on a queue. All its methods may be called from any number of goroutines at once, Close
// included.
type Queue struct {
	name     string
	config   config
	handle   *handle
	cleanup  runtime.Cleanup
	ordinary [operations]atomic.Pointer[Error]

	// Who uses the handle: calls under way and loans, together with closing and closed.
	users atomic.Int64

	mutex sync.Mutex // guards taken, and what the messages in it may become
	taken *Message   // list of the messages in hand
}

// handle is what a Queue must give back. It knows no Queue, so that the collector can find an abandoned one.
type handle struct {
	address  C.uintptr_t
	closing  chan struct{} // closed by Close: whoever waits stops waiting
	removed  chan struct{} // closed by who notices that the queue was removed: the same, once there is nothing to be had
	removal  sync.Once
	messages descriptor
	room     descriptor
}

func (h *handle) announceRemoval() { h.removal.Do(func() { close(h.removed) }) }

func (h *handle) close() {
	h.messages.close()
	h.room.close()
	C.go_close(h.address)
}

// Open opens the queue name: it creates it or attaches to it, as the options say.
//
// A name has 1 to 200 of A-Z a-z 0-9 . _ - and begins with a letter or digit. Close the queue when it is no longer needed;
// one that is abandoned is closed when the garbage collector finds it.
func Open(name string, options ...Option) (*Queue, error) {
	if ABIVersion() != C.CQ_ABI_VERSION {
		return nil, &Error{Queue: name, Operation: operationNames[opening], Code: ErrVersion,
			Text: fmt.Sprintf("%q: the installed library has binary interface %d, this package was written for %d: "+
				"install its version of cqueue, or build without the tag cqueue_system", name, ABIVersion(), C.CQ_ABI_VERSION)}
	}
	q := &Queue{name: name, config: configure(options), handle: &handle{closing: make(chan struct{}),
		removed: make(chan struct{})}}
	result := q.config.use(name, func(name *C.char, config *C.cq_config) C.int {
		return C.go_open(name, config, &q.handle.address)
	})
	if result != C.CQ_OK {
		return nil, explain(opening, result, name, &q.config, 0)
	}
	q.cleanup = runtime.AddCleanup(q, (*handle).close, q.handle)
	return q, nil
}

// Unlink removes the name of a queue; of the options only the directory counts. Whoever has the queue open keeps using it,
// and its memory goes with the last of them.
func Unlink(name string, options ...Option) error {
	config := configure(options)
	result := config.use(name, func(name *C.char, config *C.cq_config) C.int { return C.cq_unlink(name, config) })
	if result != C.CQ_OK {
		return explain(unlinking, result, name, &config, 0)
	}
	return nil
}

// Version is the version of the C library, such as "1.0.0".
func Version() string { return C.GoString(C.cq_version()) }

// ABIVersion is the version of the C library's binary interface.
func ABIVersion() int { return int(C.cq_abi_version()) }

// Name is the name that the queue was opened by.
func (q *Queue) Name() string { return q.name }

// Close closes the handle. Calls that wait return ErrClosed, and so does every call from now on, a second Close excepted,
// which does nothing. Messages in hand are delivered again at once. The mapping stays while calls are under way and until
// messages and reservations in hand are finished or collected: nobody who still reads or writes one crashes.
func (q *Queue) Close() error {
	q.users.Add(1) // the handle must last until here, too
	if q.users.Or(closing)&closing == 0 {
		close(q.handle.closing)
		q.returnTaken()
	}
	q.end()
	return nil
}

const (
	closing = 1 << 61 // Close was called
	closed  = 1 << 62 // the handle is gone
)

// begin announces a user of the handle, until end. False: the queue is closed.
func (q *Queue) begin() bool {
	if q.users.Add(1)&closing == 0 {
		return true
	}
	q.end()
	return false
}

// end also keeps the Queue, and so its handle, from being collected before a call into C is over.
func (q *Queue) end() {
	if q.users.Add(-1) == closing {
		q.closeHandle()
	}
}

// closeHandle is called by the last user. Another, who is turned away, may have come meanwhile and then is the last.
func (q *Queue) closeHandle() {
	if q.users.CompareAndSwap(closing, closing|closed) {
		q.cleanup.Stop()
		q.handle.close()
	}
}

func (q *Queue) isClosing() bool { return q.users.Load()&closing != 0 }
