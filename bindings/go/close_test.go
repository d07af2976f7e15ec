package cqueue_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"cqueue.io/go/cqueue"
)

const closedText = `"orders": the queue is closed`

func TestEveryCallAfterCloseSaysSo(t *testing.T) {
	queue, ctx := open(t), soon(t)
	must(t, queue.Enqueue([]byte("one tea")))
	must(t, queue.Enqueue([]byte("two teas")))
	message, err := queue.Take()
	must(t, err)
	reservation, err := queue.Reserve(1)
	must(t, err)
	must(t, queue.Close())
	must(t, queue.Close())

	var batch cqueue.Batch
	for operation, calls := range map[string][]func() error{
		"enqueue": {
			func() error { return queue.Enqueue(nil) },
			func() error { return queue.EnqueueContext(ctx, nil) },
			func() error { _, err := queue.EnqueueBatch(&batch); return err },
			func() error { _, err := queue.EnqueueBatchContext(ctx, &batch); return err },
		},
		"dequeue": {
			func() error { _, err := queue.Dequeue(nil); return err },
			func() error { _, err := queue.DequeueContext(ctx, nil); return err },
			func() error { _, err := queue.DequeueBatch(&batch, 1); return err },
			func() error { _, err := queue.DequeueBatchContext(ctx, &batch, 1); return err },
			func() error {
				for _, err := range queue.AllAtMostOnce(ctx) {
					return err
				}
				return nil
			},
		},
		"reserve": {
			func() error { _, err := queue.Reserve(1); return err },
			func() error { _, err := queue.ReserveContext(ctx, 1); return err },
		},
		"take": {
			func() error { _, err := queue.Take(); return err },
			func() error { _, err := queue.TakeContext(ctx); return err },
			func() error { _, err := queue.TakeBatch(2); return err },
			func() error { _, err := queue.TakeBatchContext(ctx, 2); return err },
			func() error {
				for _, err := range queue.All(ctx) {
					return err
				}
				return nil
			},
		},
		"commit":  {func() error { return reservation.Commit(1) }},
		"release": {func() error { return message.Release() }},
		"walk":    {func() error { return queue.Walk(func(cqueue.Peeked) bool { return true }) }},
		"measure": {
			func() error { _, err := queue.Stats(); return err },
			func() error { _, err := queue.Len(); return err },
		},
		"recover": {func() error { _, err := queue.Recover(); return err }},
		"watch": {
			func() error { _, err := queue.Descriptor(); return err },
			func() error { _, err := queue.RoomDescriptor(); return err },
		},
	} {
		for _, call := range calls {
			err := call()
			expect(t, err, cqueue.ErrClosed, operation, closedText)
			if !errors.Is(err, os.ErrClosed) {
				t.Errorf("%v is not os.ErrClosed", err)
			}
		}
	}
	expect(t, message.Release(), cqueue.ErrNotHeld, "release", notHeld)
	expect(t, reservation.Abort(), cqueue.ErrNotHeld, "abort", notHeld)
}

// So that a loop ends which has a new deadline for each call, however short.
func TestCallsAfterCloseSaySoThoughTheirContextIsOver(t *testing.T) {
	queue := open(t)
	must(t, queue.Close())
	over, cancel := context.WithCancel(context.Background())
	cancel()
	var batch cqueue.Batch
	for operation, call := range map[string]func() error{
		"enqueue": func() error { return queue.EnqueueContext(over, nil) },
		"dequeue": func() error { _, err := queue.DequeueBatchContext(over, &batch, 1); return err },
		"take":    func() error { _, err := queue.TakeContext(over); return err },
		"reserve": func() error { _, err := queue.ReserveContext(over, 1); return err },
		"sync":    func() error { return queue.SyncContext(over) },
	} {
		expect(t, call(), cqueue.ErrClosed, operation, closedText)
	}
}

