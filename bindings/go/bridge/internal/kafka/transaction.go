package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"cqueue.io/go/bridge/internal/flow"
)

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
	if err = s.ledger.add(ctx, s.client, topic, batch[len(batch)-1].Record()); err == nil {
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
			if err := s.judged(o.record, o.err, len(batch) == 1); fault == nil || errors.As(err, new(*flow.Refused)) {
				failed, fault = o.entry, err
			}
		}
	}
	return topic, failed, fault
}
