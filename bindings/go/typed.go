package cqueue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"strconv"
	"sync"
)

// ErrDecode is what a message that is no value of the type fails with, in a [*DecodeError].
var ErrDecode = errors.New("cqueue: the message is no value of the type")

// A DecodeError is returned for a message that is no value of the type. The message is in it, and, unless a hook
// decides otherwise, in the queue again.
type DecodeError struct {
	Queue      string
	Message    []byte
	Deliveries int
	Position   uint64
	Err        error // the codec's
}

// Error says which queue the message came from and what the codec said.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("cqueue: decode %q: message of %s, delivery %d: %v", e.Queue,
		counted(len(e.Message), "byte"), e.Deliveries, e.Err)
}

// Unwrap returns ErrDecode and the codec's error.
func (e *DecodeError) Unwrap() []error { return []error{ErrDecode, e.Err} }

// Typed is a Queue of values. All its methods may be called by any number of goroutines at once.
//
// A message that does not decode stays in the queue: the call fails with a [*DecodeError], and the next one meets the
// message again. See [OnUndecodable] and [DeadLetters] for what else may be done with it.
type Typed[T any] struct {
	queue   *Queue
	codec   Codec[T]
	hook    func(*DecodeError, *Message) error
	buffers sync.Pool // of *[]byte
}

// A TypedOption says what a Typed does other than by default.
type TypedOption func(*typedConfig)

type typedConfig struct {
	hook func(*DecodeError, *Message) error
}

// OnUndecodable has hook decide about each message that does not decode. It may release the message, which then is
// gone, or give it back for later: if it returns nil then, the call goes on with the next message, as if there had been
// no such one. What it leaves in hand is given back, and would come next again: the call fails with the [*DecodeError].
// If hook returns an error the call fails with that.
func OnUndecodable(hook func(*DecodeError, *Message) error) TypedOption {
	return func(c *typedConfig) { c.hook = hook }
}

// DeadLetters moves a message that does not decode to another queue, once it has been delivered so often (255 times at
// most, because more are not counted). Before that it stays, and the call fails. Its headers go along, and why it is
// there (cq-dead-letter: undecodable, cq-queue, cq-deliveries), if that queue takes them, see [WithMaxHeaders].
func DeadLetters(queue *Queue, maxDeliveries int) TypedOption {
	return OnUndecodable(func(undecoded *DecodeError, message *Message) error {
		if message.Deliveries() < min(maxDeliveries, 255) {
			return undecoded
		}
		if err := bury(queue, message); err != nil {
			return errors.Join(undecoded, err)
		}
		return message.Release()
	})
}

func bury(dead *Queue, message *Message) error {
	why := Headers{"cq-dead-letter": "undecodable", "cq-queue": message.queue.name,
		"cq-deliveries": strconv.Itoa(message.Deliveries())}
	all := maps.Clone(why)
	maps.Copy(all, message.Headers())
	for _, headers := range []Headers{all, why} {
		err := dead.EnqueueWith(message.Bytes(), headers)
		if !errors.Is(err, ErrFeature) && !errors.Is(err, ErrTooBig) {
			return err
		}
	}
	return dead.Enqueue(message.Bytes())
}

