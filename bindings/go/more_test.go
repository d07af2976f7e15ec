package cqueue_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cqueue.io/go/cqueue"
)

// ---- headers ----

var someHeaders = cqueue.Headers{"content-type": "text/plain", "trace": "\x00\xff", "leer": "", "ключ": "значение"}

func sameHeaders(t *testing.T, got, want cqueue.Headers) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestHeadersGoAlong(t *testing.T) {
	queue, ctx := open(t, cqueue.WithMaxHeaders(200), cqueue.WithCapacity(4)), soon(t)
	must(t, queue.EnqueueWith([]byte("one tea"), someHeaders))
	must(t, queue.EnqueueWithContext(ctx, []byte("two teas"), nil))
	reservation, err := queue.Reserve(10)
	must(t, err)
	copy(reservation.Bytes(), "three teas")
	must(t, reservation.SetHeaders(cqueue.Headers{"urgent": "no"}))
	must(t, reservation.Commit(10))
	expect(t, reservation.SetHeaders(nil), cqueue.ErrNotHeld, "commit", notHeld)

	var seen []cqueue.Peeked
	must(t, queue.Walk(func(message cqueue.Peeked) bool { seen = append(seen, message); return true }))
	equal(t, len(seen), 3)
	sameHeaders(t, seen[0].Headers, someHeaders)
	sameHeaders(t, seen[1].Headers, nil)
	equal(t, string(seen[1].Bytes), "two teas")
	sameHeaders(t, seen[2].Headers, cqueue.Headers{"urgent": "no"})

	message := take(t, queue, "one tea", 1)
	sameHeaders(t, message.Headers(), someHeaders)
	must(t, message.GiveBack())
	sameHeaders(t, message.Headers(), nil) // not in hand
	again := take(t, queue, "one tea", 2)
	sameHeaders(t, again.Headers(), someHeaders)
	must(t, again.Release())
	second := take(t, queue, "two teas", 1)
	sameHeaders(t, second.Headers(), nil)
	must(t, second.Release())
	third := take(t, queue, "three teas", 1)
	must(t, queue.Close())
	sameHeaders(t, third.Headers(), cqueue.Headers{"urgent": "no"}) // their memory is still there
	sameHeaders(t, (&cqueue.Message{}).Headers(), nil)
}

func TestHeadersThatCannotBe(t *testing.T) {
	plain, queue := open(t), open(t, cqueue.WithMaxHeaders(50))
	for _, c := range []struct {
		queue   *cqueue.Queue
		headers cqueue.Headers
		code    cqueue.Code
		says    string
	}{
		{plain, cqueue.Headers{"a": "b"}, cqueue.ErrFeature, "MaxHeaders"},
		{queue, cqueue.Headers{"": "b"}, cqueue.ErrHeaders, "key"},
		{queue, cqueue.Headers{"a\x00": "b"}, cqueue.ErrHeaders, "UTF-8"},
		{queue, cqueue.Headers{"\xff": "b"}, cqueue.ErrHeaders, "UTF-8"},
		{queue, cqueue.Headers{strings.Repeat("k", 256): "b"}, cqueue.ErrHeaders, "a key of 256 bytes"},
		{queue, cqueue.Headers{"a": strings.Repeat("v", 65536)}, cqueue.ErrHeaders, "65536"},
		{queue, cqueue.Headers{"a": strings.Repeat("v", 47)}, cqueue.ErrTooBig, ""},
	} {
		reservation, err := c.queue.Reserve(1)
		must(t, err)
		for _, err := range []error{c.queue.EnqueueWith(nil, c.headers), reservation.SetHeaders(c.headers),
			c.queue.EnqueueWithContext(soon(t), nil, c.headers)} {
			if !errors.Is(err, c.code) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, not %v with %q", err, c.code, c.says)
			}
		}
		must(t, reservation.Abort())
		equal(t, length(t, c.queue), 0)
	}
	must(t, queue.EnqueueWith(nil, cqueue.Headers{"a": strings.Repeat("v", 46)})) // just fits
}

