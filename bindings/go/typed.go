//go:build cgo && linux

package cqueue

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"iter"
	"sync"
)

// A Codec makes messages of values and values of messages.
type Codec[T any] interface {
	// Append appends the value's message to buffer.
	Append(buffer []byte, value T) ([]byte, error)
	// Decode makes a value of a message, whose memory it must not keep.
	Decode(message []byte) (T, error)
}

// JSON is a Codec by encoding/json.
func JSON[T any]() Codec[T] { return jsonCodec[T]{} }

// Binary is a Codec by encoding/binary, little-endian, for types of a fixed size.
func Binary[T any]() Codec[T] { return binaryCodec[T]{} }

type jsonCodec[T any] struct{}

func (jsonCodec[T]) Append(buffer []byte, value T) ([]byte, error) {
	message, err := json.Marshal(value)
	return append(buffer, message...), err
}

func (jsonCodec[T]) Decode(message []byte) (value T, err error) {
	err = json.Unmarshal(message, &value)
	return value, err
}

type binaryCodec[T any] struct{}

func (binaryCodec[T]) Append(buffer []byte, value T) ([]byte, error) {
	return binary.Append(buffer, binary.LittleEndian, value)
}

func (binaryCodec[T]) Decode(message []byte) (value T, err error) {
	n, err := binary.Decode(message, binary.LittleEndian, &value)
	if err == nil && n != len(message) {
		err = fmt.Errorf("%d bytes, %T has %d", len(message), value, n)
	}
	return value, err
}

// A DecodeError is returned for a message that was dequeued but is no value of the type. The message is in it.
type DecodeError struct {
	Queue   string
	Message []byte
	Err     error // the codec's
}

// Error says which queue the message came from and what the codec said.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("cqueue: dequeue %q: message of %d bytes: %v", e.Queue, len(e.Message), e.Err)
}

// Unwrap returns the codec's error.
func (e *DecodeError) Unwrap() error { return e.Err }

// Typed is a Queue of values. All its methods may be called by any number of goroutines at once.
type Typed[T any] struct {
	queue   *Queue
	codec   Codec[T]
	buffers sync.Pool // of *[]byte
}

// NewTyped returns the queue as one of values. Several may be made of one queue.
func NewTyped[T any](queue *Queue, codec Codec[T]) *Typed[T] {
	return &Typed[T]{queue: queue, codec: codec, buffers: sync.Pool{New: func() any { return new([]byte) }}}
}

// Queue is the queue of bytes underneath.
func (t *Typed[T]) Queue() *Queue { return t.queue }

// Enqueue appends a value, see [Queue.Enqueue]. An error of the codec is returned as it is.
func (t *Typed[T]) Enqueue(value T) error { return t.send(value, t.queue.Enqueue) }

// EnqueueContext appends a value, waiting for room, see [Queue.EnqueueContext].
func (t *Typed[T]) EnqueueContext(ctx context.Context, value T) error {
	return t.send(value, func(message []byte) error { return t.queue.EnqueueContext(ctx, message) })
}

func (t *Typed[T]) send(value T, enqueue func([]byte) error) error {
	buffer := t.buffers.Get().(*[]byte)
	defer t.buffers.Put(buffer)
	message, err := t.codec.Append((*buffer)[:0], value)
	if err != nil {
		return err
	}
	*buffer = message
	return enqueue(message)
}

// Dequeue removes the oldest value, see [Queue.Dequeue], or returns a [*DecodeError].
func (t *Typed[T]) Dequeue() (T, error) { return t.receive(t.queue.Dequeue) }

// DequeueContext removes the oldest value, waiting for one, see [Queue.DequeueContext], or returns a [*DecodeError].
func (t *Typed[T]) DequeueContext(ctx context.Context) (T, error) {
	return t.receive(func(buffer []byte) ([]byte, error) { return t.queue.DequeueContext(ctx, buffer) })
}

// All returns the values as they come. A message that is no value gives a [*DecodeError] and the loop goes on; any other
// error is the last pair's, as in [Queue.All].
func (t *Typed[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			value, err := t.DequeueContext(ctx)
			_, undecoded := err.(*DecodeError)
			if !yield(value, err) || err != nil && !undecoded {
				return
			}
		}
	}
}

func (t *Typed[T]) receive(dequeue func([]byte) ([]byte, error)) (T, error) {
	var none T
	buffer := t.buffers.Get().(*[]byte)
	defer t.buffers.Put(buffer)
	message, err := dequeue((*buffer)[:0])
	if err != nil {
		return none, err
	}
	*buffer = message
	value, err := t.codec.Decode(message)
	if err != nil {
		return none, &DecodeError{Queue: t.queue.Name(), Message: bytes.Clone(message), Err: err}
	}
	return value, nil
}
