package bridge_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"cqueue.io/go/cqueue"
)

func TestOutOfAQueueInOrderWhileKafkaAndTheBridgeAreKilled(t *testing.T) {
	t.Parallel()
	killOutToKafka(t, "ordered", kills(60))
}

func TestOutOfAQueueSharedWhileKafkaAndTheBridgeAreKilled(t *testing.T) {
	t.Parallel()
	killOutToKafka(t, "shared", kills(60))
}

func killOutToKafka(t *testing.T, mode string, times int) {
	server := startKafka(t)
	server.topic("orders", 3)
	queue := newQueue(t)
	defer shown(t, queue)
	bridge := newBridge(t, fmt.Sprintf("routes: [{from: %s, to: 'kafka://%s/orders', mode: %s, max_in_flight: 256, "+
		"backoff: {min: 20ms, max: 500ms}}]", queue.Name(), server.address, mode))
	bridge.start()
	producer, random := produce(queue, 3000), dice(t)
	for n := range times {
		some(t, random, func() uint64 { return gone(t, queue) })
		if n%60 == 30 {
			server.kill()
			server.start()
		} else {
			bridge.kill()
			bridge.start()
		}
	}
	sent := producer.finish(t)
	carried(t, queue)
	server.arrived("orders", mode, sent)
	t.Logf("figure: %d kills, %d messages", times, sent)
}

func TestIntoAQueueOnceWhileKafkaAndTheBridgeAreKilled(t *testing.T) {
	t.Parallel()
	server := startKafka(t)
	server.topic("orders", 1)
	queue := newQueue(t, cqueue.WithCapacity(500))
	defer shown(t, queue)
	bridge := newBridge(t, fmt.Sprintf("routes: [{from: 'kafka://%s/orders', to: %s, backoff: {min: 20ms, max: 500ms}}]",
		server.address, queue.Name()))
	bridge.start()
	l := newLedger()
	reader := consume(queue, l)
	client := server.client()
	writer := produceTo(2000, func(ctx context.Context, n uint64) error { // an idempotent producer tries for ever
		return client.ProduceSync(context.WithoutCancel(ctx), &kgo.Record{Topic: "orders", Value: number(n)}).FirstErr()
	})
	random, times := dice(t), kills(60)
	for n := range times {
		some(t, random, reader.got.Load)
		if n%60 == 30 {
			server.kill()
			server.start()
		} else {
			bridge.kill()
			bridge.start()
		}
	}
	sent := writer.finish(t)
	reader.finish(t, sent)
	if fault := l.fault(sent); fault != "" {
		fail(t, fault)
	}
	t.Logf("figure: %d kills, %d messages", times, sent)
}
