package cqueue_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"cqueue.io/go/cqueue"
)

func TestContextThatIsOverTakesNothing(t *testing.T) {
	queue := open(t)
	must(t, queue.Enqueue([]byte("one tea")))
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("closing time"))

	_, err := queue.DequeueContext(ctx, nil)
	expect(t, err, context.Canceled, "dequeue", `"orders": closing time`)
	_, err = queue.TakeContext(ctx)
	expect(t, err, context.Canceled, "take", `"orders": closing time`)
	_, err = queue.ReserveContext(ctx, 1)
	expect(t, err, context.Canceled, "reserve", `"orders": closing time`)
	expect(t, queue.EnqueueContext(ctx, nil), context.Canceled, "enqueue", `"orders": closing time`)
	equal(t, length(t, queue), 1)
}

func TestDeadlineEndsAWait(t *testing.T) {
	queue := open(t, cqueue.WithCapacity(1))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err := queue.DequeueContext(ctx, nil)
	expect(t, err, context.DeadlineExceeded, "dequeue", `"orders": context deadline exceeded`)

	must(t, queue.Enqueue(nil))
	ctx, cancel = context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	expect(t, queue.EnqueueContext(ctx, nil), context.DeadlineExceeded, "enqueue", `"orders": context deadline exceeded`)
	equal(t, length(t, queue), 1)
}

func TestWaitersAreWokenByAnotherHandle(t *testing.T) {
	directory, ctx := directory(t), soon(t)
	ours := openIn(t, directory, cqueue.WithCapacity(1))
	theirs := openIn(t, directory)
	for range times(200, 20_000) {
		got := make(chan error)
		go func() {
			_, err := ours.DequeueContext(ctx, nil)
			got <- err
		}()
		must(t, theirs.EnqueueContext(ctx, []byte("ping")))
		must(t, <-got)

		must(t, theirs.Enqueue([]byte("in the way")))
		go func() { got <- ours.EnqueueContext(ctx, []byte("pong")) }()
		message, err := theirs.TakeContext(ctx)
		must(t, err)
		must(t, message.Release())
		must(t, <-got)
		_, err = theirs.DequeueContext(ctx, nil)
		must(t, err)
	}
}

func TestAHundredGoroutinesShareAHandle(t *testing.T) {
	const producers, consumers, each = 50, 50, 200
	queue, ctx := open(t, cqueue.WithCapacity(7), cqueue.WithMaxMessageSize(64)), soon(t)
	var producing, consuming sync.WaitGroup
	var mutex sync.Mutex
	seen := map[string]int{}
	done, stop := context.WithCancel(ctx)
	defer stop()
	for p := range producers {
		producing.Add(1)
		go func() {
			defer producing.Done()
			for i := range each {
				text := fmt.Appendf(nil, "%d %d", p, i)
				if i%2 == 0 {
					if err := queue.EnqueueContext(ctx, text); err != nil {
						t.Error(err)
					}
					continue
				}
				reservation, err := queue.ReserveContext(ctx, len(text))
				if err != nil {
					t.Error(err)
					return
				}
				copy(reservation.Bytes(), text)
				if err := reservation.CommitContext(ctx, len(text)); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	for c := range consumers {
		consuming.Add(1)
		go func() {
			defer consuming.Done()
			for {
				var text string
				var err error
				if c%2 == 0 {
					var message []byte
					message, err = queue.DequeueContext(done, nil)
					text = string(message)
				} else {
					var message *cqueue.Message
					if message, err = queue.TakeContext(done); err == nil {
						text = string(message.Bytes())
						err = message.Release()
					}
				}
				if err != nil {
					if !errors.Is(err, context.Canceled) {
						t.Error(err)
					}
					return
				}
				mutex.Lock()
				if seen[text]++; len(seen) == producers*each {
					stop()
				}
				mutex.Unlock()
			}
		}()
	}
	producing.Wait()
	consuming.Wait()
	for text, n := range seen {
		if n != 1 {
			t.Errorf("%q came %d times", text, n)
		}
	}
	equal(t, len(seen), producers*each)
	equal(t, length(t, queue), 0)
}

func TestWaitingGoroutinesOccupyNoThreads(t *testing.T) {
	queue := open(t)
	ctx, cancel := context.WithCancel(context.Background())
	var started, ended sync.WaitGroup
	for range 500 {
		started.Add(1)
		ended.Add(1)
		go func() {
			started.Done()
			queue.DequeueContext(ctx, nil)
			ended.Done()
		}()
	}
	started.Wait()
	_, err := queue.DequeueContext(briefly(t), nil) // long enough for the others to wait, too
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	if n := threads(t); n > 100 {
		t.Errorf("%d threads for 500 goroutines", n)
	}
	if got := stats(t, queue).WaitingConsumers; got > 1 { // for a millisecond, one may look whether the queue was removed
		t.Errorf("%d wait in C", got)
	}
	cancel()
	ended.Wait()
}

func briefly(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func threads(t *testing.T) int { return len(entries(t, "/proc/self/task")) }

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

func TestEnqueueWaitsForMemoryThatAConsumerGivesBack(t *testing.T) {
	directory, ctx := directory(t), soon(t)
	if err := syscall.Mount("cqueue-go", directory, "tmpfs", 0, "size=4m"); err != nil {
		t.Skip("no file system of a chosen size: ", err)
	}
	t.Cleanup(func() { must(t, syscall.Unmount(directory, syscall.MNT_DETACH)) })
	queue, message := openIn(t, directory), make([]byte, 4096)
	queued := 0
	for {
		err := queue.Enqueue(message)
		if errors.Is(err, cqueue.ErrNoSpace) {
			break
		}
		must(t, err)
		queued++
	}
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
