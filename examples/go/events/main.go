// events NAME COUNT: receive COUNT orders from the queue NAME in a loop that waits for other things as well.
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"cqueue.io/go/cqueue"
	"cqueue.io/go/cqueue/examples/internal/orders"
)

func main() {
	queue, count := orders.Open()
	defer queue.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	incoming := receive(ctx, queue)
	for range count {
		select {
		case order := <-incoming:
			fmt.Printf("go: got %s\n", order.Bytes())
			orders.Check(order.Release())
		case <-time.After(10 * time.Second):
			log.Fatal("go: no order for ten seconds")
		}
	}
}

// receive puts the orders into a channel until the context is over. What it has taken when nobody wants any more goes back
// into the queue with Close.
func receive(ctx context.Context, queue *cqueue.Queue) <-chan *cqueue.Message {
	incoming := make(chan *cqueue.Message)
	go func() {
		for {
			order, err := queue.TakeContext(ctx)
			if err != nil {
				return // the context is over, or the queue closed
			}
			select {
			case incoming <- order:
			case <-ctx.Done():
				return
			}
		}
	}()
	return incoming
}