func TestEnqueueWithWaitsForRoom(t *testing.T) {
	queue := open(t, cqueue.WithMaxHeaders(50), cqueue.WithCapacity(1))
	must(t, queue.EnqueueWith(nil, nil))
	expectFull(t, queue.EnqueueWith(nil, cqueue.Headers{"a": "b"}), "enqueue", 1)
	sent := make(chan error, 1)
	go func() { sent <- queue.EnqueueWithContext(soon(t), nil, cqueue.Headers{"a": "b"}) }()
	must(t, take(t, queue, "", 1).Release())
	must(t, <-sent)
	message, err := queue.Take()
	must(t, err)
	sameHeaders(t, message.Headers(), cqueue.Headers{"a": "b"})
}

// ---- from elsewhere ----

func TestWhatComesFromElsewhereComesOnce(t *testing.T) {
	directory, ctx := directory(t), soon(t)
	queue := openIn(t, directory, cqueue.WithMaxHeaders(50), cqueue.WithCapacity(100))
	other := openIn(t, directory)
	for number := uint64(1); number <= 10; number++ {
		feeders := []*cqueue.Queue{queue, other}
		for i, feeder := range feeders {
			err := feeder.EnqueueFrom(fmt.Append(nil, number), cqueue.Headers{"n": fmt.Sprint(number)}, "orders.eu", number)
			if i == 0 {
				must(t, err)
			} else if !errors.Is(err, cqueue.ErrDuplicate) {
				t.Fatalf("got %v", err)
			}
		}
		at, err := other.Source("orders.eu")
		must(t, err)
		equal(t, at, number)
	}
	must(t, queue.EnqueueFromContext(ctx, []byte("us"), nil, "orders.us", 7))
	must(t, queue.RaiseSource("orders.us", 9))
	if err := queue.RaiseSource("orders.us", 9); !errors.Is(err, cqueue.ErrDuplicate) {
		t.Errorf("got %v", err)
	}
	all, err := queue.Sources()
	must(t, err)
	if !maps.Equal(all, map[string]uint64{"orders.eu": 10, "orders.us": 9}) {
		t.Errorf("got %v", all)
	}
	unknown, err := queue.Source("nobody")
	must(t, err)
	equal(t, unknown, uint64(0))
	equal(t, length(t, queue), 11)
	first := take(t, queue, "1", 1)
	sameHeaders(t, first.Headers(), cqueue.Headers{"n": "1"})
	equal(t, stats(t, queue).Sources, 2)
}

func TestSourcesThatCannotBe(t *testing.T) {
	queue := open(t)
	for _, name := range []string{"", "a\x00b", strings.Repeat("s", 201)} {
		if err := queue.EnqueueFrom(nil, nil, name, 1); !errors.Is(err, cqueue.ErrInvalid) {
			t.Errorf("%q: got %v", name, err)
		}
		if _, err := queue.Source(name); !errors.Is(err, cqueue.ErrInvalid) {
			t.Errorf("%q: got %v", name, err)
		}
	}
	if err := queue.EnqueueFrom(nil, nil, "zero", 0); !errors.Is(err, cqueue.ErrInvalid) {
		t.Errorf("got %v", err)
	}
	for i := range 64 {
		must(t, queue.EnqueueFrom(nil, nil, strings.Repeat("s", 190)+fmt.Sprint(i), 1))
	}
	if err := queue.EnqueueFrom(nil, nil, "one more", 1); !errors.Is(err, cqueue.ErrSources) {
		t.Errorf("got %v", err)
	}
	all, err := queue.Sources()
	must(t, err)
	equal(t, len(all), 64)
}

// ---- one consumer ----

