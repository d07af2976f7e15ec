package cqueue

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"weak"
)

// loans are what a Queue has lent: messages in hand and reservations. Each has a place here, with what the library must
// be shown again, and a number that no other loan of the queue ever has. What the caller gets, a Message or a
// Reservation, only knows place and number: so it may be copied, finished twice, or forgotten, and the loan is settled
// once.
//
// Callers' objects lie in chunks of a few. A chunk is collected when none of them is in use any more; then those that
// were not finished have been forgotten. That is cheaper than to have the collector look after each.
type loans struct {
	traced bool // remember where each was taken

	mutex        sync.Mutex
	places       []place
	free         []uint32 // places that are
	last         uint64   // number that was given out
	messages     weak.Pointer[chunk[Message]]
	reservations weak.Pointer[chunk[Reservation]]
}

type place struct {
	number    uint64 // 0: free
	lent      lent
	kind      loanKind
	withdrawn bool // Close gave it back; its memory stays until it is finished
	stack     []uintptr
}

type loanKind uint8

const (
	ofMessage loanKind = iota
	ofReservation
)

// loan is what a Message and a Reservation are inside.
type loan struct {
	queue  *Queue
	number uint64
	place  uint32
	bytes  []byte
}

const chunkSize = 16

type chunk[T any] struct {
	used  int
	items [chunkSize]T
}

// next is an object that was not used before, of the chunk that is in use or of a new one. loans.mutex is locked.
func next[T any](current *weak.Pointer[chunk[T]], collected func(*chunk[T])) *T {
	c := current.Value()
	if c == nil || c.used == chunkSize {
		c = new(chunk[T])
		runtime.SetFinalizer(c, collected)
		*current = weak.Make(c)
	}
	c.used++
	return &c.items[c.used-1]
}

// add gives what the library lent a place. The mutex is locked, and the loan is a user of the handle.
func (l *loans) add(q *Queue, kind loanKind, lent lent) loan {
	l.last++
	p := place{number: l.last, kind: kind, lent: lent}
	if l.traced {
		stack := make([]uintptr, 32)
		p.stack = stack[:runtime.Callers(1, stack)]
	}
	x := loan{queue: q, bytes: lent.bytes()}
	l.putBack(&x, p)
	return x
}

// putBack gives the loan a place, and it the place. The mutex is locked.
func (l *loans) putBack(x *loan, p place) {
	if n := len(l.free); n > 0 {
		x.place, l.free = l.free[n-1], l.free[:n-1]
	} else {
		x.place, l.places = uint32(len(l.places)), append(l.places, place{})
	}
	x.number, l.places[x.place] = p.number, p
}

// remove frees the loan's place. False: it was finished before. The mutex is locked.
func (l *loans) remove(x *loan) (place, bool) {
	if x.number == 0 {
		return place{}, false
	}
	p := &l.places[x.place]
	found := *p
	if found.number != x.number {
		return place{}, false
	}
	*p = place{}
	l.free = append(l.free, x.place)
	return found, true
}

// settle finishes the loan, unless it was finished before. It stays a user of the handle until then.
func (x *loan) settle(op operation) error {
	if x.queue == nil {
		return errZero(op)
	}
	q, l := x.queue, &x.queue.loans
	l.mutex.Lock()
	found, ok := l.remove(x)
	l.mutex.Unlock()
	x.bytes = nil
	if !ok {
		return q.failure(op, ErrNotHeld, 0)
	}
	result := found.settle(q.handle.native, op)
	q.end()
	if result != resultOK {
		return q.failure(op, result, 0)
	}
	return nil
}

func (p *place) settle(n native, op operation) Code {
	switch {
	case p.withdrawn:
		return resultClosed
	case op == releasing:
		return n.release(&p.lent)
	case op == givingBack:
		return n.giveBack(&p.lent)
	default:
		return n.abort(&p.lent)
	}
}

// withdraw gives back the messages in hand, for Close. Reservations are dropped when the handle goes.
func (q *Queue) withdraw() {
	l := &q.loans
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for i := range l.places {
		if p := &l.places[i]; p.number != 0 && p.kind == ofMessage && !p.withdrawn {
			q.handle.native.giveBack(&p.lent)
			p.withdrawn = true
		}
	}
}

// A Forgotten is a message or reservation that the garbage collector found before it was finished. See [WithForgotten].
type Forgotten struct {
	Queue       string
	Reservation bool   // not a message: it was aborted
	Position    uint64 // of the message
	Deliveries  int
	Stack       string // where it was taken or reserved, a call a line
}

// collectMessages and collectReservations are called by the collector for a chunk that nobody has any more.
func collectMessages(c *chunk[Message]) {
	q := c.items[0].loan.queue
	q.loans.mutex.Lock()
	defer q.loans.mutex.Unlock()
	for i := range c.used {
		q.collect(&c.items[i].loan, givingBack)
	}
}

func collectReservations(c *chunk[Reservation]) {
	q := c.items[0].loan.queue
	q.loans.mutex.Lock()
	defer q.loans.mutex.Unlock()
	for i := range c.used {
		q.collect(&c.items[i].loan, aborting)
	}
}

// collect settles a loan that was forgotten, if it was. loans.mutex is locked.
func (q *Queue) collect(x *loan, op operation) {
	found, ok := q.loans.remove(x)
	if !ok {
		return
	}
	found.settle(q.handle.native, op)
	q.end()
	if q.config.forgotten != nil {
		go q.config.forgotten(Forgotten{Queue: q.name, Reservation: found.kind == ofReservation,
			Position: found.lent.position, Deliveries: int(found.lent.deliveries), Stack: calls(found.stack)})
	}
}

func calls(stack []uintptr) string {
	var text strings.Builder
	frames := runtime.CallersFrames(stack)
	for {
		frame, more := frames.Next()
		if text.Len() > 0 || !strings.HasPrefix(frame.Function, "cqueue.io/go/cqueue.") {
			fmt.Fprintf(&text, "%s %s:%d\n", frame.Function, frame.File, frame.Line)
		}
		if !more {
			return text.String()
		}
	}
}
