package cqueue

import "time"

// Stats are numbers about a queue. Counts are since its creation; those of operations that are under way or were cut
// short by death may be off by these.
type Stats struct {
	FormatVersion    int       // of the region
	Capacity         int       // messages
	MaxMessageSize   int       // bytes
	Length           int       // messages waiting, those to be redelivered included; see [Queue.Len]
	Orphans          int       // messages waiting to be redelivered, not counted against the capacity
	Enqueued         uint64    // messages accepted
	Dequeued         uint64    // messages delivered for the first time
	Redelivered      uint64    // deliveries after the first
	Returned         uint64    // messages given back
	Voided           uint64    // slots that consumers gave up waiting for
	Reaped           uint64    // dead participants that were cleaned up after
	Participants     int       // handles open and alive now
	WaitingProducers int       // threads blocked in the library for room; of a Go process, one a handle
	WaitingConsumers int       // threads blocked in the library for a message; of a Go process, one a handle
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
	MaxMemory        uint64    // bytes that the region may have; 0: any number
	Reserve          uint64    // bytes for messages that it had from the beginning
	Trimmed          uint64    // bytes given back to the file system
	ID               [16]byte  // the region's, random: with a message's position it names that message for ever

	// What the queue was created with, and what comes of it.
	MaxHeaders        int           // bytes of a message's headers; 0: it has none
	MaxDeliveries     int           // then a message goes to DeadLetter; 0: no limit
	TimeToLive        time.Duration // 0: no limit
	DeadLetter        string        // name of a queue; "": none
	EnqueueTimes      bool          // messages have the times at which they were enqueued
	ExclusiveConsumer bool          // the queue has one consumer at a time
	Consumer          int           // ID of the participant that is it; 0: none
	Sources           int           // that the queue knows, see [Queue.EnqueueFrom]
	Delayed           uint64        // of the orphans, those whose time has not come, see [Message.GiveBackAfter]
	OldestAge         time.Duration // since the oldest waiting message was enqueued; 0: none waits, or there are no times
	Expired           uint64        // messages that outlived TimeToLive
	DeadLettered      uint64        // messages that went to DeadLetter
	Spent             uint64        // of the orphans, those that are to go there
	DeadLetterResult  Code          // of the last try of that; 0: it went well

	// Of a durable queue, 0 of others; see [WithDurable].
	Durable      bool
	DiskError    Code   // of the last write or flush, if it failed; else 0
	FlushesBegun uint64 // number of the flush that began last, by any process
	FlushesDone  uint64 // all flushes up to this number are on the disk, or later ones in their place
	Unsynced     uint64 // messages that no flush has put on the disk yet
	Segments     uint64 // files in the durable directory that hold messages
	DiskBytes    uint64 // that they occupy
	Recovered    uint64 // messages that the region was made with, after a power cut
}

// Stats looks at the queue without changing it.
func (q *Queue) Stats() (Stats, error) { return look(q, measuring, native.stats) }

// Len is how many messages wait to be delivered: those in order, and those to be delivered again; not those that
// somebody holds. It is cheap, unlike [Queue.Stats].
func (q *Queue) Len() (int, error) { return look(q, measuring, native.length) }

// Recovery is what Recover found.
type Recovery struct {
	Participants int    // found dead and cleaned up after
	Slots        uint64 // freed: unfinished messages of dead producers
	Messages     uint64 // put back: held by dead consumers
	Nodes        uint64 // freed
}

// Recover looks for dead participants now, and finishes or undoes what they left. This happens by itself as well, in
// time.
func (q *Queue) Recover() (Recovery, error) { return look(q, recovering, native.recover) }

// Trim gives all memory that holds no message back to the file system at once, unless it was reserved, and returns how
// many bytes that were. This happens by itself as well, within about a second.
func (q *Queue) Trim() (uint64, error) { return look(q, trimming, native.trim) }

// A Participant is one open handle on the queue, of whatever process.
type Participant struct {
	ID               int       // 1 to 4,094; used again after the handle was closed or its process died
	PID              int       // process, by its own count: another PID namespace has other numbers
	Command          string    // the program's name, cut to 15 bytes
	Alive            bool      // false: it is dead, and what it holds is about to be delivered again
	Held             uint64    // messages in its hands
	Writing          uint64    // messages that it has reserved or is writing
	WaitingProducers int       // its threads blocked in the library for room
	WaitingConsumers int       // its threads blocked in the library for a message
	WaitingSince     time.Time // from when on some thread of it has been blocked; zero if none is
}

// Participants lists the open handles: who they are, what they hold, whether they wait. What others do meanwhile may be
// in it or not.
func (q *Queue) Participants() ([]Participant, error) { return look(q, listing, native.participants) }

func look[T any](q *Queue, op operation, ask func(native) (T, Code)) (T, error) {
	var none T
	if !q.begin() {
		return none, q.failure(op, resultClosed, 0)
	}
	seen, result := ask(q.handle.native)
	q.end()
	if result != resultOK {
		return none, q.failure(op, result, 0)
	}
	return seen, nil
}
