//go:build linux

package cqueue_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"cqueue.io/go/cqueue"
)

func TestDescriptorIsReadableWhileAMessageWaits(t *testing.T) {
	queue := open(t, cqueue.WithCapacity(1))
	fd, err := queue.Descriptor()
	must(t, err)
	_, err = queue.Dequeue(nil)
	expect(t, err, cqueue.ErrEmpty, "dequeue", `"orders": no message is waiting`)
	equal(t, readable(t, fd, 0), false)
	must(t, queue.Enqueue(nil))
	equal(t, readable(t, fd, 60_000), true)

	room, err := queue.RoomDescriptor()
	must(t, err)
	expectFull(t, queue.Enqueue(nil), "enqueue", 1)
	equal(t, readable(t, room, 0), false)
	_, err = queue.Dequeue(nil)
	must(t, err)
	equal(t, readable(t, room, 60_000), true)
}

// smallDirectory is one of a few MiB.
func smallDirectory(t *testing.T) string {
	directory := directory(t)
	if err := syscall.Mount("cqueue-go", directory, "tmpfs", 0, "size=4m"); err != nil {
		t.Skip("no file system of a chosen size: ", err)
	}
	t.Cleanup(func() { must(t, syscall.Unmount(directory, syscall.MNT_DETACH)) })
	return directory
}

func TestEnqueueWaitsForMemoryThatAConsumerGivesBack(t *testing.T) {
	directory, ctx := smallDirectory(t), soon(t)
	queue, message := openIn(t, directory), make([]byte, 4096)
	queued := fillMemory(t, queue, message)
	results := make(chan error)
	for range 3 {
		go func() { results <- queue.EnqueueContext(ctx, message) }()
	}
	select {
	case err := <-results:
		t.Fatalf("got %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	for range queued {
		_, err := queue.Dequeue(nil)
		must(t, err)
	}
	for range 3 {
		must(t, <-results)
	}
	equal(t, length(t, queue), 3)
}

func fillMemory(t *testing.T, queue *cqueue.Queue, message []byte) (queued int) {
	t.Helper()
	for {
		err := queue.Enqueue(message)
		if errors.Is(err, cqueue.ErrNoSpace) {
			return queued
		}
		must(t, err)
		queued++
	}
}

// As in C: whoever has the memory, it is waited for, and a wait that ends without it says so.
func TestEnqueueWaitsForMemoryThatAFileGivesBack(t *testing.T) {
	directory, ctx := smallDirectory(t), soon(t)
	queue, message := openIn(t, directory), make([]byte, 4096)
	file := filepath.Join(directory, "file")
	must(t, os.WriteFile(file, make([]byte, 2<<20), 0o600))
	fillMemory(t, queue, message)

	brief, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	err := queue.EnqueueContext(brief, message)
	equal(t, errors.Is(err, context.DeadlineExceeded), true)
	equal(t, errors.Is(err, cqueue.ErrNoSpace), true)
	equal(t, err.Error(), `cqueue: enqueue "orders": context deadline exceeded while there was no memory: the file system is full`)

	result := make(chan error, 1)
	go func() { result <- queue.EnqueueContext(ctx, message) }()
	select {
	case err := <-result:
		t.Fatalf("got %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	must(t, os.Remove(file))
	must(t, <-result)
}

// Whatever waits for room says at the end that it was memory that it waited for.
func TestEveryWaitSaysThatMemoryIsLacking(t *testing.T) {
	queue, message := openIn(t, smallDirectory(t)), make([]byte, 4096)
	fillMemory(t, queue, message)
	var batch cqueue.Batch
	batch.Append(message, message)
	values := cqueue.NewTyped(queue, cqueue.Binary[[4096]byte]())
	for operation, wait := range map[string]func(context.Context) error{
		"enqueue": func(ctx context.Context) error { return queue.EnqueueContext(ctx, message) },
		"batch":   func(ctx context.Context) error { _, err := queue.EnqueueBatchContext(ctx, &batch); return err },
		"reserve": func(ctx context.Context) error { _, err := queue.ReserveContext(ctx, 4096); return err },
		"typed":   func(ctx context.Context) error { return values.EnqueueContext(ctx, [4096]byte{}) },
	} {
		brief, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		err := wait(brief)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, cqueue.ErrNoSpace) {
			t.Errorf("%s: got %v", operation, err)
		}
	}
}

func readable(t *testing.T, fd, milliseconds int) bool {
	t.Helper()
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	must(t, err)
	defer syscall.Close(epoll)
	must(t, syscall.EpollCtl(epoll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN}))
	for {
		n, err := syscall.EpollWait(epoll, make([]syscall.EpollEvent, 1), milliseconds)
		if err != syscall.EINTR {
			must(t, err)
			return n == 1
		}
	}
}

// A wait that was interrupted by its context leaves the others asleep: nothing runs when nothing comes.
func TestWaitsThatEndLeaveOthersAsleep(t *testing.T) {
	queue, ctx := open(t, cqueue.WithCapacity(1)), soon(t)
	reservation, err := queue.Reserve(1) // no room for producers, and nothing for consumers
	must(t, err)
	sent := make(chan error, 1)
	go func() { sent <- queue.EnqueueContext(ctx, nil) }()
	for stats(t, queue).WaitingProducers == 0 {
		time.Sleep(time.Millisecond)
	}
	for range 3 { // each interrupts the handle, and so the producer
		brief, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
		_, err = queue.TakeContext(brief)
		equal(t, errors.Is(err, context.DeadlineExceeded), true)
		cancel()
	}
	before := processor(t)
	time.Sleep(300 * time.Millisecond)
	if used := processor(t) - before; used > 20*time.Millisecond {
		t.Errorf("%v of processor time while everybody waits", used)
	}
	must(t, reservation.Abort())
	must(t, <-sent)
}

// processor is the processor time that this process has used.
func processor(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	must(t, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// What was to be done has happened, and the error says so; Sync says why.
func TestADiskThatIsFullLosesNothing(t *testing.T) {
	queue := openIn(t, directory(t), cqueue.WithSync(), cqueue.WithAnyFilesystem(),
		cqueue.WithDurableDirectory(filepath.Join(smallDirectory(t), "d")))
	message, sent := make([]byte, 4096), 0
	for ; ; sent++ {
		if err := queue.Enqueue(message); err != nil {
			expectIO(t, err)
			break
		}
	}
	equal(t, length(t, queue), sent+1)
	if err := queue.Sync(); !errors.Is(err, cqueue.ErrNoSpace) {
		t.Errorf("got %v", err)
	}
	equal(t, stats(t, queue).DiskError, cqueue.ErrNoSpace)
	got, err := queue.Dequeue(nil)
	equal(t, len(got), len(message))
	if err != nil {
		expectIO(t, err)
	}
	equal(t, length(t, queue), sent)
}
