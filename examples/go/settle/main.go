// settle NAME COUNT DIRECTORY: handle COUNT orders of the durable queue NAME, and say of each when it will not come again.
package main

import (
	"context"
	"fmt"

	"cqueue.io/go/cqueue/examples/internal/orders"
)

func main() {
	queue, count := orders.OpenDurable()
	defer queue.Close()

	for range count {
		order, err := queue.TakeContext(context.Background())
		orders.Check(err)
		text := string(order.Bytes())
		fmt.Printf("go: got %s (delivery %d, position %d)\n", text, order.Deliveries(), order.Position())
		orders.Check(order.Release())
		// Until here a power cut may bring it back, marked as delivered before.
		orders.Check(queue.Sync())
		fmt.Println("go: settled", text)
	}
}
