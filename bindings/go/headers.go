package cqueue

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Headers go along with a message, beside its bytes: what kind of thing it is, where it comes from, what traces it. Keys
// are 1 to 255 bytes of UTF-8 without a byte 0, values any bytes, 65,535 at most. Messages have headers if the queue was
// created with [WithMaxHeaders].
type Headers map[string]string

const (
	headerLengths = 3
	keyMost       = 255
	valueMost     = 65535
)

// write gives the headers as the library has them: for each the key's length in a byte, the value's in two, the key, the
// value. The library says what else is wrong with them.
func (h Headers) write(q *Queue, op operation) (written []byte, err error) {
	for _, key := range slices.Sorted(maps.Keys(h)) {
		value := h[key]
		if len(key) > keyMost || len(value) > valueMost {
			return nil, q.failureOf(op, ErrHeaders, fmt.Sprintf("header %.20q has a key of %s and a value of %d: "+
				"at most %d and %d are possible", key, counted(len(key), "byte"), len(value), keyMost, valueMost))
		}
		written = binary.LittleEndian.AppendUint16(append(written, byte(len(key))), uint16(len(value)))
		written = append(append(written, key...), value...)
	}
	return written, nil
}

// parseHeaders copies. What is not well formed, which nobody who keeps to the library writes, is left out.
func parseHeaders(written []byte) Headers {
	var headers Headers
	for len(written) >= headerLengths {
		key, value := int(written[0]), int(binary.LittleEndian.Uint16(written[1:]))
		if written = written[headerLengths:]; key+value > len(written) {
			break
		}
		if headers == nil {
			headers = Headers{}
		}
		headers[string(written[:key])] = string(written[key : key+value])
		written = written[key+value:]
	}
	return headers
}

// EnqueueWith is [Queue.Enqueue] for a message with headers. ErrFeature: the queue was not created with WithMaxHeaders.
// ErrTooBig may also mean the headers, ErrHeaders that they are not in order.
func (q *Queue) EnqueueWith(message []byte, headers Headers) error {
	return q.enqueueMore(message, headers, nil, 0)
}

// EnqueueWithContext is EnqueueWith, but waits for room until the context is over, see [Queue.EnqueueContext].
func (q *Queue) EnqueueWithContext(ctx context.Context, message []byte, headers Headers) error {
	return q.enqueueMoreContext(ctx, message, headers, nil, 0)
}

func (q *Queue) enqueueMore(message []byte, headers Headers, source []byte, number uint64) error {
	written, err := headers.write(q, enqueuing)
	if err != nil {
		return err
	}
	return q.conclude(enqueuing, q.enqueueWritten(message, written, source, number), nil, len(message))
}

func (q *Queue) enqueueMoreContext(ctx context.Context, message []byte, headers Headers, source []byte,
	number uint64) error {
	written, err := headers.write(q, enqueuing)
	if err != nil {
		return err
	}
	result, err := q.waiting(ctx, enqueuing, forRoom, func() Code {
		return q.enqueueWritten(message, written, source, number)
	})
	return q.conclude(enqueuing, result, err, len(message))
}

func (q *Queue) enqueueWritten(message, headers, source []byte, number uint64) Code {
	if !q.begin() {
		return resultClosed
	}
	defer q.end()
	return q.handle.native.enqueueWith(message, headers, source, number)
}

// Headers are a copy of the message's headers; nil if it has none, or is not in hand any more.
func (m *Message) Headers() Headers {
	if x := m.look(); x != nil {
		if written, result := x.queue.handle.native.headers(&x.lent); result == resultOK {
			return parseHeaders(written)
		}
	}
	return nil
}

// EnqueueTime is when the message was enqueued, by a clock that is some milliseconds late. It is zero if the queue does
// not note it, see [WithEnqueueTimes], or if the message is not in hand any more.
func (m *Message) EnqueueTime() time.Time {
	if x := m.look(); x != nil {
		if nanoseconds, result := x.queue.handle.native.enqueueTime(&x.lent); result == resultOK {
			return time.Unix(0, nanoseconds)
		}
	}
	return time.Time{}
}

// SetHeaders says what headers the message gets when it is committed. Errors as [Queue.EnqueueWith]; ErrNotHeld: it was
// committed or aborted before.
func (r *Reservation) SetHeaders(headers Headers) error {
	q := r.queue
	if q == nil {
		return errZero(committing)
	}
	written, err := headers.write(q, committing)
	if err != nil {
		return err
	}
	result := ErrNotHeld
	if x := r.look(); x != nil {
		if result = resultClosed; !q.isClosing() {
			result = q.handle.native.setHeaders(&x.lent, written)
		}
	}
	if result != resultOK {
		return q.failure(committing, result, len(written))
	}
	return nil
}
