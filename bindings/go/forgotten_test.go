package cqueue_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"cqueue.io/go/cqueue"
)

// forget takes so many messages and reserves room, and keeps none of it.
//
//go:noinline
func forget(t *testing.T, queue *cqueue.Queue, messages int) {
	for range messages {
		_, err := queue.Take()
		must(t, err)
	}
	_, err := queue.Reserve(1)
	must(t, err)
}

// collected has the garbage collector run until done.
func collected(t *testing.T, done func() bool) {
	t.Helper()
	for ctx := soon(t); !done(); time.Sleep(time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatal("the collector finds nothing")
		}
		runtime.GC()
	}
}

func TestForgottenLoansAreGivenBack(t *testing.T) {
	queue := open(t)
	for range 11 {
		must(t, queue.Enqueue([]byte("one tea")))
	}
	kept := take(t, queue, "one tea", 1)
	forget(t, queue, 10)
	collected(t, func() bool { return length(t, queue) == 10 && stats(t, queue).Writing == 0 })
	must(t, kept.Release())
	for range 10 {
		must(t, take(t, queue, "one tea", 2).Release())
	}
	equal(t, stats(t, queue).Held, uint64(0))
}

// Loans are used again. Somebody who kept what he has finished long ago has no part in that.
func TestFinishedLoansAreNobodysAnyMore(t *testing.T) {
	queue := open(t)
	var old []*cqueue.Message
	var oldReservations []*cqueue.Reservation
	for i := range 100 {
		reservation, err := queue.Reserve(3)
		must(t, err)
		copy(reservation.Bytes(), "tea")
		must(t, reservation.Commit(3))
		oldReservations = append(oldReservations, reservation)
		message := take(t, queue, "tea", 1)
		equal(t, len(old) == 0 || message.Position() != old[i-1].Position(), true)
		for _, gone := range old {
			if gone.Bytes() != nil || gone.Release() == nil || gone.GiveBack() == nil || gone.GiveBackToTail() == nil {
				t.Fatal("a message was finished twice")
			}
		}
		for _, gone := range oldReservations {
			if gone.Bytes() != nil || gone.Commit(1) == nil || gone.Abort() == nil || gone.SetHeaders(nil) == nil {
				t.Fatal("a reservation was finished twice")
			}
		}
		equal(t, string(message.Bytes()), "tea")
		must(t, message.Release())
		equal(t, message.Deliveries(), 1)
		old = append(old, message)
	}
	got := stats(t, queue)
	equal(t, got.Length, 0)
	equal(t, got.Held+got.Returned, uint64(0))
}

func TestForgottenLoansAreFound(t *testing.T) {
	found := make(chan cqueue.Forgotten, 2)
	queue := open(t, cqueue.WithForgotten(func(forgotten cqueue.Forgotten) { found <- forgotten }))
	must(t, queue.Enqueue([]byte("one tea")))
	must(t, queue.Enqueue([]byte("two teas")))
	must(t, take(t, queue, "one tea", 1).Release())
	forget(t, queue, 1)
	collected(t, func() bool { return len(found) == 2 })
	for range 2 {
		got := <-found
		if got.Queue != "orders" || !strings.Contains(strings.SplitN(got.Stack, "\n", 2)[0], "forget ") ||
			!strings.Contains(got.Stack, "forgotten_test.go:") || !got.Reservation && got.Deliveries != 1 {
			t.Errorf("got %+v", got)
		}
	}
	equal(t, length(t, queue), 1)
}

func TestLoanForgottenAfterCloseLetsTheHandleGo(t *testing.T) {
	directory := directory(t)
	queue, other := openIn(t, directory), openIn(t, directory)
	must(t, queue.Enqueue(nil))
	forget(t, queue, 1)
	must(t, queue.Close())
	collected(t, func() bool { return stats(t, other).Participants == 1 })
}

// A copy is what go vet warns of; nevertheless it must not harm others.
func TestCopyOfALoanFinishesItOnce(t *testing.T) {
	queue := open(t)
	must(t, queue.Enqueue([]byte("one tea")))
	must(t, queue.Enqueue([]byte("two teas")))
	message := take(t, queue, "one tea", 1)
	var twin cqueue.Message
	duplicate(&twin, message)
	other := take(t, queue, "two teas", 1) // in hand while the first is finished again and again
	must(t, message.Release())
	for range 5 {
		expect(t, twin.Release(), cqueue.ErrNotHeld, "release", notHeld)
		expect(t, twin.GiveBack(), cqueue.ErrNotHeld, "give back", notHeld)
	}
	must(t, other.Release())

	reservation, err := queue.Reserve(1)
	must(t, err)
	var again cqueue.Reservation
	duplicate(&again, reservation)
	must(t, reservation.Commit(1))
	expect(t, again.Commit(1), cqueue.ErrNotHeld, "commit", notHeld)
	expect(t, again.Abort(), cqueue.ErrNotHeld, "abort", notHeld)
	must(t, take(t, queue, "\x00", 1).Release()) // the handle is open
	runtime.KeepAlive(message)
}

// duplicate copies what go vet would complain of.
func duplicate[T any](to, from *T) { *to = *from }

func TestZeroLoansAreNotHeld(t *testing.T) {
	for _, err := range []error{new(cqueue.Message).Release(), new(cqueue.Message).GiveBack(),
		new(cqueue.Reservation).Commit(0), new(cqueue.Reservation).Abort(),
		new(cqueue.Reservation).CommitContext(soon(t), 0)} {
		if code, _ := err.(*cqueue.Error); code == nil || code.Code != cqueue.ErrNotHeld {
			t.Errorf("got %v", err)
		}
	}
}
