package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cqueue.io/go/cqueue"
)

// What goes wrong with a stream or its messages on their way into a queue, and with headers that NATS does not take.

func TestAStreamThatIsMadeAnewIsReadFromItsBegin(t *testing.T) {
	t.Parallel()
	servers := startNATS(t, 1, "")
	js := servers.connect()
	servers.stream(js, ordersStream())
	queue := newQueue(t)
	bridge := newBridge(t, fmt.Sprintf("routes: [{from: 'nats://%s/orders.>', to: %s, %s}]", servers.hosts(), queue.Name(), quick))
	bridge.start()
	l := newLedger()
	reader := consume(queue, l)
	publish := func(from, to uint64) {
		t.Helper()
		for n := from; n < to; n++ {
			if _, err := js.Publish(context.Background(), "orders.eu", number(n)); err != nil {
				t.Fatal(err)
			}
		}
	}
	publish(0, 100)
	eventually(t, "the first stream's messages", func() bool { return reader.got.Load() == 100 })
	if err := js.DeleteStream(context.Background(), "ORDERS"); err != nil {
		t.Fatal(err)
	}
	servers.stream(js, ordersStream())
	publish(100, 250) // more than there were
	reader.finish(t, 250)
	if fault := l.fault(250); fault != "" {
		fail(t, fault)
	}
}

func TestAMessageThatDoesNotFitIntoTheQueueIsToldOnce(t *testing.T) {
	t.Parallel()
	servers := startNATS(t, 1, "")
	js := servers.connect()
	servers.stream(js, ordersStream())
	small, large := newQueue(t, cqueue.WithMaxHeaders(100)), newQueue(t, cqueue.WithMaxHeaders(2000))
	route := "routes: [{from: 'nats://" + servers.hosts() + "/orders.eu', to: %s, " + quick + "}]"
	bridge := newBridge(t, fmt.Sprintf(route, small.Name()))
	bridge.start()
	if _, err := js.PublishMsg(context.Background(), &nats.Msg{Subject: "orders.eu", Data: number(0),
		Header: nats.Header{"A": {strings.Repeat("x", 1000)}}}); err != nil {
		t.Fatal(err)
	}
	bridge.eventuallySaid("does not fit, and stops all behind it")
	time.Sleep(time.Second)
	if told := bridge.errorsSaid(); told != 1 || strings.Contains(bridge.text(), "pass again") {
		t.Error(bridge.text())
	}
	rewrite(t, bridge, fmt.Sprintf(route, large.Name()))
	eventually(t, "it fits there", func() bool { n, err := large.Len(); return n == 1 && err == nil })
}

func TestHeadersThatNATSDoesNotTakeStopTheirMessageAlone(t *testing.T) {
	t.Parallel()
	servers := startNATS(t, 1, "")
	js := servers.connect()
	servers.stream(js, ordersStream())
	servers.stream(js, jetstream.StreamConfig{Name: "DEAD", Subjects: []string{"dead"}})
	for _, where := range []string{"queue: ", "subject: dead"} {
		queue, dead := newQueue(t, cqueue.WithMaxHeaders(500)), newQueue(t, cqueue.WithMaxHeaders(500))
		wrong := []string{"ключ", "a:b", "a b", "x\r\ny"}
		for n, name := range append(wrong, "nats-expected-last-sequence", "good") {
			if err := queue.EnqueueWithContext(context.Background(), number(uint64(n)), cqueue.Headers{name: "v\r\nw"}); err != nil {
				t.Fatal(err)
			}
		}
		if where == "queue: " {
			where += dead.Name()
		}
		before, _ := streamInfo(js)
		bridge := newBridge(t, fmt.Sprintf("routes: [{from: %s, to: 'nats://%s/orders.eu', dead_letter: {%s}, %s}]", queue.Name(),
			servers.hosts(), where, quick))
		bridge.start()
		carried(t, queue)
		if after, err := streamInfo(js); err != nil || after.State.Msgs != before.State.Msgs+2 {
			t.Errorf("%+v %v", after, err)
		}
		for n := 0; n < len(wrong) && strings.HasPrefix(where, "queue"); n++ {
			if message, err := dead.Dequeue(nil); err != nil || numberOf(message) != uint64(n) {
				t.Error(n, err)
			}
		}
		if _, err := dead.Dequeue(nil); !errors.Is(err, cqueue.ErrEmpty) {
			t.Error("more of them are refused")
		}
	}
	found := 0
	servers.each(js, "DEAD", func(jetstream.Msg) { found++ })
	if found != 4 {
		t.Errorf("%d dead letters", found)
	}
}

func TestAServerWithoutJetStreamIsToldOnce(t *testing.T) {
	t.Parallel()
	port, file := freePort(t), filepath.Join(t.TempDir(), "server.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, "listen: 127.0.0.1:%d\n", port), 0o600); err != nil {
		t.Fatal(err)
	}
	server := newProcess(t, filepath.Join(programs, "nats-server"), "--config", file)
	server.start()
	queue := newQueue(t)
	bridge := newBridge(t, fmt.Sprintf("routes: [{from: %s, to: 'nats://127.0.0.1:%d/orders', %s}]", queue.Name(), port, quick))
	bridge.start()
	bridge.eventuallySaid("start nats-server with -js")
	time.Sleep(500 * time.Millisecond)
	if told := bridge.errorsSaid(); told > 2 { // it may be that the server is not there yet
		t.Error(bridge.text())
	}
}
