package bridge_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cqueue.io/go/cqueue"
)

// Headers go along in both directions, and say where a message goes.

func TestHeadersGoAlongAndChooseTheSubject(t *testing.T) {
	t.Parallel()
	servers := startNATS(t, 1, "")
	js := servers.connect()
	servers.stream(js, ordersStream())
	from, to := newQueue(t, cqueue.WithMaxHeaders(500)), newQueue(t, cqueue.WithMaxHeaders(500))
	dead := newQueue(t, cqueue.WithMaxHeaders(500))
	ctx := context.Background()
	for n, headers := range []map[string]string{{"region": "eu", "trace": "a b"}, {"region": "us"}, {}, {"region": "no good"}} {
		if err := from.EnqueueFromContext(ctx, number(uint64(n)), headers, "test", uint64(n+1)); err != nil {
			t.Fatal(err)
		}
	}
	bridge := newBridge(t, fmt.Sprintf(`
routes:
  - {from: %s, to: 'nats://%s/orders.{region|none}', dead_letter: {queue: %s}, %s}
  - {from: 'nats://%[2]s/orders.>', to: %[5]s}
`, from.Name(), servers.hosts(), dead.Name(), quick, to.Name()))
	bridge.start()
	for n, wanted := range []map[string]string{{"region": "eu", "trace": "a b", "subject": "orders.eu"},
		{"region": "us", "subject": "orders.us"}, {"subject": "orders.none"}} {
		message, err := to.TakeContext(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if got := message.Headers(); fmt.Sprint(got) != fmt.Sprint(wanted) || string(message.Bytes()) != string(number(uint64(n))) {
			t.Errorf("%v, not %v", got, wanted)
		}
		_ = message.Release()
	}
	message, err := dead.TakeContext(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got := message.Headers(); got["region"] != "no good" || got["cq-dead-letter"] == "" || got["cq-queue"] != from.Name() {
		t.Error(got)
	}
	_ = message.Release()
}

func TestARefusedMessageGoesToAnotherSubject(t *testing.T) {
	t.Parallel()
	servers := startNATS(t, 1, "max_payload: 1000")
	js := servers.connect()
	servers.stream(js, ordersStream())
	servers.stream(js, jetstream.StreamConfig{Name: "DEAD", Subjects: []string{"dead"}})
	queue := newQueue(t, cqueue.WithMaxHeaders(500))
	if err := queue.EnqueueFromContext(context.Background(), number(0), map[string]string{"region": "?"}, "test", 1); err != nil {
		t.Fatal(err)
	}
	fill(t, queue, 0, 3)
	bridge := newBridge(t, fmt.Sprintf("routes: [{from: %s, to: 'nats://%s/orders.{region|eu}', dead_letter: {subject: dead}, %s}]",
		queue.Name(), servers.hosts(), quick))
	bridge.start()
	carried(t, queue)
	servers.account(js, 3)
	found := 0
	servers.each(js, "DEAD", func(message jetstream.Msg) {
		if nats.Header(message.Headers()).Get("Cq-Dead-Letter") != "" {
			found++
		}
	})
	if found != 1 {
		t.Errorf("%d dead letters", found)
	}
}
