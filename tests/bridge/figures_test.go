package bridge_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cqueue.io/go/cqueue"
)

// How fast messages of 256 bytes pass: printed, never judged, and one at a time, with nothing else going on.

func TestFigures(t *testing.T) {
	if !long && os.Getenv("CQ_FIGURES") == "" {
		t.Skip("figures are measured by tests/bridge/run Figures, and by --long")
	}
	const count = 100_000
	servers := startNATS(t, 1, "")
	js := servers.connect()
	servers.stream(js, jetstream.StreamConfig{Name: "ORDERS", Subjects: []string{"orders.>"}})
	for _, mode := range []string{"ordered", "shared"} {
		passed(t, "NATS, "+mode, count, fmt.Sprintf("mode: %s, to: 'nats://%s/orders.%[1]s'", mode, servers.hosts()))
	}
	latency(t, servers)
	for _, node := range servers.nodes {
		node.kill()
	}
	server := startKafka(t)
	server.topic("orders", 1)
	for _, mode := range []string{"ordered", "shared"} {
		passed(t, "Kafka, "+mode, count, fmt.Sprintf("mode: %s, to: 'kafka://%s/orders'", mode, server.address))
	}
}

// passed prints how many messages a second pass.
func passed(t *testing.T, what string, count uint64, route string) {
	t.Helper()
	queue := newQueue(t, cqueue.WithCapacity(int(count)))
	fill(t, queue, 0, count)
	bridge := newBridge(t, fmt.Sprintf("routes: [{from: %s, max_in_flight: 1024, %s}]", queue.Name(), route))
	bridge.start()
	eventually(t, "the first messages pass", func() bool { return gone(t, queue) > 1000 })
	began, before := time.Now(), gone(t, queue)
	carried(t, queue)
	t.Logf("figure: out to %s: %.0f messages a second", what, float64(count-before)/time.Since(began).Seconds())
	_ = bridge.end()
}

// latency prints how long a message takes from one queue through the server to another, at a thousand a second.
func latency(t *testing.T, servers *natsServers) {
	t.Helper()
	from, to := newQueue(t), newQueue(t)
	js := servers.connect()
	servers.stream(js, jetstream.StreamConfig{Name: "FAST", Subjects: []string{"fast"}})
	bridge := newBridge(t, fmt.Sprintf("routes: [{from: %s, to: 'nats://%s/fast'}, "+
		"{from: 'nats://%[2]s/fast', to: %[3]s}]", from.Name(), servers.hosts(), to.Name()))
	bridge.start()
	sent := make(chan time.Time, 5000)
	go func() {
		for n := range uint64(cap(sent)) {
			sent <- time.Now()
			if err := from.Enqueue(number(n)); err != nil {
				panic(err)
			}
			time.Sleep(time.Millisecond)
		}
	}()
	var took []time.Duration
	var buffer []byte
	for range cap(sent) {
		var err error
		if buffer, err = to.DequeueContext(context.Background(), buffer[:0]); err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(<-sent))
	}
	took = took[len(took)/5:] // without what came while the bridge began
	slices.Sort(took)
	t.Logf("figure: queue to queue through NATS: p50 %v, p99 %v", took[len(took)/2].Round(time.Microsecond),
		took[len(took)*99/100].Round(time.Microsecond))
	_ = bridge.end()
	if strings.Contains(bridge.text(), "level=ERROR") {
		t.Error(bridge.text())
	}
}
