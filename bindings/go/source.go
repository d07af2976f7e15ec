package cqueue

import (
	"context"
	"fmt"
	"strings"
)

// sourceName is how the library wants it.
func (q *Queue) sourceName(op operation, source string) ([]byte, error) {
	if source == "" || len(source) > 200 || strings.ContainsRune(source, 0) {
		return nil, q.failureOf(op, ErrInvalid, fmt.Sprintf("source %.20q has %s: a name has 1 to 200 bytes, and no byte 0",
			source, counted(len(source), "byte")))
	}
	return append([]byte(source), 0), nil
}

// EnqueueFrom appends a message that comes from elsewhere, exactly once: it is enqueued, and its source's number raised
// to this one, in one step, whatever happens to this process. A source is whatever the caller names so: a stream, a
// partition, a file. The queue remembers a number for each, 64 at most, which begins at 0 and only rises.
//
// ErrDuplicate: the number is not above the source's, so that the message was enqueued before. Whoever feeds a queue asks
// for the number with [Queue.Source], and goes on behind it. Several may feed the same messages in the same order:
// each is enqueued once. It never blocks: ErrFull says that there is no room. Headers may be nil.
func (q *Queue) EnqueueFrom(message []byte, headers Headers, source string, number uint64) error {
	named, err := q.sourceName(enqueuing, source)
	if err != nil {
		return err
	}
	return q.enqueueMore(message, headers, named, number)
}

// EnqueueFromContext is EnqueueFrom, but waits for room until the context is over.
func (q *Queue) EnqueueFromContext(ctx context.Context, message []byte, headers Headers, source string,
	number uint64) error {
	named, err := q.sourceName(enqueuing, source)
	if err != nil {
		return err
	}
	return q.enqueueMoreContext(ctx, message, headers, named, number)
}

// Source is the number that a source has come to; 0 if the queue does not know it.
func (q *Queue) Source(source string) (uint64, error) {
	named, err := q.sourceName(sourcing, source)
	if err != nil {
		return 0, err
	}
	return look(q, sourcing, func(n native) (uint64, Code) { return n.source(named) })
}

// Sources are the numbers of all sources that the queue knows.
func (q *Queue) Sources() (map[string]uint64, error) { return look(q, sourcing, native.sources) }

// RaiseSource raises a source's number without a message: what comes from there up to this number is not wanted.
// ErrDuplicate: it is as high already.
func (q *Queue) RaiseSource(source string, number uint64) error {
	named, err := q.sourceName(sourcing, source)
	if err != nil {
		return err
	}
	_, err = look(q, sourcing, func(n native) (struct{}, Code) { return struct{}{}, n.raiseSource(named, number) })
	return err
}
