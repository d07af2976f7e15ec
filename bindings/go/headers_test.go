package cqueue_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"cqueue.io/go/cqueue"
)

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
