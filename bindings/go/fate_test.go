package cqueue_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"cqueue.io/go/cqueue"
)

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
