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

// A message goes along with headers, and comes from elsewhere once.
func ExampleQueue_EnqueueFrom() {
	ctx, lines := context.Background(), []string{"one tea", "two teas"} // of a file, say
	directory, err := os.MkdirTemp("/dev/shm", "cqueue-go-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(directory)
	queue, err := cqueue.Open("go-example", cqueue.WithDirectory(directory), cqueue.WithMaxHeaders(200))
	if err != nil {
		log.Fatal(err)
	}
	defer queue.Close()

	done, err := queue.Source("orders.txt") // 0 the first time
	if err != nil {
		log.Fatal(err)
	}
	for number := done + 1; number <= uint64(len(lines)); number++ {
		headers := cqueue.Headers{"content-type": "text/plain"}
		err := queue.EnqueueFromContext(ctx, []byte(lines[number-1]), headers, "orders.txt", number)
		if err != nil && !errors.Is(err, cqueue.ErrDuplicate) { // somebody else feeds it, too
			log.Fatal(err)
		}
	}
	message, err := queue.Take()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s %s\n", message.Bytes(), message.Headers()["content-type"])
	message.Release()
	// Output: one tea text/plain
}

// What was synced survives a power cut.
func ExampleQueue_Sync() {
	directory, err := os.MkdirTemp("/dev/shm", "cqueue-go-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(directory)
	disk, err := os.MkdirTemp("", "cqueue-go-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(disk)
	ctx := context.Background()
	queue, err := cqueue.Open("go-example", cqueue.WithDirectory(directory), cqueue.WithAnyFilesystem(),
		cqueue.WithDurableDirectory(disk+"/orders"))
	if err != nil {
		log.Fatal(err)
	}
	defer queue.Close()

	for _, order := range []string{"one tea", "two teas", "three teas"} {
		if err := queue.EnqueueContext(ctx, []byte(order)); err != nil {
			log.Fatal(err)
		}
	}
	if err := queue.SyncContext(ctx); err != nil { // once for all of them
		log.Fatal(err)
	}
	stats, err := queue.Stats()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(stats.Length, "waiting,", stats.Unsynced, "unsynced")
	// Output: 3 waiting, 0 unsynced
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