func TestOneConsumerAtATime(t *testing.T) {
	directory := directory(t)
	first := openIn(t, directory, cqueue.WithExclusiveConsumer())
	second := openIn(t, directory)
	for range 3 {
		must(t, second.Enqueue([]byte("one tea")))
	}
	message := take(t, first, "one tea", 1)
	for _, call := range []func() error{
		func() error { _, err := second.Take(); return err },
		func() error { _, err := second.TakeBatch(3); return err },
		func() error { _, err := second.Dequeue(nil); return err },
		func() error { _, err := second.DequeueBatch(&cqueue.Batch{}, 3); return err },
	} {
		if err := call(); !errors.Is(err, cqueue.ErrConsumer) {
			t.Errorf("got %v", err)
		}
	}
	brief, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if _, err := second.TakeContext(brief); !errors.Is(err, cqueue.ErrConsumer) ||
		!errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}

	got := make(chan string, 1)
	go func() { // a standby
		message, err := second.DequeueContext(soon(t), nil)
		if err != nil {
			t.Error(err)
		}
		got <- string(message)
	}()
	for stats(t, second).WaitingConsumers == 0 {
		time.Sleep(time.Millisecond)
	}
	select {
	case <-got:
		t.Fatal("two consumers")
	case <-time.After(30 * time.Millisecond):
	}
	must(t, message.Release())
	must(t, first.Close())
	equal(t, <-got, "one tea")
	seen := stats(t, second)
	equal(t, seen.ExclusiveConsumer, true)
	equal(t, seen.Consumer != 0, true)
}

// ---- poison, delays and age ----

func TestWhatIsDeliveredTooOftenGoesToTheDeadLetters(t *testing.T) {
	directory := directory(t)
	queue := openIn(t, directory, cqueue.WithMaxDeliveries(2, "dead"), cqueue.WithMaxHeaders(100))
	dead, err := cqueue.Open("dead", cqueue.WithDirectory(directory), cqueue.WithMaxHeaders(200))
	must(t, err)
	defer dead.Close()
	must(t, queue.EnqueueWith([]byte("poison"), cqueue.Headers{"a": "b"}))
	must(t, take(t, queue, "poison", 1).GiveBack())
	must(t, take(t, queue, "poison", 2).GiveBack())
	if _, err := queue.Take(); !errors.Is(err, cqueue.ErrEmpty) {
		t.Fatalf("got %v", err)
	}
	letter, err := dead.TakeContext(soon(t))
	must(t, err)
	equal(t, string(letter.Bytes()), "poison")
	sameHeaders(t, letter.Headers(), cqueue.Headers{"a": "b", "cq-dead-letter": "deliveries", "cq-queue": "orders",
		"cq-deliveries": "2"})
	must(t, letter.Release())
	seen := stats(t, queue)
	equal(t, seen.DeadLettered, uint64(1))
	equal(t, seen.DeadLetter, "dead")
	equal(t, seen.MaxDeliveries, 2)
	equal(t, seen.MaxHeaders, 100)
}

func TestGivenBackForLater(t *testing.T) {
	queue := open(t)
	for _, text := range []string{"one tea", "two teas", "three teas"} {
		must(t, queue.Enqueue([]byte(text)))
	}
	must(t, take(t, queue, "one tea", 1).GiveBackToTail())
	later := take(t, queue, "two teas", 1)
	must(t, later.GiveBackAfter(time.Hour))
	expect(t, later.GiveBackAfter(0), cqueue.ErrNotHeld, "give back", notHeld)
	equal(t, stats(t, queue).Delayed, uint64(2))
	must(t, take(t, queue, "three teas", 1).Release())
	soonest := take(t, queue, "one tea", 2)
	must(t, soonest.GiveBackAfter(time.Millisecond))
	message, err := queue.TakeContext(soon(t))
	must(t, err)
	equal(t, string(message.Bytes()), "one tea")
	equal(t, message.Deliveries(), 3)
	if _, err := queue.Take(); !errors.Is(err, cqueue.ErrEmpty) {
		t.Errorf("got %v", err)
	}
	must(t, queue.Close())
	expect(t, message.GiveBackToTail(), cqueue.ErrClosed, "give back", closedText)
	if err := (&cqueue.Message{}).GiveBackToTail(); !errors.Is(err, cqueue.ErrNotHeld) {
		t.Errorf("got %v", err)
	}
}

