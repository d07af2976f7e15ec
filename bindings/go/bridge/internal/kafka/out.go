package kafka

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"cqueue.io/go/bridge/internal/config"
	"cqueue.io/go/bridge/internal/flow"
)

// Out produces a queue's messages.
//
// In ordered mode a batch is a transaction, which also holds the position of its last message in the queue: as the
// committed offset of a consumer group that has no consumers. Each session has a new client with the same transactional
// id. So the server ends what an earlier session left unfinished, and refuses what comes of it later; what it tells as
// the group's offset then is how far the queue got, whatever was acknowledged.
//
// In shared mode the client is idempotent within a session, and messages that may be there twice are marked.
type Out struct {
	end     config.Endpoint
	name    string
	topic   *config.Template
	key     *config.Template
	region  string
	ordered bool
	flight  int
	batch   int
	linger  time.Duration
	largest int
	patient time.Duration

	caution caution

	mutex  sync.Mutex // of
	limits limits
}

// NewOut returns the sink of a route. region is the queue's id.
func NewOut(r *config.Route, region string) (*Out, error) {
	topic, err := config.ParseTemplate(r.To.Topic)
	if err != nil {
		return nil, err
	}
	key, err := config.ParseTemplate(r.To.Key)
	if err != nil {
		return nil, err
	}
	fixed := ""
	if !strings.Contains(r.To.Topic, "{") {
		fixed = r.To.Topic
	}
	return &Out{end: r.To, limits: limits{fixed: fixed}, name: "cq-bridge-" + r.Name, topic: topic, key: key,
		region:  region,
		ordered: r.Mode == config.Ordered, flight: int(r.MaxInFlight), batch: int(r.Batch), linger: time.Duration(r.Linger),
		largest: int(r.MaxMessageSize), patient: time.Duration(r.AckTimeout)}, nil
}

// Close does nothing: each session has a client of its own.
func (o *Out) Close() {}

// identity is what the server knows the queue by.
func (o *Out) identity() string { return "cq-bridge-" + o.region }

// Headers that the bridge adds.
const (
	idHeader    = "cq-message-id"  // as NATS's message id: the queue's region and the position there
	redelivered = "cq-redelivered" // the topic may have the message twice
)

// Bury produces a refused message to another topic.
func (o *Out) Bury(ctx context.Context, topic string, e *flow.Entry, reason error) error {
	client, err := connect(ctx, &o.end, o.name)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	record := &kgo.Record{Topic: topic, Value: e.Bytes(), Headers: append(headers(e),
		kgo.RecordHeader{Key: idHeader, Value: []byte(o.id(e))},
		kgo.RecordHeader{Key: "cq-dead-letter", Value: []byte(reason.Error())})}
	return client.ProduceSync(ctx, record).FirstErr()
}

// id is what names the message for ever.
func (o *Out) id(e *flow.Entry) string { return o.region + "-" + strconv.FormatUint(e.Position(), 10) }

type session struct {
	out    *Out
	client *kgo.Client
	ledger ledger
	queue  chan *flow.Entry
	acks   *flow.Acks
	ctx    context.Context
	cancel context.CancelFunc
	ended  sync.WaitGroup
}

