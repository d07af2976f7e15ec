package main

import (
	"context"
	"fmt"
	"time"

	"cqueue.io/go/cqueue"
)

func hold(o *options) error {
	queue, err := o.open(cqueue.Attach())
	if err != nil {
		return err
	}
	message, err := queue.TakeContext(context.Background())
	if err != nil {
		return err
	}
	producer, number, _ := inspect(message.Bytes())
	fmt.Println("held", producer, number, message.Deliveries())
	for {
		time.Sleep(time.Hour)
		message.Position() // and the message with it
	}
}

func walk(o *options) error {
	queue, err := o.open(cqueue.ReadOnly())
	if err != nil {
		return err
	}
	if err := queue.Walk(func(message cqueue.Peeked) bool {
		text := "-"
		if len(message.Bytes) > 0 {
			text = fmt.Sprintf("%x", message.Bytes)
		}
		fmt.Println(message.Position, message.Deliveries, text)
		return true
	}); err != nil {
		return err
	}
	return queue.Close()
}
