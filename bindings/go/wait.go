package cqueue

import (
	"container/list"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Goroutines wait in turn. Where nobody waits yet one tries again for a moment: that is quicker than to sleep, if the
// other side is awake. Of those that wait on one side of a handle, the first sleeps in the library, in a thread of
// the operating system; the others are parked, and cost no more than goroutines do. A message wakes one sleeper of all
// handles of all processes, straight in its own call: no poller, no helper in between. Once served it hands the turn
// on.
//
// What it takes more than in C until a goroutine runs that was asleep is, by a trace, that Go wakes its watching thread
// (sysmon) as soon as a processor of its is in use again: some 3 of 11 microseconds there and back.
//
// A context that is over wakes its goroutine out of the library by cq_cancel, which ends every wait on the handle: the
// one on the other side, if there is one, begins again.

type sideKind int

const (
	forMessages sideKind = iota // what consumers wait for
	forRoom                     // what producers wait for
)

const (
	// spins is how often a goroutine tries before it waits: about as long as it takes to wake a thread. Half as often
	// after each time that it was in vain, not at all in the end, and from the beginning again after so many waits, or
	// after one that was shorter than spinning takes.
	spins           = 512
	spinTime        = 40 * time.Microsecond
	waitsUntilSpins = 64
	// vain is how often in a row the library may say that there is something, and there is not, before that is slowed
	// down by vainPause: others are faster, or there is room but not for this message.
	vain      = 16
	vainPause = time.Millisecond
	// mostSleeping is how many threads of this process may sleep in queues. Go ends a process that has 10,000.
	mostSleeping = 8000
)

// side is who waits on one side of a handle.
type side struct {
	misses  atomic.Uint32 // spins in vain
	mutex   sync.Mutex
	waiters list.List // of *waiter; the first has the turn
}

type waiter struct {
	turn chan struct{} // has a token once it is the waiter's turn; nil if it was so from the beginning
	// Guarded by sleep.mutex.
	asleep      bool
	interrupted bool
}

// spin tries again while there is nothing, unless others wait already.
func (s *side) spin(attempt func() Code, result Code) Code {
	s.mutex.Lock()
	waiting := s.waiters.Len() > 0
	s.mutex.Unlock()
	if waiting {
		return result
	}
	misses := s.misses.Load()
	for i := 0; i < spins>>misses && (result == ErrEmpty || result == ErrFull); i++ {
		result = attempt()
	}
	if mayHelp(result) {
		s.misses.Store((misses + 1) % waitsUntilSpins)
	} else if misses > 0 {
		s.misses.Store(0)
	}
	return result
}

func (s *side) join() (*list.Element, *waiter) {
	w := &waiter{}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.waiters.Len() > 0 {
		w.turn = make(chan struct{}, 1)
	}
	return s.waiters.PushBack(w), w
}

// leave hands the turn on if it was this waiter's.
func (s *side) leave(at *list.Element) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	first := s.waiters.Front() == at
	s.waiters.Remove(at)
	if next := s.waiters.Front(); first && next != nil {
		next.Value.(*waiter).turn <- struct{}{}
	}
}

// waiting makes an attempt, and as long as waiting may help waits and makes another.
func (q *Queue) waiting(ctx context.Context, op operation, kind sideKind, attempt func() Code) (Code, error) {
	if ctx.Err() != nil {
		return 0, q.failureOfContext(op, ctx)
	}
	result := attempt()
	if !mayHelp(result) {
		return result, nil
	}
	s := &q.handle.sides[kind]
	if result = s.spin(attempt, result); !mayHelp(result) {
		return result, nil
	}
	at, w := s.join()
	defer s.leave(at)
	if w.turn != nil {
		select {
		case <-w.turn:
		case <-ctx.Done():
			return 0, q.failureOfWait(op, ctx, result)
		case <-q.handle.closing:
			return resultClosed, nil
		}
	}
	if ctx.Done() != nil {
		defer context.AfterFunc(ctx, func() { q.handle.sleep.interrupt(q.handle.native, w) })()
	}
	begun := time.Now()
	result, err := q.sleeping(ctx, op, kind, w, attempt)
	if w.turn == nil && time.Since(begun) < spinTime {
		s.misses.Store(0)
	}
	return result, err
}

