package cqueue

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Messages are several that were taken together. Each may be finished by itself.
type Messages []*Message

// Release releases those that are in hand still. The error joins what failed.
func (all Messages) Release() error { return all.finish(releasing) }

// GiveBack gives those back that are in hand still. The error joins what failed.
func (all Messages) GiveBack() error { return all.finish(givingBack) }

const (
	together  = 32   // messages that are shown to the library at a time
	mostTaken = 4096 // at a time, whatever the limit is
)

func (all Messages) finish(op operation) error {
	var failed []error
	var changed []*Queue // one, unless somebody has put together what he took from several
	for rest := all; len(rest) > 0; {
		var q *Queue
		var done bool
		rest, q, done = rest.finishSome(op, &failed)
		if done && q.config.sync && !slices.Contains(changed, q) {
			changed = append(changed, q)
		}
	}
	for _, q := range changed { // once for all, because the disk takes its time
		failed = append(failed, q.conclude(op, resultOK, nil, 0))
	}
	return errors.Join(failed...)
}

// finishSome finishes the first few, of one queue, in one call of the library. done: it did some.
func (all Messages) finishSome(op operation, failed *[]error) (rest Messages, q *Queue, done bool) {
	var few [together]lent
	var grips [together]*grip
	n := 0
	for rest = all; len(rest) > 0 && n < together && (n == 0 || rest[0].queue == q); rest = rest[1:] {
		m := rest[0]
		if m.loan == nil || !m.loan.goes(m.turn, inHand, settled) {
			if result := m.settle(op); result != ErrNotHeld {
				*failed = append(*failed, m.queue.failure(op, result, 0))
			}
			continue
		}
		q, grips[n], few[n] = m.queue, &m.grip, m.loan.lent
		n++
	}
	for at := 0; at < n; {
		ended, result := q.handle.native.endAll(op, few[at:n])
		at += ended
		done = done || ended > 0
		if result != resultOK {
			*failed = append(*failed, q.failure(op, result, 0))
			at++
		}
	}
	for _, g := range grips[:n] {
		g.letGo()
	}
	if n > 0 {
		q.endMany(n)
	}
	return rest, q, done
}

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
	var few [together]lent
	var all Messages
	for limit = min(limit, mostTaken); len(all) < limit; {
		asked := min(len(few), limit-len(all))
		n, result := q.handle.native.takeAll(few[:asked])
		if n == 0 && len(all) == 0 {
			return nil, result
		}
		all = q.handAll(all, few[:n])
		if n < asked || q.isClosing() { // then they went back, and would come again and again
			break
		}
	}
	if len(all) == 0 { // all went back
		return nil, resultClosed
	}
	return all, resultOK
}

func (q *Queue) handAll(all Messages, taken []lent) Messages {
	q.users.Add(int64(len(taken)))
	messages := make([]Message, len(taken))
	all = slices.Grow(all, len(taken))
	for i := range taken {
		if m := &messages[i]; q.hand(m, &taken[i]) == resultOK {
			all = append(all, m)
		}
	}
	return all
}

func (q *Queue) failureOfLimit(op operation, limit int) error {
	return q.failureOf(op, ErrInvalid, fmt.Sprintf("a batch of at most %d messages, ask for 1 at least", limit))
}
