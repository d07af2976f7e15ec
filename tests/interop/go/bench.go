package main

import (
	"fmt"
	"time"

	"cqueue.io/go/cqueue"
)

const (
	benchSize     = 56
	benchCapacity = 1024
	unwatched     = 1000 // calls between two looks at the clock
)

// measure is the nanoseconds a call of step takes, called again and again for so long. The batches of unwatched calls are
// the step's, so that what is measured is a call of the binding and not one through a function value.
func measure(seconds float64, step func() error) (float64, error) {
	calls, begin := 0, time.Now()
	for {
		if err := step(); err != nil {
			return 0, err
		}
		calls += unwatched
		if took := time.Since(begin); took.Seconds() >= seconds {
			return float64(took.Nanoseconds()) / float64(calls), nil
		}
	}
}

func bench(o *options) error {
	queue, err := o.open(cqueue.Exclusive(), cqueue.WithCapacity(benchCapacity), cqueue.WithMaxMessageSize(benchSize))
	if err != nil {
		return err
	}
	defer cqueue.Unlink(o.name, cqueue.WithDirectory(o.directory))
	defer queue.Close()

	message, buffer := make([]byte, benchSize), make([]byte, 0, benchSize)
	single, err := measure(o.seconds, func() error {
		for range unwatched {
			if err := queue.Enqueue(message); err != nil {
				return err
			}
			if _, err := queue.Dequeue(buffer); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}

	var out, in cqueue.Batch
	for range many {
		out.Append(message)
	}
	batch, err := measure(o.seconds, func() error {
		for range unwatched {
			if _, err := queue.EnqueueBatch(&out); err != nil {
				return err
			}
			if _, err := queue.DequeueBatch(&in, many); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}

	empty, err := measure(o.seconds, func() error {
		for range unwatched {
			cqueue.ABIVersion()
		}
		return nil
	})
	fmt.Printf(`{"language":"go","single_ns":%.2f,"batch_ns":%.2f,"empty_ns":%.2f}`+"\n", single/2, batch/many, empty)
	return err
}
