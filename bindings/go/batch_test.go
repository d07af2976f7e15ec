package cqueue_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"testing"

	"cqueue.io/go/cqueue"
)

// contents are the messages of a batch, one string each.
func contents(batch *cqueue.Batch) []string {
	var all []string
	for i, message := range batch.All() {
		if i != len(all) {
			panic("indices are not in order")
		}
		all = append(all, string(message))
	}
	return all
}

func equal(t *testing.T, got, want any) {
	t.Helper()
	if fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", want) {
		t.Errorf("got %#v\nwant %#v", got, want)
	}
}

func TestBatchHoldsMessages(t *testing.T) {
	var batch cqueue.Batch
	equal(t, contents(&batch), []string(nil))
	batch.Append([]byte("a"), nil, []byte("bcd"))
	batch.Append([]byte("ef"))
	equal(t, contents(&batch), []string{"a", "", "bcd", "ef"})
	batch.Drop(2)
	equal(t, contents(&batch), []string{"bcd", "ef"})
	equal(t, batch.Len(), 2)
	batch.Drop(2)
	batch.Append([]byte("g"))
	equal(t, contents(&batch), []string{"g"})
	batch.Reset()
	equal(t, batch.Len(), 0)
	batch.Append([]byte("h"))
	equal(t, contents(&batch), []string{"h"})
	for range batch.All() {
		break
	}
}

