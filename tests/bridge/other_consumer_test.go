package bridge_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"cqueue.io/go/cqueue"
)

// Another consumer that holds a message while newer ones pass, and gives it back while no bridge is there: the next
// bridge must not take it for one that the server has, though it was delivered before and is older than the last one.

func TestWhatAnotherConsumerGaveBackIsNotLost(t *testing.T) {
	t.Parallel()
	t.Run("NATS", func(t *testing.T) {
		t.Parallel()
		servers := startNATS(t, 1, "")
		js := servers.connect()
		servers.stream(js, ordersStream())
		givenBack(t, fmt.Sprintf("nats://%s/orders.eu", servers.hosts()), func() (numbers []uint64) {
			l := newLedger()
			servers.read(js, "ORDERS", l)
			return l.all
		})
	})
	t.Run("Kafka", func(t *testing.T) {
		t.Parallel()
		server := startKafka(t)
		server.topic("orders", 1)
		givenBack(t, fmt.Sprintf("kafka://%s/orders", server.address), func() []uint64 {
			l := newLedger()
			server.read("orders", func(record *kgo.Record) { l.add(record.Value) })
			return l.all
		})
	})
}

func givenBack(t *testing.T, to string, arrived func() []uint64) {
	queue := newQueue(t)
	take := func() *cqueue.Message {
		message, err := queue.TakeContext(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return message
	}
	bridge := newBridge(t, fmt.Sprintf("routes: [{from: %s, to: '%s', %s}]", queue.Name(), to, quick))
	fill(t, queue, 0, 3)
	first, second, third := take(), take(), take()
	_ = first.GiveBack()
	bridge.start()
	fill(t, queue, 3, 5)
	eventually(t, "those that nobody else holds pass", func() bool { return gone(t, queue) == 3 })
	bridge.kill()
	_ = second.GiveBack()
	bridge.start()
	eventually(t, "one that was given back passes", func() bool { return gone(t, queue) == 4 })
	fill(t, queue, 5, 6)
	eventually(t, "a new one passes", func() bool { return gone(t, queue) == 5 })
	bridge.kill()
	_ = third.GiveBack()
	bridge.start()
	carried(t, queue)
	if got := fmt.Sprint(arrived()); got != "[0 3 4 1 5 2]" {
		t.Error(got)
	}
}
