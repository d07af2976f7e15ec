// Package orders is what the examples have in common: their command line, and how they open the queue.
package orders

import (
	"log"
	"os"
	"strconv"

	"cqueue.io/go/cqueue"
)

// Open opens the queue that the command line names, and makes it if there is none; count is how many orders to handle.
func Open() (queue *cqueue.Queue, count int) {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatalf("usage: %s NAME COUNT", os.Args[0])
	}
	count, err := strconv.Atoi(os.Args[2])
	Check(err)
	queue, err = cqueue.Open(os.Args[1], cqueue.WithCapacity(1000), cqueue.WithMaxMessageSize(256))
	Check(err)
	return queue, count
}

// Check ends the program if there is an error. The queue's own say what to do.
func Check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
