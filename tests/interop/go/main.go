// The Go worker of the interop tests: see ../README.md for what each mode does.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"cqueue.io/go/cqueue"
)

// options are what the command line says.
type options struct {
	name, directory, flags, method, format string
	capacity, maxSize                      int
	producer, first, count                 uint64
	size                                   int
	ack, log                               string
	idle                                   time.Duration
	seconds                                float64
}

func parse(arguments []string) *options {
	o := &options{}
	var milliseconds int
	set := flag.NewFlagSet("worker", flag.ExitOnError)
	set.StringVar(&o.name, "name", "", "of the queue")
	set.StringVar(&o.directory, "directory", "", "of the queue")
	set.StringVar(&o.flags, "flags", "create", "create, exclusive, attach or read-only")
	set.StringVar(&o.method, "method", "copy", "copy, batch or loan")
	set.StringVar(&o.format, "format", "json", "json or struct")
	set.IntVar(&o.capacity, "capacity", 0, "messages")
	set.IntVar(&o.maxSize, "max-size", 0, "bytes")
	set.Uint64Var(&o.producer, "producer", 0, "number of this one")
	set.Uint64Var(&o.first, "first", 0, "number of the first message")
	set.Uint64Var(&o.count, "count", 0, "messages")
	set.IntVar(&o.size, "size", 0, "bytes of a message")
	set.StringVar(&o.ack, "ack", "", "file")
	set.StringVar(&o.log, "log", "", "file")
	set.IntVar(&milliseconds, "idle-ms", 1000, "how long to wait for a message")
	set.Float64Var(&o.seconds, "seconds", 1, "for each figure")
	set.Parse(arguments)
	if set.NArg() > 0 {
		set.Usage()
		os.Exit(2)
	}
	o.idle = time.Duration(milliseconds) * time.Millisecond
	return o
}

// open opens the queue, which the worker keeps until it ends.
func (o *options) open(more ...cqueue.Option) (*cqueue.Queue, error) {
	return cqueue.Open(o.name, append(more, cqueue.WithDirectory(o.directory))...)
}

func openMode(o *options) error {
	flags := map[string][]cqueue.Option{
		"create": nil, "exclusive": {cqueue.Exclusive()}, "attach": {cqueue.Attach()}, "read-only": {cqueue.ReadOnly()},
	}
	flag, known := flags[o.flags]
	if !known {
		return fmt.Errorf("no such flag: %s", o.flags)
	}
	queue, err := o.open(append(flag, cqueue.WithCapacity(o.capacity), cqueue.WithMaxMessageSize(o.maxSize))...)
	var refused *cqueue.Error
	if errors.As(err, &refused) {
		fmt.Printf("%s: %s\n", refused.Code.Name(), refused.Text)
		return nil
	} else if err != nil {
		return err
	}
	stats, err := queue.Stats()
	if err != nil {
		return err
	}
	fmt.Println("ok", stats.Capacity, stats.MaxMessageSize)
	return queue.Close()
}

func main() {
	modes := map[string]func(*options) error{
		"open": openMode, "produce": produce, "consume": consume, "hold": hold, "walk": walk, "bench": bench,
		"put-typed": putTyped, "get-typed": getTyped,
	}
	if len(os.Args) < 2 || modes[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr,
			"usage: worker open|produce|consume|hold|walk|bench|put-typed|get-typed --name N --directory D ...")
		os.Exit(2)
	}
	if err := modes[os.Args[1]](parse(os.Args[2:])); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}
