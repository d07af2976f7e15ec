//go:build cgo && linux

package cqueue

/*
#cgo noescape go_stat
#cgo nocallback go_stat
#cgo noescape go_recover
#cgo nocallback go_recover
#cgo noescape go_participants
#cgo nocallback go_participants
#include "shim.h"
*/
import "C"

import (
	"time"
	"unsafe"
)

// Stats are numbers about a queue. Counts are since its creation; those of operations that are under way or were cut short
// by death may be off by these.
type Stats struct {
	FormatVersion    int       // of the region
	Capacity         int       // messages
	MaxMessageSize   int       // bytes
	Length           int       // messages waiting, those to be redelivered included
	Orphans          int       // messages waiting to be redelivered, not counted against the capacity
	Enqueued         uint64    // messages accepted
	Dequeued         uint64    // messages delivered for the first time
	Redelivered      uint64    // deliveries after the first
	Returned         uint64    // messages given back
	Voided           uint64    // slots that consumers gave up waiting for
	Reaped           uint64    // dead participants that were cleaned up after
	Participants     int       // handles open and alive now
	WaitingProducers int       // threads blocked in cq_enqueue_wait; goroutines are never
	WaitingConsumers int       // threads blocked in cq_dequeue_wait or cq_take_wait; goroutines are never
	SlotsPerNode     int       // messages a node holds
	Nodes            uint64    // in all
	NodesTouched     uint64    // that have memory
	NodesLinked      uint64    // in the list, or behind it and still held
	Memory           uint64    // bytes of memory or disk that the region has
	FileSize         uint64    // bytes, most of them usually never touched
	Created          time.Time // when the region was
	Unlinked         bool      // the name no longer leads to this region
	Held             uint64    // messages in the hands of consumers
	Writing          uint64    // messages that producers have reserved or are writing
	MaxHeld          uint64    // messages that may be held for sure while the queue is full; see [WithMaxHeld]
}

// Stats looks at the queue without changing it.
func (q *Queue) Stats() (Stats, error) {
	var stats C.cq_stats
	if !q.begin() {
		return Stats{}, q.failure(measuring, resultClosed, 0)
	}
	result := C.go_stat(q.handle.address, &stats)
	q.end()
	if result != C.CQ_OK {
		return Stats{}, q.failure(measuring, result, 0)
	}
	return Stats{
		FormatVersion:    int(stats.format_version),
		Capacity:         int(stats.capacity),
		MaxMessageSize:   int(stats.max_message_size),
		Length:           int(stats.length),
		Orphans:          int(stats.orphans),
		Enqueued:         uint64(stats.enqueued),
		Dequeued:         uint64(stats.dequeued),
		Redelivered:      uint64(stats.redelivered),
		Returned:         uint64(stats.returned),
		Voided:           uint64(stats.voided),
		Reaped:           uint64(stats.reaped),
		Participants:     int(stats.participants),
		WaitingProducers: int(stats.waiting_producers),
		WaitingConsumers: int(stats.waiting_consumers),
		SlotsPerNode:     int(stats.slots_per_node),
		Nodes:            uint64(stats.nodes),
		NodesTouched:     uint64(stats.nodes_touched),
		NodesLinked:      uint64(stats.nodes_linked),
		Memory:           uint64(stats.memory),
		FileSize:         uint64(stats.file_size),
		Created:          time.Unix(0, int64(stats.created)),
		Unlinked:         stats.unlinked != 0,
		Held:             uint64(stats.held),
		Writing:          uint64(stats.writing),
		MaxHeld:          uint64(stats.max_held),
	}, nil
}

// Recovery is what Recover found.
type Recovery struct {
	Participants int    // found dead and cleaned up after
	Slots        uint64 // freed: unfinished messages of dead producers
	Messages     uint64 // put back: held by dead consumers
	Nodes        uint64 // freed
}

// Recover looks for dead participants now, and finishes or undoes what they left. This happens by itself as well, in time.
func (q *Queue) Recover() (Recovery, error) {
	var recovery C.cq_recovery
	if !q.begin() {
		return Recovery{}, q.failure(recovering, resultClosed, 0)
	}
	result := C.go_recover(q.handle.address, &recovery)
	q.end()
	if result != C.CQ_OK {
		return Recovery{}, q.failure(recovering, result, 0)
	}
	return Recovery{
		Participants: int(recovery.participants),
		Slots:        uint64(recovery.slots),
		Messages:     uint64(recovery.messages),
		Nodes:        uint64(recovery.nodes),
	}, nil
}

// A Participant is one open handle on the queue, of whatever process.
type Participant struct {
	ID               int       // 1 to 4,094; used again after the handle was closed or its process died
	PID              int       // process, by its own count: another PID namespace has other numbers
	Command          string    // the program's name, cut to 15 bytes
	Alive            bool      // false: it is dead, and what it holds is about to be delivered again
	Held             uint64    // messages in its hands
	Writing          uint64    // messages that it has reserved or is writing
	WaitingProducers int       // its threads blocked in cq_enqueue_wait; goroutines are never
	WaitingConsumers int       // its threads blocked in cq_dequeue_wait or cq_take_wait; goroutines are never
	WaitingSince     time.Time // from when on some thread of it has been blocked; zero if none is
}

// Participants lists the open handles: who they are, what they hold, whether they wait. What others do meanwhile may be in
// it or not.
func (q *Queue) Participants() ([]Participant, error) {
	if !q.begin() {
		return nil, q.failure(listing, resultClosed, 0)
	}
	shown, result := q.handle.participants()
	q.end()
	if result != C.CQ_OK {
		return nil, q.failure(listing, result, 0)
	}
	all := make([]Participant, len(shown))
	for i := range shown {
		participant := &shown[i]
		all[i] = Participant{
			ID:               int(participant.id),
			PID:              int(participant.pid),
			Command:          C.GoString(&participant.command[0]),
			Alive:            participant.alive != 0,
			Held:             uint64(participant.held),
			Writing:          uint64(participant.writing),
			WaitingProducers: int(participant.waiting_producers),
			WaitingConsumers: int(participant.waiting_consumers),
		}
		if participant.waiting_since != 0 {
			all[i].WaitingSince = time.Unix(0, int64(participant.waiting_since))
		}
	}
	return all, nil
}

// participants asks with ever more room until all fit.
func (h *handle) participants() ([]C.cq_participant, C.int) {
	for room := 64; ; {
		list := make([]C.cq_participant, room)
		var count C.size_t
		result := C.go_participants(h.address, unsafe.SliceData(list), C.size_t(room), &count)
		if result != C.CQ_OK || int(count) <= room {
			return list[:min(int(count), room)], result
		}
		room = int(count) + room // more may come meanwhile
	}
}
