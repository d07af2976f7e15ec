package cqueue

import (
	"context"
	"iter"
	"slices"
)

// Enqueue appends a copy of the message. It never blocks: ErrFull says that there is no room. Once it returned nil the
// message is in the queue, whatever happens to this process.
func (q *Queue) Enqueue(message []byte) error {
	if result := q.enqueue(message); result != resultOK || q.config.sync {
		return q.conclude(enqueuing, result, nil, len(message))
	}
	return nil
}

// EnqueueContext is Enqueue, but waits for room until the context is over. ErrStale: it would have to wait, and the
// queue was removed, so that nobody who opens it by name meets this handle any more: open it anew. A handle opened with
// KeepUnlinked waits on. Memory of the filesystem is waited for as
// well; when the context ends such a wait, errors.Is finds ErrNoSpace, too.
func (q *Queue) EnqueueContext(ctx context.Context, message []byte) error {
	result, err := q.waiting(ctx, enqueuing, forRoom, func() Code { return q.enqueue(message) })
	return q.conclude(enqueuing, result, err, len(message))
}

func (q *Queue) enqueue(message []byte) Code {
	return q.handle.native.enqueue(&q.users, message) // &q.users keeps an abandoned Queue until the call is over
}

// Dequeue removes the oldest message and appends it to buffer, which may be nil, and returns the extended buffer, as
// append does. buffer[:0] uses its memory again. It never blocks: ErrEmpty says that no message is waiting. On an error
// the buffer comes back as it was; but with ErrIO, see [WithSync], it has the message, which was removed all the same.
func (q *Queue) Dequeue(buffer []byte) ([]byte, error) {
	message, result := q.dequeue(buffer)
	if result != resultOK {
		return buffer, q.failure(dequeuing, result, 0)
	}
	return message, q.conclude(dequeuing, result, nil, 0) // removed it is, whatever the disk says
}

// DequeueContext is Dequeue, but waits for a message until the context is over. A call that returns the context's error
// has taken none. ErrStale: no message is waiting, and the queue was removed, so that nobody who opens it by name meets
// this handle any more: open it anew. A handle opened with KeepUnlinked waits on.
func (q *Queue) DequeueContext(ctx context.Context, buffer []byte) ([]byte, error) {
	var message []byte
	result, err := q.waiting(ctx, dequeuing, forMessages, func() (result Code) {
		message, result = q.dequeue(buffer)
		return result
	})
	if err != nil || result != resultOK {
		return buffer, q.conclude(dequeuing, result, err, 0)
	}
	return message, q.conclude(dequeuing, result, nil, 0)
}

// AllAtMostOnce returns copies of the messages as they come. Each is removed from the queue when the loop receives it,
// and is the loop's to keep: what the loop does not finish is lost. See [Queue.All] for the other way. The last pair
// has the error that ended it: the context's, ErrClosed or ErrStale.
func (q *Queue) AllAtMostOnce(ctx context.Context) iter.Seq2[[]byte, error] {
	return all(ctx, func(ctx context.Context) ([]byte, error) { return q.DequeueContext(ctx, nil) })
}

func (q *Queue) dequeue(buffer []byte) ([]byte, Code) {
	n := q.handle.native
	if cap(buffer) == len(buffer) {
		// No room at all: most messages fit here, and then cost one call and as much memory as they have bytes.
		var few [256]byte
		size, result := n.dequeue(&q.users, few[:])
		if result == resultOK {
			return append(buffer, few[:size]...), result
		} else if result != ErrTooSmall {
			return nil, result
		}
		buffer = slices.Grow(buffer, size)
	}
	for {
		room := buffer[len(buffer):cap(buffer)]
		size, result := n.dequeue(&q.users, room)
		if result == resultOK {
			return buffer[:len(buffer)+size], result
		} else if result != ErrTooSmall {
			return nil, result
		}
		buffer = slices.Grow(buffer, size) // another consumer may have been faster, and the next message larger
	}
}
