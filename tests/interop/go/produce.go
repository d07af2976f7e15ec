package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"

	"cqueue.io/go/cqueue"
)

const many = 64 // messages in a batch

// producer sends messages and writes down how many the queue acknowledged.
type producer struct {
	*options
	queue *cqueue.Queue
	ack   *os.File
	done  uint64
}

func produce(o *options) error {
	queue, err := o.open(cqueue.Attach())
	if err != nil {
		return err
	}
	ack, err := os.OpenFile(o.ack, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	p := &producer{options: o, queue: queue, ack: ack}
	send, known := map[string]func(context.Context) error{
		"copy": p.sendCopy, "batch": p.sendBatch, "loan": p.sendLoan}[o.method]
	if !known {
		return fmt.Errorf("no such method: %s", o.method)
	}
	for p.done < o.count {
		if err := send(context.Background()); err != nil {
			return err
		}
	}
	return queue.Close()
}

// acknowledged writes down that so many more are in the queue.
func (p *producer) acknowledged(n int) error {
	p.done += uint64(n)
	_, err := p.ack.WriteAt(binary.LittleEndian.AppendUint64(nil, p.done), 0)
	return err
}

// next is the number of the next message.
func (p *producer) next() uint64 { return p.first + p.done }

func (p *producer) sendCopy(ctx context.Context) error {
	message := make([]byte, p.size)
	fill(message, p.producer, p.next())
	if err := p.queue.EnqueueContext(ctx, message); err != nil {
		return err
	}
	return p.acknowledged(1)
}

func (p *producer) sendBatch(ctx context.Context) error {
	var batch cqueue.Batch
	message := make([]byte, p.size)
	for i := range min(many, p.count-p.done) {
		fill(message, p.producer, p.next()+i)
		batch.Append(message)
	}
	n, err := p.queue.EnqueueBatchContext(ctx, &batch)
	if err != nil {
		return err
	}
	return p.acknowledged(n)
}

func (p *producer) sendLoan(ctx context.Context) error {
	reservation, err := p.queue.ReserveContext(ctx, p.size)
	if err != nil {
		return err
	}
	fill(reservation.Bytes(), p.producer, p.next())
	if err := reservation.CommitContext(ctx, p.size); err != nil {
		return err
	}
	return p.acknowledged(1)
}