// sleeping is waiting once it is the waiter's turn.
func (q *Queue) sleeping(ctx context.Context, op operation, kind sideKind, w *waiter,
	attempt func() Code) (Code, error) {
	for failures := 0; ; failures++ {
		result := attempt()
		if !mayHelp(result) {
			return result, nil
		}
		if ctx.Err() != nil {
			return 0, q.failureOfWait(op, ctx, result)
		}
		if failures >= vain {
			failures = 0
			if !q.pause(ctx, vainPause) {
				continue
			}
		}
		if !q.begin() {
			return resultClosed, nil
		}
		woken := q.handle.sleep.until(q.handle.native, kind, w)
		q.end()
		switch woken {
		case resultOK, ErrCancelled:
		case ErrStale: // what there still is may be had
			if result = attempt(); mayHelp(result) {
				result = ErrStale
			}
			return result, nil
		case ErrProcess:
			return 0, q.failureOf(op, ErrProcess, fmt.Sprintf("goroutines of this process wait on %d handles, each with "+
				"a thread, and Go allows few more: share handles between goroutines", mostSleeping))
		default:
			return woken, nil
		}
	}
}

// pause sleeps. False: there is no time, because the context is over or the queue closed.
func (q *Queue) pause(ctx context.Context, duration time.Duration) bool {
	select {
	case <-time.After(duration):
		return true
	case <-ctx.Done():
	case <-q.handle.closing:
	}
	return false
}

// sleep is how goroutines get into the library and out of it again. Waits of the handle are cancelled while somebody is
// to come out, and for ever once it is closed.
type sleep struct {
	mutex    sync.Mutex
	allowed  sync.Cond // nobody is to come out
	comingUp int       // waiters that were interrupted in their sleep and did not come out yet
	ended    bool
}

var sleeping atomic.Int64 // threads of this process

func (s *sleep) until(n native, kind sideKind, w *waiter) Code {
	defer sleeping.Add(-1)
	if sleeping.Add(1) > mostSleeping {
		return ErrProcess
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for s.comingUp > 0 && !s.ended {
		s.allowed.Wait()
	}
	if s.ended || w.interrupted {
		return ErrCancelled
	}
	w.asleep = true
	s.mutex.Unlock()
	result := n.wait(kind)
	s.mutex.Lock()
	w.asleep = false
	if result == resultOK && s.ended {
		n.passOn(kind) // the queue is closed, and the message for another handle
	}
	if w.interrupted {
		if s.comingUp--; s.comingUp == 0 && !s.ended {
			n.cancelReset()
			s.allowed.Broadcast()
		}
	}
	return result
}

// interrupt has the waiter come out if it sleeps, and not go to sleep again.
func (s *sleep) interrupt(n native, w *waiter) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if w.interrupted {
		return
	}
	w.interrupted = true
	if w.asleep && !s.ended {
		s.comingUp++
		n.cancel()
	}
}

// end has all come out, for good.
func (s *sleep) end(n native) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.ended = true
	n.cancel()
	s.allowed.Broadcast()
}

// mayHelp is whether waiting may help after an attempt with this result.
func mayHelp(result Code) bool {
	return result == ErrEmpty || result == ErrFull || result == ErrNoSpace || result == ErrConsumer
}

// failureOfWait is for a wait that its context ended. What was lacking at last is named if it is memory, or to be the
// only consumer: of that nobody would think.
func (q *Queue) failureOfWait(op operation, ctx context.Context, lacking Code) error {
	switch lacking {
	case ErrNoSpace:
		return q.failureOf(op, lacking, fmt.Sprintf("%v while there was no memory: %s", context.Cause(ctx),
			meanings[lacking]), ctx.Err(), context.Cause(ctx))
	case ErrConsumer:
		return q.failureOf(op, lacking, fmt.Sprintf("%v while %s", context.Cause(ctx), meanings[lacking]), ctx.Err(),
			context.Cause(ctx))
	}
	return q.failureOfContext(op, ctx)
}

// Descriptor is readable, for poll and event loops of one's own, while a message may be waiting: when it is, dequeue
// until ErrEmpty, which makes it unreadable again. It belongs to the queue: do not read, write or close it. Goroutines
// need none.
func (q *Queue) Descriptor() (int, error) { return q.watch(forMessages) }

// RoomDescriptor is the same for producers: readable while there may be room. Enqueue until ErrFull.
func (q *Queue) RoomDescriptor() (int, error) { return q.watch(forRoom) }

func (q *Queue) watch(kind sideKind) (int, error) {
	return look(q, watching, func(n native) (int, Code) { return n.descriptor(kind) })
}
