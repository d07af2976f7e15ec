package cqueue_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"cqueue.io/go/cqueue"
)

func TestMessagesComeOutInOrder(t *testing.T) {
	queue := open(t)
	for i := range 1000 {
		must(t, queue.Enqueue(fmt.Append(nil, i)))
	}
	for i := range 1000 {
		message, err := queue.Dequeue(nil)
		if want := fmt.Sprint(i); err != nil || string(message) != want {
			t.Fatalf("got %q, %v, want %s", message, err, want)
		}
	}
}

func TestEmptyAndFullAreErrorsOfTheirOwn(t *testing.T) {
	queue := open(t, cqueue.WithCapacity(2))
	for range 2 { // the second time they are remembered
		_, err := queue.Dequeue(nil)
		expect(t, err, cqueue.ErrEmpty, "dequeue", `"orders": no message is waiting`)
		_, err = queue.Take()
		expect(t, err, cqueue.ErrEmpty, "take", `"orders": no message is waiting`)
	}
	must(t, queue.Enqueue(nil))
	must(t, queue.Enqueue(nil))
	for range 2 {
		expectFull(t, queue.Enqueue(nil), "enqueue", 2)
		_, err := queue.Reserve(1)
		expectFull(t, err, "reserve", 2)
	}
}

func TestTooBigIsRefused(t *testing.T) {
	queue := open(t, cqueue.WithMaxMessageSize(10))
	must(t, queue.Enqueue(make([]byte, 10)))
	expect(t, queue.Enqueue(make([]byte, 11)), cqueue.ErrTooBig, "enqueue",
		`"orders": a message of 11 bytes, the region takes 10 at most (or what was reserved)`)
}

func TestDequeueAppendsAndGrows(t *testing.T) {
	queue := open(t, cqueue.WithMaxMessageSize(1<<20))
	for _, size := range []int{0, 1, 255, 256, 257, 5000, 1 << 20} {
		want := bytes.Repeat([]byte{byte(size), 7, 9}, size/3+1)[:size]
		room := make([]byte, 3, 3+size)
		for _, buffer := range [][]byte{nil, []byte("abc"), append(make([]byte, 0, 10), "abc"...), room} {
			must(t, queue.Enqueue(want))
			got, err := queue.Dequeue(buffer)
			if err != nil || !bytes.Equal(got, append(bytes.Clone(buffer), want...)) {
				t.Fatalf("%d bytes behind %d of %d: got %d bytes, %v", size, len(buffer), cap(buffer), len(got), err)
			}
			if size > 0 && cap(buffer)-len(buffer) >= size && &got[0] != &buffer[0] {
				t.Errorf("%d bytes behind %d of %d: other memory", size, len(buffer), cap(buffer))
			}
		}
	}
	buffer := []byte("abc")
	if got, err := queue.Dequeue(buffer); !errors.Is(err, cqueue.ErrEmpty) || string(got) != "abc" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestSlicesWithinPointersAreMessagesToo(t *testing.T) {
	// cgo would refuse to show C the whole of something that leads to other memory of Go's.
	type order struct {
		text [8]byte
		next *order
	}
	queue := open(t)
	sent := &order{text: [8]byte{'t', 'e', 'a'}, next: &order{}}
	must(t, queue.Enqueue(sent.text[:3]))
	got, err := queue.Dequeue(sent.text[3:3])
	if err != nil || string(got) != "tea" || string(sent.text[:]) != "teatea\x00\x00" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestAllAtMostOnceYieldsUntilTheContextIsOver(t *testing.T) {
	queue := open(t)
	for i := range 10 {
		must(t, queue.Enqueue([]byte{byte(i)}))
	}
	ctx, cancel := context.WithCancel(soon(t))
	defer cancel()
	seen := 0
	for message, err := range queue.AllAtMostOnce(ctx) {
		if err != nil {
			if !errors.Is(err, context.Canceled) || seen != 7 {
				t.Errorf("%v after %d", err, seen)
			}
			seen = -1
			continue
		}
		if message[0] != byte(seen) {
			t.Fatalf("got %d, want %d", message[0], seen)
		}
		if seen++; seen == 7 {
			cancel()
		}
	}
	if seen != -1 || length(t, queue) != 3 {
		t.Errorf("ended after %d, %d are left", seen, length(t, queue))
	}
	for range queue.AllAtMostOnce(soon(t)) {
		break
	}
	if length(t, queue) != 2 {
		t.Errorf("%d are left", length(t, queue))
	}
}
