package modeltest

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"testing"

	"cqueue.io/go/cqueue"
	"pgregory.net/rapid"
)

// model is what a queue should be like, as long as one thread uses it.
type model struct {
	queues   []*cqueue.Queue // handles on the one queue; any of them will do for any call
	capacity int
	waiting  []*entry // in order; those reserved have a place here, too
	orphans  []*entry // in order of position
	taken    []*entry // in hand
	reserved []*entry // not committed yet; those whose place was given up are not in waiting
}

type entry struct {
	content     []byte
	deliveries  int
	message     *cqueue.Message
	queue       *cqueue.Queue // that it was reserved or enqueued by
	reservation *cqueue.Reservation
}

func (m *model) queue(t *rapid.T) *cqueue.Queue { return rapid.SampledFrom(m.queues).Draw(t, "handle") }

func content(t *rapid.T) []byte { return rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "content") }

func (m *model) enqueue(t *rapid.T) {
	e := &entry{content: content(t), queue: m.queue(t)}
	m.accept(t, e.queue.Enqueue(e.content), e)
}

// makeRoom is whether a call on the handle finds room. If reservations alone fill the queue, the first is given up to a
// handle that it is not of.
func (m *model) makeRoom(queue *cqueue.Queue) bool {
	if len(m.waiting) < m.capacity {
		return true
	}
	if m.waiting[0].queue == queue || slices.ContainsFunc(m.waiting, isMessage) {
		return false
	}
	m.waiting = m.waiting[1:]
	return true
}

func isMessage(e *entry) bool { return e.reservation == nil }

// accept checks that the entry was refused if and only if there is no room for it.
func (m *model) accept(t *rapid.T, err error, e *entry) {
	if !m.makeRoom(e.queue) {
		require(t, errors.Is(err, cqueue.ErrFull), "full, and got %v", err)
		return
	}
	require(t, err == nil, "%v", err)
	m.waiting = append(m.waiting, e)
}

func (m *model) enqueueBatch(t *rapid.T) {
	var batch cqueue.Batch
	contents := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 300), 0, 10).Draw(t, "contents")
	batch.Append(contents...)
	queue := m.queue(t)
	n, err := queue.EnqueueBatch(&batch)
	want := 0
	for want < len(contents) && m.makeRoom(queue) {
		m.waiting = append(m.waiting, &entry{content: contents[want], queue: queue})
		want++
	}
	require(t, n == want, "accepted %d, not %d", n, want)
	require(t, (want < len(contents)) == errors.Is(err, cqueue.ErrFull), "%d of %d: %v", want, len(contents), err)
}

// next removes what is delivered next, or returns nil. Places of reservations in front of a message are given up.
func (m *model) next() *entry {
	if len(m.orphans) > 0 {
		e := m.orphans[0]
		m.orphans = m.orphans[1:]
		return e
	}
	i := slices.IndexFunc(m.waiting, isMessage)
	if i < 0 {
		return nil
	}
	e := m.waiting[i]
	m.waiting = m.waiting[i+1:]
	return e
}

func (m *model) dequeue(t *rapid.T) {
	message, err := m.queue(t).Dequeue(nil)
	m.compare(t, message, err)
}

func (m *model) compare(t *rapid.T, message []byte, err error) {
	want := m.next()
	if want == nil {
		require(t, errors.Is(err, cqueue.ErrEmpty), "empty, and got %v", err)
		return
	}
	require(t, err == nil, "%v", err)
	require(t, bytes.Equal(message, want.content), "got %q, not %q", message, want.content)
}

func (m *model) dequeueBatch(t *rapid.T) {
	var batch cqueue.Batch
	limit := rapid.IntRange(1, 10).Draw(t, "limit")
	n, err := m.queue(t).DequeueBatch(&batch, limit)
	if n == 0 {
		m.compare(t, nil, err)
		return
	}
	require(t, err == nil && n <= limit, "%d of %d: %v", n, limit, err)
	for _, message := range batch.All() {
		m.compare(t, message, nil)
	}
	if n < limit {
		require(t, m.next() == nil, "%d of %d, and there are more", n, limit)
	}
}

func (m *model) take(t *rapid.T) {
	message, err := m.queue(t).Take()
	want := m.next()
	if want == nil {
		require(t, errors.Is(err, cqueue.ErrEmpty), "empty, and got %v", err)
		return
	}
	require(t, err == nil, "%v", err)
	want.deliveries++
	want.message = message
	require(t, bytes.Equal(message.Bytes(), want.content), "got %q, not %q", message.Bytes(), want.content)
	require(t, message.Deliveries() == want.deliveries, "delivery %d, not %d", message.Deliveries(), want.deliveries)
	m.taken = append(m.taken, want)
}

