// keep NAME COUNT DIRECTORY: put COUNT orders into the durable queue NAME, ten at a time, and say of each ten that they are
// safe: on the disk, in DIRECTORY, whatever happens to this process or this machine.
package main

import (
	"context"
	"fmt"
	"os"

	"cqueue.io/go/cqueue/examples/internal/orders"
)

func main() {
	queue, count := orders.OpenDurable()
	defer queue.Close()

	for i := 1; i <= count; i++ {
		order := fmt.Appendf(nil, "order %d from go-%d", i, os.Getpid())
		orders.Check(queue.EnqueueContext(context.Background(), order))
		if i%10 == 0 || i == count {
			// One for all ten; and shared with whoever else syncs at this moment.
			orders.Check(queue.Sync())
			fmt.Println("go: kept", i)
		}
	}
}