func TestCloseWakesWhoeverWaits(t *testing.T) {
	directory, otherDirectory, ctx := directory(t), directory(t), soon(t)
	for range times(20, 2000) {
		queue := openIn(t, directory, cqueue.WithCapacity(1))
		must(t, queue.Enqueue(nil))
		results := make(chan error)
		go func() { results <- queue.EnqueueContext(ctx, nil) }()
		empty := openIn(t, otherDirectory, cqueue.WithCapacity(1))
		go func() {
			_, err := empty.DequeueContext(ctx, nil)
			results <- err
		}()
		go func() {
			_, err := empty.TakeContext(ctx)
			results <- err
		}()
		runtime.Gosched()
		must(t, queue.Close())
		must(t, empty.Close())
		for range 3 {
			if err := <-results; !errors.Is(err, cqueue.ErrClosed) {
				t.Fatal(err)
			}
		}
		must(t, cqueue.Unlink("orders", cqueue.WithDirectory(directory)))
	}
}

func TestCloseGivesBackWhatIsInHand(t *testing.T) {
	directory := directory(t)
	queue, other := openIn(t, directory), openIn(t, directory)
	must(t, queue.Enqueue([]byte("one tea")))
	must(t, queue.Enqueue([]byte("two teas")))
	first, second := take(t, queue, "one tea", 1), take(t, queue, "two teas", 1)
	reservation, err := queue.Reserve(10)
	must(t, err)
	must(t, queue.Close())

	again := take(t, other, "one tea", 2)
	must(t, take(t, other, "two teas", 2).Release())
	if string(first.Bytes()) != "one tea" { // the memory is still there
		t.Errorf("got %q", first.Bytes())
	}
	copy(reservation.Bytes(), "not nice")
	expect(t, first.Release(), cqueue.ErrClosed, "release", closedText)
	expect(t, second.GiveBack(), cqueue.ErrClosed, "give back", closedText)
	equal(t, stats(t, other).Participants, 2) // the reservation holds the handle
	expect(t, reservation.Commit(8), cqueue.ErrClosed, "commit", closedText)
	equal(t, stats(t, other).Participants, 1)
	must(t, again.Release())
	_, err = other.Take()
	expect(t, err, cqueue.ErrEmpty, "take", `"orders": no message is waiting`)
}

func TestCloseWhileOthersCall(t *testing.T) {
	directory := directory(t)
	for range times(50, 5000) {
		queue := openIn(t, directory, cqueue.WithCapacity(4), cqueue.WithMaxMessageSize(300))
		ctx, cancel := context.WithCancel(context.Background())
		message := bytes.Repeat([]byte("x"), 300)
		var all sync.WaitGroup
		for g := range 100 {
			all.Add(1)
			go func() {
				defer all.Done()
				for i := g; ; i++ {
					err := act(queue, ctx, message, i)
					if errors.Is(err, cqueue.ErrClosed) {
						return
					} else if err != nil && !errors.Is(err, cqueue.ErrEmpty) && !errors.Is(err, cqueue.ErrFull) {
						t.Error(err)
						return
					}
				}
			}()
		}
		for range 3 { // closers, too, may be several
			all.Add(1)
			go func() { defer all.Done(); must(t, queue.Close()) }()
		}
		all.Wait()
		cancel()
		fresh := openIn(t, directory)
		if got := stats(t, fresh); got.Participants != 1 {
			t.Fatalf("%d handles are open", got.Participants)
		}
		must(t, fresh.Close())
	}
}

