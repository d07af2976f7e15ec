package cqueue

import (
	"context"
	"sync"
)

// flushes are the flushes of a handle. Any number of goroutines share one, and one thread waits for the disk on behalf
// of all: who asks while one is under way is served by the next.
type flushes struct {
	mutex   sync.Mutex
	running bool
	next    *flush // not begun yet
}

type flush struct {
	done   chan struct{} // closed when there is a result
	result Code
}

// Sync puts a durable queue on the disk as it is now. When it has returned nil, every message that any process had
// enqueued before survives a power cut, and none that was released or dequeued before comes back.
//
// Many callers, of all processes, share one write: enqueue many messages, then sync once; or have many goroutines do so.
// An error changes nothing about the queue, and the next call tries again: ErrIO if the disk failed, ErrNoSpace,
// ErrAccess, ErrNotExist. ErrInvalid: the queue is not durable, see [WithDurable].
func (q *Queue) Sync() error { return q.SyncContext(context.Background()) }

// SyncContext is Sync, but waits only until the context is over. The write goes on then, and nothing is known of it.
func (q *Queue) SyncContext(ctx context.Context) error {
	if ctx.Err() != nil {
		return q.failureOfContext(syncing, ctx)
	}
	f := q.flush()
	select {
	case <-f.done:
	case <-ctx.Done():
		return q.failureOfContext(syncing, ctx)
	}
	switch f.result {
	case resultOK:
		return nil
	case ErrInvalid:
		return q.failureOf(syncing, ErrInvalid, "the queue is not durable, it was created without WithDurable()")
	}
	return q.failure(syncing, f.result, 0)
}

// onDisk waits for the disk where the handle was opened so, after something was done. It does not time out.
func (q *Queue) onDisk() Code {
	f := q.flush()
	<-f.done
	if f.result == resultOK || f.result == resultClosed {
		return f.result
	}
	return ErrIO
}

// flush is one that begins after now.
func (q *Queue) flush() *flush {
	s := &q.flushes
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.next == nil {
		s.next = &flush{done: make(chan struct{})}
	}
	f := s.next
	if !s.running {
		s.running = true
		go q.runFlushes()
	}
	return f
}

func (q *Queue) runFlushes() {
	for s := &q.flushes; ; {
		s.mutex.Lock()
		f := s.next
		s.next, s.running = nil, f != nil
		s.mutex.Unlock()
		if f == nil {
			return
		}
		f.result = q.sync()
		close(f.done)
	}
}

// sync goes on where it was cancelled on behalf of somebody else: a context whose goroutine waits for messages or room.
func (q *Queue) sync() Code {
	for {
		if !q.begin() {
			return resultClosed
		}
		result := ErrCancelled
		if q.handle.sleep.isAllowed() {
			result = q.handle.native.sync()
		}
		q.end()
		if result != ErrCancelled {
			return result
		}
	}
}

// isAllowed waits until nobody is to come out of the library. False: the queue is closed.
func (s *sleep) isAllowed() bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for s.comingUp > 0 && !s.ended {
		s.allowed.Wait()
	}
	return !s.ended
}

// DurableDirectory is where a durable queue is kept. ErrInvalid: the queue is not durable.
func (q *Queue) DurableDirectory() (string, error) { return look(q, syncing, native.durableDirectory) }

// conclude is how a call ends that has changed the queue, if it was successful: with the error for its result, or the
// one that it has already.
func (q *Queue) conclude(op operation, result Code, err error, size int) error {
	if err == nil && result == resultOK && q.config.sync {
		result = q.onDisk()
	}
	if err == nil && result != resultOK {
		err = q.failure(op, result, size)
	}
	return err
}
