// Command benchmarks prints what the Go binding costs, beside the C library, Go's channels and Unix sockets. ../bench
// builds and runs it. It reports; nothing is asserted.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"cqueue.io/go/cqueue"
)

const (
	size   = 56
	many   = 64
	rounds = 7
)

var payload = make([]byte, size)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func open(name string) *cqueue.Queue {
	queue, err := cqueue.Open(name, cqueue.WithDirectory(os.Getenv("CQ_BENCH")), cqueue.WithCapacity(1024),
		cqueue.WithMaxMessageSize(size))
	check(err)
	return queue
}

// child starts this program, or the one in C, with these arguments.
func child(program string, arguments ...string) *exec.Cmd {
	command := exec.Command(program, arguments...)
	command.Stderr = os.Stderr
	return command
}

// rival is what the program in C prints.
func rival(what string, numbersOf ...int) []float64 {
	arguments := []string{what}
	for _, n := range numbersOf {
		arguments = append(arguments, strconv.Itoa(n))
	}
	output, err := child(os.Getenv("CQ_RIVAL"), arguments...).Output()
	check(err)
	return numbers(string(output))
}

func numbers(text string) (all []float64) {
	for _, word := range strings.Fields(text) {
		number, err := strconv.ParseFloat(word, 64)
		check(err)
		all = append(all, number)
	}
	return all
}

// timed is the nanoseconds of processor time for each of n, garbage collection included. A machine that does other
// things as well does not change it much.
func timed(n int, f func(n int)) float64 {
	begin := cpu()
	f(n)
	return (cpu() - begin) / float64(n)
}

// figures of several rounds.
type figures []float64

func (f figures) quantile(q float64) float64 {
	sorted := slices.Sorted(slices.Values(f))
	return sorted[int(q*float64(len(sorted)-1)+0.5)]
}

func (f figures) String() string {
	return fmt.Sprintf("%8.1f (%.1f to %.1f)", f.quantile(0.5), f.quantile(0.1), f.quantile(0.9))
}

func row(what string, columns ...any) {
	fmt.Printf("%-44s", what)
	for _, column := range columns {
		fmt.Printf(" | %-28v", column)
	}
	fmt.Println()
}

// beside measures both in turn, so that what else the machine does is the same for both, and returns the ratio of
// medians.
func beside(ours, theirs func() float64) (a, b figures) {
	for range rounds {
		a, b = append(a, ours()), append(b, theirs())
	}
	return a, b
}

func ratio(a, b float64) string { return fmt.Sprintf("%.2f", a/b) }

func main() {
	log.SetFlags(0)
	if len(os.Args) > 1 {
		helpers[os.Args[1]](os.Args[2:])
		return
	}
	row("nanoseconds, median (10 to 90 %)", "Go", "rival", "ratio")
	calls()
	waits()
}

// calls measures what does not wait.
func calls() {
	queue := open("calls")
	defer queue.Close()
	var empty figures
	for range rounds {
		empty = append(empty, timed(1_000_000, func(n int) {
			for range n {
				cqueue.ABIVersion()
			}
		}))
	}
	row("empty call into C", empty)

	a, b := beside(func() float64 { return timed(300_000, func(n int) { single(queue, n) }) / 2 },
		func() float64 { return rival("single", 300_000)[0] / 2 })
	row("enqueue or dequeue (rival: C)", a, b, ratio(a.quantile(0.5), b.quantile(0.5)))
	row("  less the empty call", fmt.Sprintf("%8.1f", a.quantile(0.5)-empty.quantile(0.5)), "",
		ratio(a.quantile(0.5)-empty.quantile(0.5), b.quantile(0.5)))
	channel := make(chan []byte, 1024)
	a, b = beside(func() float64 { return timed(300_000, func(n int) { single(queue, n) }) / 2 },
		func() float64 {
			return timed(300_000, func(n int) {
				for range n {
					channel <- payload
					<-channel
				}
			}) / 2
		})
	row("enqueue or dequeue (rival: channel)", a, b, ratio(a.quantile(0.5), b.quantile(0.5)))
	a, b = beside(func() float64 { return timed(300_032, func(n int) { batches(queue, n) }) },
		func() float64 { return rival("batch", 300_032)[0] })
	row("a message in batches of 64 (C)", a, b, ratio(a.quantile(0.5), b.quantile(0.5)))
	a, b = beside(func() float64 { return timed(100_000, func(n int) { loan(queue, n) }) },
		func() float64 { return rival("loan", 100_000)[0] })
	row("reserve, commit, take, release (C)", a, b, ratio(a.quantile(0.5), b.quantile(0.5)))
	for range 1000 {
		check(queue.Enqueue(payload))
	}
	a, b = beside(func() float64 { return timed(10_000, func(n int) { walk(queue, n) }) },
		func() float64 { return rival("walk", 10_000)[0] })
	row("a message walked past (C)", a, b, ratio(a.quantile(0.5), b.quantile(0.5)))
}

func single(queue *cqueue.Queue, n int) {
	buffer := make([]byte, 0, size)
	for range n {
		check(queue.Enqueue(payload))
		_, err := queue.Dequeue(buffer)
		check(err)
	}
}

func batches(queue *cqueue.Queue, n int) {
	var out, in cqueue.Batch
	for range many {
		out.Append(payload)
	}
	for range n / many {
		_, err := queue.EnqueueBatch(&out)
		check(err)
		_, err = queue.DequeueBatch(&in, many)
		check(err)
	}
}

func loan(queue *cqueue.Queue, n int) {
	for range n {
		reservation, err := queue.Reserve(size)
		check(err)
		copy(reservation.Bytes(), payload)
		check(reservation.Commit(size))
		message, err := queue.Take()
		check(err)
		check(message.Release())
	}
}

func walk(queue *cqueue.Queue, n int) {
	for range n / 1000 {
		seen := 0
		check(queue.Walk(func(cqueue.Peeked) bool { seen++; return true }))
		if seen != 1000 {
			log.Fatalf("saw %d", seen)
		}
	}
}

var background = context.Background()
