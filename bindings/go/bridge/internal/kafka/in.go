package kafka

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"cqueue.io/go/bridge/internal/config"
	"cqueue.io/go/bridge/internal/flow"
)

// In reads all partitions of a topic, those messages alone that were committed.
//
// It is in no consumer group: the queue remembers each partition's offset together with the message.
type In struct {
	end    config.Endpoint
	name   string
	batch  int
	bytes  int64
	status *flow.Status
}

// NewIn returns the feed of a route.
func NewIn(r *config.Route, status *flow.Status) *In {
	return &In{end: r.From, name: "cq-bridge-" + r.Name, batch: int(r.Batch), bytes: int64(r.MaxBytes), status: status}
}

// Close does nothing: each Run has a client of its own.
func (i *In) Close() {}

const (
	// mostPartitions is how many sources a queue remembers.
	mostPartitions = 64
	// recount is how often new partitions are looked for.
	recount = time.Minute
)

// Run reads until something fails, the topic got more partitions, or the context is over.
func (i *In) Run(ctx context.Context, queue flow.Queue) error {
	topic, offsets, err := i.begin(ctx, queue)
	if err != nil {
		return err
	}
	client, err := connect(ctx, &i.end, i.name,
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{i.end.Topic: offsets}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchMaxBytes(int32(min(i.bytes, 50<<20))), kgo.MaxConcurrentFetches(1))
	if err != nil {
		return err
	}
	defer client.Close()
	i.status.Connected()
	for counted := time.Now(); ; {
		polling, cancel := context.WithTimeout(ctx, recount)
		fetches := client.PollRecords(polling, i.batch)
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := i.put(ctx, queue, topic, fetches); err != nil {
			return err
		}
		if time.Since(counted) < recount {
			continue
		}
		counted = time.Now()
		now, err := i.topic(ctx, kadm.NewClient(client))
		if err != nil {
			return err
		}
		if now.ID != topic.ID || len(now.Partitions) != len(offsets) {
			i.status.Note("the topic changed, it is read anew", "partitions", len(now.Partitions))
			return nil
		}
	}
}

func (i *In) put(ctx context.Context, queue flow.Queue, topic kadm.TopicDetail, fetches kgo.Fetches) error {
	for _, fault := range fetches.Errors() {
		if fault.Err != context.DeadlineExceeded {
			return fmt.Errorf("%s: partition %d: %w", i.end.URL, fault.Partition, explained(fault.Err))
		}
	}
	for records := fetches.RecordIter(); !records.Done(); {
		record := records.Next()
		err := queue.Put(ctx, &flow.Incoming{Source: source(topic, record.Partition), Number: uint64(record.Offset) + 1,
			Data: record.Value, Headers: fromHeaders(record)})
		if err != nil {
			return err
		}
	}
	return nil
}

// source is a partition. A topic that was removed and made anew has another id, and counts anew.
func source(topic kadm.TopicDetail, partition int32) string {
	return fmt.Sprintf("kafka:%s@%s:%d", topic.Topic, topic.ID, partition)
}

// begin asks where to begin: behind the last message of each partition that the queue has.
func (i *In) begin(ctx context.Context, queue flow.Queue) (kadm.TopicDetail, map[int32]kgo.Offset, error) {
	client, err := connect(ctx, &i.end, i.name)
	if err != nil {
		return kadm.TopicDetail{}, nil, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	admin := kadm.NewClient(client)
	topic, err := i.topic(ctx, admin)
	if err != nil {
		return topic, nil, err
	}
	firsts, err := admin.ListStartOffsets(ctx, i.end.Topic)
	if err == nil {
		err = firsts.Error()
	}
	if err != nil {
		return topic, nil, fmt.Errorf("%s: %w", i.end.URL, explained(err))
	}
	offsets := map[int32]kgo.Offset{}
	for partition := range topic.Partitions {
		cursor, err := queue.Cursor(source(topic, partition))
		if err != nil {
			return topic, nil, err
		}
		first, _ := firsts.Lookup(i.end.Topic, partition)
		if cursor > 0 && int64(cursor) < first.Offset {
			i.status.Note("the topic removed messages before they were read", "partition", partition, "first", cursor,
				"last", first.Offset-1)
		}
		offsets[partition] = kgo.NewOffset().At(max(int64(cursor), first.Offset))
	}
	return topic, offsets, nil
}

func (i *In) topic(ctx context.Context, admin *kadm.Client) (kadm.TopicDetail, error) {
	topics, err := admin.ListTopics(ctx, i.end.Topic)
	if err != nil {
		return kadm.TopicDetail{}, fmt.Errorf("%s: %w", i.end.URL, explained(err))
	}
	topic := topics[i.end.Topic]
	if topic.Err != nil {
		return topic, fmt.Errorf("%s: topic %s: %w", i.end.URL, i.end.Topic, explained(topic.Err))
	}
	if len(topic.Partitions) > mostPartitions {
		return topic, fmt.Errorf("%s: topic %s has %d partitions, and a queue remembers %d at most", i.end.URL,
			i.end.Topic, len(topic.Partitions), mostPartitions)
	}
	return topic, nil
}
