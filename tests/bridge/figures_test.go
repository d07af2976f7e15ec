package bridge_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/twmb/franz-go/pkg/kgo"

	"cqueue.io/go/cqueue"
)

// How fast messages of 256 bytes pass: printed, never judged, and one at a time, with nothing else going on.

// What the engine's own client does on its own, in the same run, is the ceiling. The servers keep messages in files and
// sync them when they think fit, as they do unless they are told otherwise.

const window = 1024 // messages under way

func figuresWanted(t *testing.T) {
	if !long && os.Getenv("CQ_FIGURES") == "" {
		t.Skip("figures are measured by tests/bridge/run Figures, and by --long")
	}
}

const count, rounds = 200_000, 3

func TestFiguresOfNATS(t *testing.T) {
	figuresWanted(t)
	servers := startNATS(t, 1, "")
	js := servers.connect()
	servers.stream(js, ordersStream())
	bare := speeds(func() float64 { return bareNATS(t, servers) })
	t.Logf("figure: nats.go alone: %v messages a second", bare)
	for _, mode := range []string{"ordered", "shared"} {
		passed := speeds(func() float64 {
			return bridged(t, fmt.Sprintf("mode: %s, to: 'nats://%s/orders.%[1]s'", mode, servers.hosts()))
		})
		t.Logf("figure: out to NATS, %s: %v messages a second, %.2f of nats.go alone", mode, passed,
			passed.median()/bare.median())
	}
	latency(t, servers)
}

func TestFiguresOfThreeServers(t *testing.T) {
	figuresWanted(t)
	servers := startNATS(t, 3, "")
	js := servers.connect()
	config := ordersStream()
	config.AllowAtomicPublish = true
	servers.stream(js, config)
	bare := speeds(func() float64 { return bareNATS(t, servers) })
	t.Logf("figure: nats.go alone, three servers: %v messages a second", bare)
	passed := speeds(func() float64 { return bridged(t, fmt.Sprintf("to: 'nats://%s/orders.eu'", servers.hosts())) })
	t.Logf("figure: out to three servers of NATS, ordered, in batches: %v messages a second, %.2f of nats.go alone", passed,
		passed.median()/bare.median())
}

func TestFiguresOfKafka(t *testing.T) {
	figuresWanted(t)
	server := startKafka(t)
	server.topic("orders", 1)
	bare := speeds(func() float64 { return bareKafka(t, server) })
	t.Logf("figure: franz-go alone, idempotent: %v messages a second", bare)
	for _, mode := range []string{"ordered", "shared"} {
		for _, under := range []int{window, 8192} {
			passed := speeds(func() float64 {
				return bridged(t, fmt.Sprintf("mode: %s, max_in_flight: %d, to: 'kafka://%s/orders'", mode, under,
					server.address))
			})
			t.Logf("figure: out to Kafka, %s, %d under way: %v messages a second, %.2f of franz-go alone", mode, under, passed,
				passed.median()/bare.median())
		}
	}
}

// figures are several of one kind, in their order.
type figures []float64

func speeds(measure func() float64) (all figures) {
	for range rounds {
		all = append(all, measure())
	}
	slices.Sort(all)
	return all
}

func (f figures) median() float64 { return f[len(f)/2] }

// String is the median, and in brackets the least and the most.
func (f figures) String() string {
	return fmt.Sprintf("%.0f (%.0f to %.0f)", f.median(), f[0], f[len(f)-1])
}

// bridged is how many messages a second pass.
func bridged(t *testing.T, route string) float64 {
	t.Helper()
	queue := newQueue(t, cqueue.WithCapacity(count))
	fill(t, queue, 0, count)
	bridge := newBridge(t, fmt.Sprintf("routes: [{from: %s, %s}]", queue.Name(), route))
	bridge.start()
	eventually(t, "the first messages pass", func() bool { return gone(t, queue) > 1000 })
	began, before := time.Now(), gone(t, queue)
	for gone(t, queue) < count {
		time.Sleep(time.Millisecond)
	}
	took := time.Since(began)
	_ = bridge.end()
	return float64(count-before) / took.Seconds()
}

// bareNATS is how many messages a second the client publishes that waits for no acknowledgement but has so many under
// way.
func bareNATS(t *testing.T, servers *natsServers) float64 {
	t.Helper()
	conn := servers.connect().Conn()
	js, err := jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(window))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for n := range uint64(count) {
		m := &nats.Msg{Subject: "orders.bare", Data: number(n), Header: nats.Header{}}
		id := jetstream.WithMsgID(fmt.Sprintf("%d-%d", began.UnixNano(), n))
		if _, err := js.PublishMsgAsync(m, jetstream.WithStallWait(time.Minute), id); err != nil {
			t.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
	return float64(count) / time.Since(began).Seconds()
}

func bareKafka(t *testing.T, server *kafkaServer) float64 {
	t.Helper()
	client := server.client(kgo.MaxBufferedRecords(window), kgo.ProducerLinger(0))
	began := time.Now()
	for n := range uint64(count) {
		client.Produce(context.Background(), &kgo.Record{Topic: "orders", Value: number(n)}, func(_ *kgo.Record, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	if err := client.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	return float64(count) / time.Since(began).Seconds()
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
