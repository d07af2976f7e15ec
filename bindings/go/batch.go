package cqueue

import (
	"context"
	"iter"
	"slices"
)

// A Batch is a list of messages, one behind the other in one piece of memory, which it uses again. The zero Batch is
// empty and ready. It is not safe for concurrent use.
type Batch struct {
	data   []byte
	sizes  []uintptr
	first  int // messages dropped
	offset int // their bytes
}

const (
	batchBytes = 64 << 10 // memory of a Batch that messages are dequeued into, unless it has or needs more
	batchMost  = 1 << 16  // messages that are dequeued at a time, whatever the limit is
	batchFew   = 1 << 10  // and that there is memory for at first
)

// Append adds copies of messages.
func (b *Batch) Append(messages ...[]byte) {
	for _, message := range messages {
		b.data = append(b.data, message...)
		b.sizes = append(b.sizes, uintptr(len(message)))
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
	b.first += n
	// What was dropped makes room once it is as much as what is left: so each message is moved once at most, on
	// average.
	if b.first >= b.Len() && b.offset >= len(b.data)-b.offset {
		b.data = b.data[:copy(b.data, b.data[b.offset:])]
		b.sizes = b.sizes[:copy(b.sizes, b.sizes[b.first:])]
		b.first, b.offset = 0, 0
	}
}

// Reset removes all messages and keeps the memory.
func (b *Batch) Reset() { b.data, b.sizes, b.first, b.offset = b.data[:0], b.sizes[:0], 0, 0 }

// Grow makes room for messages of this many bytes in all: DequeueBatch takes no more of them at once than fit.
func (b *Batch) Grow(bytes int) { b.data = slices.Grow(b.data, bytes) }

// largest is the size that ErrTooBig is about.
func (b *Batch) largest() int {
	if b.Len() == 0 {
		return 0
	}
	return int(slices.Max(b.sizes[b.first:]))
}

// EnqueueBatch appends the messages of the batch in their order, as many as there is room for, and returns how many;
// they stay in the batch. It never blocks: ErrFull says that not all were accepted. If one is too big none is. Messages
// of others may come in between.
func (q *Queue) EnqueueBatch(batch *Batch) (int, error) {
	done, result := q.enqueueBatch(batch.data[batch.offset:], batch.sizes[batch.first:])
	return done, q.concludeSome(result, nil, done, batch)
}

// EnqueueBatchContext is EnqueueBatch, but waits for room until all are in the queue or the context is over.
func (q *Queue) EnqueueBatchContext(ctx context.Context, batch *Batch) (int, error) {
	data, sizes, sent := batch.data[batch.offset:], batch.sizes[batch.first:], 0
	result, err := q.waiting(ctx, enqueuing, forRoom, func() Code {
		done, result := q.enqueueBatch(data, sizes)
		for _, size := range sizes[:done] {
			data = data[size:]
		}
		sizes, sent = sizes[done:], sent+done
		return result
	})
	return sent, q.concludeSome(result, err, sent, batch)
}

// concludeSome is conclude for a call that may have appended some messages and not all.
func (q *Queue) concludeSome(result Code, err error, done int, batch *Batch) error {
	if done > 0 && q.config.sync {
		if disk := q.onDisk(); disk != resultOK {
			return q.failure(enqueuing, disk, 0)
		}
	}
	if err == nil && result != resultOK {
		err = q.failure(enqueuing, result, batch.largest())
	}
	return err
}

func (q *Queue) enqueueBatch(data []byte, sizes []uintptr) (int, Code) {
	return q.handle.native.enqueueBatch(&q.users, data, sizes)
}

// DequeueBatch replaces the contents of the batch by up to limit of the oldest messages, as many as are waiting and fit
// into its memory, and returns how many. It never blocks: ErrEmpty says that there are none. See [Batch.Grow].
func (q *Queue) DequeueBatch(batch *Batch, limit int) (int, error) {
	if limit < 1 {
		return 0, q.failureOfLimit(dequeuing, limit)
	}
	err := q.conclude(dequeuing, q.dequeueBatch(batch, limit), nil, 0)
	return batch.Len(), err
}

// DequeueBatchContext is DequeueBatch, but waits for a message until the context is over.
func (q *Queue) DequeueBatchContext(ctx context.Context, batch *Batch, limit int) (int, error) {
	if limit < 1 {
		return 0, q.failureOfLimit(dequeuing, limit)
	}
	batch.Reset()
	result, err := q.waiting(ctx, dequeuing, forMessages, func() Code { return q.dequeueBatch(batch, limit) })
	err = q.conclude(dequeuing, result, err, 0)
	return batch.Len(), err
}

func (q *Queue) dequeueBatch(batch *Batch, limit int) Code {
	batch.Reset()
	if cap(batch.data) == 0 {
		batch.Grow(batchBytes)
	}
	for limit = min(limit, batchMost); ; {
		done := len(batch.sizes)
		batch.sizes = slices.Grow(batch.sizes, min(limit-done, batchFew))
		sizes, room := batch.sizes[done:min(limit, cap(batch.sizes))], batch.data[len(batch.data):cap(batch.data)]
		n, bytes, result := q.handle.native.dequeueBatch(&q.users, room, sizes)
		switch {
		case result == ErrTooSmall && done == 0:
			batch.Grow(int(sizes[0])) // another consumer may be faster, and the next message larger
			continue
		case result != resultOK && done == 0:
			return result
		}
		batch.sizes, batch.data = batch.sizes[:done+n], batch.data[:len(batch.data)+bytes]
		if n < len(sizes) || done+n == limit {
			return resultOK
		}
	}
}
