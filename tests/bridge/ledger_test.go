package bridge_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"cqueue.io/go/cqueue"
)

// Messages are numbers, of a producer that counts. This file makes them, and says which of them are missing, doubled or
// out of order.

const messageSize = 256

func number(n uint64) []byte {
	message := make([]byte, messageSize)
	binary.LittleEndian.PutUint64(message, n)
	for i := 8; i < len(message); i++ {
		message[i] = byte(n) + byte(i)
	}
	return message
}

func numberOf(message []byte) uint64 { return binary.LittleEndian.Uint64(message) }

type ledger struct {
	next       uint64 // number that should come
	all        []uint64
	seen       map[uint64]int
	disordered int
	shared     bool            // there is no order
	marked     map[uint64]bool // of the shared: those that came marked
	spoiled    int
}

func newLedger() *ledger { return &ledger{seen: map[uint64]int{}, marked: map[uint64]bool{}} }

func (l *ledger) add(message []byte) {
	n := numberOf(message)
	if len(message) != messageSize || string(number(n)) != string(message) {
		l.spoiled++
		return
	}
	if n != l.next {
		l.disordered++
	}
	l.next = n + 1
	l.all = append(l.all, n)
	l.seen[n]++
}

// addShared is add in shared mode: there is no order, and a message that is marked may come before or after the same one.
func (l *ledger) addShared(message []byte, marked bool) {
	n := numberOf(message)
	if marked {
		l.marked[n] = true
	} else {
		l.add(message)
	}
	l.shared = true
}

// fault is what is wrong if these numbers were sent, or "".
func (l *ledger) fault(sent uint64) string {
	lost, doubled := 0, 0
	for n := range l.marked {
		l.seen[n] = max(l.seen[n], 1)
	}
	if l.shared {
		l.disordered = 0
	}
	for n := range sent {
		switch l.seen[n] {
		case 0:
			lost++
		case 1:
		default:
			doubled++
		}
	}
	foreign := len(l.seen) + lost - int(sent)
	if lost+doubled+foreign+l.disordered+l.spoiled == 0 {
		return ""
	}
	return fmt.Sprintf("of %d messages %d are lost, %d doubled, %d not where they should be, %d spoiled, %d never sent", sent,
		lost, doubled, l.disordered, l.spoiled, foreign)
}

func TestTheLedgerNoticesWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		numbers []uint64
		sent    uint64
		good    bool
	}{
		{[]uint64{0, 1, 2}, 3, true}, {[]uint64{0, 2}, 3, false}, {[]uint64{0, 1}, 3, false}, {[]uint64{0, 1, 1, 2}, 3, false},
		{[]uint64{0, 2, 1}, 3, false}, {[]uint64{0, 1, 2, 3}, 3, false},
	} {
		l := newLedger()
		for _, n := range c.numbers {
			l.add(number(n))
		}
		if good := l.fault(c.sent) == ""; good != c.good {
			t.Errorf("%v of %d: %q", c.numbers, c.sent, l.fault(c.sent))
		}
	}
	for _, c := range []struct {
		marks string // of message 0, each time that it comes; x: it is marked
		good  bool
	}{{".", true}, {"x", true}, {".x", true}, {"x.", true}, {"x.x", true}, {"..", false}, {"x..", false}, {"", false}} {
		l := newLedger()
		l.addShared(number(1), false)
		for _, mark := range c.marks {
			l.addShared(number(0), mark == 'x')
		}
		if good := l.fault(2) == ""; good != c.good {
			t.Errorf("%q: %q", c.marks, l.fault(2))
		}
	}
	l := newLedger()
	l.add(append(number(0)[:255], 0))
	if l.fault(1) == "" {
		t.Error("a spoiled message is none")
	}
}

// A producer sends numbers until it is told to stop.
type producer struct {
	sent  atomic.Uint64
	stop  context.CancelFunc
	ended chan error
}

// produce enqueues so many messages a second.
func produce(queue *cqueue.Queue, rate int) *producer {
	return produceTo(rate, func(ctx context.Context, n uint64) error { return queue.EnqueueContext(ctx, number(n)) })
}

func produceTo(rate int, send func(ctx context.Context, n uint64) error) *producer {
	ctx, stop := context.WithCancel(context.Background())
	p := &producer{stop: stop, ended: make(chan error, 1)}
	go func() {
		defer close(p.ended)
		for tick := time.NewTicker(10 * time.Millisecond); ; {
			for range max(rate/100, 1) {
				if ctx.Err() != nil {
					return
				}
				if err := send(ctx, p.sent.Load()); err != nil {
					if ctx.Err() == nil {
						p.ended <- err
					}
					return
				}
				p.sent.Add(1)
			}
			<-tick.C
		}
	}()
	return p
}

// finish stops it, and returns how many messages it sent.
func (p *producer) finish(t *testing.T) uint64 {
	t.Helper()
	p.stop()
	if err := <-p.ended; err != nil {
		t.Fatal(err)
	}
	return p.sent.Load()
}

// gone is how many messages left the queue for good.
func gone(t *testing.T, queue *cqueue.Queue) uint64 {
	t.Helper()
	stats, err := queue.Stats()
	if err != nil {
		t.Fatal(err)
	}
	return stats.Enqueued - uint64(stats.Length) - stats.Held
}

// carried waits until all messages left the queue.
func carried(t *testing.T, queue *cqueue.Queue) {
	t.Helper()
	eventually(t, "the queue is empty", func() bool {
		stats, err := queue.Stats()
		return err == nil && stats.Length == 0 && stats.Held == 0
	})
}

// shown says how the queue is if the test failed.
func shown(t *testing.T, queue *cqueue.Queue) {
	if t.Failed() {
		stats, err := queue.Stats()
		t.Logf("%+v %v", stats, err)
	}
}

// some waits until a few more messages passed, by this count, and then for a moment: what happens next happens in the
// middle of something.
func some(t *testing.T, random *rand.Rand, passed func() uint64) {
	t.Helper()
	wanted := passed() + uint64(random.IntN(200))
	eventually(t, "messages pass", func() bool { return passed() >= wanted })
	time.Sleep(time.Duration(random.IntN(20_000)) * time.Microsecond)
}