// Batches that come while the queue is closed go back, once.
func TestCloseWhileOthersTakeBatches(t *testing.T) {
	directory := directory(t)
	for range times(100, 5000) {
		queue := openIn(t, directory, cqueue.WithCapacity(8))
		for length(t, queue) < 4 {
			must(t, queue.Enqueue([]byte("x")))
		}
		var all sync.WaitGroup
		for range 10 {
			all.Add(1)
			go func() {
				defer all.Done()
				for {
					messages, err := queue.TakeBatchContext(context.Background(), 3)
					if errors.Is(err, cqueue.ErrClosed) {
						return
					} else if err != nil {
						t.Error(err)
						return
					}
					for _, message := range messages {
						if string(message.Bytes()) != "x" {
							t.Errorf("got %q", message.Bytes())
						}
					}
					messages.GiveBack()
				}
			}()
		}
		time.Sleep(time.Millisecond)
		must(t, queue.Close())
		all.Wait()
	}
	got := stats(t, openIn(t, directory))
	equal(t, got.Participants, 1)
	equal(t, got.Length, 4)
	equal(t, got.Held, uint64(0))
}

// The shortest calls are not counted: Close finds the threads that are in them.
func TestCloseDuringTheShortestCalls(t *testing.T) {
	directory := directory(t)
	message := make([]byte, 2000) // so that copying takes a while
	for range times(100, 30_000) {
		queue := openIn(t, directory, cqueue.WithCapacity(100), cqueue.WithMaxMessageSize(len(message)))
		var all sync.WaitGroup
		for g := range 4 {
			all.Add(1)
			go func() {
				defer all.Done()
				var err error
				for buffer := []byte(nil); !errors.Is(err, cqueue.ErrClosed); {
					if g%2 == 0 {
						err = queue.Enqueue(message)
					} else {
						buffer, err = queue.Dequeue(buffer[:0])
					}
				}
			}()
		}
		time.Sleep(50 * time.Microsecond)
		must(t, queue.Close())
		all.Wait()
	}
	equal(t, stats(t, openIn(t, directory)).Participants, 1)
}

// act makes one call or another.
func act(queue *cqueue.Queue, ctx context.Context, message []byte, which int) error {
	switch which % 9 {
	case 0:
		return queue.Enqueue(message)
	case 1:
		_, err := queue.Dequeue(nil)
		return err
	case 2:
		return queue.EnqueueContext(ctx, message)
	case 3:
		_, err := queue.DequeueContext(ctx, nil)
		return err
	case 4:
		taken, err := queue.Take()
		if err == nil {
			if !bytes.Equal(taken.Bytes(), message) {
				return errors.New("other bytes")
			}
			err = taken.Release()
		}
		return err
	case 5:
		reservation, err := queue.Reserve(len(message))
		if err == nil {
			copy(reservation.Bytes(), message)
			if err = reservation.Commit(len(message)); errors.Is(err, cqueue.ErrFull) {
				reservation.Abort()
			}
		}
		return err
	case 6:
		return queue.Walk(func(cqueue.Peeked) bool { return true })
	case 7:
		var batch cqueue.Batch
		batch.Append(message, message)
		_, err := queue.EnqueueBatch(&batch)
		return err
	default:
		_, err := queue.DequeueBatch(&cqueue.Batch{}, 3)
		return err
	}
}

// abandon opens the queue, keeps what it can without closing it, and forgets all of it.
//
//go:noinline
func abandon(t *testing.T, directory string) {
	queue, err := cqueue.Open("orders", cqueue.WithDirectory(directory))
	must(t, err)
	_, err = queue.TakeContext(soon(t))
	must(t, err)
	_, err = queue.Reserve(1)
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	queue.TakeContext(ctx)
	ctx, cancel = context.WithTimeout(context.Background(), time.Millisecond)
	queue.TakeContext(ctx) // starts the descriptor
	cancel()
}

func TestAbandonedQueueIsClosedByTheCollector(t *testing.T) {
	directory, ctx := directory(t), soon(t)
	queue := openIn(t, directory)
	must(t, queue.Enqueue([]byte("one tea")))
	before := descriptors(t)
	abandon(t, directory)
	for stats(t, queue).Participants > 1 || descriptors(t) > before {
		if ctx.Err() != nil {
			t.Fatalf("%+v, %d descriptors, %d before", stats(t, queue), descriptors(t), before)
		}
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	must(t, take(t, queue, "one tea", 2).Release())
}
