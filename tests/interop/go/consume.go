package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"cqueue.io/go/cqueue"
)

// consumer receives messages and writes down which.
type consumer struct {
	queue  *cqueue.Queue
	log    *os.File
	batch  cqueue.Batch
	buffer []byte
}

func consume(o *options) error {
	queue, err := o.open(cqueue.Attach())
	if err != nil {
		return err
	}
	log, err := os.OpenFile(o.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	c := &consumer{queue: queue, log: log}
	receive, known := map[string]func(context.Context) error{
		"copy": c.receiveCopy, "batch": c.receiveBatch, "loan": c.receiveLoan}[o.method]
	if !known {
		return fmt.Errorf("no such method: %s", o.method)
	}
	for {
		err := received(receive, o.idle)
		if errors.Is(err, context.DeadlineExceeded) {
			return queue.Close()
		} else if err != nil {
			return err
		}
	}
}

// received receives once, and waits for that so long.
func received(receive func(context.Context) error, idle time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), idle)
	defer cancel()
	return receive(ctx)
}

// record appends what the log says of a message.
func record(log, message []byte, deliveries int) []byte {
	producer, number, intact := inspect(message)
	log = binary.LittleEndian.AppendUint64(log, producer)
	log = binary.LittleEndian.AppendUint64(log, number)
	log = binary.LittleEndian.AppendUint32(log, uint32(len(message)))
	if intact {
		log = binary.LittleEndian.AppendUint32(log, 1)
	} else {
		log = binary.LittleEndian.AppendUint32(log, 0)
	}
	return binary.LittleEndian.AppendUint64(log, uint64(deliveries)) // and 4 bytes of 0
}

func (c *consumer) receiveCopy(ctx context.Context) error {
	message, err := c.queue.DequeueContext(ctx, c.buffer[:0])
	if err != nil {
		return err
	}
	c.buffer = message
	_, err = c.log.Write(record(nil, message, 0))
	return err
}

func (c *consumer) receiveBatch(ctx context.Context) error {
	if _, err := c.queue.DequeueBatchContext(ctx, &c.batch, many); err != nil {
		return err
	}
	var records []byte
	for _, message := range c.batch.All() {
		records = record(records, message, 0)
	}
	_, err := c.log.Write(records)
	return err
}

func (c *consumer) receiveLoan(ctx context.Context) error {
	message, err := c.queue.TakeContext(ctx)
	if err != nil {
		return err
	}
	if _, err := c.log.Write(record(nil, message.Bytes(), message.Deliveries())); err != nil {
		return err
	}
	return message.Release()
}
