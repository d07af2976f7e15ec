//go:build cgo && linux

package cqueue

/*
#cgo noescape cq_explain
#cgo nocallback cq_explain
#include "shim.h"
*/
import "C"

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"
	"unsafe"
)

// A Code is the result of a call that the library did not carry out. The codes are errors for errors.Is to compare with;
// what calls return is an [*Error] that has one.
type Code int

// Error is the meaning of the code.
func (c Code) Error() string { return "cqueue: " + C.GoString(C.cq_strerror(C.int(c))) }

// Name is the code's name in cqueue.h, such as "CQ_FULL", or its number if it has none.
func (c Code) Name() string {
	if name, ok := names[c]; ok {
		return name
	}
	return strconv.Itoa(int(c))
}

// Is makes errors.Is find what package fs has for the same thing.
func (c Code) Is(target error) bool {
	return c == ErrNotExist && target == fs.ErrNotExist || c == ErrExist && target == fs.ErrExist ||
		c == ErrAccess && target == fs.ErrPermission
}

// ErrClosed is what every call on a closed Queue, and on what it has lent, fails with.
var ErrClosed error = closedError{}

type closedError struct{}

func (closedError) Error() string        { return "cqueue: the queue is closed" }
func (closedError) Is(target error) bool { return target == os.ErrClosed }

// An Error says which call failed, on which queue, and why. errors.Is looks through it: for the code, ErrClosed, or what
// the context ended with.
type Error struct {
	Queue     string // name of the queue
	Operation string // such as "open" or "enqueue"
	Code      Code   // of the library; 0 if the queue was closed or the context over
	Text      string // what was asked, what was found, what to do, beginning with the queue's name in quotes
	cause     error
	made      time.Time
}

// Error is the operation and the text.
func (e *Error) Error() string { return "cqueue: " + e.Operation + " " + e.Text }

// Unwrap returns the code, ErrClosed or the context's error.
func (e *Error) Unwrap() error {
	if e.cause != nil {
		return e.cause
	}
	return e.Code
}

// An operation is what an Error was met in.
type operation int

const (
	opening operation = iota
	unlinking
	enqueuing
	dequeuing
	reserving
	committing
	aborting
	taking
	releasing
	returning
	walking
	measuring
	recovering
	listing
	watching
	operations // how many there are
)

var operationNames = [operations]string{"open", "unlink", "enqueue", "dequeue", "reserve", "commit", "abort", "take",
	"release", "return", "walk", "stat", "recover", "participants",
	"watch"}

// wordsInterval is how old the numbers in the text of ErrFull may be.
const wordsInterval = time.Second

// resultClosed stands beside the library's results inside this package.
const resultClosed C.int = 1 << 16

// failure is the error for a result that is not CQ_OK. size is the one asked for, where the operation has one.
func (q *Queue) failure(op operation, result C.int, size int) error {
	switch result {
	case resultClosed:
		return q.failureOf(op, ErrClosed, "the queue is closed")
	case C.CQ_EMPTY, C.CQ_FULL:
		// Ordinary and frequent, but the words take time to find: they are looked for once in a while.
		now := time.Now()
		if known := q.ordinary[op].Load(); known != nil && now.Sub(known.made) < wordsInterval {
			return known
		}
		made := explain(op, result, q.name, &q.config, size)
		made.made = now
		q.ordinary[op].Store(made)
		return made
	}
	return explain(op, result, q.name, &q.config, size)
}

func (q *Queue) failureOf(op operation, cause error, text string) error {
	return &Error{Queue: q.name, Operation: operationNames[op], Text: fmt.Sprintf("%q: %s", q.name, text), cause: cause}
}

func (q *Queue) failureOfContext(op operation, ctx context.Context) error {
	return q.failureOf(op, ctx.Err(), context.Cause(ctx).Error())
}

func explain(op operation, result C.int, name string, config *config, size int) *Error {
	text := make([]byte, 512)
	explained := config.use(name, func(name *C.char, config *C.cq_config) C.int {
		for {
			length := int(C.cq_explain(result, name, config, C.size_t(size), (*C.char)(unsafe.Pointer(&text[0])),
				C.size_t(len(text))))
			if length < len(text) {
				text = text[:length]
				return C.CQ_OK
			}
			text = make([]byte, length+1)
		}
	})
	if explained != C.CQ_OK { // a byte 0 in a string, which C cannot be shown
		what := map[C.int]string{C.CQ_ENAME: "name", C.CQ_EINVAL: "directory"}[explained]
		text = fmt.Appendf(nil, "%q: the %s has a byte 0 in it", name, what)
	}
	return &Error{Queue: name, Operation: operationNames[op], Code: Code(result), Text: strings.Clone(string(text))}
}
