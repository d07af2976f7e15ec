// Package orders is what the examples have in common: their command line, and how they open the queue.
package orders

import (
	"log"
	"os"
	"strconv"
	"strings"

	"cqueue.io/go/cqueue"
)

// Open opens the queue that the command line names, and makes it if there is none; count is how many orders to handle.
func Open() (queue *cqueue.Queue, count int) {
	return open("NAME COUNT")
}

// OpenDurable does the same with a queue that is kept in the directory that the command line names too.
func OpenDurable() (queue *cqueue.Queue, count int) {
	if len(os.Args) != 4 {
		return open("NAME COUNT DIRECTORY")
	}
	return open("NAME COUNT DIRECTORY", cqueue.WithDurableDirectory(os.Args[3]))
}

func open(usage string, options ...cqueue.Option) (queue *cqueue.Queue, count int) {
	log.SetFlags(0)
	if len(os.Args) != 1+len(strings.Fields(usage)) {
		log.Fatalf("usage: %s %s", os.Args[0], usage)
	}
	count, err := strconv.Atoi(os.Args[2])
	Check(err)
	options = append(options, cqueue.WithCapacity(1000), cqueue.WithMaxMessageSize(256))
	queue, err = cqueue.Open(os.Args[1], options...)
	Check(err)
	return queue, count
}

// Check ends the program if there is an error. The queue's own say what to do.
func Check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
