// produce NAME COUNT: send COUNT orders to the queue NAME.
package main

import (
	"context"
	"fmt"

	"cqueue.io/go/cqueue/examples/internal/orders"
)

func main() {
	queue, count := orders.Open()
	defer queue.Close()

	for i := 1; i <= count; i++ {
		// Waits while the queue is full. Once it returns, the order is in the queue whatever happens to this process.
		orders.Check(queue.EnqueueContext(context.Background(), fmt.Appendf(nil, "order %d from go", i)))
	}
	fmt.Println("go: sent", count)
}
