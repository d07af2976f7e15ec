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

// commit carries batch after batch, each a transaction, until one fails or the session is closed.
func (s *session) commit() {
	for {
		batch := s.gather()
		if len(batch) == 0 {
			return
		}
		failed, err := s.transact(batch)
		if err != nil {
			s.acks.Fail(failed, err)
			return
		}
		s.acks.Add(batch...)
	}
}

// gather waits for a message, and then a little for others. It returns none when the session is closed.
func (s *session) gather() (batch []*flow.Entry) {
	var lingered <-chan time.Time
	for len(batch) < s.out.batch {
		select {
		case e := <-s.queue:
			batch = append(batch, e)
			continue
		default:
		}
		if len(batch) > 0 && lingered == nil {
			lingered = time.After(s.out.linger)
		}
		select {
		case e := <-s.queue:
			batch = append(batch, e)
		case <-lingered:
			return batch
		case <-s.ctx.Done():
			return nil
		}
	}
	return batch
}

// transact produces all of the batch and stores the position of the last, or nothing. The entry is the one that failed.
func (s *session) transact(batch []*flow.Entry) (*flow.Entry, error) {
	ctx, cancel := context.WithTimeout(s.ctx, 2*s.out.patient)
	defer cancel()
	err := s.client.BeginTransaction()
	if err != nil {
		return batch[0], s.wrong(err)
	}
	topic, failed, err := s.produce(ctx, batch)
	if err != nil {
		return failed, err
	}
	if err = s.ledger.add(ctx, s.client, topic, batch[len(batch)-1].Position()); err == nil {
		err = s.client.EndTransaction(ctx, kgo.TryCommit)
	}
	if err != nil {
		return batch[0], s.wrong(err)
	}
	return nil, nil
}

func (s *session) wrong(err error) error { return fmt.Errorf("%s: %w", s.out.end.URL, explained(err)) }

// produce returns the topic of the last message, and the one that failed: one that is to blame itself, if there is any.
func (s *session) produce(ctx context.Context, batch []*flow.Entry) (topic string, failed *flow.Entry, fault error) {
	type outcome struct {
		entry  *flow.Entry
		record *kgo.Record
		err    error
	}
	outcomes, waited := make(chan outcome, len(batch)), 0
	failed = batch[0]
	for _, e := range batch {
		record, err := s.record(e)
		if err != nil {
			failed, fault = e, err
			break
		}
		topic = record.Topic
		s.client.Produce(ctx, record, func(_ *kgo.Record, err error) { outcomes <- outcome{e, record, err} })
		waited++
	}
	for range waited { // the client reads the messages until then
		if o := <-outcomes; o.err != nil && !errors.As(fault, new(*flow.Refused)) {
			if err := s.judged(o.record, o.err); fault == nil || errors.As(err, new(*flow.Refused)) {
				failed, fault = o.entry, err
			}
		}
	}
	return topic, failed, fault
}

// ledger is where the server keeps the position: a group's offset in partition 0 of the topic of a batch's last record.
// Of several topics that a route has, the largest counts.
type ledger struct {
	name     string // of the group and of the transactions
	implicit bool   // a commit of offsets joins the transaction by itself
	topics   map[string]kmsg.TxnOffsetCommitRequestTopic
	position uint64
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
	offsets, err := kadm.NewClient(client).FetchOffsets(kadm.RequireStable(ctx), l.name)
	if err == nil {
		err = offsets.Error()
	}
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return l, fmt.Errorf("reading the position: %w", err)
	}
	offsets.Each(func(stored kadm.OffsetResponse) {
		if stored.At >= 0 {
			l.position, l.known = max(l.position, uint64(stored.At)), true
		}
	})
	return l, nil
}

// add has the transaction store the position.
func (l *ledger) add(ctx context.Context, client *kgo.Client, name string, position uint64) error {
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
	partition.Partition, partition.Offset = 0, int64(position)
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
