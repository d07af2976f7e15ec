package cqueue

import (
	"encoding/binary"
	"time"
)

// A Peeked is a copy of a message that is waiting.
type Peeked struct {
	Bytes      []byte // the visitor's to keep; it lies in one piece of memory with its neighbours
	Deliveries int    // what it will be when the message is delivered next: 1 for the first time
	Position   uint64 // identifies the message
	Headers    Headers
	Enqueued   time.Time // when; zero if the queue does not note it, see [WithEnqueueTimes]
}

// Walk shows visit each waiting message in the order of delivery, without taking any, until visit returns false.
// Messages that come or go meanwhile may be shown or not. They are copied some hundred KiB at a time, or one if it is
// larger.
func (q *Queue) Walk(visit func(Peeked) bool) error {
	if !q.begin() {
		return q.failure(walking, resultClosed, 0)
	}
	// A goroutine of its own has C on its stack: there, visit could not panic or leave by runtime.Goexit without C
	// losing memory, nor be one half of iter.Pull.
	w := &walk{chunks: make(chan []byte), enough: make(chan struct{}), done: make(chan struct{})}
	go w.run(q)
	defer func() {
		close(w.enough)
		<-w.done
	}()
	for {
		select {
		case chunk := <-w.chunks:
			for len(chunk) > 0 {
				var message Peeked
				if message, chunk = peel(chunk); !visit(message) {
					return nil
				}
			}
		case <-w.done:
			if w.result != resultOK {
				return q.failure(walking, w.result, 0)
			}
			return nil
		}
	}
}

type walk struct {
	chunks chan []byte
	enough chan struct{} // closed by the goroutine that visits
	done   chan struct{} // closed by the one that walks, when result is there
	result Code
}

func (w *walk) run(q *Queue) {
	w.result = q.handle.native.walk(func(chunk []byte) bool {
		select {
		case w.chunks <- chunk:
			return true
		case <-w.enough:
			return false
		}
	})
	q.end()
	close(w.done)
}

// peel separates the first message of a chunk from the rest, see go_head in shim.h.
func peel(chunk []byte) (Peeked, []byte) {
	const head = 40
	size, headers := int(binary.LittleEndian.Uint64(chunk)), int(binary.LittleEndian.Uint64(chunk[24:]))
	message := Peeked{
		Bytes:      chunk[head : head+size : head+size],
		Position:   binary.LittleEndian.Uint64(chunk[8:]),
		Deliveries: int(binary.LittleEndian.Uint64(chunk[16:])),
		Headers:    parseHeaders(chunk[head+size : head+size+headers]),
	}
	if when := int64(binary.LittleEndian.Uint64(chunk[32:])); when != 0 {
		message.Enqueued = time.Unix(0, when)
	}
	return message, chunk[head+(size+headers+7)&^7:]
}
