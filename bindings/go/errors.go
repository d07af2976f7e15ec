package cqueue

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"
)

// A Code is the result of a call that the library did not carry out. The codes are errors for errors.Is to compare
// with; what calls return is an [*Error] that has one.
type Code int

// Error is the meaning of the code.
func (c Code) Error() string {
	if meaning, ok := meanings[c]; ok {
		return "cqueue: " + meaning
	}
	return "cqueue: unknown result"
}

// Name is the code's name in the C library, such as "CQ_FULL", or its number if it has none.
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

// Results of this package's own, beside the library's.
const (
	resultOK          Code = 0
	resultClosed      Code = 1 << 16
	resultUnsupported Code = 1<<16 + 1
)

// ErrClosed is what every call on a closed Queue, and on what it has lent, fails with.
var ErrClosed error = closedError{}

type closedError struct{}

func (closedError) Error() string        { return "cqueue: the queue is closed" }
func (closedError) Is(target error) bool { return target == os.ErrClosed }

// An Error says which call failed, on which queue, and why. errors.Is looks through it: for the code, ErrClosed, or
// what the context ended with, its cause included. Where there is no C library to work with it finds
// errors.ErrUnsupported.
type Error struct {
	Queue     string // name of the queue
	Operation string // such as "open" or "enqueue"
	Code      Code   // of the library; 0 if the queue was closed or the context over
	Text      string // what was asked, what was found, what to do, beginning with the queue's name in quotes
	causes    []error
	made      time.Time
}

// Error is the operation and the text.
func (e *Error) Error() string { return "cqueue: " + e.Operation + " " + e.Text }

// Unwrap returns the code, ErrClosed, or the context's error and its cause.
func (e *Error) Unwrap() []error {
	if e.Code != resultOK {
		return append([]error{e.Code}, e.causes...)
	}
	return e.causes
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
	givingBack
	walking
	measuring
	recovering
	trimming
	listing
	syncing
	sourcing
	watching
	operations // how many there are
)

var operationNames = [operations]string{"open", "unlink", "enqueue", "dequeue", "reserve", "commit", "abort", "take",
	"release", "give back", "walk", "measure", "recover", "trim", "list participants", "sync", "source", "watch"}

// wordsInterval is how old the numbers in the text of ErrFull may be.
const wordsInterval = time.Second

// failure is the error for a result that is not resultOK. size is the one asked for, where the operation has one.
func (q *Queue) failure(op operation, result Code, size int) error {
	switch result {
	case resultClosed:
		return q.failureOf(op, 0, "the queue is closed", ErrClosed)
	case ErrEmpty, ErrFull:
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

func (q *Queue) failureOf(op operation, code Code, text string, causes ...error) error {
	return &Error{Queue: q.name, Operation: operationNames[op], Code: code, Text: quoted(q.name) + text, causes: causes}
}

// failureOfContext is for a context that is over. That the queue is closed is said all the same: a loop with short
// deadlines, for which ErrClosed is the end, has to come to it.
func (q *Queue) failureOfContext(op operation, ctx context.Context) error {
	if q.isClosing() {
		return q.failure(op, resultClosed, 0)
	}
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(cause, err) { // it says both
		return q.failureOf(op, 0, cause.Error(), cause)
	}
	return q.failureOf(op, 0, cause.Error(), err, cause)
}

func quoted(name string) string { return fmt.Sprintf("%q: ", name) }

func counted(count int, noun string) string {
	if count == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", count, noun)
}

// explain is the error for what the library says of a result. It speaks C, of which words are left that Go has others
// for.
func explain(op operation, result Code, name string, c *config, size int) *Error {
	made := &Error{Queue: name, Operation: operationNames[op], Code: result}
	if result == resultUnsupported {
		made.Code, made.causes = 0, []error{errors.ErrUnsupported}
	}
	if fault := c.fault(name); fault != "" {
		made.Text = quoted(name) + fault
	} else if text, known := ownWords[result]; known {
		made.Text = quoted(name) + text
	} else {
		made.Text = inGo.Replace(nativeExplain(result, name, c, size))
	}
	return made
}

// ownWords are for results of which the library would speak as its callers in C need it.
var ownWords = map[Code]string{
	ErrNotHeld:   "it was released, given back, committed or aborted before, or forgotten and collected",
	ErrCancelled: "the wait was cancelled",
}

// inGo replaces C's words. Names of options and methods that C has others for stand here and nowhere else; generate
// uses them for the comments of the codes, too.
var inGo = strings.NewReplacer(
	"flags has CQ_EXCLUSIVE, which creates the queue, and CQ_ATTACH or CQ_READ_ONLY, which never create it",
	"Exclusive() creates the queue, and Attach() and ReadOnly() do not",
	"(CQ_TRUST; cq: --trust)", "(Trust())",
	"an argument is NULL or 0 and must not be, or a struct_size is not set; cq_open's config is in order",
	"an argument is invalid",
	"an argument is NULL, zero, out of range or of an unknown struct_size or flag", "an argument is out of range",
	"the cq_message", "the message",
	"CQ_EXCLUSIVE_CONSUMER", "WithExclusiveConsumer()",
	"CQ_ENQUEUE_TIMES", "WithEnqueueTimes()",
	"CQ_DURABLE", "WithDurable()",
	"CQ_SYNC", "WithSync()",
	"durable_directory", "DurableDirectory",
	"cq_source", "Source",
	"cq_sync", "Sync",
	"cq_enqueue_from", "EnqueueFrom",
	"the headers are not as cq_header_add makes them: each", "the headers are not in order: each",
	"max_headers", "MaxHeaders",
	"max_deliveries", "MaxDeliveries",
	"dead_letter", "DeadLetter",
	"time_to_live", "TimeToLive",
	"CQ_EXCLUSIVE", "Exclusive()",
	"CQ_ATTACH", "Attach()",
	"CQ_READ_ONLY", "ReadOnly()",
	"CQ_ANY_FILESYSTEM", "WithAnyFilesystem()",
	"CQ_KEEP_UNLINKED", "KeepUnlinked()",
	"CQ_TRUST", "Trust()",
	"cq_participants", "Participants",
	"cq_cancel", "the library",
	"max_message_size", "MaxMessageSize",
	"max_held", "MaxHeld",
	"max_memory", "MaxMemory",
	"`capacity` messages are waiting", "as many messages as it holds are waiting",
	" (see LIMITS)", "",
)
