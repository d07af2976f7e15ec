// Package flow carries messages between a queue and something else: it owns the window of messages on their way, their
// order, what happens after a failure, and what is reported of it. It knows no server: those are Sinks and Feeds.
package flow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cqueue.io/go/cqueue"
)

// Entry is a message on its way out. It stays in the queue until the sink has it.
type Entry struct {
	*cqueue.Message
	headers  map[string]string
	size     int
	taken    time.Time
	sent     time.Time // last time; zero: never
	late     bool      // newer messages had been taken before it
	stored   bool      // the sink said so
	record   *Record   // what the sink has when it has this one; nil: not yet known
	refusals int
}

// Header is the value of a header of the message.
func (e *Entry) Header(name string) (string, bool) {
	value, known := e.headers[name]
	return value, known
}

// All are the headers of the message. They are not to be changed.
func (e *Entry) All() map[string]string { return e.headers }

// Record is what the sink has when it has this message and those published before.
func (e *Entry) Record() Record { return *e.record }

// Late is whether newer messages had been taken before it.
func (e *Entry) Late() bool { return e.late }

// Repeated is whether the sink may have the message already.
func (e *Entry) Repeated() bool { return e.Deliveries() > 1 || !e.sent.IsZero() }

// A Sink is where messages go.
type Sink interface {
	// Open begins a session: what was published in an earlier one may still arrive, or never. It blocks until the
	// server answers.
	Open(ctx context.Context) (Session, error)
	Close()
}

// A Session publishes messages in order until one of them fails.
type Session interface {
	// Stored is what the sink has for sure. False: it has nothing, or does not tell.
	Stored() (record Record, known bool)
	// Publish starts to send a message. It is acknowledged through Acks, at most once; the message is not to be looked
	// at after that, nor after Close.
	Publish(*Entry) error
	Acks() *Acks
	Close()
}

// Refused is the error for a message that is the reason itself: others may pass. Certain: it would fail each time.
type Refused struct {
	Certain bool
	Err     error
}

func (r *Refused) Error() string { return r.Err.Error() }

// Unwrap is the reason.
func (r *Refused) Unwrap() error { return r.Err }

// Refuse is the error for a message that cannot be published at all.
func Refuse(format string, values ...any) error {
	return &Refused{Certain: true, Err: fmt.Errorf(format, values...)}
}

// Passing is an error that goes by itself, usually soon: it is no fault of the server's or the configuration's.
type Passing struct{ Err error }

func (p *Passing) Error() string { return p.Err.Error() }

// Unwrap is what the server said.
func (p *Passing) Unwrap() error { return p.Err }

// sleep waits, but not beyond the context.
func sleep(ctx context.Context, duration time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(duration):
	}
}

// backoff is how long to wait after each of several failures in a row.
type backoff struct {
	least, most, next time.Duration
}

func (b *backoff) succeeded() { b.next = 0 }

func (b *backoff) wait(ctx context.Context) {
	b.next = min(max(2*b.next, b.least), b.most)
	sleep(ctx, b.next)
}

// isOver is whether the error says no more than that the context is.
func isOver(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (err == nil || errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx)))
}

func isLost(err error) bool { return errors.Is(err, cqueue.ErrStale) }