// Open connects, and in ordered mode has the server end what was before, and asks it for the position.
func (o *Out) Open(ctx context.Context) (flow.Session, error) {
	options := []kgo.Opt{
		kgo.MaxBufferedRecords(o.flight + 1),
		kgo.ProducerLinger(0),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)),
		kgo.UnknownTopicRetries(2),
	}
	if o.key.String() == "" && o.ordered {
		options = append(options, kgo.RecordPartitioner(kgo.BasicConsistentPartitioner(o.onePartition)))
	}
	most, err := o.mostBytes(ctx)
	if err != nil {
		return nil, err
	}
	if most > 0 {
		options = append(options, kgo.ProducerBatchMaxBytes(int32(max(most, 1<<10))))
	}
	if o.ordered {
		options = append(options, kgo.TransactionalID(o.identity()), kgo.TransactionTimeout(time.Minute),
			kgo.ConcurrentTransactionsBackoff(time.Millisecond))
	} else {
		options = append(options, kgo.RecordDeliveryTimeout(o.patient))
	}
	client, err := connect(ctx, &o.end, o.name, options...)
	if err != nil {
		return nil, err
	}
	s := &session{out: o, client: client, queue: make(chan *flow.Entry, o.flight+1), acks: flow.NewAcks()}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if !o.ordered {
		s.ended.Go(s.commit)
		return s, nil
	}
	if s.ledger, err = openLedger(ctx, client, o); err != nil {
		s.Close()
		return nil, fmt.Errorf("%s: %w", o.end.URL, explained(err))
	}
	s.ended.Go(s.commit)
	return s, nil
}

// mostBytes is how large a batch may be; 0: as large as is usual.
func (o *Out) mostBytes(ctx context.Context) (int, error) {
	client, err := connect(ctx, &o.end, o.name)
	if err != nil {
		return 0, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if err := o.limits.read(ctx, client); err != nil {
		return 0, fmt.Errorf("%s: %w", o.end.URL, explained(err))
	}
	if o.largest > 0 && (o.limits.least == 0 || len(o.limits.asked) == 0) {
		return o.largest + 1<<16, nil
	}
	return o.limits.least, nil
}

// onePartition is the partition for messages without a key, of which a topic keeps the order only within one.
func (o *Out) onePartition(string) func(*kgo.Record, int) int {
	hash := fnv.New32a()
	hash.Write([]byte(o.region))
	sum := hash.Sum32()
	return func(_ *kgo.Record, partitions int) int { return int(sum % uint32(partitions)) }
}

func (s *session) Stored() (flow.Record, bool) { return s.ledger.record, s.ledger.known }

func (s *session) Acks() *flow.Acks { return s.acks }

func (s *session) Publish(e *flow.Entry) error {
	if s.out.ordered || s.out.caution.is() {
		s.queue <- e
		return nil
	}
	record, err := s.record(e)
	if err != nil {
		return err
	}
	s.client.Produce(s.ctx, record, func(_ *kgo.Record, err error) {
		if err != nil {
			s.acks.Fail(e, s.judged(record, err, false))
		} else {
			s.acks.Add(e)
		}
	})
	return nil
}

func (s *session) record(e *flow.Entry) (*kgo.Record, error) {
	topic, err := s.out.topic.Name(e.Header)
	if err != nil {
		return nil, flow.Refuse("%w", err)
	}
	key, err := s.out.key.Text(e.Header)
	if err != nil {
		return nil, flow.Refuse("%w", err)
	}
	record := &kgo.Record{Topic: topic, Value: e.Bytes(), Headers: headers(e)}
	if key != "" {
		record.Key = []byte(key)
	}
	record.Headers = append(record.Headers, kgo.RecordHeader{Key: idHeader, Value: []byte(s.out.id(e))})
	if !s.out.ordered && e.Repeated() {
		record.Headers = append(record.Headers, kgo.RecordHeader{Key: redelivered,
			Value: []byte(strconv.Itoa(e.Deliveries()))})
	}
	return record, nil
}

// judged says whether the message itself is what is wrong. Alone: no other went with it.
func (s *session) judged(record *kgo.Record, err error, alone bool) error {
	s.out.mutex.Lock()
	err = s.out.limits.judge(record, err)
	s.out.mutex.Unlock()
	err = s.out.caution.judge(err, alone)
	if refused := (*flow.Refused)(nil); errors.As(err, &refused) {
		return &flow.Refused{Certain: refused.Certain, Err: fmt.Errorf("%s: %w", s.out.end.URL, refused.Err)}
	}
	return fmt.Errorf("%s: %w", s.out.end.URL, explained(err))
}

func (s *session) Close() {
	s.cancel()
	s.client.Close() // which fails what a server that does not answer still has
	s.ended.Wait()
}
