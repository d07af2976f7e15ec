package cqueue_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"unsafe"

	"cqueue.io/go/cqueue"
)

type order struct {
	Number uint32
	Price  float32
}

func TestTypedCarriesValues(t *testing.T) {
	ctx := soon(t)
	for _, codec := range []cqueue.Codec[order]{cqueue.JSON[order](), cqueue.Binary[order](), nil} {
		orders := cqueue.NewTyped(open(t), codec)
		must(t, orders.Enqueue(order{1, 1}))
		must(t, orders.EnqueueContext(ctx, order{2, 2}))
		must(t, orders.Enqueue(order{3, 3}))
		first, err := orders.Dequeue()
		must(t, err)
		second, err := orders.DequeueContext(ctx)
		must(t, err)
		third, err := orders.Take()
		must(t, err)
		equal(t, []order{first, second, third.Value}, []order{{1, 1}, {2, 2}, {3, 3}})
		_, err = orders.Dequeue()
		expect(t, err, cqueue.ErrEmpty, "take", `"orders": no message is waiting`)
		must(t, third.GiveBack())
		third, err = orders.TakeContext(ctx)
		must(t, err)
		equal(t, third.Deliveries(), 2)
		must(t, third.Release())
		equal(t, length(t, orders.Queue()), 0)
	}
}

// What every language sends and receives.
type item struct {
	ID    int     `json:"id"`
	Name  string  `json:"name"`
	Price float64 `json:"price"`
}

type plainItem struct {
	ID    int32
	Price float64
	Name  [8]byte
}

func TestFormatsAreThoseOfOtherLanguages(t *testing.T) {
	queue := open(t)
	items, plain := cqueue.NewTyped(queue, cqueue.JSON[item]()), cqueue.NewTyped(queue, cqueue.Binary[plainItem]())

	must(t, queue.Enqueue([]byte(`{"id": 7, "name": "tea", "price": 2.5}`)))
	got, err := items.Dequeue()
	must(t, err)
	equal(t, got, item{7, "tea", 2.5})
	must(t, items.Enqueue(got))
	message, err := queue.Dequeue(nil)
	must(t, err)
	equal(t, string(message), `{"id":7,"name":"tea","price":2.5}`)

	// What C has of struct {int32_t id; double price; char name[8];}, written down by hand.
	const inC = "\x07\x00\x00\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00\x00\x00\x04\x40" + "tea\x00\x00\x00\x00\x00"
	want := plainItem{7, 2.5, [8]byte{'t', 'e', 'a'}}
	must(t, plain.Enqueue(want))
	message, err = queue.Dequeue(nil)
	must(t, err)
	equal(t, string(message), inC)
	must(t, queue.Enqueue([]byte(inC)))
	other, err := plain.Dequeue()
	must(t, err)
	equal(t, other, want)
}

func TestBinaryLeavesNothingOfTheProcessInItsPadding(t *testing.T) {
	type inner struct {
		A uint8
		B uint16
	}
	type outer struct {
		A uint8
		B [2]inner
		_ uint8
		C uint64
		D uint8
	}
	value := new(outer)
	memory := unsafe.Slice((*byte)(unsafe.Pointer(value)), unsafe.Sizeof(*value))
	for i := range memory {
		memory[i] = 0xff // what was there before
	}
	value.A, value.B[0].A, value.B[0].B, value.B[1].A, value.B[1].B, value.C, value.D = 1, 2, 3, 4, 5, 6, 7
	message, err := cqueue.Binary[outer]().Append(nil, *value)
	must(t, err)
	equal(t, string(message), "\x01\x00"+"\x02\x00\x03\x00"+"\x04\x00\x05\x00"+strings.Repeat("\x00", 6)+
		"\x06\x00\x00\x00\x00\x00\x00\x00"+"\x07"+strings.Repeat("\x00", 7))
}

