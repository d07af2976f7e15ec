package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"cqueue.io/go/bridge/internal/flow"
)

// ledger is where the server keeps what it has: in a group's offset in partition 0 of the topic of a batch's last record.
// Of several topics that a route has, the largest counts.
type ledger struct {
	name     string // of the group and of the transactions
	implicit bool   // a commit of offsets joins the transaction by itself
	topics   map[string]kmsg.TxnOffsetCommitRequestTopic
	record   flow.Record
	known    bool
}

// openLedger ends transactions of earlier sessions, and reads how far they came.
func openLedger(ctx context.Context, client *kgo.Client, o *Out) (ledger, error) {
	l := ledger{name: o.identity(), topics: map[string]kmsg.TxnOffsetCommitRequestTopic{}}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, _, err := client.ProducerID(ctx); err != nil {
		return l, fmt.Errorf("taking over from an earlier session: %w", err)
	}
	var err error
	if l.implicit, err = isImplicit(ctx, client); err != nil {
		return l, err
	}
	offsets, err := settled(ctx, kadm.NewClient(client), l.name)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return l, fmt.Errorf("reading the position: %w", err)
	}
	offsets.Each(func(stored kadm.OffsetResponse) {
		if stored.At >= 0 {
			record, ok := flow.ParseRecord(stored.Metadata)
			if !ok {
				record = flow.Record{Highest: uint64(stored.At)}
			}
			if record.Highest >= l.record.Highest {
				l.record = record
			}
			l.known = true
		}
	})
	return l, nil
}

// settled are the group's offsets once no transaction holds some back. A server that was killed may keep offsets of a
// transaction that it ended without them, until a later one ends. No commit was confirmed that such offsets are part
// of: so after a while those before them count.
func settled(ctx context.Context, admin *kadm.Client, group string) (kadm.OffsetResponses, error) {
	for limit := time.Now().Add(patience / 2); ; {
		stable := ctx
		if time.Now().Before(limit) {
			stable = kadm.RequireStable(ctx)
		}
		offsets, err := admin.FetchOffsets(stable, group)
		if err == nil {
			err = offsets.Error()
		}
		if !errors.Is(err, kerr.UnstableOffsetCommit) {
			return offsets, err
		}
		select {
		case <-ctx.Done():
			return offsets, err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// add has the transaction store the position.
func (l *ledger) add(ctx context.Context, client *kgo.Client, name string, record flow.Record) error {
	id, epoch, err := client.ProducerID(ctx)
	if err != nil {
		return err
	}
	if !l.implicit {
		if err := l.join(ctx, client, id, epoch); err != nil {
			return err
		}
	}
	commit := kmsg.NewTxnOffsetCommitRequest()
	commit.TransactionalID, commit.ProducerID, commit.ProducerEpoch, commit.Group = l.name, id, epoch, l.name
	topic, err := l.topic(ctx, client, name)
	if err != nil {
		return err
	}
	partition := kmsg.NewTxnOffsetCommitRequestTopicPartition()
	metadata := record.String()
	partition.Partition, partition.Offset, partition.Metadata = 0, int64(record.Highest), &metadata
	topic.Partitions = []kmsg.TxnOffsetCommitRequestTopicPartition{partition}
	commit.Topics = append(commit.Topics, topic)
	committed, err := commit.RequestWith(ctx, client)
	if err != nil {
		return fmt.Errorf("storing the position: %w", err)
	}
	for _, topic := range committed.Topics {
		for _, partition := range topic.Partitions {
			if err := kerr.ErrorForCode(partition.ErrorCode); err != nil {
				return fmt.Errorf("storing the position: %w", err)
			}
		}
	}
	return nil
}

// join has the group's offsets be part of the transaction, which servers before Kafka 4 want to be told. Later ones
// must not be: they may take the offsets for those of a transaction that never ends.
func (l *ledger) join(ctx context.Context, client *kgo.Client, id int64, epoch int16) error {
	join := kmsg.NewAddOffsetsToTxnRequest()
	join.TransactionalID, join.ProducerID, join.ProducerEpoch, join.Group = l.name, id, epoch, l.name
	joined, err := join.RequestWith(ctx, client)
	if err == nil {
		err = kerr.ErrorForCode(joined.ErrorCode)
	}
	if err != nil {
		return fmt.Errorf("storing the position: %w", err)
	}
	return nil
}

// isImplicit asks the server.
func isImplicit(ctx context.Context, client *kgo.Client) (bool, error) {
	answer, err := kmsg.NewPtrApiVersionsRequest().RequestWith(ctx, client)
	if err != nil {
		return false, err
	}
	for _, feature := range answer.FinalizedFeatures {
		if feature.Name == "transaction.version" {
			return feature.MaxVersionLevel >= 2, nil
		}
	}
	return false, nil
}

// topic is what a request names the topic by: old servers know its name, new ones its id.
func (l *ledger) topic(ctx context.Context, client *kgo.Client, name string) (kmsg.TxnOffsetCommitRequestTopic, error) {
	if known, found := l.topics[name]; found {
		return known, nil
	}
	topic := kmsg.NewTxnOffsetCommitRequestTopic()
	details, err := kadm.NewClient(client).ListTopics(ctx, name)
	if err == nil {
		err = details.Error()
	}
	if err != nil {
		return topic, fmt.Errorf("storing the position: %w", err)
	}
	topic.Topic, topic.TopicID = name, details[name].ID
	l.topics[name] = topic
	return topic, nil
}
