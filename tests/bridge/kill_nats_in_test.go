package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cqueue.io/go/cqueue"
)

// consumer takes a queue's messages, and enters each.
type consumer struct {
	stop  context.CancelFunc
	ended chan error
	got   atomic.Uint64
}

func consume(queue *cqueue.Queue, l *ledger) *consumer {
	ctx, stop := context.WithCancel(context.Background())
	c := &consumer{stop: stop, ended: make(chan error, 1)}
	go func() {
		defer close(c.ended)
		for {
			message, err := queue.TakeContext(ctx)
			if err != nil {
				if !errors.Is(err, context.Canceled) {
					c.ended <- err
				}
				return
			}
			l.add(message.Bytes())
			c.got.Add(1)
			if err := message.Release(); err != nil {
				c.ended <- err
				return
			}
		}
	}()
	return c
}

// finish waits for so many messages, and a little for more than these.
func (c *consumer) finish(t *testing.T, wanted uint64) {
	t.Helper()
	eventually(t, "all arrived", func() bool { return c.got.Load() >= wanted })
	time.Sleep(300 * time.Millisecond)
	c.stop()
	if err := <-c.ended; err != nil {
		t.Fatal(err)
	}
}

func TestIntoAQueueOnceWhileTheServerAndTheBridgeAreKilled(t *testing.T) {
	t.Parallel()
	servers := startNATS(t, 1, "")
	js := servers.connect()
	servers.stream(js, jetstream.StreamConfig{Name: "ORDERS", Subjects: []string{"orders.>"}})
	queue := newQueue(t, cqueue.WithCapacity(500))
	bridge := newBridge(t, fmt.Sprintf("routes: [{from: 'nats://%s/orders.>', to: %s, backoff: {min: 20ms, max: 200ms}}]",
		servers.hosts(), queue.Name()))
	bridge.start()
	l := newLedger()
	reader := consume(queue, l)
	writer := produceTo(3000, func(ctx context.Context, n uint64) error { // until the stream has it
		id := fmt.Sprint(n)
		for ctx.Err() == nil {
			once, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
			_, err := js.Publish(once, "orders.eu", number(n), jetstream.WithMsgID(id))
			cancel()
			if err == nil {
				return nil
			}
			time.Sleep(20 * time.Millisecond)
		}
		return ctx.Err()
	})
	random, times := dice(t), kills(60)
	for range times {
		some(t, random, reader.got.Load)
		if random.IntN(6) > 0 {
			bridge.kill()
			bridge.start()
			continue
		}
		servers.nodes[0].kill()
		servers.nodes[0].start()
	}
	// The last one may be there although the writer was told to stop before it knew.
	sent := writer.finish(t)
	if info, err := streamInfo(js); err != nil {
		t.Fatal(err)
	} else if sent = info.State.Msgs; sent < writer.sent.Load() {
		t.Fatalf("the stream has %d messages of %d", sent, writer.sent.Load())
	}
	reader.finish(t, sent)
	if fault := l.fault(sent); fault != "" {
		fail(t, fault)
	}
	t.Logf("figure: %d kills, %d messages", times, sent)
}

func streamInfo(js jetstream.JetStream) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	stream, err := js.Stream(ctx, "ORDERS")
	if err != nil {
		return nil, err
	}
	return stream.Info(ctx)
}
