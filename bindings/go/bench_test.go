package cqueue_test

import (
	"testing"

	"cqueue.io/go/cqueue"
)

var payload = make([]byte, 56)

func small(b *testing.B) *cqueue.Queue {
	return open(b, cqueue.WithCapacity(1024), cqueue.WithMaxMessageSize(56))
}

// fine is must without the price of b.Helper.
func fine(b *testing.B, err error) {
	if err != nil {
		b.Fatal(err)
	}
}

func BenchmarkEmptyCall(b *testing.B) {
	for b.Loop() {
		cqueue.ABIVersion()
	}
}

func BenchmarkEnqueueDequeue(b *testing.B) {
	queue, buffer := small(b), make([]byte, 0, 56)
	for b.Loop() {
		fine(b, queue.Enqueue(payload))
		_, err := queue.Dequeue(buffer)
		fine(b, err)
	}
}

func BenchmarkBatchOf64(b *testing.B) {
	var out, in cqueue.Batch
	queue := small(b)
	for range 64 {
		out.Append(payload)
	}
	for b.Loop() {
		_, err := queue.EnqueueBatch(&out)
		fine(b, err)
		_, err = queue.DequeueBatch(&in, 64)
		fine(b, err)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/64, "ns/message")
}

func BenchmarkReserveTake(b *testing.B) {
	queue := small(b)
	for b.Loop() {
		reservation, err := queue.Reserve(56)
		fine(b, err)
		copy(reservation.Bytes(), payload)
		fine(b, reservation.Commit(56))
		message, err := queue.Take()
		fine(b, err)
		fine(b, message.Release())
	}
}

func BenchmarkDequeueEmpty(b *testing.B) {
	queue := small(b)
	for b.Loop() {
		queue.Dequeue(nil)
	}
}
