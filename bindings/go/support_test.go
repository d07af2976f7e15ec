package cqueue_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"cqueue.io/go/cqueue"
)

// directory is one for queues, gone after the test.
func directory(t testing.TB) string {
	t.Helper()
	path, err := os.MkdirTemp("/dev/shm", "cqueue-go-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(path) })
	return path
}

// open opens the queue "orders" in a directory of the test's own.
func open(t testing.TB, options ...cqueue.Option) *cqueue.Queue {
	t.Helper()
	return openIn(t, directory(t), options...)
}

func openIn(t testing.TB, directory string, options ...cqueue.Option) *cqueue.Queue {
	t.Helper()
	queue, err := cqueue.Open("orders", append(options, cqueue.WithDirectory(directory))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { queue.Close() })
	return queue
}

// soon is a context for what must happen, and a limit to how long a failing test hangs.
func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// length is how many messages are waiting.
func length(t testing.TB, queue *cqueue.Queue) int {
	t.Helper()
	n, err := queue.Len()
	must(t, err)
	return n
}

func stats(t testing.TB, queue *cqueue.Queue) cqueue.Stats {
	t.Helper()
	stats, err := queue.Stats()
	must(t, err)
	return stats
}

// long is whether tests run at full length.
func long() bool { return os.Getenv("CQ_LONG") == "1" }

// times is how often a test does something, in short and at full length.
func times(short, full int) int {
	if long() {
		return full
	}
	return short
}

// descriptors is how many this process has, those of Go's network poller included.
func descriptors(t testing.TB) int {
	t.Helper()
	r, w, err := os.Pipe() // the first of these opens the poller's
	must(t, err)
	r.Close()
	w.Close()
	return len(entries(t, "/proc/self/fd"))
}

func entries(t testing.TB, directory string) []os.DirEntry {
	t.Helper()
	all, err := os.ReadDir(directory)
	must(t, err)
	return all
}

func expectIO(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, cqueue.ErrIO) {
		t.Errorf("got %v", err)
	}
}
