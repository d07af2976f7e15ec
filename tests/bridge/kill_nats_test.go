package bridge_test

import (
	"fmt"
	"testing"
	"time"

	"cqueue.io/go/cqueue"
)

// Servers forget ids at once here: what the bridge promises does not hang on their memory.
const forgetful = 100 * time.Millisecond

func TestOutOfAQueueInOrderWhileOneServerAndTheBridgeAreKilled(t *testing.T) {
	t.Parallel()
	killOut(t, 1, kills(60), false)
}

func TestOutOfAQueueInOrderWhileThreeServersAndTheBridgeAreKilled(t *testing.T) {
	t.Parallel()
	killOut(t, 3, kills(60), true)
}

func TestOutOfAQueueInOrderWhileThreeServersWithoutBatchesAndTheBridgeAreKilled(t *testing.T) {
	t.Parallel()
	killOut(t, 3, kills(20), false) // which pass slowly
}

func TestAStandbyTakesOverInOrder(t *testing.T) {
	t.Parallel()
	servers := startNATS(t, 1, "")
	js := servers.connect()
	servers.stream(js, ordersStream())
	queue := newQueue(t, cqueue.WithExclusiveConsumer())
	configuration := fmt.Sprintf("routes: [{from: %s, to: 'nats://%s/orders.eu', max_in_flight: 256, %s}]", queue.Name(),
		servers.hosts(), quick)
	bridges := []*process{newBridge(t, configuration), newBridge(t, configuration)}
	for _, bridge := range bridges {
		bridge.start()
	}
	producer, random, times := produce(queue, 4000), dice(t), kills(60)
	for range times {
		some(t, random, func() uint64 { return gone(t, queue) })
		bridge := bridges[random.IntN(2)]
		bridge.kill()
		bridge.start()
	}
	sent := producer.finish(t)
	carried(t, queue)
	servers.account(js, sent)
	t.Logf("figure: %d kills, %d messages", times, sent)
}

func killOut(t *testing.T, nodes, times int, batches bool) {
	servers := startNATS(t, nodes, "")
	js := servers.connect()
	config := ordersStream()
	config.AllowAtomicPublish = batches
	servers.stream(js, config)
	queue := newQueue(t)
	defer shown(t, queue)
	bridge := newBridge(t, fmt.Sprintf("routes: [{from: %s, to: 'nats://%s/orders.eu', max_in_flight: 256, ack_timeout: 2s,"+
		" backoff: {min: 20ms, max: 200ms}}]", queue.Name(), servers.hosts()))
	bridge.start()
	producer := produce(queue, 4000)
	random := dice(t)
	for range times {
		some(t, random, func() uint64 { return gone(t, queue) })
		if random.IntN(6) > 0 {
			bridge.kill()
			bridge.start()
			continue
		}
		server := servers.nodes[random.IntN(nodes)]
		server.kill()
		time.Sleep(time.Duration(random.IntN(100)) * time.Millisecond)
		server.start()
	}
	sent := producer.finish(t)
	carried(t, queue)
	servers.account(js, sent)
	t.Logf("figure: %d kills, %d messages", times, sent)
}
