// Package benthos gives Benthos (Redpanda Connect's engine) cqueue as an input and an output. Import it for its effect:
//
//	import _ "cqueue.io/go/benthos"
//
// At least once: a message leaves its queue when the pipeline has acknowledged it. Until then the pipeline reads it in
// the queue's own memory.
package benthos

import (
	"context"
	"errors"
	"sync"

	"github.com/redpanda-data/benthos/v4/public/service"

	"cqueue.io/go/cqueue"
)

func init() {
	if err := service.RegisterBatchInput("cqueue", inputSpec(), newInput); err != nil {
		panic(err)
	}
	if err := service.RegisterBatchOutput("cqueue", outputSpec(), newOutput); err != nil {
		panic(err)
	}
}

// place is where both find their queue.
func place(spec *service.ConfigSpec) *service.ConfigSpec {
	return spec.Categories("Services").Fields(
		service.NewStringField("queue").Description("The queue's name. It must be there."),
		service.NewStringField("directory").Default("").Description("Where its file is, instead of shared memory."))
}

type queue struct {
	name, directory string

	mutex sync.Mutex
	open  *cqueue.Queue
}

func (q *queue) configure(config *service.ParsedConfig) (err error) {
	if q.name, err = config.FieldString("queue"); err == nil {
		q.directory, err = config.FieldString("directory")
	}
	return err
}

// Connect opens the queue.
func (q *queue) Connect(context.Context) error {
	options := []cqueue.Option{cqueue.Attach()}
	if q.directory != "" {
		options = append(options, cqueue.WithDirectory(q.directory))
	}
	opened, err := cqueue.Open(q.name, options...)
	if err != nil {
		return err
	}
	q.mutex.Lock()
	defer q.mutex.Unlock()
	q.open = opened
	return nil
}

func (q *queue) get() (*cqueue.Queue, error) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if q.open == nil {
		return nil, service.ErrNotConnected
	}
	return q.open, nil
}

// Close gives back what was not acknowledged.
func (q *queue) Close(context.Context) error {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if q.open == nil {
		return nil
	}
	closing := q.open
	q.open = nil
	return closing.Close()
}

// judged is the error as Benthos wants it. A queue that was removed is opened anew.
func (q *queue) judged(err error) error {
	if errors.Is(err, cqueue.ErrStale) || errors.Is(err, cqueue.ErrClosed) {
		_ = q.Close(context.Background())
		return service.ErrNotConnected
	}
	return err
}

type input struct {
	queue
	batch int
}

func inputSpec() *service.ConfigSpec {
	return place(service.NewConfigSpec().Summary("Takes messages from a cqueue in shared memory, at least once.")).Field(
		service.NewIntField("batch").Default(64).Description("How many messages are taken at a time, if so many wait."))
}

func newInput(config *service.ParsedConfig, _ *service.Resources) (service.BatchInput, error) {
	in := &input{}
	err := in.configure(config)
	if err == nil {
		in.batch, err = config.FieldInt("batch")
	}
	if err != nil {
		return nil, err
	}
	return service.AutoRetryNacksBatched(in), nil
}

// ReadBatch waits for messages. They are released when the pipeline acknowledged them, else given back.
func (in *input) ReadBatch(ctx context.Context) (service.MessageBatch, service.AckFunc, error) {
	from, err := in.get()
	if err != nil {
		return nil, nil, err
	}
	taken, err := from.TakeBatchContext(ctx, in.batch)
	if err != nil {
		return nil, nil, in.judged(err)
	}
	batch := make(service.MessageBatch, len(taken))
	for i, message := range taken {
		batch[i] = service.NewMessage(message.Bytes())
		for key, value := range message.Headers() {
			batch[i].MetaSetMut(key, value)
		}
		batch[i].MetaSetMut("cqueue_deliveries", message.Deliveries())
	}
	return batch, func(_ context.Context, err error) error {
		if err != nil {
			return taken.GiveBack()
		}
		return taken.Release()
	}, nil
}

type output struct{ queue }

func outputSpec() *service.ConfigSpec {
	return place(service.NewConfigSpec().Summary("Puts messages into a cqueue in shared memory, at least once.")).Fields(
		service.NewBatchPolicyField("batching"), service.NewOutputMaxInFlightField())
}

func newOutput(config *service.ParsedConfig, _ *service.Resources) (service.BatchOutput, service.BatchPolicy, int, error) {
	out := &output{}
	err := out.configure(config)
	var policy service.BatchPolicy
	if err == nil {
		policy, err = config.FieldBatchPolicy("batching")
	}
	var most int
	if err == nil {
		most, err = config.FieldMaxInFlight()
	}
	return out, policy, most, err
}

// WriteBatch waits for room. Headers go along if the queue has them.
func (out *output) WriteBatch(ctx context.Context, batch service.MessageBatch) error {
	to, err := out.get()
	if err != nil {
		return err
	}
	for _, message := range batch {
		text, err := message.AsBytes()
		if err != nil {
			return err
		}
		headers := cqueue.Headers{}
		_ = message.MetaWalk(func(key, value string) error {
			headers[key] = value
			return nil
		})
		err = to.EnqueueWithContext(ctx, text, headers)
		if errors.Is(err, cqueue.ErrFeature) {
			err = to.EnqueueContext(ctx, text)
		}
		if err != nil {
			return out.judged(err)
		}
	}
	return nil
}
