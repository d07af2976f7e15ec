package flow

import (
	"errors"
	"sync"
)

// Acks collects what a sink acknowledges until the route looks. Its methods may be called by several goroutines.
type Acks struct {
	ready chan struct{}

	mutex  sync.Mutex
	stored []*Entry
	failed *Entry
	err    error
}

// NewAcks returns empty ones.
func NewAcks() *Acks { return &Acks{ready: make(chan struct{}, 1)} }

// Add says that the sink has these messages.
func (a *Acks) Add(stored ...*Entry) {
	a.mutex.Lock()
	a.stored = append(a.stored, stored...)
	a.mutex.Unlock()
	a.signal()
}

// Fail ends the session. The message is the one that failed, or nil. What fails later does so for that reason, and is
// not told unless it is to blame itself.
func (a *Acks) Fail(failed *Entry, err error) {
	a.mutex.Lock()
	if a.err == nil || errors.As(err, new(*Refused)) && !errors.As(a.err, new(*Refused)) {
		a.failed, a.err = failed, err
	}
	a.mutex.Unlock()
	a.signal()
}

func (a *Acks) signal() {
	select {
	case a.ready <- struct{}{}:
	default:
	}
}

// Done has something when there is something to fetch.
func (a *Acks) Done() <-chan struct{} { return a.ready }

// Fetch returns what was added since the last time, in the memory of the entries given; and what failed.
func (a *Acks) Fetch(memory []*Entry) (stored []*Entry, failed *Entry, err error) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	stored, a.stored = a.stored, memory[:0]
	return stored, a.failed, a.err
}
