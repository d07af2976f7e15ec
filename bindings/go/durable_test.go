package cqueue_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"cqueue.io/go/cqueue"
)

// durable opens a durable queue; forget takes its region away, as a reboot does.
func durable(t *testing.T, options ...cqueue.Option) (queue *cqueue.Queue, again func() *cqueue.Queue) {
	t.Helper()
	directory, disk := directory(t), filepath.Join(t.TempDir(), "orders")
	options = append(options, cqueue.WithDurableDirectory(disk), cqueue.WithAnyFilesystem())
	queue = openIn(t, directory, options...)
	return queue, func() *cqueue.Queue {
		must(t, queue.Close())
		must(t, os.Remove(filepath.Join(directory, "cqueue.orders")))
		return openIn(t, directory, options...)
	}
}

func TestWhatWasSyncedSurvives(t *testing.T) {
	queue, again := durable(t, cqueue.WithCapacity(100))
	var batch cqueue.Batch
	for i := range 10 {
		batch.Append(fmt.Append(nil, i))
	}
	_, err := queue.EnqueueBatch(&batch)
	must(t, err)
	must(t, take(t, queue, "0", 1).Release())
	must(t, queue.Sync())
	seen := stats(t, queue)
	equal(t, seen.Durable, true)
	equal(t, seen.Unsynced, uint64(0))
	equal(t, seen.FlushesDone > 0, true)
	path, err := queue.DurableDirectory()
	must(t, err)
	equal(t, filepath.Base(path), "orders")

	queue = again()
	equal(t, stats(t, queue).Recovered, uint64(9))
	for i := 1; i < 10; i++ {
		must(t, take(t, queue, fmt.Sprint(i), 2).Release())
	}
	equal(t, length(t, queue), 0)
}

// Each way to change a queue is on the disk when it returns, without a call of Sync.
func TestWithSyncEveryCallIsOnTheDisk(t *testing.T) {
	queue, _ := durable(t, cqueue.WithSync(), cqueue.WithCapacity(1000))
	ctx := soon(t)
	var batch, in cqueue.Batch
	batch.Append([]byte("x"), []byte("y"))
	committed := func(commit func(*cqueue.Reservation) error) error {
		reservation, err := queue.Reserve(1)
		must(t, err)
		return commit(reservation)
	}
	taken := func(end func(*cqueue.Message) error) error {
		message, err := queue.Take()
		must(t, err)
		return end(message)
	}
	before := stats(t, queue).FlushesDone
	for name, change := range map[string]func() error{
		"Enqueue":             func() error { return queue.Enqueue([]byte("x")) },
		"EnqueueContext":      func() error { return queue.EnqueueContext(ctx, []byte("x")) },
		"EnqueueWith":         func() error { return queue.EnqueueWith(nil, nil) },
		"EnqueueWithContext":  func() error { return queue.EnqueueWithContext(ctx, nil, nil) },
		"EnqueueBatch":        func() error { _, err := queue.EnqueueBatch(&batch); return err },
		"EnqueueBatchContext": func() error { _, err := queue.EnqueueBatchContext(ctx, &batch); return err },
		"Commit":              func() error { return committed(func(r *cqueue.Reservation) error { return r.Commit(1) }) },
		"CommitContext": func() error {
			return committed(func(r *cqueue.Reservation) error { return r.CommitContext(ctx, 1) })
		},
		"Release":        func() error { return taken((*cqueue.Message).Release) },
		"GiveBack":       func() error { return taken((*cqueue.Message).GiveBack) },
		"GiveBackToTail": func() error { return taken((*cqueue.Message).GiveBackToTail) },
		"Messages": func() error {
			all, err := queue.TakeBatch(2)
			must(t, err)
			return all.Release()
		},
		"Dequeue":             func() error { _, err := queue.Dequeue(nil); return err },
		"DequeueContext":      func() error { _, err := queue.DequeueContext(ctx, nil); return err },
		"DequeueBatch":        func() error { _, err := queue.DequeueBatch(&in, 1); return err },
		"DequeueBatchContext": func() error { _, err := queue.DequeueBatchContext(ctx, &in, 1); return err },
	} {
		for range 4 {
			must(t, queue.Enqueue([]byte("there")))
		}
		before = stats(t, queue).FlushesDone
		if err := change(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if after := stats(t, queue); after.FlushesDone <= before {
			t.Errorf("%s: flush %d before and %d after", name, before, after.FlushesDone)
		}
	}
}

func TestManyGoroutinesShareASync(t *testing.T) {
	queue, again := durable(t, cqueue.WithSync(), cqueue.WithCapacity(10_000))
	const goroutines, each = 64, 5
	done := make(chan error)
	for range goroutines {
		go func() {
			var err error
			for range each {
				err = errors.Join(err, queue.Enqueue([]byte("one tea")))
			}
			done <- err
		}()
	}
	for range goroutines {
		must(t, <-done)
	}
	if n := threads(t); n > 40 {
		t.Errorf("%d threads for %d goroutines that sync", n, goroutines)
	}
	if flushes := stats(t, queue).FlushesDone; flushes > goroutines*each/2 {
		t.Errorf("%d flushes for %d messages", flushes, goroutines*each)
	}
	equal(t, stats(t, again()).Recovered, uint64(goroutines*each))
}

func TestSyncEndsWithItsContext(t *testing.T) {
	queue, _ := durable(t)
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("closing time"))
	expect(t, queue.SyncContext(ctx), context.Canceled, "sync", `"orders": closing time`)

	// Contexts of other waits that end do not end it.
	for range times(50, 2000) {
		brief, cancel := context.WithTimeout(context.Background(), 100*time.Microsecond)
		go func() { queue.TakeContext(brief) }()
		must(t, queue.SyncContext(soon(t)))
		cancel()
	}
	must(t, queue.Close())
	expect(t, queue.Sync(), cqueue.ErrClosed, "sync", closedText)
}

