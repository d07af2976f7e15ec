//go:build cgo && linux

package cqueue

/*
#cgo noescape go_stat
#cgo nocallback go_stat
#cgo noescape go_recover
#cgo nocallback go_recover
#include "shim.h"
*/
import "C"

import "time"

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
