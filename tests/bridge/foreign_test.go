package bridge_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Somebody else who publishes to the same stream slows a route down, and breaks nothing: no message of the queue takes
// the place of another.

func TestOthersMayPublishToTheStream(t *testing.T) {
	for name, c := range map[string]struct {
		nodes   int
		batches bool
	}{"one server": {1, false}, "three": {3, false}, "three with batches": {3, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			servers := startNATS(t, c.nodes, "")
			js := servers.connect()
			config := ordersStream()
			config.AllowAtomicPublish, config.AllowDirect = c.batches, true
			servers.stream(js, config)
			queue := newQueue(t)
			bridge := newBridge(t, fmt.Sprintf("routes: [{from: %s, to: 'nats://%s/orders.eu', ack_timeout: 2s, "+
				"backoff: {min: 1ms, max: 50ms}}]", queue.Name(), servers.hosts()))
			bridge.start()
			foreign := produceTo(100, func(ctx context.Context, _ uint64) error {
				_, _ = js.Publish(context.WithoutCancel(ctx), "orders.foreign", []byte("?"))
				return nil
			})
			random := dice(t)
			producer := produce(queue, 2000)
			for range 3 {
				some(t, random, func() uint64 { return gone(t, queue) })
				time.Sleep(200 * time.Millisecond)
				bridge.kill()
				bridge.start()
			}
			sent := producer.finish(t)
			carried(t, queue)
			strangers := foreign.finish(t)
			l := newLedger()
			servers.each(js, "ORDERS", func(message jetstream.Msg) {
				if message.Subject() == "orders.eu" {
					l.add(message.Data())
				}
			})
			if fault := l.fault(sent); fault != "" || strangers == 0 {
				fail(t, fmt.Sprintf("%s, and %d messages of others", fault, strangers))
			}
		})
	}
}