func TestBinaryIsForFixedSizesOnly(t *testing.T) {
	refused := func(err error, what string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("got %v, want something of %s", err, what)
		}
	}
	_, err := cqueue.Binary[string]().Append(nil, "text")
	refused(err, "string")
	_, err = cqueue.Binary[struct{ A []byte }]().Append(nil, struct{ A []byte }{})
	refused(err, "[]uint8")
	_, err = cqueue.Binary[int]().Append(nil, 1)
	refused(err, "int has no fixed size")
	_, err = cqueue.Binary[[2]*int]().Decode(make([]byte, 16))
	refused(err, "*int")
	_, err = cqueue.Binary[[2]bool]().Decode([]byte{1, 2})
	refused(err, "byte 1 of [2]bool is 2")
}

func undecoded(t *testing.T, err error) *cqueue.DecodeError {
	t.Helper()
	var undecoded *cqueue.DecodeError
	if !errors.As(err, &undecoded) || !errors.Is(err, cqueue.ErrDecode) {
		t.Fatalf("got %v", err)
	}
	return undecoded
}

func TestMessageThatDoesNotDecodeStays(t *testing.T) {
	queue := open(t)
	for _, test := range []struct {
		codec         cqueue.Codec[order]
		message, text string
	}{
		{cqueue.Binary[order](), "123456789",
			`cqueue: decode "orders": message of 9 bytes, delivery 1: 9 bytes, cqueue_test.order has 8`},
		{cqueue.JSON[order](), "{", `cqueue: decode "orders": message of 1 byte, delivery 1: unexpected end of JSON input`},
	} {
		must(t, queue.Enqueue([]byte(test.message)))
		orders := cqueue.NewTyped(queue, test.codec)
		_, err := orders.Dequeue()
		equal(t, err.Error(), test.text)
		got := undecoded(t, err)
		equal(t, string(got.Message), test.message)
		_, err = orders.Take()
		equal(t, undecoded(t, err).Deliveries, 2)
		equal(t, length(t, queue), 1)
		must(t, take(t, queue, test.message, 3).Release())
	}
}

func TestGoodNeighboursOfABadMessageAreDelivered(t *testing.T) {
	queue := open(t)
	orders := cqueue.NewTyped(queue, cqueue.JSON[order]())
	for _, message := range []string{`{"Number":1}`, "?", `{"Number":2}`, "!"} {
		must(t, queue.Enqueue([]byte(message)))
	}
	good, err := orders.TakeBatch(10)
	undecoded(t, err)
	equal(t, len(good), 2)
	for i, taken := range good {
		equal(t, taken.Value, order{Number: uint32(i + 1)})
		must(t, taken.Release())
	}
	must(t, take(t, queue, "?", 2).Release())
	must(t, take(t, queue, "!", 2).Release())
	must(t, orders.Enqueue(order{Number: 3}))
	good, err = orders.TakeBatchContext(soon(t), 10)
	must(t, err)
	must(t, good[0].Release())
	equal(t, length(t, queue), 0)
}

func TestHookDecidesAboutAMessageThatDoesNotDecode(t *testing.T) {
	queue := open(t)
	var dropped []string
	orders := cqueue.NewTyped(queue, cqueue.JSON[order](),
		cqueue.OnUndecodable(func(undecoded *cqueue.DecodeError, message *cqueue.Message) error {
			dropped = append(dropped, string(undecoded.Message))
			return message.Release()
		}))
	must(t, queue.Enqueue([]byte("?")))
	must(t, orders.Enqueue(order{Number: 1}))
	got, err := orders.Dequeue()
	must(t, err)
	equal(t, got.Number, uint32(1))
	equal(t, dropped, []string{"?"})
	equal(t, length(t, queue), 0)
}

// A hook that only looks, and leaves the message: the next call meets it again, and so this one must not.
func TestHookThatLeavesAMessageDoesNotMeetItAgainAndAgain(t *testing.T) {
	queue, asked := open(t), 0
	orders := cqueue.NewTyped(queue, cqueue.JSON[order](), cqueue.OnUndecodable(
		func(*cqueue.DecodeError, *cqueue.Message) error {
			asked++
			return nil
		}))
	must(t, queue.Enqueue([]byte("?")))
	for _, call := range []func() error{
		func() error { _, err := orders.TakeContext(soon(t)); return err },
		func() error { _, err := orders.TakeBatchContext(soon(t), 10); return err },
		func() error { _, err := orders.DequeueContext(soon(t)); return err },
	} {
		if err := call(); !errors.Is(err, cqueue.ErrDecode) {
			t.Errorf("got %v", err)
		}
	}
	equal(t, asked, 3)
	equal(t, length(t, queue), 1)
}

