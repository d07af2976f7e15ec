// acknowledge NAME COUNT: handle COUNT orders of the queue NAME, each in place, and tell the queue when that is done.
//
// Killed before it does so, it has not handled the order as far as the queue knows: somebody else gets it, with a higher
// number of deliveries. The first order is given back once, to show what that looks like.
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

	for first, handled := true, 0; handled < count; first = false {
		order, err := take(queue)
		orders.Check(err)
		if first && order.Deliveries() == 1 {
			fmt.Printf("go: gave back %s\n", order.Bytes())
			orders.Check(order.GiveBack())
			continue
		}
		fmt.Printf("go: handled %s (delivery %d)\n", order.Bytes(), order.Deliveries())
		orders.Check(order.Release())
		handled++
	}
}

// take waits for an order, up to ten seconds. It stays in the queue's memory and in this process's hands until Release.
func take(queue *cqueue.Queue) (*cqueue.Message, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return queue.TakeContext(ctx)
}