func TestSyncOfAQueueThatIsNotDurable(t *testing.T) {
	queue := open(t)
	expect(t, queue.Sync(), cqueue.ErrInvalid, "sync",
		`"orders": the queue is not durable, it was created without WithDurable()`)
	if _, err := queue.DurableDirectory(); !errors.Is(err, cqueue.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}

// What a call was to do is done, and its caller has the message.
func TestADiskThatFailsLosesNothing(t *testing.T) {
	directory, disk := directory(t), filepath.Join(t.TempDir(), "orders")
	queue := openIn(t, directory, cqueue.WithSync(), cqueue.WithDurableDirectory(disk), cqueue.WithAnyFilesystem())
	values := cqueue.NewTyped(queue, cqueue.JSON[string]())
	must(t, os.RemoveAll(disk))
	var batch cqueue.Batch
	for range 5 {
		batch.Append([]byte(`"tea"`))
	}
	sent, err := queue.EnqueueBatch(&batch)
	equal(t, sent, 5)
	expectIO(t, err)
	reservation, err := queue.Reserve(5)
	must(t, err)
	copy(reservation.Bytes(), `"tea"`)
	expectIO(t, reservation.Commit(5))
	equal(t, len(reservation.Bytes()), 0)
	equal(t, length(t, queue), 6)

	message, err := queue.Dequeue(nil)
	equal(t, string(message), `"tea"`)
	expectIO(t, err)
	value, err := values.Dequeue()
	equal(t, value, "tea")
	expectIO(t, err)
	for message, err := range queue.AllAtMostOnce(soon(t)) {
		equal(t, string(message), `"tea"`)
		expectIO(t, err)
	}
	expectIO(t, take(t, queue, `"tea"`, 1).Release())
	got, err := queue.DequeueBatch(&batch, 2)
	equal(t, got, 2)
	expectIO(t, err)
	equal(t, length(t, queue), 0)
	equal(t, stats(t, queue).Held, uint64(0))
}
