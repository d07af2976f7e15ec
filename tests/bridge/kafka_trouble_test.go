package bridge_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"cqueue.io/go/cqueue"
)

// What goes wrong with a message or a topic of Kafka's, and headers in both directions. All on one server, which takes
// long to start.

func TestMessagesAndTopicsOfKafka(t *testing.T) {
	t.Parallel()
	server := startKafka(t)
	t.Run("headers", func(t *testing.T) { server.on(t).headers() })
	for _, mode := range []string{"ordered", "shared"} {
		t.Run("too large, "+mode, func(t *testing.T) { server.on(t).tooLarge(mode) })
		t.Run("innocent neighbours, "+mode, func(t *testing.T) { server.on(t).innocentNeighbours(mode) })
		t.Run("no header, "+mode, func(t *testing.T) { server.on(t).noHeader(mode) })
	}
	t.Run("no topic", func(t *testing.T) { server.on(t).noTopic() })
}

// on is the server for a part of the test.
func (s *kafkaServer) on(t *testing.T) *kafkaServer {
	p := &process{t: t}
	return &kafkaServer{p, s.address}
}

func (s *kafkaServer) headers() {
	s.topic("headers", 1)
	from, to := newQueue(s.t, cqueue.WithMaxHeaders(500)), newQueue(s.t, cqueue.WithMaxHeaders(500))
	ctx := context.Background()
	sent := []map[string]string{{"key": "k", "trace": "a\nb"}, {"trace": ""}, {}}
	for n, headers := range sent {
		if err := from.EnqueueFromContext(ctx, number(uint64(n)), headers, "test", uint64(n+1)); err != nil {
			s.t.Fatal(err)
		}
	}
	bridge := newBridge(s.t, fmt.Sprintf(`
routes:
  - {from: %s, to: {url: 'kafka://%s', topic: headers, key: '{key|}'}, %s}
  - {from: 'kafka://%[2]s/headers', to: %[4]s}
`, from.Name(), s.address, quick, to.Name()))
	bridge.start()
	for n, headers := range sent {
		message := s.take(to)
		got := message.Headers()
		if got["key"] != headers["key"] || got["trace"] != headers["trace"] || got["cq-message-id"] == "" ||
			string(message.Bytes()) != string(number(uint64(n))) {
			s.t.Errorf("%v, not %v", got, headers)
		}
		_ = message.Release()
	}
	n := 0
	s.read("headers", func(record *kgo.Record) {
		want := sent[n]["key"]
		if n++; string(record.Key) != want {
			s.t.Errorf("key %q, not %q", record.Key, want)
		}
	})
}

// take waits for a message.
func (s *kafkaServer) take(queue *cqueue.Queue) (message *cqueue.Message) {
	s.t.Helper()
	eventually(s.t, "a message", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		var err error
		message, err = queue.TakeContext(ctx)
		return err == nil
	})
	return message
}

func (s *kafkaServer) tooLarge(mode string) {
	topic, few := "small-"+mode, "2000"
	s.topicWith(topic, 1, map[string]*string{"max.message.bytes": &few})
	queue, dead := newQueue(s.t, cqueue.WithMaxMessageSize(3000)), newQueue(s.t, cqueue.WithMaxMessageSize(3000))
	fill(s.t, queue, 0, 2)
	large := make([]byte, 2500) // that nothing compresses
	_, _ = rand.Read(large)
	if err := queue.Enqueue(large); err != nil {
		s.t.Fatal(err)
	}
	fill(s.t, queue, 2, 20)
	route := fmt.Sprintf("{from: %s, to: 'kafka://%s/%s', mode: %s, %s", queue.Name(), s.address, topic, mode, quick)
	bridge := newBridge(s.t, "routes: ["+route+"}]")
	bridge.start()
	bridge.eventuallySaid("raise max.message.bytes of the topic")
	time.Sleep(500 * time.Millisecond)
	if told := bridge.errorsSaid(); told > 2 {
		s.t.Errorf("%d errors", told)
	}
	rewrite(s.t, bridge, "routes: ["+route+", dead_letter: {queue: "+dead.Name()+"}}]")
	carried(s.t, queue)
	s.arrived(topic, mode, 20)
	if message, err := dead.Dequeue(nil); err != nil || len(message) != 2500 {
		s.t.Errorf("%d %v", len(message), err)
	}
	if _, err := dead.Dequeue(nil); !errors.Is(err, cqueue.ErrEmpty) {
		s.t.Error("it came twice")
	}
}

