package flow

import (
	"context"
	"fmt"
	"time"
)

// Incoming is a message that comes from a server: the one with this number of its source.
type Incoming struct {
	Source  string // of the numbers, such as a stream or a partition
	Number  uint64
	Data    []byte
	Headers map[string]string
}

// A Feed is where messages come from.
type Feed interface {
	// Run reads messages, from each source those with numbers above the cursor and in their order, and puts each. It
	// goes on until something fails or the context is over. Without an error: it is to begin anew.
	Run(ctx context.Context, queue Queue) error
	Close()
}

// A Queue is what a Feed fills.
type Queue interface {
	// Cursor is the number of the last message of the source that is in the queue, or was. 0: there was none.
	Cursor(source string) (uint64, error)
	// Put waits for room. A message whose number is not above the cursor is there already, and is dropped.
	Put(ctx context.Context, message *Incoming) error
}

// In carries messages from a feed into a queue, each once: the queue itself remembers how far it got.
type In struct {
	Limits
	Feed   Feed
	Queue  Queue
	Status *Status
}

// Run goes on until the context is over.
func (i *In) Run(ctx context.Context) error {
	defer i.Feed.Close()
	pause := backoff{least: i.BackoffMin, most: i.BackoffMax}
	counted := counting{i.Queue, i.Status, &pause}
	for ctx.Err() == nil {
		err := i.Feed.Run(ctx, counted)
		if isLost(err) {
			return fmt.Errorf("%w: %w", ErrLost, err)
		}
		if err != nil && !isOver(ctx, err) {
			i.Status.Failed(err)
		}
		pause.wait(ctx)
	}
	return nil
}

// counting tells the Status what passes.
type counting struct {
	Queue
	status *Status
	pause  *backoff
}

func (c counting) Put(ctx context.Context, message *Incoming) error {
	began := time.Now()
	err := c.Queue.Put(ctx, message)
	c.status.Stuck(err != nil && ctx.Err() == nil)
	if err != nil {
		return err
	}
	c.pause.succeeded()
	c.status.Connected()
	c.status.Carried([]*Entry{{size: len(message.Data), taken: began}})
	return nil
}
