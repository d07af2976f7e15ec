package cqueue

import (
	"fmt"
	"runtime"
	"sync/atomic"
)

// A Queue is an open handle on a queue. All its methods may be called from any number of goroutines at once, Close
// included. It must not be copied.
type Queue struct {
	_        noCopy
	name     string
	config   config
	handle   *handle
	cleanup  runtime.Cleanup
	ordinary [operations]atomic.Pointer[Error]
	loans    loans
	flushes  flushes

	// Who uses the handle: calls under way and loans, together with closing and closed.
	users atomic.Int64
}

// noCopy makes go vet complain of copies.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}

// handle is what a Queue must give back. It knows no Queue, so that the collector can find an abandoned one.
type handle struct {
	native  native
	closing chan struct{} // closed by Close: whoever waits stops waiting
	sides   [2]side       // by sideKind
	sleep   sleep
}

// Open opens the queue name: it creates it or attaches to it, as the options say.
//
// A name has 1 to 200 of A-Z a-z 0-9 . _ - and begins with a letter or digit. Close the queue when it is no longer
// needed; one that is abandoned is closed when the garbage collector finds it.
func Open(name string, options ...Option) (*Queue, error) {
	q := &Queue{name: name, config: configure(options), handle: &handle{closing: make(chan struct{})}}
	if q.config.fault(name) != "" {
		return nil, explain(opening, q.config.faultCode(name), name, &q.config, 0)
	}
	if ABIVersion() != headerABI {
		return nil, q.failureOf(opening, ErrVersion, fmt.Sprintf("the installed library has binary interface %d, this "+
			"package was written for %d: install its version of cqueue, or build without the tag cqueue_system",
			ABIVersion(), headerABI))
	}
	q.handle.sleep.allowed.L = &q.handle.sleep.mutex
	opened, result := nativeOpen(name, &q.config)
	if result != resultOK {
		return nil, explain(opening, result, name, &q.config, 0)
	}
	q.handle.native = opened
	q.loans.traced = q.config.forgotten != nil
	q.cleanup = runtime.AddCleanup(q, native.close, opened)
	return q, nil
}

// Unlink removes the name of a queue; of the options only the directory counts. Whoever has the queue open keeps using
// it, and its memory goes with the last of them.
func Unlink(name string, options ...Option) error {
	config := configure(options)
	result := resultOK
	if config.fault(name) != "" {
		result = config.faultCode(name)
	} else {
		result = nativeUnlink(name, &config)
	}
	if result != resultOK {
		return explain(unlinking, result, name, &config, 0)
	}
	return nil
}

// Version is the version of the C library, such as "1.0.0".
func Version() string { return nativeVersion() }

// ABIVersion is the version of the C library's binary interface.
func ABIVersion() int { return nativeABIVersion() }

// Name is the name that the queue was opened by.
func (q *Queue) Name() string { return q.name }

// Close closes the handle. Calls that wait return ErrClosed, and so does every call from now on, a second Close
// excepted, which does nothing. Messages in hand are delivered again at once. The mapping stays while calls are under
// way and until messages and reservations in hand are finished or collected: nobody who still reads or writes one
// crashes.
func (q *Queue) Close() error {
	q.users.Add(1) // the handle must last until here, too
	if q.users.Or(closing)&closing == 0 {
		close(q.handle.closing)
		q.handle.sleep.end(q.handle.native)
		q.withdraw()
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
func (q *Queue) end() { q.endMany(1) }

func (q *Queue) endMany(users int) {
	if q.users.Add(int64(-users)) == closing {
		q.closeHandle()
	}
}

// closeHandle is called by the last user. Another, who is turned away, may have come meanwhile and then is the last.
func (q *Queue) closeHandle() {
	if q.users.CompareAndSwap(closing, closing|closed) {
		q.cleanup.Stop()
		q.handle.native.close()
	}
}

func (q *Queue) isClosing() bool { return q.users.Load()&closing != 0 }
