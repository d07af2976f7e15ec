package cqueue_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"

	"cqueue.io/go/cqueue"
)

const notHeld = `"orders": it was released, given back, committed or aborted before, or forgotten and collected`

func take(t *testing.T, queue *cqueue.Queue, text string, deliveries int) *cqueue.Message {
	t.Helper()
	message, err := queue.Take()
	must(t, err)
	if string(message.Bytes()) != text || message.Deliveries() != deliveries {
		t.Errorf("took %q, delivery %d, want %q, %d", message.Bytes(), message.Deliveries(), text, deliveries)
	}
	return message
}

func TestTakenMessageIsGoneOnceReleased(t *testing.T) {
	queue := open(t)
	must(t, queue.Enqueue([]byte("one tea")))
	message := take(t, queue, "one tea", 1)
	must(t, message.Release())
	if message.Bytes() != nil {
		t.Error("a released message has bytes")
	}
	expect(t, message.Release(), cqueue.ErrNotHeld, "release", notHeld)
	expect(t, message.GiveBack(), cqueue.ErrNotHeld, "give back", notHeld)
	_, err := queue.Take()
	expect(t, err, cqueue.ErrEmpty, "take", `"orders": no message is waiting`)
}

func TestMessageGivenBackComesAgainBeforeNewerOnes(t *testing.T) {
	queue := open(t)
	must(t, queue.Enqueue([]byte("one tea")))
	must(t, queue.Enqueue([]byte("two teas")))
	message := take(t, queue, "one tea", 1)
	position := message.Position()
	must(t, message.GiveBack())
	if got := stats(t, queue); got.Orphans != 1 || got.Length != 2 || got.Returned != 1 || got.Redelivered != 0 {
		t.Errorf("got %+v", got)
	}
	expect(t, message.GiveBack(), cqueue.ErrNotHeld, "give back", notHeld)
	again := take(t, queue, "one tea", 2)
	if again.Position() != position {
		t.Errorf("position %d, then %d", position, again.Position())
	}
	must(t, again.Release())
	must(t, take(t, queue, "two teas", 1).Release())
	if got := stats(t, queue); got.Returned != 1 || got.Redelivered != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestSeveralMessagesInHandFinishInAnyOrder(t *testing.T) {
	queue := open(t)
	var messages []*cqueue.Message
	for _, text := range []string{"a", "b", "c", "d"} {
		must(t, queue.Enqueue([]byte(text)))
		messages = append(messages, take(t, queue, text, 1))
	}
	for _, i := range []int{2, 0, 3, 1} {
		must(t, messages[i].Release())
	}
	must(t, queue.Close())
	for _, message := range messages {
		expect(t, message.Release(), cqueue.ErrNotHeld, "release", notHeld)
	}
}

func TestReservationIsPublishedByCommit(t *testing.T) {
	queue := open(t, cqueue.WithMaxMessageSize(10))
	reservation, err := queue.Reserve(10)
	must(t, err)
	equal(t, len(reservation.Bytes()), 10)
	copy(reservation.Bytes(), "one tea")
	_, err = queue.Dequeue(nil)
	expect(t, err, cqueue.ErrEmpty, "dequeue", `"orders": no message is waiting`)
	expect(t, reservation.Commit(11), cqueue.ErrTooBig, "commit",
		`"orders": a message of 11 bytes, the region takes 10 at most (or what was reserved)`)
	must(t, reservation.Commit(7))
	if reservation.Bytes() != nil {
		t.Error("a committed reservation has bytes")
	}
	expect(t, reservation.Commit(7), cqueue.ErrNotHeld, "commit", notHeld)
	expect(t, reservation.Abort(), cqueue.ErrNotHeld, "abort", notHeld)
	must(t, take(t, queue, "one tea", 1).Release())

	reservation, err = queue.Reserve(0)
	must(t, err)
	must(t, reservation.CommitContext(soon(t), 0))
	must(t, take(t, queue, "", 1).Release())
	_, err = queue.Reserve(11)
	expect(t, err, cqueue.ErrTooBig, "reserve",
		`"orders": a message of 11 bytes, the region takes 10 at most (or what was reserved)`)
}

func TestAbortedReservationLeavesNothing(t *testing.T) {
	queue := open(t, cqueue.WithCapacity(1))
	reservation, err := queue.Reserve(10)
	must(t, err)
	expectFull(t, queue.Enqueue(nil), "enqueue", 1)
	must(t, reservation.Abort())
	expect(t, reservation.Abort(), cqueue.ErrNotHeld, "abort", notHeld)
	must(t, queue.Enqueue([]byte("one tea")))
	must(t, take(t, queue, "one tea", 1).Release())
}

func TestCommitContextWaitsForRoomWhenThePlaceWasGivenUp(t *testing.T) {
	queue, ctx := open(t, cqueue.WithCapacity(2)), soon(t)
	reservation, err := queue.Reserve(10)
	must(t, err)
	copy(reservation.Bytes(), "late")
	must(t, queue.Enqueue([]byte("a")))
	must(t, take(t, queue, "a", 1).Release()) // a consumer that waited for "late" gave its place up
	must(t, queue.Enqueue([]byte("b")))
	must(t, queue.Enqueue([]byte("c")))
	expectFull(t, reservation.Commit(4), "commit", 2)
	committed := make(chan error)
	go func() { committed <- reservation.CommitContext(ctx, 4) }()
	must(t, take(t, queue, "b", 1).Release())
	must(t, <-committed)
	must(t, take(t, queue, "c", 1).Release())
	must(t, take(t, queue, "late", 1).Release())
}

func TestAllYieldsLoansThatAreDeliveredAgainIfNobodyReleasesThem(t *testing.T) {
	directory := directory(t)
	queue := openIn(t, directory)
	for i := range 5 {
		must(t, queue.Enqueue([]byte{byte('a' + i)}))
	}
	ctx, cancel := context.WithCancel(soon(t))
	defer cancel()
	seen := ""
	for message, err := range queue.All(ctx) {
		if err != nil {
			equal(t, errors.Is(err, context.Canceled), true)
			break
		}
		seen += string(message.Bytes())
		if seen == "abc" {
			must(t, message.GiveBack())
			cancel()
			continue
		}
		must(t, message.Release())
	}
	equal(t, seen, "abc")
	equal(t, length(t, queue), 3)
	for message, err := range queue.All(soon(t)) {
		must(t, err)
		equal(t, string(message.Bytes()), "c")
		equal(t, message.Deliveries(), 2)
		break
	}
	must(t, queue.Close())
	must(t, take(t, openIn(t, directory), "c", 3).Release())
}

func TestDeferredGiveBackDoesNothingAfterRelease(t *testing.T) {
	queue := open(t)
	must(t, queue.Enqueue([]byte("one tea")))
	work := func(fault error) {
		message, err := queue.Take()
		must(t, err)
		defer message.GiveBack()
		if fault == nil {
			must(t, message.Release())
		}
	}
	work(errors.New("no tea"))
	equal(t, length(t, queue), 1)
	work(nil)
	equal(t, length(t, queue), 0)
	equal(t, stats(t, queue).Returned, uint64(1))
}

func TestBatchOfLoans(t *testing.T) {
	queue := open(t)
	_, err := queue.TakeBatch(3)
	expect(t, err, cqueue.ErrEmpty, "take", `"orders": no message is waiting`)
	_, err = queue.TakeBatch(0)
	expect(t, err, cqueue.ErrInvalid, "take", `"orders": a batch of at most 0 messages, ask for 1 at least`)
	for i := range 100 {
		must(t, queue.Enqueue(fmt.Append(nil, i)))
	}
	first, err := queue.TakeBatch(3)
	must(t, err)
	rest, err := queue.TakeBatchContext(soon(t), math.MaxInt)
	must(t, err)
	equal(t, len(rest), 97)
	for i, message := range append(first, rest...) {
		equal(t, string(message.Bytes()), fmt.Sprint(i))
	}
	must(t, first[1].Release())
	must(t, first.GiveBack())
	must(t, rest[:90].Release())
	equal(t, length(t, queue), 2)
	equal(t, stats(t, queue).Held, uint64(7))
	must(t, queue.Close())
	err = rest.Release()
	equal(t, errors.Is(err, cqueue.ErrClosed), true)
	must(t, rest.Release())
}

func TestSizesAreCheckedInGo(t *testing.T) {
	queue := open(t)
	const text = `"orders": a message of -1 bytes, a size is 0 at least`
	_, err := queue.Reserve(-1)
	expect(t, err, cqueue.ErrInvalid, "reserve", text)
	_, err = queue.ReserveContext(soon(t), -1)
	expect(t, err, cqueue.ErrInvalid, "reserve", text)
	reservation, err := queue.Reserve(1)
	must(t, err)
	expect(t, reservation.Commit(-1), cqueue.ErrInvalid, "commit", text)
	expect(t, reservation.CommitContext(soon(t), -1), cqueue.ErrInvalid, "commit", text)
	must(t, reservation.Abort())
}