// draw removes one of the entries.
func draw(t *rapid.T, entries *[]*entry) *entry {
	if len(*entries) == 0 {
		t.Skip("none")
	}
	i := rapid.IntRange(0, len(*entries)-1).Draw(t, "which")
	e := (*entries)[i]
	*entries = slices.Delete(*entries, i, i+1)
	return e
}

func (m *model) release(t *rapid.T) {
	e := draw(t, &m.taken)
	require(t, bytes.Equal(e.message.Bytes(), e.content), "became %q, was %q", e.message.Bytes(), e.content)
	require(t, e.message.Release() == nil, "not released")
}

func (m *model) giveBack(t *rapid.T) {
	e := draw(t, &m.taken)
	require(t, e.message.GiveBack() == nil, "not given back")
	m.orphans = append(m.orphans, e)
	slices.SortFunc(m.orphans, func(a, b *entry) int { return int(a.message.Position()) - int(b.message.Position()) })
}

func (m *model) reserve(t *rapid.T) {
	e := &entry{content: content(t), queue: m.queue(t)}
	reservation, err := e.queue.Reserve(len(e.content) + rapid.IntRange(0, 20).Draw(t, "more"))
	e.reservation = reservation
	m.accept(t, err, e)
	if err == nil {
		copy(reservation.Bytes(), e.content)
		m.reserved = append(m.reserved, e)
	}
}

func (m *model) commit(t *rapid.T) {
	e := draw(t, &m.reserved)
	err := e.reservation.Commit(len(e.content))
	if slices.Contains(m.waiting, e) {
		require(t, err == nil, "%v", err)
	} else if m.accept(t, err, e); err != nil {
		m.reserved = append(m.reserved, e)
		return
	}
	e.reservation = nil
}

func (m *model) abort(t *rapid.T) {
	e := draw(t, &m.reserved)
	require(t, e.reservation.Abort() == nil, "not aborted")
	if i := slices.Index(m.waiting, e); i >= 0 {
		m.waiting = slices.Delete(m.waiting, i, i+1)
	}
}

func (m *model) check(t *rapid.T) {
	want := slices.Clone(m.orphans)
	for _, e := range m.waiting {
		if isMessage(e) {
			want = append(want, e)
		}
	}
	i := 0
	err := m.queues[0].Walk(func(message cqueue.Peeked) bool {
		require(t, i < len(want), "walked past %d messages", len(want))
		require(t, bytes.Equal(message.Bytes, want[i].content), "message %d is %q, not %q", i, message.Bytes, want[i].content)
		require(t, message.Deliveries == want[i].deliveries+1, "message %d", i)
		i++
		return true
	})
	require(t, err == nil && i == len(want), "walked past %d of %d messages: %v", i, len(want), err)
}

func require(t *rapid.T, condition bool, format string, arguments ...any) {
	if !condition {
		t.Fatalf(format, arguments...)
	}
}

func TestQueueIsLikeItsModel(t *testing.T) {
	directory, err := os.MkdirTemp("/dev/shm", "cqueue-go-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(directory) })
	rapid.Check(t, func(rt *rapid.T) {
		m := &model{capacity: rapid.IntRange(1, 20).Draw(rt, "capacity")}
		maxSize := rapid.SampledFrom([]int{320, 4096}).Draw(rt, "max size")
		for range 2 {
			queue, err := cqueue.Open("orders", cqueue.WithDirectory(directory), cqueue.WithCapacity(m.capacity),
				cqueue.WithMaxMessageSize(maxSize))
			require(rt, err == nil, "%v", err)
			defer queue.Close()
			m.queues = append(m.queues, queue)
		}
		require(rt, cqueue.Unlink("orders", cqueue.WithDirectory(directory)) == nil, "not unlinked")
		rt.Repeat(map[string]func(*rapid.T){
			"": m.check, "enqueue": m.enqueue, "dequeue": m.dequeue, "enqueue batch": m.enqueueBatch,
			"dequeue batch": m.dequeueBatch, "take": m.take, "release": m.release, "give back": m.giveBack,
			"reserve": m.reserve, "commit": m.commit, "abort": m.abort,
		})
	})
}