func (s *kafkaServer) noHeader(mode string) {
	topic, dead := "eu-"+mode, "dead-"+mode
	s.topic(topic, 1)
	s.topic(dead, 1)
	queue := newQueue(s.t, cqueue.WithMaxHeaders(500))
	for n, headers := range []map[string]string{{"region": "eu"}, {}, {"region": "eu"}} {
		if err := queue.EnqueueWithContext(context.Background(), number(uint64(n)), headers); err != nil {
			s.t.Fatal(err)
		}
	}
	bridge := newBridge(s.t, fmt.Sprintf("routes: [{from: %s, to: 'kafka://%s/{region}-%s', mode: %[3]s, "+
		"dead_letter: {subject: %s}, %s}]", queue.Name(), s.address, mode, dead, quick))
	bridge.start()
	carried(s.t, queue)
	passed, refused := map[string]bool{}, 0
	s.read(topic, func(record *kgo.Record) { passed[string(record.Value)] = true })
	s.read(dead, func(record *kgo.Record) {
		if string(record.Value) == string(number(1)) {
			refused++
		}
	})
	if len(passed) != 2 || !passed[string(number(0))] || !passed[string(number(2))] || refused != 1 {
		s.t.Errorf("%d passed, %d refused", len(passed), refused)
	}
}

func (s *kafkaServer) noTopic() {
	queue := newQueue(s.t)
	fill(s.t, queue, 0, 10)
	bridge := newBridge(s.t, fmt.Sprintf("routes: [{from: %s, to: 'kafka://%s/later', %s}]", queue.Name(), s.address,
		quick))
	bridge.start()
	bridge.eventuallySaid("create the topic with Kafka's tools")
	s.topic("later", 1)
	carried(s.t, queue)
	s.arrived("later", "ordered", 10)
}

// arrived compares what the topic has with the numbers below sent; in shared mode their order does not matter, nor who
// was doubled and is marked.
func (s *kafkaServer) arrived(topic, mode string, sent uint64) {
	s.t.Helper()
	l := newLedger()
	s.read(topic, func(record *kgo.Record) {
		if mode != "shared" {
			l.add(record.Value)
			return
		}
		l.addShared(record.Value, slices.ContainsFunc(record.Headers, func(header kgo.RecordHeader) bool {
			return header.Key == "cq-redelivered"
		}))
	})
	if fault := l.fault(sent); fault != "" {
		fail(s.t, fault)
	}
}

// A server that has just begun makes the topic for positions when it is first asked for one. Here it cannot, for a
// while.
func TestAServerThatIsNotReadyYetIsNoError(t *testing.T) {
	t.Parallel()
	server := startKafkaWith(t, "", "", "offsets.topic.replication.factor=3")
	server.topic("orders", 1)
	queue := newQueue(t)
	fill(t, queue, 0, 10)
	bridge := newBridge(t, fmt.Sprintf("routes: [{from: %s, to: 'kafka://%s/orders', %s}]", queue.Name(), server.address,
		quick))
	bridge.start()
	bridge.eventuallySaid("the server is not ready yet")
	server.topic("__consumer_offsets", 1)
	carried(t, queue)
	if bridge.errorsSaid() > 0 {
		t.Error(bridge.text())
	}
	server.arrived("orders", "ordered", 10)
}

// A compacted topic takes no message without a key, and with one it refuses the whole batch that the message is in.
func (s *kafkaServer) innocentNeighbours(mode string) {
	topic, compact := "compacted-"+mode, "compact"
	s.topicWith(topic, 1, map[string]*string{"cleanup.policy": &compact})
	queue, dead := newQueue(s.t, cqueue.WithMaxHeaders(500)), newQueue(s.t, cqueue.WithMaxHeaders(500))
	const sent = 600
	bad := map[uint64]bool{0: true, 300: true, 301: true, sent - 1: true}
	for n := range uint64(sent) {
		headers := map[string]string{"key": fmt.Sprint(n)}
		if bad[n] {
			headers = nil
		}
		if err := queue.EnqueueWithContext(context.Background(), number(n), headers); err != nil {
			s.t.Fatal(err)
		}
	}
	bridge := newBridge(s.t, fmt.Sprintf("routes: [{from: %s, to: {url: 'kafka://%s', topic: %s, key: '{key|}'}, mode: %s, "+
		"dead_letter: {queue: %s}, %s}]", queue.Name(), s.address, topic, mode, dead.Name(), quick))
	bridge.start()
	carried(s.t, queue)
	passed := map[uint64]int{}
	s.read(topic, func(record *kgo.Record) { passed[numberOf(record.Value)]++ })
	for n := range uint64(sent) {
		if arrived := passed[n] > 0; arrived == bad[n] || passed[n] > 1 && mode == "ordered" {
			s.t.Errorf("message %d came %d times", n, passed[n])
		}
	}
	for len(bad) > 0 {
		message, err := dead.Dequeue(nil)
		if err != nil || !bad[numberOf(message)] {
			s.t.Fatal("not a bad one, or too few: ", err)
		}
		delete(bad, numberOf(message))
	}
	if n, _ := dead.Len(); n > 0 {
		s.t.Errorf("%d innocent messages are dead letters", n)
	}
}
