package cqueue_test

import (
	"errors"
	"fmt"
	"iter"
	"runtime"
	"testing"

	"cqueue.io/go/cqueue"
)

func TestWalkShowsWhatWaitsInTheOrderOfDelivery(t *testing.T) {
	queue := open(t)
	for _, text := range []string{"a", "", "c", "d"} {
		must(t, queue.Enqueue([]byte(text)))
	}
	must(t, take(t, queue, "a", 1).GiveBack())
	var seen []string
	positions := map[uint64]bool{}
	must(t, queue.Walk(func(message cqueue.Peeked) bool {
		seen = append(seen, fmt.Sprintf("%s %d", message.Bytes, message.Deliveries))
		positions[message.Position] = true
		return len(seen) < 3
	}))
	equal(t, seen, []string{"a 2", " 1", "c 1"})
	equal(t, len(positions), 3)
	equal(t, length(t, queue), 4)
}

func TestWalkMayUseAndCloseTheQueue(t *testing.T) {
	queue := open(t)
	must(t, queue.Enqueue([]byte("a")))
	must(t, queue.Enqueue([]byte("b")))
	seen := 0
	must(t, queue.Walk(func(cqueue.Peeked) bool {
		seen++
		must(t, queue.Enqueue([]byte("c")))
		must(t, queue.Close())
		return false
	}))
	equal(t, seen, 1)
	expect(t, queue.Walk(nil), cqueue.ErrClosed, "walk", closedText)
}

func TestWalkMayBeLeftByAPanicOrGoexit(t *testing.T) {
	directory := directory(t)
	queue, other := openIn(t, directory), openIn(t, directory)
	must(t, queue.Enqueue([]byte("a")))
	func() {
		defer func() { equal(t, recover(), "no more") }()
		queue.Walk(func(cqueue.Peeked) bool { panic("no more") })
	}()
	ended := make(chan struct{})
	go func() { // as t.FailNow does it
		defer close(ended)
		queue.Walk(func(cqueue.Peeked) bool { runtime.Goexit(); return true })
	}()
	<-ended
	must(t, queue.Walk(func(cqueue.Peeked) bool { return true }))
	must(t, queue.Close())
	equal(t, stats(t, other).Participants, 1) // no call is under way for ever
}

func TestWalkIsOverWhenItReturns(t *testing.T) {
	directory := directory(t)
	other := openIn(t, directory)
	must(t, other.Enqueue(nil))
	must(t, other.Enqueue(nil))
	for range times(200, 10_000) {
		queue := openIn(t, directory)
		must(t, queue.Walk(func(cqueue.Peeked) bool { return false }))
		must(t, queue.Close())
		if got := stats(t, other).Participants; got != 1 {
			t.Fatalf("%d handles are open", got)
		}
	}
}

func TestWalkMayBePulled(t *testing.T) {
	queue := open(t)
	for _, text := range []string{"a", "b", "c"} {
		must(t, queue.Enqueue([]byte(text)))
	}
	next, stop := iter.Pull(func(yield func(cqueue.Peeked) bool) { must(t, queue.Walk(yield)) })
	defer stop()
	for _, want := range []string{"a", "b"} {
		message, ok := next()
		equal(t, string(message.Bytes), want)
		equal(t, ok, true)
	}
}

func TestRecoverFindsNothingWhenNobodyDied(t *testing.T) {
	got, err := open(t).Recover()
	must(t, err)
	equal(t, got, cqueue.Recovery{})
}

func TestErrorsCompare(t *testing.T) {
	queue := open(t)
	_, err := queue.Dequeue(nil)
	if errors.Is(err, cqueue.ErrFull) || errors.Is(err, cqueue.ErrClosed) || !errors.Is(err, cqueue.ErrEmpty) {
		t.Error(err)
	}
}

func TestWalkShowsLargeAndManyMessages(t *testing.T) {
	queue := open(t, cqueue.WithMaxMessageSize(1<<20))
	var sizes []int
	for i := range 2000 {
		size := i % 97
		if i%500 == 3 {
			size = 1 << 20
		}
		message := make([]byte, size)
		if size > 0 {
			message[0], message[size-1] = byte(i), byte(i)
		}
		must(t, queue.Enqueue(message))
		sizes = append(sizes, size)
	}
	var kept []cqueue.Peeked
	must(t, queue.Walk(func(message cqueue.Peeked) bool {
		kept = append(kept, message)
		return true
	}))
	equal(t, len(kept), len(sizes))
	for i, message := range kept { // they are the visitor's
		size := sizes[i]
		if len(message.Bytes) != size || size > 0 && (message.Bytes[0] != byte(i) || message.Bytes[size-1] != byte(i)) {
			t.Fatalf("message %d has %d bytes, not %d, or others", i, len(message.Bytes), size)
		}
	}
}