func TestDeadLettersTakeWhatDoesNotDecodeAfterSoManyDeliveries(t *testing.T) {
	queue, dead := open(t), open(t)
	orders := cqueue.NewTyped(queue, cqueue.JSON[order](), cqueue.DeadLetters(dead, 3))
	must(t, queue.Enqueue([]byte("?")))
	must(t, orders.Enqueue(order{Number: 1}))
	for delivery := 1; delivery < 3; delivery++ {
		_, err := orders.Dequeue()
		equal(t, undecoded(t, err).Deliveries, delivery)
	}
	got, err := orders.Dequeue()
	must(t, err)
	equal(t, got.Number, uint32(1))
	must(t, take(t, dead, "?", 1).Release())
	equal(t, length(t, queue), 0)
}

func TestDeadLettersHaveTheHeadersThatFit(t *testing.T) {
	why := cqueue.Headers{"cq-dead-letter": "undecodable", "cq-queue": "orders", "cq-deliveries": "1"}
	all := maps.Clone(why)
	all["a"] = "b"
	for _, c := range []struct {
		room int
		want cqueue.Headers
	}{{100, all}, {65, why}, {10, nil}} {
		queue, dead := open(t, cqueue.WithMaxHeaders(50)), open(t, cqueue.WithMaxHeaders(c.room))
		orders := cqueue.NewTyped(queue, cqueue.JSON[order](), cqueue.DeadLetters(dead, 1))
		must(t, queue.EnqueueWith([]byte("?"), cqueue.Headers{"a": "b"}))
		_, err := orders.Take()
		equal(t, errors.Is(err, cqueue.ErrEmpty), true)
		letter := take(t, dead, "?", 1)
		sameHeaders(t, letter.Headers(), c.want)
		must(t, letter.Release())
	}
}

type panicking struct{ cqueue.Codec[order] }

func (panicking) Decode([]byte) (order, error) { panic("no") }

func TestCodecThatPanicsLosesNothing(t *testing.T) {
	queue := open(t)
	orders := cqueue.NewTyped[order](queue, panicking{})
	for range 3 {
		must(t, queue.Enqueue(nil))
	}
	for _, call := range []func(){func() { orders.Dequeue() }, func() { orders.TakeBatch(3) }} {
		func() {
			defer func() { equal(t, recover(), "no") }()
			call()
		}()
		equal(t, length(t, queue), 3)
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
	orders := cqueue.NewTyped(queue, cqueue.JSON[order](), cqueue.OnUndecodable(
		func(undecoded *cqueue.DecodeError, message *cqueue.Message) error {
			return errors.Join(undecoded, message.Release())
		}))
	must(t, orders.Enqueue(order{Number: 1}))
	must(t, queue.Enqueue([]byte("?")))
	must(t, orders.Enqueue(order{Number: 2}))
	ctx, cancel := context.WithCancel(soon(t))
	defer cancel()
	var seen []string
	for taken, err := range orders.All(ctx) {
		var undecoded *cqueue.DecodeError
		switch {
		case errors.As(err, &undecoded):
			seen = append(seen, string(undecoded.Message))
		case err != nil:
			equal(t, errors.Is(err, context.Canceled), true)
			seen = append(seen, "end")
		default:
			must(t, taken.Release())
			seen = append(seen, string(rune('0'+taken.Value.Number)))
			if taken.Value.Number == 2 {
				cancel()
			}
		}
	}
	equal(t, seen, []string{"1", "?", "2", "end"})
	must(t, orders.Enqueue(order{Number: 3}))
	for value, err := range orders.AllAtMostOnce(soon(t)) {
		must(t, err)
		equal(t, value.Number, uint32(3))
		break
	}
	equal(t, length(t, queue), 0)
}
