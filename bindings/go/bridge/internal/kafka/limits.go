package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"cqueue.io/go/bridge/internal/flow"
)

// This file knows how large messages may be.
//
// A server refuses a whole batch that is larger than the topic's max.message.bytes, and does not say because of which
// message. So the client makes no batch that is larger, and then refuses a message by itself that does not fit into
// one.

// limits are the topics' of a route.
type limits struct {
	fixed string          // the only topic, or ""
	asked map[string]bool // topics that refused a batch
	least int             // of all that are known; 0: none is
}

// read asks the server. It need not allow that unless it is known to matter.
func (l *limits) read(ctx context.Context, client *kgo.Client) error {
	topics := []string{}
	for topic := range l.asked {
		topics = append(topics, topic)
	}
	if l.fixed != "" {
		topics = append(topics, l.fixed)
	}
	if len(topics) == 0 {
		return nil
	}
	configs, err := kadm.NewClient(client).DescribeTopicConfigs(ctx, topics...)
	l.least = 0
	for _, topic := range configs {
		if topic.Err != nil {
			err = topic.Err
			continue
		}
		for _, each := range topic.Configs {
			if size, fault := strconv.Atoi(each.MaybeValue()); each.Key == "max.message.bytes" && fault == nil {
				if l.least == 0 || size < l.least {
					l.least = size
				}
			}
		}
	}
	if err != nil && len(l.asked) > 0 {
		return fmt.Errorf("reading max.message.bytes of the topic, which refused a batch as too large: %w", err)
	}
	return nil
}

// judge says whether it is the message that is too large.
func (l *limits) judge(record *kgo.Record, err error) error {
	if !errors.Is(err, kerr.MessageTooLarge) && !errors.Is(err, kerr.RecordListTooLarge) {
		return err
	}
	size := len(record.Key) + len(record.Value)
	for _, header := range record.Headers {
		size += len(header.Key) + len(header.Value)
	}
	if l.least > 0 && size+overhead > l.least {
		return &flow.Refused{Certain: true, Err: fmt.Errorf("the message has %d bytes with its headers, and the server takes "+
			"%d of a batch: raise max.message.bytes of the topic, and max_message_size of the route, or send less: %w", size,
			l.least, err)}
	}
	if l.asked == nil {
		l.asked = map[string]bool{}
	}
	l.asked[record.Topic] = true
	return fmt.Errorf("a batch is refused: %w", err)
}

// overhead is how many bytes a batch of one message has at most besides the message, if that has few headers.
const overhead = 200
