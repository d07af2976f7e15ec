//go:build !race && !asan

// The sanitizers have memory of their own, which grows with every lock and allocation that there ever was; and the race
// detector has pools that forget.

package cqueue_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"cqueue.io/go/cqueue"
)

// possessions are what a process must not have more and more of.
type possessions struct{ descriptors, threads, mappings, goroutines, memory int }

func possess(t *testing.T) possessions {
	t.Helper()
	debug.FreeOSMemory()
	maps, err := os.ReadFile("/proc/self/maps")
	must(t, err)
	statm, err := os.ReadFile("/proc/self/statm")
	must(t, err)
	var size, resident int
	_, err = fmt.Sscan(string(statm), &size, &resident)
	must(t, err)
	return possessions{descriptors(t), len(entries(t, "/proc/self/task")), strings.Count(string(maps), "\n"),
		runtime.NumGoroutine(), resident * os.Getpagesize()}
}

// keepsNothing runs f a few times to warm up, then n times, and compares what the process has.
func keepsNothing(t *testing.T, n int, f func()) {
	t.Helper()
	for range n/4 + 100 {
		f()
	}
	before := possess(t)
	for range n {
		f()
	}
	// What ends asynchronously gets time, what is leaked does not go. Go has threads and mappings of its own, a few.
	deadline := time.Now().Add(30 * time.Second)
	for {
		after := possess(t)
		if after.descriptors <= before.descriptors && after.threads <= before.threads+n/1000+5 &&
			after.mappings <= before.mappings+n/100+20 && after.goroutines <= before.goroutines &&
			after.memory <= before.memory+64*n+4<<20 {
			t.Logf("%+v before, %+v after", before, after)
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%+v before, %+v after", before, after)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestOpeningAndClosingKeepsNothing(t *testing.T) {
	directory := directory(t)
	queue := openIn(t, directory)
	keepsNothing(t, times(5_000, 100_000), func() {
		other, err := cqueue.Open("orders", cqueue.WithDirectory(directory), cqueue.Attach())
		must(t, err)
		must(t, other.Close())
	})
	equal(t, stats(t, queue).Participants, 1)
}

func TestOpeningWaitingAndClosingKeepsNothing(t *testing.T) {
	directory := directory(t)
	queue := openIn(t, directory, cqueue.WithCapacity(1))
	must(t, queue.Enqueue([]byte("one tea")))
	keepsNothing(t, times(300, 10_000), func() {
		other, err := cqueue.Open("orders", cqueue.WithDirectory(directory), cqueue.Attach())
		must(t, err)
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		if other.EnqueueContext(ctx, nil) == nil {
			t.Fatal("there was room")
		}
		cancel()
		must(t, other.Close())
	})
	equal(t, stats(t, queue).Participants, 1)
}

func TestFailingToOpenKeepsNothing(t *testing.T) {
	directory := directory(t)
	openIn(t, directory, cqueue.WithCapacity(1))
	keepsNothing(t, times(5000, 100_000), func() {
		if _, err := cqueue.Open("orders", cqueue.WithDirectory(directory), cqueue.WithCapacity(2)); err == nil {
			t.Fatal("opened")
		}
	})
}

func TestLoansKeepNothing(t *testing.T) {
	queue := open(t, cqueue.WithCapacity(100), cqueue.WithMaxMessageSize(64))
	memory := 0
	keepsNothing(t, times(50_000, 1_000_000), func() {
		reservation, err := queue.Reserve(20)
		must(t, err)
		must(t, reservation.Commit(10))
		message, err := queue.Take()
		must(t, err)
		must(t, message.GiveBack())
		message, err = queue.Take()
		must(t, err)
		must(t, message.Release())
		reservation, err = queue.Reserve(20)
		must(t, err)
		must(t, reservation.Abort())
		if memory == 0 {
			memory = int(stats(t, queue).Memory)
		}
	})
	got := stats(t, queue)
	if got.Length != 0 || got.Participants != 1 || int(got.Memory) > 2*memory {
		t.Errorf("%+v, memory was %d at first", got, memory)
	}
}

func TestLoansAllocateNothing(t *testing.T) {
	queue := open(t)
	n := testing.AllocsPerRun(1000, func() {
		reservation, err := queue.Reserve(8)
		must(t, err)
		must(t, reservation.Commit(8))
		message, err := queue.Take()
		must(t, err)
		must(t, message.Release())
	})
	if n > 0 {
		t.Errorf("%v allocations", n)
	}
	ctx := soon(t)
	n = testing.AllocsPerRun(1000, func() {
		must(t, queue.Enqueue(nil))
		message, err := queue.TakeContext(ctx)
		must(t, err)
		must(t, message.Release())
	})
	if n > 0 {
		t.Errorf("%v allocations", n)
	}
	n = testing.AllocsPerRun(100, func() {
		for range 32 {
			must(t, queue.Enqueue(nil))
		}
		messages, err := queue.TakeBatch(32)
		must(t, err)
		must(t, messages.Release())
	})
	if n > 2 { // the messages, and the slice of them
		t.Errorf("%v allocations", n)
	}
}
