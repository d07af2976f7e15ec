package flow

import (
	"context"
	"errors"
	"sync"
	"time"

	"cqueue.io/go/cqueue"
)

// Taker takes messages from a queue as long as not too many are on their way.
type Taker struct {
	queue   *cqueue.Queue
	ordered bool
	headers bool // messages may have some
	status  *Status
	taken   chan []*Entry // closed when the Taker ended

	mutex    sync.Mutex
	room     sync.Cond // or the end
	messages int       // that may be taken still
	bytes    int64     // that may be taken still; less than 0 if the last one was large
	ended    bool
	highest  uint64 // position taken
	any      bool
}

const (
	atATime = 256
	// vain is how long the Taker waits when the queue fails in an unexpected way.
	vain = time.Second
)

// NewTaker returns a Taker that has at most so much on its way.
func NewTaker(queue *cqueue.Queue, messages int, bytes int64, ordered, headers bool, status *Status) *Taker {
	t := &Taker{queue: queue, ordered: ordered, headers: headers, status: status, taken: make(chan []*Entry, 1), messages: messages,
		bytes: bytes}
	t.room.L = &t.mutex
	return t
}

func (t *Taker) run(ctx context.Context) {
	defer close(t.taken)
	defer context.AfterFunc(ctx, t.end)()
	for {
		limit := t.reserve()
		if limit == 0 {
			return
		}
		messages, err := t.queue.TakeBatchContext(ctx, limit)
		entries := t.entries(messages)
		t.settle(limit, entries)
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			t.status.Failed(err)
			if errors.Is(err, cqueue.ErrStale) {
				return
			}
			sleep(ctx, vain)
			continue
		}
		select {
		case t.taken <- entries:
		case <-ctx.Done():
			for i := len(entries) - 1; i >= 0; i-- {
				_ = entries[i].GiveBack()
			}
			return
		}
	}
}

func (t *Taker) end() {
	t.mutex.Lock()
	t.ended = true
	t.mutex.Unlock()
	t.room.Broadcast()
}

// reserve waits for room for one message at least, and returns for how many there is. 0: it is over.
func (t *Taker) reserve() int {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	for (t.messages == 0 || t.bytes <= 0) && !t.ended {
		t.room.Wait()
	}
	if t.ended {
		return 0
	}
	limit := min(t.messages, atATime)
	t.messages -= limit
	return limit
}

// settle gives up what was reserved in vain.
func (t *Taker) settle(reserved int, entries []*Entry) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.messages += reserved - len(entries)
	for _, e := range entries {
		t.bytes -= int64(e.size)
	}
	t.status.InFlight(len(entries))
}

func (t *Taker) freed(messages int, bytes int64) {
	t.mutex.Lock()
	t.messages += messages
	t.bytes += bytes
	t.mutex.Unlock()
	t.room.Signal()
	t.status.InFlight(-messages)
}

func (t *Taker) entries(messages cqueue.Messages) []*Entry {
	entries, now := make([]*Entry, len(messages)), time.Now()
	for i, message := range messages {
		e := &Entry{Message: message, size: len(message.Bytes()), taken: now}
		if t.headers {
			e.headers = message.Headers()
		}
		if t.ordered && t.any && e.Position() < t.highest {
			e.late = true
			t.status.Late(e.Position())
		}
		t.highest, t.any = max(t.highest, e.Position()), true
		entries[i] = e
	}
	return entries
}
