// Package bridge runs the routes of a configuration: it opens their queues, makes what carries their messages, and
// exchanges them when the configuration changes.
package bridge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"cqueue.io/go/cqueue"

	"cqueue.io/go/bridge/internal/config"
	"cqueue.io/go/bridge/internal/flow"
)

// open opens the queue of an end. It is made only if the end says so.
func open(end *config.Endpoint, more ...cqueue.Option) (*cqueue.Queue, error) {
	var options []cqueue.Option
	if end.Create {
		if end.Capacity > 0 {
			options = append(options, cqueue.WithCapacity(int(end.Capacity)))
		}
		if end.Headers > 0 {
			options = append(options, cqueue.WithMaxHeaders(int(end.Headers)))
		}
		if end.MaxSize > 0 {
			options = append(options, cqueue.WithMaxMessageSize(int(end.MaxSize)))
		}
	} else {
		options = append(options, cqueue.Attach())
	}
	if end.Directory != "" {
		options = append(options, cqueue.WithDirectory(end.Directory))
	}
	return cqueue.Open(end.Queue, append(options, more...)...)
}

// filled is a queue that remembers, with each message, how far its source got.
type filled struct {
	queue    *cqueue.Queue
	status   *flow.Status
	headless bool // the queue's messages have no headers
}

// Cursor asks the queue.
func (f *filled) Cursor(source string) (uint64, error) { return f.queue.Source(short(source)) }

// Put enqueues the message and raises the source's number, in one step.
func (f *filled) Put(ctx context.Context, message *flow.Incoming) error {
	headers := message.Headers
	if f.headless {
		headers = nil
	}
	err := f.queue.EnqueueFromContext(ctx, message.Data, headers, short(message.Source), message.Number)
	switch {
	case errors.Is(err, cqueue.ErrDuplicate):
		f.status.Repeated()
		return nil
	case errors.Is(err, cqueue.ErrFeature):
		f.headless = true
		f.status.Note("the queue was created without headers: those of messages are left out")
		return f.Put(ctx, message)
	case errors.Is(err, cqueue.ErrTooBig):
		size := 0
		for name, value := range headers {
			size += len(name) + len(value)
		}
		return fmt.Errorf("message %d of %s, of %d bytes and %d of headers, does not fit, and stops all behind it (cq resize "+
			"makes the queue's messages larger): %w", message.Number, message.Source, len(message.Data), size, err)
	}
	return err
}

// longest is how many bytes the name of a source may have.
const longest = 200

// short is the name of a source, or what stands for it if it is too long.
func short(source string) string {
	if len(source) <= longest {
		return source
	}
	sum := sha256.Sum256([]byte(source))
	return source[:longest-65] + "~" + hex.EncodeToString(sum[:])
}