// NewTyped returns the queue as one of values. Several may be made of one queue. A codec of nil is JSON.
func NewTyped[T any](queue *Queue, codec Codec[T], options ...TypedOption) *Typed[T] {
	if codec == nil {
		codec = JSON[T]()
	}
	var c typedConfig
	for _, option := range options {
		option(&c)
	}
	return &Typed[T]{queue: queue, codec: codec, hook: c.hook,
		buffers: sync.Pool{New: func() any { return new([]byte) }}}
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

// EnqueueWith appends a value with headers, see [Queue.EnqueueWith].
func (t *Typed[T]) EnqueueWith(value T, headers Headers) error {
	return t.send(value, func(message []byte) error { return t.queue.EnqueueWith(message, headers) })
}

// EnqueueWithContext appends a value with headers, waiting for room, see [Queue.EnqueueWithContext].
func (t *Typed[T]) EnqueueWithContext(ctx context.Context, value T, headers Headers) error {
	return t.send(value, func(message []byte) error { return t.queue.EnqueueWithContext(ctx, message, headers) })
}

// EnqueueFrom appends a value that comes from elsewhere, exactly once, see [Queue.EnqueueFrom].
func (t *Typed[T]) EnqueueFrom(value T, headers Headers, source string, number uint64) error {
	return t.send(value, func(message []byte) error { return t.queue.EnqueueFrom(message, headers, source, number) })
}

// EnqueueFromContext is EnqueueFrom, waiting for room, see [Queue.EnqueueFromContext].
func (t *Typed[T]) EnqueueFromContext(ctx context.Context, value T, headers Headers, source string,
	number uint64) error {
	return t.send(value, func(message []byte) error {
		return t.queue.EnqueueFromContext(ctx, message, headers, source, number)
	})
}

// Taken is a message in hand and the value that it is. Release it when the value was worked on.
type Taken[T any] struct {
	*Message
	Value T
}

// Take takes the oldest value, see [Queue.Take], or returns a [*DecodeError].
func (t *Typed[T]) Take() (Taken[T], error) { return t.take(t.queue.Take) }

// TakeContext takes the oldest value, waiting for one, see [Queue.TakeContext], or returns a [*DecodeError].
func (t *Typed[T]) TakeContext(ctx context.Context) (Taken[T], error) {
	return t.take(func() (*Message, error) { return t.queue.TakeContext(ctx) })
}

func (t *Typed[T]) take(take func() (*Message, error)) (Taken[T], error) {
	for {
		message, err := take()
		if err != nil {
			return Taken[T]{}, err
		}
		taken, good, err := t.decode(message)
		if good || err != nil {
			return taken, err
		}
	}
}

// decode returns the value of a message in hand. If it is none, and the hook has no error for that, it is not good.
func (t *Typed[T]) decode(message *Message) (taken Taken[T], good bool, err error) {
	defer func() {
		if !good { // or the codec or the hook panics
			message.GiveBack()
		}
	}()
	value, fault := t.codec.Decode(message.Bytes())
	if fault == nil {
		return Taken[T]{message, value}, true, nil
	}
	undecoded := &DecodeError{Queue: t.queue.Name(), Message: bytes.Clone(message.Bytes()),
		Deliveries: message.Deliveries(), Position: message.Position(), Err: fault}
	if t.hook != nil {
		if err := t.hook(undecoded, message); err != nil || message.look() == nil {
			return taken, false, err
		}
	}
	return taken, false, undecoded
}

// TakeBatch takes up to limit of the oldest values, see [Queue.TakeBatch]. Those that decode are returned, even if
// there is an error, which joins the [*DecodeError] of each that does not.
func (t *Typed[T]) TakeBatch(limit int) ([]Taken[T], error) {
	return t.takeBatch(func() (Messages, error) { return t.queue.TakeBatch(limit) })
}

// TakeBatchContext is TakeBatch, but waits for a message until the context is over.
func (t *Typed[T]) TakeBatchContext(ctx context.Context, limit int) ([]Taken[T], error) {
	return t.takeBatch(func() (Messages, error) { return t.queue.TakeBatchContext(ctx, limit) })
}

func (t *Typed[T]) takeBatch(take func() (Messages, error)) ([]Taken[T], error) {
	for {
		messages, err := take()
		if err != nil {
			return nil, err
		}
		values, err := t.decodeAll(messages)
		if len(values) > 0 || err != nil {
			return values, err
		}
	}
}

func (t *Typed[T]) decodeAll(messages Messages) ([]Taken[T], error) {
	var failed []error
	values, whole := make([]Taken[T], 0, len(messages)), false
	defer func() {
		if !whole {
			messages.GiveBack()
		}
	}()
	for _, message := range messages {
		taken, good, err := t.decode(message)
		if err != nil {
			failed = append(failed, err)
		} else if good {
			values = append(values, taken)
		}
	}
	whole = true
	return values, errors.Join(failed...)
}

// Dequeue removes the oldest value, see [Queue.Dequeue], once it is decoded, or returns a [*DecodeError]. Together with
// ErrIO, see [WithSync], it returns the value, too.
func (t *Typed[T]) Dequeue() (T, error) { return t.keep(t.Take()) }

// DequeueContext removes the oldest value, waiting for one, see [Queue.DequeueContext], or returns a [*DecodeError].
func (t *Typed[T]) DequeueContext(ctx context.Context) (T, error) { return t.keep(t.TakeContext(ctx)) }

func (t *Typed[T]) keep(taken Taken[T], err error) (T, error) {
	if err == nil {
		err = taken.Release()
	}
	if err != nil && !errors.Is(err, ErrIO) { // after which it is gone nevertheless
		var none T
		return none, err
	}
	return taken.Value, err
}

// All returns the values as they come, in hand: the loop releases each when it was worked on. A message that is no
// value gives a [*DecodeError] and the loop goes on, with the same message unless there is a hook; any other error is
// the last pair's, as in [Queue.All].
func (t *Typed[T]) All(ctx context.Context) iter.Seq2[Taken[T], error] {
	return all(ctx, t.TakeContext)
}

// AllAtMostOnce returns the values as they come. Each is removed from the queue when the loop receives it: what the
// loop does not finish is lost. Errors are as in [Typed.All].
func (t *Typed[T]) AllAtMostOnce(ctx context.Context) iter.Seq2[T, error] {
	return all(ctx, t.DequeueContext)
}

// all ends with the first error that is not a message's own.
func all[V any](ctx context.Context, next func(context.Context) (V, error)) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		for {
			value, err := next(ctx)
			if !yield(value, err) || err != nil && !errors.Is(err, ErrDecode) {
				return
			}
		}
	}
}
