//go:build cgo && linux

package cqueue

/*
#cgo noescape go_enqueue_batch
#cgo nocallback go_enqueue_batch
#cgo noescape go_dequeue_batch
#cgo nocallback go_dequeue_batch
#include "shim.h"
*/
import "C"

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"unsafe"
)

// A Batch is a list of messages, one behind the other in one piece of memory, which it uses again. The zero Batch is
// empty and ready. It is not safe for concurrent use.
type Batch struct {
	data   []byte
	sizes  []C.size_t
	first  int // messages dropped
	offset int // their bytes
}

const batchBytes = 64 << 10 // memory of a Batch that messages are dequeued into, unless it has or needs more

// Append adds copies of messages.
func (b *Batch) Append(messages ...[]byte) {
	for _, message := range messages {
		b.data = append(b.data, message...)
		b.sizes = append(b.sizes, C.size_t(len(message)))
	}
}

// Len is the number of messages.
func (b *Batch) Len() int { return len(b.sizes) - b.first }

// All returns the messages and their indices. They lie in the batch's memory, and last until it is changed.
func (b *Batch) All() iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		at := b.offset
		for i, size := range b.sizes[b.first:] {
			end := at + int(size)
			if !yield(i, b.data[at:end:end]) {
				return
			}
			at = end
		}
	}
}

// Drop removes the first n messages, those that EnqueueBatch had room for. It panics if there are fewer.
func (b *Batch) Drop(n int) {
	for _, size := range b.sizes[b.first : b.first+n] {
		b.offset += int(size)
	}
	if b.first += n; b.Len() == 0 {
		b.Reset()
	}
}

// Reset removes all messages and keeps the memory.
func (b *Batch) Reset() { b.data, b.sizes, b.first, b.offset = b.data[:0], b.sizes[:0], 0, 0 }

// Grow makes room for messages of this many bytes in all: DequeueBatch takes no more of them at once than fit.
func (b *Batch) Grow(bytes int) { b.data = slices.Grow(b.data, bytes) }

// EnqueueBatch appends the messages of the batch in their order, as many as there is room for, and returns how many; they
// stay in the batch. It never blocks: ErrFull says that not all were accepted. If one is too big none is. Messages of
// others may come in between.
func (q *Queue) EnqueueBatch(batch *Batch) (int, error) {
	done, result := q.enqueueBatch(batch, 0)
	if result != C.CQ_OK {
		return done, q.failure(enqueuing, result, batch.largest())
	}
	return done, nil
}

// EnqueueBatchContext is EnqueueBatch, but waits for room until all are in the queue or the context is over.
func (q *Queue) EnqueueBatchContext(ctx context.Context, batch *Batch) (int, error) {
	left := *batch // the same memory, without those that are in the queue
	sent := 0
	result, err := q.waiting(ctx, enqueuing, &q.handle.room, func(patience C.int64_t) C.int {
		done, result := q.enqueueBatch(&left, patience)
		left.Drop(done)
		sent += done
		return result
	})
	if err == nil && result != C.CQ_OK {
		err = q.failure(enqueuing, result, batch.largest())
	}
	return sent, err
}

func (q *Queue) enqueueBatch(batch *Batch, patience C.int64_t) (int, C.int) {
	if !q.begin() {
		return 0, resultClosed
	}
	var done C.size_t
	sizes := batch.sizes[batch.first:]
	result := C.go_enqueue_batch(q.handle.address, address(batch.data[batch.offset:]), unsafe.SliceData(sizes),
		C.size_t(len(sizes)), patience, &done)
	q.end()
	return int(done), result
}

// largest is the size that ErrTooBig is about.
func (b *Batch) largest() int {
	if b.Len() == 0 {
		return 0
	}
	return int(slices.Max(b.sizes[b.first:]))
}

// DequeueBatch replaces the contents of the batch by up to limit of the oldest messages, as many as are waiting and fit
// into its memory, and returns how many. It never blocks: ErrEmpty says that there are none. See [Batch.Grow].
func (q *Queue) DequeueBatch(batch *Batch, limit int) (int, error) {
	if limit < 1 {
		return 0, q.failureOfLimit(limit)
	}
	if result := q.dequeueBatch(batch, limit, 0); result != C.CQ_OK {
		return 0, q.failure(dequeuing, result, 0)
	}
	return batch.Len(), nil
}

// DequeueBatchContext is DequeueBatch, but waits for a message until the context is over.
func (q *Queue) DequeueBatchContext(ctx context.Context, batch *Batch, limit int) (int, error) {
	if limit < 1 {
		return 0, q.failureOfLimit(limit)
	}
	batch.Reset()
	result, err := q.waiting(ctx, dequeuing, &q.handle.messages, func(patience C.int64_t) C.int {
		return q.dequeueBatch(batch, limit, patience)
	})
	if err == nil && result != C.CQ_OK {
		err = q.failure(dequeuing, result, 0)
	}
	return batch.Len(), err
}

func (q *Queue) failureOfLimit(limit int) error {
	return q.failureOf(dequeuing, ErrInvalid, fmt.Sprintf("a batch of at most %d messages, ask for 1 at least", limit))
}

func (q *Queue) dequeueBatch(batch *Batch, limit int, patience C.int64_t) C.int {
	batch.Reset()
	if !q.begin() {
		return resultClosed
	}
	defer q.end()
	batch.sizes = slices.Grow(batch.sizes, limit)
	if cap(batch.data) == 0 {
		batch.Grow(batchBytes)
	}
	for {
		var done C.size_t
		sizes, room := batch.sizes[:limit], batch.data[:cap(batch.data)]
		result := C.go_dequeue_batch(q.handle.address, address(room), C.size_t(len(room)), unsafe.SliceData(sizes),
			C.size_t(limit), patience, &done)
		if result != C.CQ_ETOOSMALL {
			batch.sizes, batch.data = sizes[:done], room
			return result
		}
		batch.Grow(int(sizes[0])) // another consumer may be faster, and the next message larger
	}
}
