package cqueue

import (
	"context"
	"iter"
	"time"
)

// A Message is one that was taken and is read in place. Release it when it is done with: only then it is gone. Give it
// back, and it is delivered again; so it is when the queue is closed, when the process dies, and when the garbage
// collector finds that it was forgotten. One goroutine at a time may use it. It must not be copied.
//
// Its bytes do not keep it: use the Message itself after the last use of [Message.Bytes], which Release does.
type Message struct {
	_ noCopy
	grip
	position   uint64
	deliveries uint32
}

// Take takes the oldest message, to be read in place until Release or GiveBack. It never blocks: ErrEmpty says that no
// message is waiting.
func (q *Queue) Take() (*Message, error) {
	m := new(Message) // inlined into a caller who does not pass it on, it costs nothing
	if err := q.takeInto(m); err != nil {
		return nil, err
	}
	return m, nil
}

func (q *Queue) takeInto(m *Message) error {
	if result := q.take(m); result != resultOK {
		return q.failure(taking, result, 0)
	}
	return nil
}

// TakeContext is Take, but waits for a message until the context is over. A call that returns the context's error has
// taken none. ErrStale: no message is waiting, and the queue was removed, so that nobody who opens it by name meets
// this handle any more: open it anew. A handle opened with KeepUnlinked waits on.
func (q *Queue) TakeContext(ctx context.Context) (*Message, error) {
	m := new(Message)
	if err := q.takeIntoContext(ctx, m); err != nil {
		return nil, err
	}
	return m, nil
}

func (q *Queue) takeIntoContext(ctx context.Context, m *Message) error {
	result, err := q.waiting(ctx, taking, forMessages, func() Code { return q.take(m) })
	if err == nil && result != resultOK {
		err = q.failure(taking, result, 0)
	}
	return err
}

// All returns the messages as they come, in hand: the loop releases each when it is done with it, or passes it to a
// goroutine that does. The last pair has the error that ended it: the context's, ErrClosed or ErrStale.
func (q *Queue) All(ctx context.Context) iter.Seq2[*Message, error] { return all(ctx, q.TakeContext) }

func (q *Queue) take(m *Message) Code {
	var one lent
	if !q.begin() {
		return resultClosed
	}
	if result := q.handle.native.take(&one); result != resultOK {
		q.end()
		return result
	}
	return q.hand(m, &one)
}

// hand puts a message that was taken into its caller's hands.
func (q *Queue) hand(m *Message, lent *lent) (result Code) {
	g, open := q.lend(lent, ofMessage)
	if !open {
		return resultClosed
	}
	m.grip, m.position, m.deliveries = g, lent.position, lent.deliveries
	return resultOK
}

// Bytes is the message, in place: not to be changed, and not to be used any more after Release or GiveBack. It is nil
// then.
func (m *Message) Bytes() []byte { return m.bytes() }

// Deliveries is 1 the first time the message is delivered, 2 the second, ..., at most 255.
func (m *Message) Deliveries() int { return int(m.deliveries) }

// Position identifies the message, also when it is delivered again.
func (m *Message) Position() uint64 { return m.position }

// Release says that the message is done with: it is gone. ErrNotHeld: it was finished before. ErrClosed: the queue was
// closed, and the message is delivered again.
func (m *Message) Release() error { return m.finish(releasing) }

// GiveBack says that the message is not done with: it is delivered again, before newer messages. Errors as Release;
// after a Release it does nothing but return ErrNotHeld, and so may be deferred.
func (m *Message) GiveBack() error { return m.finish(givingBack) }

// GiveBackAfter gives the message back for later: it is delivered again when the delay has passed, before newer messages
// then; until then others are. The delay is kept whatever happens to this process. Errors as Release, and ErrNoSpace:
// there is no memory to note the time, and the message is still in hand.
func (m *Message) GiveBackAfter(delay time.Duration) error {
	return m.giveBackAfter(max(0, int64(delay)))
}

// GiveBackToTail gives the message back behind all messages that wait now. Errors as GiveBackAfter.
func (m *Message) GiveBackToTail() error { return m.giveBackAfter(toTail) }

const toTail = -1

func (m *Message) giveBackAfter(delay int64) error {
	q, x := m.queue, m.loan
	if x == nil || !x.goes(m.turn, inHand, busy) {
		return m.finish(givingBack) // it was finished, or Close gave it back
	}
	result := q.handle.native.giveBackAfter(&x.lent, delay)
	if x.lent.address != 0 && result != ErrNotHeld {
		x.state.Store(m.turn | inHand)
		return q.failure(givingBack, result, 0)
	}
	x.state.Store(m.turn | settled)
	m.letGo()
	q.end()
	return q.conclude(givingBack, result, nil, 0)
}

func errZero(op operation) error {
	return &Error{Operation: operationNames[op], Code: ErrNotHeld, Text: ownWords[ErrNotHeld]}
}
