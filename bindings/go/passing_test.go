package cqueue

import (
	"context"
	"os"
	"testing"
	"time"
)

// A goroutine was woken for a message, and its queue is closed before it takes it: whoever sleeps on another handle
// gets it at once. Looks of the library would wake that one as well, but 40 ms later on average.
func TestCloseLeavesNoWakeUnused(t *testing.T) {
	const rounds = 25
	directory, err := os.MkdirTemp("/dev/shm", "cqueue-go-")
	must(t, err)
	defer os.RemoveAll(directory)
	open := func() *Queue {
		queue, err := Open("orders", WithDirectory(directory))
		must(t, err)
		return queue
	}
	sender := open()
	defer sender.Close()
	waiting := func(count int) {
		t.Helper()
		for begin := time.Now(); ; time.Sleep(time.Millisecond) {
			stats, err := sender.Stats()
			must(t, err)
			if stats.WaitingConsumers == count {
				return
			} else if time.Since(begin) > time.Minute {
				t.Fatalf("%d wait, not %d", stats.WaitingConsumers, count)
			}
		}
	}
	quick := 0
	for range rounds {
		first, second := open(), open()
		ended, got := make(chan error, 1), make(chan error, 1)
		go func() { _, err := first.TakeContext(context.Background()); ended <- err }()
		waiting(1)
		go func() { _, err := second.DequeueContext(context.Background(), nil); got <- err }()
		waiting(2)

		first.handle.sleep.mutex.Lock() // it is woken, and comes no further
		must(t, sender.Enqueue(nil))
		waiting(1)
		go first.Close()
		for !first.isClosing() {
			time.Sleep(time.Millisecond)
		}
		first.handle.sleep.ended = true // as Close is about to do
		begin := time.Now()
		first.handle.sleep.mutex.Unlock()
		must(t, <-got)
		if time.Since(begin) < 20*time.Millisecond {
			quick++
		}
		if err := <-ended; err == nil {
			t.Error("a message of a closed queue")
		}
		must(t, second.Close())
	}
	if quick < rounds/2 {
		t.Errorf("%d of %d", quick, rounds)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
