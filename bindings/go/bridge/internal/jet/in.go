package jet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cqueue.io/go/bridge/internal/config"
	"cqueue.io/go/bridge/internal/flow"
)

// In reads a stream, or those of its messages that have the subject.
//
// It has no durable consumer: after a crash such a one delivers new messages before those that were not acknowledged,
// and some twice. The queue remembers the sequence of the last message together with that message. Nor does it use the
// library's ordered consumer, which begins anew by itself: in a stream that was removed and made anew meanwhile, it would
// pass over as many messages as it had read before. A consumer is good for one Run, which looks at the stream first, and
// ends when the consumer is gone or a message of it got lost.
type In struct {
	server
	batch  int
	status *flow.Status
}

const (
	idle      = 5 * time.Minute // that the server keeps a consumer that asks for nothing
	heartbeat = 5 * time.Second // that the server tells of a consumer that has nothing to deliver
)

// NewIn returns the feed of a route.
func NewIn(r *config.Route, status *flow.Status) *In {
	return &In{server: server{end: r.From, name: "cq-bridge " + r.Name}, batch: int(r.Batch), status: status}
}

// Close closes the connection.
func (i *In) Close() { i.close() }

// Run reads until something fails or the context is over.
func (i *In) Run(ctx context.Context, queue flow.Queue) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	conn, err := i.connect()
	if err != nil {
		return err
	}
	i.hear(func(err error) { cancel(err) })
	defer i.hear(nil)
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	source, messages, err := i.consume(ctx, js, queue)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, messages.Stop)()
	defer messages.Stop()
	i.status.Connected()
	for delivered := uint64(1); ; delivered++ {
		message, err := messages.Next()
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		if isGone(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", i.end.URL, explained(err))
		}
		meta, err := message.Metadata()
		if err != nil {
			return err
		}
		if meta.Sequence.Consumer != delivered {
			return nil
		}
		err = queue.Put(ctx, &flow.Incoming{Source: source, Number: meta.Sequence.Stream, Data: message.Data(),
			Headers: fromHeaders(message.Subject(), message.Headers())})
		if err != nil {
			return err
		}
	}
}

// isGone is whether the consumer is, or nobody knows: as when the server ended it because it was idle while the queue
// was full, or the stream was removed.
func isGone(err error) bool {
	return errors.Is(err, jetstream.ErrConsumerDeleted) || errors.Is(err, jetstream.ErrConsumerNotFound) ||
		errors.Is(err, jetstream.ErrNoHeartbeat) || errors.Is(err, jetstream.ErrConsumerLeadershipChanged) ||
		errors.Is(err, nats.ErrNoResponders)
}

// consume begins behind the last message that the queue has.
func (i *In) consume(ctx context.Context, js jetstream.JetStream,
	queue flow.Queue) (string, jetstream.MessagesContext, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	stream, err := i.stream(ctx, js, i.end.Subject)
	if err != nil {
		return "", nil, err
	}
	info, err := stream.Info(ctx)
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", i.end.URL, explained(err))
	}
	if info.Config.Retention == jetstream.WorkQueuePolicy {
		return "", nil, fmt.Errorf("%s: stream %s is a work queue, which gives each message away once and forgets it: "+
			"a route into a queue needs one with limits, or interest", i.end.URL, info.Config.Name)
	}
	// A stream that was removed and made anew counts anew.
	source := fmt.Sprintf("nats:%s@%x:%s", info.Config.Name, info.Created.UnixNano(), i.end.Subject)
	cursor, err := queue.Cursor(source)
	if err != nil {
		return "", nil, err
	}
	if cursor > info.State.LastSeq {
		return "", nil, fmt.Errorf("%s: stream %s ends at %d, and the queue has its message %d: the stream's leader is not up "+
			"to date yet, or the server lost messages. Then remove the stream and make it anew, else its next messages are "+
			"passed over up to that number", i.end.URL, info.Config.Name, info.State.LastSeq, cursor)
	}
	if missed := info.State.FirstSeq; cursor > 0 && missed > cursor+1 {
		i.status.Note("the stream removed messages before they were read", "stream", info.Config.Name, "first", cursor+1,
			"last", missed-1)
	}
	consumer, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{DeliverPolicy: jetstream.DeliverByStartSequencePolicy,
		OptStartSeq: cursor + 1, FilterSubject: i.end.Subject, AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true,
		Replicas: 1, InactiveThreshold: idle})
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", i.end.URL, explained(err))
	}
	// A stream that was made anew in this moment has another date.
	if again, err := stream.Info(ctx); err != nil || again.Created != info.Created {
		return "", nil, fmt.Errorf("%s: stream %s changes: %w", i.end.URL, info.Config.Name, cmp.Or(err, errors.New("it was made anew")))
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(i.batch), jetstream.PullHeartbeat(heartbeat),
		jetstream.WithMessagesErrOnMissingHeartbeat(true))
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", i.end.URL, explained(err))
	}
	return source, messages, nil
}
