// consume NAME COUNT: receive COUNT orders from the queue NAME.
package main

import (
	"context"
	"fmt"
	"time"

	"cqueue.io/go/cqueue"
	"cqueue.io/go/cqueue/examples/internal/orders"
)

func main() {
	queue, count := orders.Open()
	defer queue.Close()

	for range count {
		order, err := receive(queue)
		orders.Check(err)
		fmt.Printf("go: got %s\n", order)
	}
}

// receive waits for an order, up to ten seconds.
func receive(queue *cqueue.Queue) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return queue.DequeueContext(ctx, nil)
}
