package cqueue_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"cqueue.io/go/cqueue"
)

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
