package cqueue

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"weak"
)

// loans are what a Queue has lent: messages in hand and reservations. What the caller gets, a Message or a Reservation,
// only points to its loan: so it may be copied, finished twice, or forgotten, and the loan is settled once.
//
// Loans lie in chunks of a few, together with what their callers get. A chunk is collected when nobody has any of them
// any more; then those that were not finished have been forgotten. That is cheaper than to have the collector look
// after each.
type loans struct {
	traced bool      // remember where each was taken
	begun  sync.Pool // of *chunk, with loans left; the collector takes them out
	mutex  sync.Mutex
	chunks []weak.Pointer[chunk] // all that there are, for Close
	enough int                   // so many of them are looked through for those that are gone
}

// loan is what the library has to be shown again, once.
type loan struct {
	queue       *Queue
	lent        lent
	state       atomic.Int32
	isMessage   bool
	message     Message // one of these is the caller's
	reservation Reservation
	stack       []uintptr
}

// States of a loan.
const (
	unused int32 = iota
	inHand
	busy      // a goroutine commits it, or gives it back for later
	withdrawn // Close gave it back; its memory stays until it is finished
	settled
)

const chunkSize = 32

type chunk struct {
	used  int
	loans [chunkSize]loan
}

// lend gives what the library lent to a caller: it is a user of the handle from now on. nil: the queue was closed, too
// late for Close to find it, and so it is settled.
func (q *Queue) lend(lent *lent, isMessage bool) *loan {
	x := q.loans.next()
	x.queue, x.lent, x.isMessage = q, *lent, isMessage
	x.message.loan, x.reservation.loan = x, x
	if q.loans.traced {
		stack := make([]uintptr, 32)
		x.stack = stack[:runtime.Callers(1, stack)]
	}
	x.state.Store(inHand)
	if isMessage && q.isClosing() { // after the store: Close sees the loan, or is seen
		x.settle(givingBack)
		return nil
	}
	return x
}

// next is a loan that was not used before.
func (l *loans) next() *loan {
	c, _ := l.begun.Get().(*chunk)
	if c == nil {
		c = l.add()
	}
	x := &c.loans[c.used]
	if c.used++; c.used < chunkSize {
		l.begun.Put(c)
	}
	return x
}

func (l *loans) add() *chunk {
	c := new(chunk)
	runtime.SetFinalizer(c, (*chunk).collect)
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if len(l.chunks) >= l.enough {
		l.chunks = slices.DeleteFunc(l.chunks, func(c weak.Pointer[chunk]) bool { return c.Value() == nil })
		l.enough = 2*len(l.chunks) + 64
	}
	l.chunks = append(l.chunks, weak.Make(c))
	return c
}

// settle finishes the loan. ErrNotHeld: it was finished before.
func (x *loan) settle(op operation) Code {
	q, result := x.queue, resultClosed
	switch {
	case x.state.CompareAndSwap(inHand, settled):
		result = x.end(op)
	case !x.state.CompareAndSwap(withdrawn, settled):
		return ErrNotHeld
	}
	q.end()
	return result
}

func (x *loan) end(op operation) Code {
	switch n := x.queue.handle.native; op {
	case releasing:
		return n.release(&x.lent)
	case givingBack:
		return n.giveBack(&x.lent)
	default:
		return n.abort(&x.lent)
	}
}

// finish is settle for callers. The loan is nil if they have a Message or Reservation that no Queue made.
func (x *loan) finish(op operation) error {
	if x == nil {
		return errZero(op)
	}
	result := x.settle(op)
	if op == aborting && result == resultOK { // which changes nothing that anybody sees
		return nil
	}
	return x.queue.conclude(op, result, nil, 0)
}

// look shows what is in hand, or was until Close, to somebody who leaves it so. The memory stays meanwhile, because
// nobody else may finish it: see Message.
func (x *loan) look(show func(*loan)) {
	if x == nil {
		return
	}
	if state := x.state.Load(); state == inHand || state == withdrawn {
		show(x)
	}
}

func (x *loan) bytes() []byte {
	if x == nil {
		return nil
	}
	if state := x.state.Load(); state != inHand && state != withdrawn {
		return nil
	}
	return x.lent.bytes()
}

// withdraw gives back the messages in hand, for Close. Reservations are dropped when the handle goes.
func (q *Queue) withdraw() {
	q.loans.mutex.Lock()
	defer q.loans.mutex.Unlock()
	for _, known := range q.loans.chunks {
		c := known.Value()
		if c == nil {
			continue
		}
		for i := range c.loans {
			if x := &c.loans[i]; x.state.Load() == inHand && x.isMessage && x.state.CompareAndSwap(inHand, withdrawn) {
				returned := x.lent // its own still says where the bytes are
				q.handle.native.giveBack(&returned)
			}
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

// collect is called by the collector for a chunk of which nobody has a loan any more: what is in hand was forgotten.
func (c *chunk) collect() {
	for i := range c.used {
		x, op := &c.loans[i], aborting
		if x.isMessage {
			op = givingBack
		}
		if x.settle(op) == ErrNotHeld || x.queue.config.forgotten == nil {
			continue
		}
		go x.queue.config.forgotten(Forgotten{Queue: x.queue.name, Reservation: !x.isMessage, Position: x.lent.position,
			Deliveries: int(x.lent.deliveries), Stack: calls(x.stack)})
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
