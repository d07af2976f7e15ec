package cqueue

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// A Message is one that was taken and is read in place. Release it when it is done with: only then it is gone. Give it
// back, and it is delivered again; so it is when the queue is closed, when the process dies, and when the garbage
// collector finds that it was forgotten. One goroutine at a time may use it. It must not be copied.
//
// Its bytes do not keep it: use the Message itself after the last use of [Message.Bytes], which Release does.
type Message struct {
	_    noCopy
	loan *loan
}

// Take takes the oldest message, to be read in place until Release or GiveBack. It never blocks: ErrEmpty says that no
// message is waiting.
func (q *Queue) Take() (*Message, error) {
	m, result := q.take()
	if result != resultOK {
		return nil, q.failure(taking, result, 0)
	}
	return m, nil
}

// TakeContext is Take, but waits for a message until the context is over. A call that returns the context's error has
// taken none. ErrStale: no message is waiting, and the queue was removed, so that nobody who opens it by name meets
// this handle any more: open it anew. A handle opened with KeepUnlinked waits on.
func (q *Queue) TakeContext(ctx context.Context) (*Message, error) {
	var m *Message
	result, err := q.waiting(ctx, taking, forMessages, func() (result Code) {
		m, result = q.take()
		return result
	})
	if err == nil && result != resultOK {
		err = q.failure(taking, result, 0)
	}
	return m, err
}

// All returns the messages as they come, in hand: the loop releases each when it is done with it, or passes it to a
// goroutine that does. The last pair has the error that ended it: the context's, ErrClosed or ErrStale.
func (q *Queue) All(ctx context.Context) iter.Seq2[*Message, error] { return all(ctx, q.TakeContext) }

func (q *Queue) take() (*Message, Code) {
	var one [1]lent
	if !q.begin() {
		return nil, resultClosed
	}
	if _, result := q.handle.native.take(one[:]); result != resultOK {
		q.end()
		return nil, result
	}
	x := q.lend(&one[0], true)
	if x == nil {
		return nil, resultClosed
	}
	return &x.message, resultOK
}

// Bytes is the message, in place: not to be changed, and not to be used any more after Release or GiveBack. It is nil
// then.
func (m *Message) Bytes() []byte { return m.loan.bytes() }

// Deliveries is 1 the first time the message is delivered, 2 the second, ..., at most 255.
func (m *Message) Deliveries() int {
	if m.loan == nil {
		return 0
	}
	return int(m.loan.lent.deliveries)
}

// Position identifies the message, also when it is delivered again.
func (m *Message) Position() uint64 {
	if m.loan == nil {
		return 0
	}
	return m.loan.lent.position
}

// Release says that the message is done with: it is gone. ErrNotHeld: it was finished before. ErrClosed: the queue was
// closed, and the message is delivered again.
func (m *Message) Release() error { return m.loan.finish(releasing) }

// GiveBack says that the message is not done with: it is delivered again, before newer messages. Errors as Release;
// after a Release it does nothing but return ErrNotHeld, and so may be deferred.
func (m *Message) GiveBack() error { return m.loan.finish(givingBack) }

// GiveBackAfter gives the message back for later: it is delivered again when the delay has passed, before newer messages
// then; until then others are. The delay is kept whatever happens to this process. Errors as Release, and ErrNoSpace:
// there is no memory to note the time, and the message is still in hand.
func (m *Message) GiveBackAfter(delay time.Duration) error {
	return m.loan.giveBackAfter(max(0, int64(delay)))
}

// GiveBackToTail gives the message back behind all messages that wait now. Errors as GiveBackAfter.
func (m *Message) GiveBackToTail() error { return m.loan.giveBackAfter(toTail) }

const toTail = -1

func (x *loan) giveBackAfter(delay int64) error {
	if x == nil {
		return errZero(givingBack)
	}
	q := x.queue
	if !x.state.CompareAndSwap(inHand, busy) {
		return x.finish(givingBack) // it was finished, or Close gave it back
	}
	result := q.handle.native.giveBackAfter(&x.lent, delay)
	if x.lent.address != 0 && result != ErrNotHeld {
		x.state.Store(inHand)
		return q.failure(givingBack, result, 0)
	}
	x.state.Store(settled)
	q.end()
	return q.conclude(givingBack, result, nil, 0)
}

func errZero(op operation) error {
	return &Error{Operation: operationNames[op], Code: ErrNotHeld, Text: ownWords[ErrNotHeld]}
}

// Messages are several that were taken together. Each may be finished by itself.
type Messages []*Message

// Release releases those that are in hand still. The error joins what failed.
func (all Messages) Release() error { return all.finish(releasing) }

// GiveBack gives those back that are in hand still, the last first, which makes no difference to their order. The error
// joins what failed.
func (all Messages) GiveBack() error { return all.finish(givingBack) }

func (all Messages) finish(op operation) error {
	var failed []error
	var changed *Queue // they are all of one, unless somebody has put them together
	conclude := func() {
		if changed != nil && changed.config.sync {
			failed = append(failed, changed.conclude(op, resultOK, nil, 0))
		}
	}
	for _, m := range all {
		if m.Bytes() == nil { // finished
			continue
		}
		q := m.loan.queue
		switch result := m.loan.settle(op); result {
		case resultOK:
			if q != changed {
				conclude()
				changed = q
			}
		case ErrNotHeld:
		default:
			failed = append(failed, q.failure(op, result, 0))
		}
	}
	conclude() // once for all, because the disk takes its time
	return errors.Join(failed...)
}

const mostTaken = 4096 // at a time, whatever the limit is

// TakeBatch takes up to limit of the oldest messages, as many as are waiting. It never blocks: ErrEmpty says that there
// are none.
func (q *Queue) TakeBatch(limit int) (Messages, error) {
	if limit < 1 {
		return nil, q.failureOfLimit(taking, limit)
	}
	all, result := q.takeBatch(limit)
	if result != resultOK {
		return nil, q.failure(taking, result, 0)
	}
	return all, nil
}

// TakeBatchContext is TakeBatch, but waits for a message until the context is over.
func (q *Queue) TakeBatchContext(ctx context.Context, limit int) (Messages, error) {
	if limit < 1 {
		return nil, q.failureOfLimit(taking, limit)
	}
	var all Messages
	result, err := q.waiting(ctx, taking, forMessages, func() (result Code) {
		all, result = q.takeBatch(limit)
		return result
	})
	if err == nil && result != resultOK {
		err = q.failure(taking, result, 0)
	}
	return all, err
}

func (q *Queue) takeBatch(limit int) (Messages, Code) {
	if !q.begin() {
		return nil, resultClosed
	}
	defer q.end()
	var few [32]lent
	var all Messages
	for limit = min(limit, mostTaken); len(all) < limit; {
		asked := min(len(few), limit-len(all))
		n, result := q.handle.native.take(few[:asked])
		if n == 0 && len(all) == 0 {
			return nil, result
		}
		all = append(all, q.lendAll(few[:n])...)
		if n < asked {
			break
		}
	}
	if len(all) == 0 { // all went back
		return nil, resultClosed
	}
	return all, resultOK
}

func (q *Queue) lendAll(taken []lent) Messages {
	q.users.Add(int64(len(taken)))
	all := make(Messages, 0, len(taken))
	for i := range taken {
		if x := q.lend(&taken[i], true); x != nil {
			all = append(all, &x.message)
		}
	}
	return all
}

func (q *Queue) failureOfLimit(op operation, limit int) error {
	return q.failureOf(op, ErrInvalid, fmt.Sprintf("a batch of at most %d messages, ask for 1 at least", limit))
}
