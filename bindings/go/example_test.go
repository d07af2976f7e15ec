package cqueue_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"cqueue.io/go/cqueue"
)

// Two processes would each open the queue by its name; here one does both.
func Example() {
	queue, err := cqueue.Open("go-example", cqueue.WithCapacity(1000), cqueue.WithMaxMessageSize(256))
	if err != nil {
		log.Fatal(err)
	}
	defer cqueue.Unlink("go-example")
	defer queue.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	// Copy in, copy out.
	if err := queue.EnqueueContext(ctx, []byte("one tea")); err != nil { // waits while the queue is full
		log.Fatal(err)
	}
	message, err := queue.DequeueContext(ctx, nil) // waits while it is empty
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", message)

	// Take, work, release: if this process is killed in between, somebody else gets the message.
	if err := queue.Enqueue([]byte("two teas")); err != nil {
		log.Fatal(err)
	}
	loan, err := queue.TakeContext(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s, delivery %d\n", loan.Bytes(), loan.Deliveries())
	if err := loan.Release(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// one tea
	// two teas, delivery 1
}

func ExampleNewTyped() {
	directory, err := os.MkdirTemp("/dev/shm", "cqueue-go-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(directory)
	queue, err := cqueue.Open("go-example", cqueue.WithDirectory(directory))
	if err != nil {
		log.Fatal(err)
	}
	defer queue.Close()

	type order struct {
		What  string
		Count int
	}
	orders := cqueue.NewTyped(queue, cqueue.JSON[order]())
	if err := orders.Enqueue(order{"tea", 2}); err != nil {
		log.Fatal(err)
	}
	got, err := orders.Dequeue()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(got.Count, got.What)
	// Output: 2 tea
}
