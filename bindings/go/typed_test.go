package cqueue_test

import (
	"context"
	"errors"
	"testing"

	"cqueue.io/go/cqueue"
)

type order struct {
	Number uint32
	Price  float32
}

func TestTypedCarriesValues(t *testing.T) {
	queue, ctx := open(t), soon(t)
	for name, codec := range map[string]cqueue.Codec[order]{
		`{"Number":7,"Price":2.5}`:         cqueue.JSON[order](),
		"\x07\x00\x00\x00\x00\x00\x20\x40": cqueue.Binary[order](),
	} {
		orders := cqueue.NewTyped(queue, codec)
		must(t, orders.Enqueue(order{7, 2.5}))
		bytes, err := orders.Queue().Dequeue(nil)
		must(t, err)
		equal(t, string(bytes), name)

		must(t, orders.Enqueue(order{1, 1}))
		must(t, orders.EnqueueContext(ctx, order{2, 2}))
		first, err := orders.Dequeue()
		must(t, err)
		second, err := orders.DequeueContext(ctx)
		must(t, err)
		equal(t, []order{first, second}, []order{{1, 1}, {2, 2}})
		_, err = orders.Dequeue()
		expect(t, err, cqueue.ErrEmpty, "dequeue", `"orders": no message is waiting`)
	}
}

func TestTypedMessageThatDoesNotDecodeIsNotLost(t *testing.T) {
	queue := open(t)
	for _, test := range []struct {
		codec         cqueue.Codec[order]
		message, text string
	}{
		{cqueue.Binary[order](), "123456789", `cqueue: dequeue "orders": message of 9 bytes: 9 bytes, cqueue_test.order has 8`},
		{cqueue.Binary[order](), "1", `cqueue: dequeue "orders": message of 1 bytes: [binary.Decode: buffer too small]`},
		{cqueue.JSON[order](), "{", `cqueue: dequeue "orders": message of 1 bytes: unexpected end of JSON input`},
	} {
		must(t, queue.Enqueue([]byte(test.message)))
		_, err := cqueue.NewTyped(queue, test.codec).Dequeue()
		var undecoded *cqueue.DecodeError
		if !errors.As(err, &undecoded) || errors.Unwrap(err) == nil {
			t.Fatal(err)
		}
		equal(t, string(undecoded.Message), test.message)
		if test.message != "1" { // the standard library's words, which may change
			equal(t, err.Error(), test.text)
		}
	}
}

func TestTypedValueThatDoesNotEncodeIsNotSent(t *testing.T) {
	queue := open(t)
	if err := cqueue.NewTyped(queue, cqueue.JSON[func()]()).Enqueue(func() {}); err == nil {
		t.Error("sent a function")
	}
	if err := cqueue.NewTyped(queue, cqueue.Binary[string]()).Enqueue("text"); err == nil {
		t.Error("sent a string, which has no fixed size")
	}
	equal(t, length(t, queue), 0)
}

func TestTypedAllGoesOnAfterAMessageThatDoesNotDecode(t *testing.T) {
	queue := open(t)
	orders := cqueue.NewTyped(queue, cqueue.JSON[order]())
	must(t, orders.Enqueue(order{Number: 1}))
	must(t, queue.Enqueue([]byte("?")))
	must(t, orders.Enqueue(order{Number: 2}))
	ctx, cancel := context.WithCancel(soon(t))
	defer cancel()
	var seen []string
	for value, err := range orders.All(ctx) {
		var undecoded *cqueue.DecodeError
		switch {
		case errors.As(err, &undecoded):
			seen = append(seen, string(undecoded.Message))
		case err != nil:
			equal(t, errors.Is(err, context.Canceled), true)
			seen = append(seen, "end")
		default:
			seen = append(seen, string(rune('0'+value.Number)))
			if value.Number == 2 {
				cancel()
			}
		}
	}
	equal(t, seen, []string{"1", "?", "2", "end"})
}
