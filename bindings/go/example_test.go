package cqueue_test

import (
	"context"
	"errors"
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

	if err := queue.EnqueueContext(ctx, []byte("one tea")); err != nil { // waits while the queue is full
		log.Fatal(err)
	}
	handle := func(order []byte) error {
		fmt.Printf("%s\n", order)
		cancel() // for this example, one is enough
		return nil
	}

	for message, err := range queue.All(ctx) { // waits while it is empty
		if err != nil {
			break // the context is over, or the queue closed
		}
		if err := handle(message.Bytes()); err != nil {
			log.Print(err)
			message.GiveBack() // it comes again, here or elsewhere
			continue
		}
		message.Release() // only now it is gone
	}
	// Output: one tea
}

func Example_poison() {
	queue, dead, cleanUp := twoQueues()
	defer cleanUp()
	ctx := context.Background()
	handle := func([]byte) error { return errors.New("no such tea") }
	if err := queue.Enqueue([]byte("poison")); err != nil {
		log.Fatal(err)
	}
	process := func(ctx context.Context) error {
		message, err := queue.TakeContext(ctx)
		if err != nil {
			return err
		}
		defer message.GiveBack() // does nothing once it was released
		if message.Deliveries() > 3 {
			if err := dead.EnqueueContext(ctx, message.Bytes()); err != nil {
				return err
			}
			return message.Release()
		}
		if err := handle(message.Bytes()); err != nil {
			return err
		}
		return message.Release()
	}
	for range 4 {
		fmt.Println(process(ctx))
	}
	n, err := dead.Len()
	fmt.Println(n, err)
	// Output:
	// no such tea
	// no such tea
	// no such tea
	// <nil>
	// 1 <nil>
}

func Example_copies() {
	queue, _, cleanUp := twoQueues()
	defer cleanUp()
	ctx := context.Background()
	if err := queue.Enqueue([]byte("two teas")); err != nil {
		log.Fatal(err)
	}
	buffer := make([]byte, 0, 256)
	buffer, err := queue.DequeueContext(ctx, buffer[:0]) // and it is gone
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", buffer)
	// Output: two teas
}

func ExampleNewTyped() {
	queue, dead, cleanUp := twoQueues()
	defer cleanUp()
	ctx := context.Background()

	type order struct {
		What  string `json:"what"`
		Count int    `json:"count"`
	}
	orders := cqueue.NewTyped(queue, cqueue.JSON[order](), cqueue.DeadLetters(dead, 3))
	if err := orders.EnqueueContext(ctx, order{"tea", 2}); err != nil {
		log.Fatal(err)
	}
	got, err := orders.TakeContext(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(got.Value.Count, got.Value.What)
	if err := got.Release(); err != nil {
		log.Fatal(err)
	}
	// Output: 2 tea
}

func twoQueues() (queue, dead *cqueue.Queue, cleanUp func()) {
	directory, err := os.MkdirTemp("/dev/shm", "cqueue-go-")
	if err != nil {
		log.Fatal(err)
	}
	queue, err = cqueue.Open("go-example", cqueue.WithDirectory(directory))
	if err != nil {
		log.Fatal(err)
	}
	dead, err = cqueue.Open("go-example-dead", cqueue.WithDirectory(directory))
	if err != nil {
		log.Fatal(err)
	}
	return queue, dead, func() {
		queue.Close()
		dead.Close()
		os.RemoveAll(directory)
	}
}
