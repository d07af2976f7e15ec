// Package cqueue is a named queue in shared memory for the processes of one machine: strictly first in, first out,
// bounded, for any number of producers and consumers, in Go, C, C++, Rust, Java and Python alike.
//
// A queue is one file that every process which knows its name maps. No process ever waits for a stopped or dead one,
// and what a dead one held is neither lost nor leaked: a message in the hands of a killed consumer is delivered again.
//
//	queue, err := cqueue.Open("orders", cqueue.WithCapacity(1000))
//	...
//	err = queue.EnqueueContext(ctx, []byte("one tea"))
//	...
//	message, err := queue.TakeContext(ctx)
//	...
//	err = message.Release()
//
// # Calls
//
// All methods of a [Queue] may be called by any number of goroutines at once. Those without a context never block.
// Those with one wait until the context is over: the first of those that wait on a handle sleeps in the C library, and
// keeps a thread of the operating system; the others are parked.
//
// [Queue.Take] lends a message in place until [Message.Release]: at least once, because a message that its taker did
// not release before it died, closed, gave it back or forgot it is delivered again, with a higher [Message.Deliveries].
// [Queue.Dequeue] copies a message out and is done with it: at most once. [Queue.Reserve] lends memory in the queue to
// write a message into.
//
// # Errors
//
// Every error is an [*Error], which names the queue and says what was asked, what was found and what to do. errors.Is
// finds which one it is: [ErrFull], [ErrEmpty], ..., [ErrClosed], or the context's. Whoever would have to wait on a
// queue that was removed gets [ErrStale], about a second later at most. [ErrTimeout] and [ErrCancelled] are results of
// C alone: here waits end by their context and by [Queue.Close].
//
// # Building
//
// The package carries the C core and needs cgo and a C compiler. The build tag cqueue_system links the installed
// library instead, by way of pkg-config. Without cgo, and on other systems than Linux, the package compiles and [Open]
// fails with errors.ErrUnsupported.
package cqueue

//go:generate ./generate