func TestTimesOfMessages(t *testing.T) {
	queue := open(t, cqueue.WithEnqueueTimes())
	before := time.Now().Add(-time.Second) // clocks of different precision
	must(t, queue.Enqueue([]byte("one tea")))
	var seen time.Time
	must(t, queue.Walk(func(message cqueue.Peeked) bool { seen = message.Enqueued; return true }))
	message := take(t, queue, "one tea", 1)
	if when := message.EnqueueTime(); !when.Equal(seen) || when.Before(before) || when.After(time.Now().Add(time.Second)) {
		t.Errorf("%v, walking %v", when, seen)
	}
	equal(t, stats(t, queue).EnqueueTimes, true)

	plain := open(t)
	must(t, plain.Enqueue([]byte("one tea")))
	equal(t, take(t, plain, "one tea", 1).EnqueueTime().IsZero(), true)
}

func TestWhatIsTooOldIsNotDelivered(t *testing.T) {
	queue := open(t, cqueue.WithTimeToLive(20*time.Millisecond))
	must(t, queue.Enqueue([]byte("stale tea")))
	time.Sleep(50 * time.Millisecond)
	if _, err := queue.Take(); !errors.Is(err, cqueue.ErrEmpty) {
		t.Errorf("got %v", err)
	}
	equal(t, stats(t, queue).Expired, uint64(1))
	equal(t, stats(t, queue).TimeToLive, 20*time.Millisecond)
}

func TestPropertiesThatCannotBe(t *testing.T) {
	directory := directory(t)
	for says, options := range map[string][]cqueue.Option{
		"WithMaxHeaders(-1)":           {cqueue.WithMaxHeaders(-1)},
		"MaxHeaders 70000":             {cqueue.WithMaxHeaders(70_000)},
		"WithMaxDeliveries(-1)":        {cqueue.WithMaxDeliveries(-1, "dead")},
		"MaxDeliveries 255":            {cqueue.WithMaxDeliveries(255, "dead")},
		"DeadLetter":                   {cqueue.WithMaxDeliveries(3, "")},
		"WithTimeToLive(-1ns)":         {cqueue.WithTimeToLive(-1)},
		"byte 0":                       {cqueue.WithMaxDeliveries(3, "a\x00")},
		"WithSync() and ReadOnly()":    {cqueue.WithSync(), cqueue.ReadOnly()},
		"durable directory has a byte": {cqueue.WithDurableDirectory("a\x00")},
	} {
		_, err := cqueue.Open("orders", append(options, cqueue.WithDirectory(directory))...)
		if !errors.Is(err, cqueue.ErrInvalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v", says, err)
		}
	}
	openIn(t, directory)
	_, err := cqueue.Open("orders", cqueue.WithDirectory(directory), cqueue.WithExclusiveConsumer())
	if !errors.Is(err, cqueue.ErrMismatch) {
		t.Errorf("got %v", err)
	}
}

// ---- values ----

func TestValuesWithHeadersAndFromElsewhere(t *testing.T) {
	queue := open(t, cqueue.WithMaxHeaders(50))
	values, ctx := cqueue.NewTyped(queue, cqueue.JSON[string]()), soon(t)
	must(t, values.EnqueueWith("tea", cqueue.Headers{"a": "b"}))
	must(t, values.EnqueueWithContext(ctx, "milk", cqueue.Headers{"c": "d"}))
	must(t, values.EnqueueFrom("sugar", nil, "shop", 1))
	if err := values.EnqueueFromContext(ctx, "sugar", nil, "shop", 1); !errors.Is(err, cqueue.ErrDuplicate) {
		t.Errorf("got %v", err)
	}
	for _, want := range []string{"tea", "milk", "sugar"} {
		taken, err := values.Take()
		must(t, err)
		equal(t, taken.Value, want)
		if want == "milk" {
			sameHeaders(t, taken.Headers(), cqueue.Headers{"c": "d"})
		}
		must(t, taken.Release())
	}
}

// ---- power cuts ----

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
