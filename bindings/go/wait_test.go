package cqueue_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
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
	if got := stats(t, queue).WaitingConsumers; got > 1 { // the first in turn
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

func TestErrorHasTheCauseOfItsContext(t *testing.T) {
	cause := errors.New("closing time")
	ctx, cancel := context.WithCancelCause(context.Background())
	queue := open(t)
	time.AfterFunc(10*time.Millisecond, func() { cancel(cause) })
	_, err := queue.TakeContext(ctx)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
}

// A context that is over takes its goroutine out of the library, and nobody else's.
func TestContextsEndWaitsOneByOne(t *testing.T) {
	queue, ctx := open(t, cqueue.WithCapacity(1)), soon(t)
	must(t, queue.Enqueue([]byte("in the way")))
	stay := make(chan error, 1)
	go func() { stay <- queue.EnqueueContext(ctx, []byte("last")) }()
	for range times(200, 5000) {
		brief, cancel := context.WithCancel(ctx)
		ended := make(chan error)
		for range 3 {
			go func() { ended <- queue.EnqueueContext(brief, nil) }()
		}
		cancel()
		for range 3 {
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		}
	}
	select {
	case err := <-stay:
		t.Fatalf("got %v", err)
	default:
	}
	must(t, take(t, queue, "in the way", 1).Release())
	must(t, <-stay)
	must(t, take(t, queue, "last", 1).Release())
}

func TestReserveHearsThatTheQueueIsRemoved(t *testing.T) {
	directory := directory(t)
	queue := openIn(t, directory, cqueue.WithCapacity(1))
	must(t, queue.Enqueue(nil))
	remove(t, directory)
	_, err := queue.ReserveContext(soon(t), 1)
	if !errors.Is(err, cqueue.ErrStale) {
		t.Errorf("got %v", err)
	}
}

// Handles of many processes wait; a message is the business of one of them.
func TestMessageWakesOneHandle(t *testing.T) {
	directory, ctx := directory(t), soon(t)
	queue := openIn(t, directory)
	const handles, messages = 100, 100
	got := make(chan error, handles)
	for range handles {
		other := openIn(t, directory)
		go func() {
			for _, err := range other.AllAtMostOnce(ctx) {
				got <- err
			}
		}()
	}
	for stats(t, queue).WaitingConsumers < handles {
		time.Sleep(time.Millisecond)
	}
	before := switches(t)
	for range messages {
		must(t, queue.Enqueue(nil))
		must(t, <-got)
		time.Sleep(time.Millisecond)
	}
	if each := float64(switches(t)-before) / messages; each > handles/2 { // of which a few are Go's own
		t.Errorf("%v threads woke for a message", each)
	}
}

// switches is how often the threads of this process went to sleep.
func switches(t *testing.T) int {
	t.Helper()
	all := 0
	for _, entry := range entries(t, "/proc/self/task") {
		status, err := os.ReadFile("/proc/self/task/" + entry.Name() + "/status")
		if err != nil {
			continue // it ended
		}
		_, text, _ := strings.Cut(string(status), "\nvoluntary_ctxt_switches:")
		n := 0
		fmt.Sscan(text, &n)
		all += n
	}
	return all
}

func TestTurnGoesOnWhenWhoHasItGivesUp(t *testing.T) {
	queue, ctx := open(t), soon(t)
	brief, cancel := context.WithCancel(ctx)
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { _, err := queue.DequeueContext(brief, nil); first <- err }()
	for stats(t, queue).WaitingConsumers < 1 {
		time.Sleep(time.Millisecond)
	}
	go func() { _, err := queue.DequeueContext(ctx, nil); second <- err }()
	time.Sleep(10 * time.Millisecond)
	cancel()
	equal(t, errors.Is(<-first, context.Canceled), true)
	must(t, queue.Enqueue(nil))
	must(t, <-second)
}
