//go:build cgo && linux && (amd64 || arm64 || loong64 || mips64le || ppc64le || riscv64)

package cqueue

/*
#cgo noescape go_stat
#cgo nocallback go_stat
#cgo noescape go_recover
#cgo noescape go_trim
#cgo nocallback go_trim
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

func (n native) stats() (Stats, Code) {
	var stats C.cq_stats
	if result := C.go_stat(C.uintptr_t(n), &stats); result != C.CQ_OK {
		return Stats{}, Code(result)
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
		MaxMemory:        uint64(stats.max_memory),
		Reserve:          uint64(stats.reserve),
		Trimmed:          uint64(stats.trimmed),
		ID:               *(*[16]byte)(unsafe.Pointer(&stats.id)),

		MaxHeaders:        int(stats.max_headers),
		MaxDeliveries:     int(stats.max_deliveries),
		TimeToLive:        time.Duration(stats.time_to_live),
		DeadLetter:        C.GoString(&stats.dead_letter[0]),
		EnqueueTimes:      stats.enqueue_times != 0,
		ExclusiveConsumer: stats.exclusive_consumer != 0,
		Consumer:          int(stats.consumer),
		Sources:           int(stats.sources),
		Delayed:           uint64(stats.delayed),
		OldestAge:         time.Duration(stats.oldest_age),
		Expired:           uint64(stats.expired),
		DeadLettered:      uint64(stats.dead_lettered),
		Spent:             uint64(stats.spent),
		DeadLetterResult:  Code(stats.dead_letter_result),

		Durable:      stats.durable != 0,
		DiskError:    Code(stats.disk_error),
		FlushesBegun: uint64(stats.flushes_begun),
		FlushesDone:  uint64(stats.flushes_done),
		Unsynced:     uint64(stats.unsynced),
		Segments:     uint64(stats.segments),
		DiskBytes:    uint64(stats.disk_bytes),
		Recovered:    uint64(stats.recovered),
	}, resultOK
}

func (n native) recover() (Recovery, Code) {
	var recovery C.cq_recovery
	if result := C.go_recover(C.uintptr_t(n), &recovery); result != C.CQ_OK {
		return Recovery{}, Code(result)
	}
	return Recovery{
		Participants: int(recovery.participants),
		Slots:        uint64(recovery.slots),
		Messages:     uint64(recovery.messages),
		Nodes:        uint64(recovery.nodes),
	}, resultOK
}

// trim gives back what memory it can, in bytes.
func (n native) trim() (uint64, Code) {
	var bytes C.uint64_t
	result := C.go_trim(C.uintptr_t(n), &bytes)
	return uint64(bytes), Code(result)
}

// participants asks with ever more room until all fit.
func (n native) participants() ([]Participant, Code) {
	for room := 64; ; {
		list := make([]C.cq_participant, room)
		var count C.size_t
		result := C.go_participants(C.uintptr_t(n), unsafe.SliceData(list), C.size_t(room), &count)
		if result != C.CQ_OK {
			return nil, Code(result)
		} else if int(count) <= room {
			return convert(list[:count]), resultOK
		}
		room += int(count) // more may come meanwhile
	}
}

func convert(shown []C.cq_participant) []Participant {
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
	return all
}