func TestBatchThatIsUsedUpUsesItsMemoryAgain(t *testing.T) {
	var batch cqueue.Batch
	batch.Append(make([]byte, 1000))
	if n := testing.AllocsPerRun(100, func() {
		batch.Drop(1)
		batch.Append(payload)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestCopiesOfAnyKindAllocateNothingIfTheBufferIsThere(t *testing.T) {
	queue := open(t)
	var out, in cqueue.Batch
	out.Append(payload, payload)
	buffer := make([]byte, 0, 100)
	if n := testing.AllocsPerRun(100, func() {
		queue.Enqueue(payload)
		buffer, _ = queue.Dequeue(buffer[:0])
		queue.EnqueueBatch(&out)
		queue.DequeueBatch(&in, 10)
		queue.Dequeue(buffer) // empty
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
	equal(t, len(buffer), len(payload))
}

func TestBatchesGoAsFarAsThereIsRoom(t *testing.T) {
	queue := open(t, cqueue.WithCapacity(3), cqueue.WithMaxMessageSize(5))
	var out, in cqueue.Batch
	out.Append([]byte("one"), nil, []byte("three"), []byte("four"), []byte("five"))
	n, err := queue.EnqueueBatch(&out)
	expectFull(t, err, "enqueue", 3)
	equal(t, n, 3)
	equal(t, out.Len(), 5)
	out.Drop(n)

	n, err = queue.DequeueBatch(&in, 2)
	must(t, err)
	equal(t, n, 2)
	equal(t, contents(&in), []string{"one", ""})
	n, err = queue.EnqueueBatch(&out)
	must(t, err)
	equal(t, n, 2)
	n, err = queue.DequeueBatch(&in, 100)
	must(t, err)
	equal(t, n, 3)
	equal(t, contents(&in), []string{"three", "four", "five"})

	n, err = queue.DequeueBatch(&in, 100)
	expect(t, err, cqueue.ErrEmpty, "dequeue", `"orders": no message is waiting`)
	equal(t, n+in.Len(), 0)
	n, err = queue.EnqueueBatch(&cqueue.Batch{})
	must(t, err)
	equal(t, n, 0)
}

func TestBatchWithATooBigMessageIsRefusedAsAWhole(t *testing.T) {
	queue := open(t, cqueue.WithMaxMessageSize(5))
	var batch cqueue.Batch
	batch.Append([]byte("one"), []byte("eleven"))
	n, err := queue.EnqueueBatch(&batch)
	expect(t, err, cqueue.ErrTooBig, "enqueue",
		`"orders": a message of 6 bytes, the region takes 5 at most (or what was reserved)`)
	equal(t, n+length(t, queue), 0)
}

func TestBatchLimitMustBePositive(t *testing.T) {
	queue := open(t)
	_, err := queue.DequeueBatch(&cqueue.Batch{}, 0)
	expect(t, err, cqueue.ErrInvalid, "dequeue", `"orders": a batch of at most 0 messages, ask for 1 at least`)
	_, err = queue.DequeueBatchContext(soon(t), &cqueue.Batch{}, -1)
	expect(t, err, cqueue.ErrInvalid, "dequeue", `"orders": a batch of at most -1 messages, ask for 1 at least`)
}

func TestBatchMemoryGrowsForALargeMessage(t *testing.T) {
	queue := open(t, cqueue.WithMaxMessageSize(1<<20))
	var batch cqueue.Batch
	for _, size := range []int{100_000, 60_000, 60_000, 10} {
		must(t, queue.Enqueue(make([]byte, size)))
	}
	var sizes []int
	for length(t, queue) > 0 {
		n, err := queue.DequeueBatch(&batch, 1000)
		must(t, err)
		for _, message := range batch.All() {
			sizes = append(sizes, len(message))
		}
		sizes = append(sizes, -n)
	}
	// The memory that one message made it grow to has room for one of the next two, but not for both.
	equal(t, sizes, []int{100_000, -1, 60_000, -1, 60_000, 10, -2})
	batch.Grow(1 << 20)
	for range 10 {
		must(t, queue.Enqueue(make([]byte, 100_000)))
	}
	n, err := queue.DequeueBatch(&batch, 1000)
	must(t, err)
	equal(t, n, 10)
}

func TestBatchesOfAnySizeKeepTheirOrder(t *testing.T) {
	queue := open(t, cqueue.WithMaxMessageSize(16))
	for _, count := range []int{1, 127, 128, 129, 1000} { // 128 are kept on C's stack
		var out, in cqueue.Batch
		for i := range count {
			out.Append(fmt.Append(nil, i))
		}
		n, err := queue.EnqueueBatch(&out)
		must(t, err)
		equal(t, n, count)
		n, err = queue.DequeueBatch(&in, count)
		must(t, err)
		equal(t, n, count)
		equal(t, contents(&in), contents(&out))
	}
}

func TestBatchContextWaitsUntilAllAreIn(t *testing.T) {
	queue, ctx := open(t, cqueue.WithCapacity(3)), soon(t)
	var out cqueue.Batch
	for i := range 100 {
		out.Append(fmt.Append(nil, i))
	}
	sent := make(chan error)
	go func() {
		n, err := queue.EnqueueBatchContext(ctx, &out)
		if err == nil && n != 100 {
			err = fmt.Errorf("sent %d", n)
		}
		sent <- err
	}()
	var got []string
	for len(got) < 100 {
		var in cqueue.Batch
		n, err := queue.DequeueBatchContext(ctx, &in, 2)
		must(t, err)
		if n < 1 || n > 2 {
			t.Fatalf("got %d", n)
		}
		got = append(got, contents(&in)...)
	}
	must(t, <-sent)
	equal(t, got, contents(&out))

	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if n, err := queue.DequeueBatchContext(cancelled, &out, 5); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("got %d, %v", n, err)
	}
}

func TestBatchDoesNotGrowWhileItIsNeverEmpty(t *testing.T) {
	var batch cqueue.Batch
	message := make([]byte, 1000)
	turn := func() {
		batch.Append(message, message)
		batch.Drop(1)
		batch.Append(message)
		batch.Drop(2)
	}
	batch.Append(message, message, message)
	for range 100 {
		turn()
	}
	used := allocated(func() {
		for range 10_000 {
			turn()
		}
	})
	if used > 1<<20 {
		t.Errorf("%d bytes for 3 messages of 1,000", used)
	}
	equal(t, batch.Len(), 3)
}

func TestDropKeepsWhatIsLeft(t *testing.T) {
	var batch cqueue.Batch
	var want []string
	for i := range 1000 {
		text := fmt.Sprint(i, string(bytes.Repeat([]byte("x"), i%7)))
		batch.Append([]byte(text))
		want = append(want, text)
		if i%3 > 0 {
			batch.Drop(i % 3)
			want = want[i%3:]
		}
		if i%10 == 0 {
			batch.Append(nil, nil)
			want = append(want, "", "")
		}
		if i%100 == 0 {
			equal(t, contents(&batch), want)
		}
	}
}

func TestBatchLimitMayBeHuge(t *testing.T) {
	queue := open(t, cqueue.WithCapacity(5000), cqueue.WithMaxMessageSize(8))
	var out, in cqueue.Batch
	for i := range 5000 {
		out.Append(fmt.Append(nil, i))
	}
	_, err := queue.EnqueueBatch(&out)
	must(t, err)
	var n int
	used := allocated(func() { n, err = queue.DequeueBatch(&in, math.MaxInt) })
	must(t, err)
	equal(t, n, 5000)
	equal(t, contents(&in), contents(&out))
	if used > 1<<20 {
		t.Errorf("%d bytes for 5,000 messages", used)
	}
}

// allocated is how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
