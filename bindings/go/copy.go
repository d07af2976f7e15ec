//go:build cgo && linux

package cqueue

/*
#cgo noescape go_enqueue
#cgo nocallback go_enqueue
#cgo noescape go_dequeue
#cgo nocallback go_dequeue
#include "shim.h"
*/
import "C"

import (
	"context"
	"iter"
	"slices"
	"unsafe"
)

// address of the bytes, for C. It may be anything if there are none.
func address(bytes []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.SliceData(bytes)) }

// Enqueue appends a copy of the message. It never blocks: ErrFull says that there is no room. Once it returned nil the
// message is in the queue, whatever happens to this process.
func (q *Queue) Enqueue(message []byte) error {
	if result := q.enqueue(message, 0); result != C.CQ_OK {
		return q.failure(enqueuing, result, len(message))
	}
	return nil
}

// EnqueueContext is Enqueue, but waits for room until the context is over. ErrStale: it would have to wait, and the queue
// was removed, so that nobody who opens it by name meets this handle any more: open it anew. A handle opened with
// KeepUnlinked waits on. Memory of the file system is waited for as well, as long as messages are queued or held that will
// give theirs back.
func (q *Queue) EnqueueContext(ctx context.Context, message []byte) error {
	result, err := q.waiting(ctx, enqueuing, &q.handle.room, func(patience C.int64_t) C.int {
		return q.enqueue(message, patience)
	})
	if err == nil && result != C.CQ_OK {
		err = q.failure(enqueuing, result, len(message))
	}
	return err
}

func (q *Queue) enqueue(message []byte, patience C.int64_t) C.int {
	if !q.begin() {
		return resultClosed
	}
	result := C.go_enqueue(q.handle.address, address(message), C.size_t(len(message)), patience)
	q.end()
	return result
}

// Dequeue removes the oldest message and appends it to buffer, which may be nil, and returns the extended buffer, as
// append does. buffer[:0] uses its memory again. It never blocks: ErrEmpty says that no message is waiting. On an error
// the buffer comes back as it was.
func (q *Queue) Dequeue(buffer []byte) ([]byte, error) {
	message, result := q.dequeue(buffer, 0)
	if result != C.CQ_OK {
		return buffer, q.failure(dequeuing, result, 0)
	}
	return message, nil
}

// DequeueContext is Dequeue, but waits for a message until the context is over. A call that returns the context's error
// has taken none. ErrStale: no message is waiting, and the queue was removed, so that nobody who opens it by name meets
// this handle any more: open it anew. A handle opened with KeepUnlinked waits on.
func (q *Queue) DequeueContext(ctx context.Context, buffer []byte) ([]byte, error) {
	var message []byte
	result, err := q.waiting(ctx, dequeuing, &q.handle.messages, func(patience C.int64_t) (result C.int) {
		message, result = q.dequeue(buffer, patience)
		return result
	})
	if err == nil && result != C.CQ_OK {
		err = q.failure(dequeuing, result, 0)
	}
	if err != nil {
		return buffer, err
	}
	return message, nil
}

// All returns the messages as they come. Each is removed from the queue when the loop receives it, and is the loop's to
// keep. The last pair has the error that ended it: the context's, ErrClosed or ErrStale.
func (q *Queue) All(ctx context.Context) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for {
			message, err := q.DequeueContext(ctx, nil)
			if !yield(message, err) || err != nil {
				return
			}
		}
	}
}

func (q *Queue) dequeue(buffer []byte, patience C.int64_t) ([]byte, C.int) {
	if !q.begin() {
		return nil, resultClosed
	}
	message, result := q.handle.dequeue(buffer, patience)
	q.end()
	return message, result
}

func (h *handle) dequeue(buffer []byte, patience C.int64_t) ([]byte, C.int) {
	var size C.size_t
	if cap(buffer) == len(buffer) {
		// No room at all: most messages fit here, and then cost one call and as much memory as they have bytes.
		var few [256]byte
		result := C.go_dequeue(h.address, address(few[:]), C.size_t(len(few)), &size, patience)
		if result == C.CQ_OK {
			return append(buffer, few[:size]...), result
		} else if result != C.CQ_ETOOSMALL {
			return nil, result
		}
		buffer = slices.Grow(buffer, int(size))
	}
	for {
		room := buffer[len(buffer):cap(buffer)]
		result := C.go_dequeue(h.address, address(room), C.size_t(len(room)), &size, patience)
		if result == C.CQ_OK {
			return buffer[:len(buffer)+int(size)], result
		} else if result != C.CQ_ETOOSMALL {
			return nil, result
		}
		buffer = slices.Grow(buffer, int(size)) // another consumer may have been faster, and the next message larger
	}
}
