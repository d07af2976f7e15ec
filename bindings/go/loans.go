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
// has a grip on a loan. The loan is used again when it was settled, and a grip that somebody kept, or copied, then finds
// that it is no more its own.
//
// A loan that is lent is reachable from its caller's grip alone. So the collector finds it if it was forgotten, by a
// finalizer that is set once and not for each message.
type loans struct {
	traced bool      // remember where each was taken
	free   sync.Pool // of *loan; the collector takes them out
	mutex  sync.Mutex
	known  []weak.Pointer[loan] // all that there are, for Close
	enough int                  // so many of them are looked through for those that are gone
}

// loan is what the library has to be shown again, once.
type loan struct {
	queue *Queue
	state atomic.Uint64 // its turn, which grows each time that it is lent, together with one of the states below
	lent  lent
	stack []uintptr
}

// grip is how a caller holds a loan.
type grip struct {
	queue *Queue
	loan  *loan // nil once it was finished
	turn  uint64
}

// States of a loan.
const (
	settled uint64 = iota
	inHand
	busy      // a goroutine commits it, or gives it back for later
	withdrawn // Close gave it back; its memory stays until it is finished
	states
)

// Kinds of loans, which are a part of the turn.
const (
	ofReservation = 0
	ofMessage     = states
	oneTurn       = 2 * states
)

// lend gives what the library lent to a caller, who is a user of the handle from now on. False: the queue was closed,
// too late for Close to find the loan, and so it is settled.
func (q *Queue) lend(lent *lent, kind uint64) (grip, bool) {
	x := q.loans.next(q)
	x.lent = *lent
	if q.loans.traced {
		stack := make([]uintptr, 32)
		x.stack = stack[:runtime.Callers(1, stack)]
	}
	turn := x.state.Load()&^(oneTurn-1) + oneTurn + kind
	g := grip{q, x, turn}
	x.state.Store(turn | inHand)
	if kind == ofMessage && q.isClosing() { // after the store: Close sees the loan, or is seen
		g.settle(givingBack)
		return grip{}, false
	}
	return g, true
}

// next is a loan that nobody has.
func (l *loans) next(q *Queue) *loan {
	if x, _ := l.free.Get().(*loan); x != nil {
		return x
	}
	x := &loan{queue: q}
	runtime.SetFinalizer(x, (*loan).collect)
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if len(l.known) >= l.enough {
		l.known = slices.DeleteFunc(l.known, func(x weak.Pointer[loan]) bool { return x.Value() == nil })
		l.enough = 2*len(l.known) + 64
	}
	l.known = append(l.known, weak.Make(x))
	return x
}

// goes changes the state of the loan, if it is still that turn's and in the state from.
func (x *loan) goes(turn, from, to uint64) bool { return x.state.CompareAndSwap(turn|from, turn|to) }

// end shows the loan to the library.
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

// settle finishes the loan. ErrNotHeld: it was finished before.
func (g *grip) settle(op operation) Code {
	x := g.loan
	switch {
	case x == nil:
		return ErrNotHeld
	case x.goes(g.turn, inHand, settled):
		result := x.end(op)
		g.letGo()
		g.queue.end()
		return result
	case x.goes(g.turn, withdrawn, settled):
		g.loan = nil // no Close has to do with it any more, but one may still read it
		g.queue.end()
		return resultClosed
	}
	return ErrNotHeld
}

// letGo is for a loan that was settled, with the library, too. Its caller is a user of the handle still.
func (g *grip) letGo() {
	g.queue.loans.free.Put(g.loan)
	g.loan = nil
}

// finish is settle for callers, who may also have a Message or Reservation that no Queue made.
func (g *grip) finish(op operation) error {
	if g.queue == nil {
		return errZero(op)
	}
	result := g.settle(op)
	if op == aborting && result == resultOK { // which changes nothing that anybody sees
		return nil
	}
	return g.queue.conclude(op, result, nil, 0)
}

// look is the loan while it is in hand, or was until Close, for somebody who leaves it so; else nil. Its memory stays
// meanwhile, because nobody else may finish it: see Message.
func (g *grip) look() *loan {
	if x := g.loan; x != nil {
		if state := x.state.Load(); state == g.turn|inHand || state == g.turn|withdrawn {
			return x
		}
	}
	return nil
}

func (g *grip) bytes() []byte {
	if x := g.look(); x != nil {
		return x.lent.bytes()
	}
	return nil
}

// withdraw gives back the messages in hand, for Close. Reservations are dropped when the handle goes.
func (q *Queue) withdraw() {
	q.loans.mutex.Lock()
	defer q.loans.mutex.Unlock()
	for _, known := range q.loans.known {
		x := known.Value()
		if x == nil {
			continue
		}
		state := x.state.Load()
		if turn := state &^ (states - 1); turn&ofMessage != 0 && state == turn|inHand && x.goes(turn, inHand, withdrawn) {
			returned := x.lent // its own still says where the bytes are
			q.handle.native.giveBack(&returned)
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

// collect is called by the collector for a loan that nobody has, and that is not free for others any more: if it was not
// settled it was forgotten.
func (x *loan) collect() {
	q, state, op := x.queue, x.state.Load(), aborting
	if state&ofMessage != 0 {
		op = givingBack
	}
	switch state & (states - 1) {
	case settled:
		return
	case inHand:
		x.end(op)
	}
	q.end()
	if q.config.forgotten != nil {
		go q.config.forgotten(Forgotten{Queue: q.name, Reservation: op == aborting, Position: x.lent.position,
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
