package cqueue_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"cqueue.io/go/cqueue"
)

// participantOf is that of the process, which has one handle.
func participantOf(t *testing.T, queue *cqueue.Queue, pid int) cqueue.Participant {
	t.Helper()
	all, err := queue.Participants()
	must(t, err)
	for _, participant := range all {
		if participant.PID == pid {
			return participant
		}
	}
	t.Fatalf("no process %d in %+v", pid, all)
	return cqueue.Participant{}
}

func TestParticipantsAreShownWithWhatTheyHold(t *testing.T) {
	directory := directory(t)
	queue := openIn(t, directory)
	must(t, queue.Enqueue([]byte("one tea")))
	child := holder(t, directory)

	theirs, ours := participantOf(t, queue, child.Process.Pid), participantOf(t, queue, os.Getpid())
	equal(t, theirs.ID != ours.ID && theirs.ID > 0 && ours.ID > 0, true)
	theirs.ID, ours.ID = 0, 0
	command, err := os.ReadFile("/proc/self/comm")
	must(t, err)
	equal(t, ours, cqueue.Participant{PID: os.Getpid(), Alive: true, Command: string(command[:len(command)-1])})
	equal(t, theirs, cqueue.Participant{PID: child.Process.Pid, Alive: true, Command: "exe", Held: 1, Writing: 1})
	got := stats(t, queue)
	equal(t, got.Held, uint64(1))
	equal(t, got.Writing, uint64(1))
}

func TestMoreParticipantsThanExpectedAreAllShown(t *testing.T) {
	directory := directory(t)
	queue := openIn(t, directory)
	for range 199 {
		openIn(t, directory)
	}
	all, err := openIn(t, directory, cqueue.ReadOnly()).Participants()
	must(t, err)
	ids := map[int]bool{}
	for _, participant := range all {
		equal(t, participant.PID, os.Getpid())
		ids[participant.ID] = true
	}
	equal(t, len(ids), 200)
	must(t, queue.Close())
	_, err = queue.Participants()
	expect(t, err, cqueue.ErrClosed, "list participants", closedText)
}

func TestMaxHeldIsWhatWasAskedFor(t *testing.T) {
	if got := stats(t, open(t, cqueue.WithCapacity(10), cqueue.WithMaxHeld(5000))).MaxHeld; got < 5000 {
		t.Errorf("got %d", got)
	}
}

func TestMemoryIsLimitedReservedAndGivenBack(t *testing.T) {
	queue := open(t, cqueue.WithCapacity(100000), cqueue.WithMaxMessageSize(1000), cqueue.WithMaxMemory(4<<20),
		cqueue.WithReserve(1<<20))
	if got := stats(t, queue); got.MaxMemory != 4<<20 || got.Reserve != 1<<20 || got.Memory < 1<<20 {
		t.Errorf("got %+v", got)
	}
	count := 0
	for queue.Enqueue(make([]byte, 1000)) == nil {
		count++
	}
	if got := stats(t, queue); count < 1000 || count > 5000 || got.Memory > 4<<20 {
		t.Errorf("%d messages, %+v", count, got)
	}
	for range count {
		if _, err := queue.Dequeue(nil); err != nil {
			t.Fatal(err)
		}
	}
	given, err := queue.Trim()
	must(t, err)
	if got := stats(t, queue); given <= 1<<20 || got.Memory >= 5<<19 {
		t.Errorf("%d given back, %+v", given, got)
	}
}

func TestTrustAcceptsAnotherUsersQueueThatOthersMayNotWrite(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give a file away")
	}
	directory := directory(t)
	path := filepath.Join(directory, "cqueue.orders")
	openIn(t, directory, cqueue.WithPermissions(0o660))
	must(t, os.Chown(path, 12345, 12345))
	must(t, openIn(t, directory, cqueue.Attach(), cqueue.Trust()).Enqueue(nil))
	must(t, os.Chmod(path, 0o666))
	_, err := cqueue.Open("orders", cqueue.WithDirectory(directory), cqueue.Attach(), cqueue.Trust())
	if !errors.Is(err, cqueue.ErrOwner) {
		t.Errorf("got %v", err)
	}
}

// remove removes the queue as another process would. Unlink is something else: who calls it knows.
func remove(t *testing.T, directory string) {
	t.Helper()
	must(t, os.Remove(filepath.Join(directory, "cqueue.orders")))
}

func TestWaitsEndWhenTheQueueIsRemoved(t *testing.T) {
	directory, ctx := directory(t), soon(t)
	queue := openIn(t, directory, cqueue.WithCapacity(1))
	const each = 20
	results := make(chan error)
	for range each {
		go func() { _, err := queue.DequeueContext(ctx, nil); results <- err }()
		go func() { _, err := queue.TakeContext(ctx); results <- err }()
		go func() { _, err := queue.DequeueBatchContext(ctx, &cqueue.Batch{}, 3); results <- err }()
	}
	remove(t, directory)
	for range 3 * each {
		if err := <-results; !errors.Is(err, cqueue.ErrStale) {
			t.Errorf("got %v", err)
		}
	}
}

func TestProducersThatWaitLearnThatTheQueueIsRemoved(t *testing.T) {
	directory, ctx := directory(t), soon(t)
	queue := openIn(t, directory, cqueue.WithCapacity(1))
	must(t, queue.Enqueue([]byte("one tea")))
	remove(t, directory)
	var batch cqueue.Batch
	batch.Append([]byte("two teas"))
	results := make(chan error)
	go func() { results <- queue.EnqueueContext(ctx, nil) }()
	go func() { _, err := queue.EnqueueBatchContext(ctx, &batch); results <- err }()
	go func() { _, err := queue.ReserveContext(ctx, 1); results <- err }() // by way of the others
	for range 3 {
		if err := <-results; !errors.Is(err, cqueue.ErrStale) {
			t.Errorf("got %v", err)
		}
	}
}

func TestARemovedQueueGivesWhatItHasBeforeItSaysSo(t *testing.T) {
	directory, ctx := directory(t), soon(t)
	queue := openIn(t, directory, cqueue.WithCapacity(3))
	remove(t, directory)
	_, err := queue.DequeueContext(ctx, nil)
	if !errors.Is(err, cqueue.ErrStale) {
		t.Fatalf("got %v", err)
	}
	for range 3 {
		must(t, queue.EnqueueContext(ctx, []byte("one tea"))) // what need not wait goes on as ever
	}
	var batch cqueue.Batch
	must(t, take(t, queue, "one tea", 1).Release())
	_, err = queue.DequeueContext(ctx, nil)
	must(t, err)
	_, err = queue.DequeueBatchContext(ctx, &batch, 3)
	must(t, err)
	_, err = queue.TakeContext(ctx)
	if !errors.Is(err, cqueue.ErrStale) {
		t.Errorf("got %v", err)
	}
	equal(t, length(t, openIn(t, directory)), 0) // the name leads to a new one
}

func TestWhoKnowsThatTheQueueIsRemovedMayWaitOn(t *testing.T) {
	ours, theirs := directory(t), directory(t)
	kept, unlinked := openIn(t, theirs, cqueue.KeepUnlinked()), openIn(t, ours)
	remove(t, theirs)
	must(t, cqueue.Unlink("orders", cqueue.WithDirectory(ours)))
	results := make(chan error)
	for _, queue := range []*cqueue.Queue{kept, unlinked} {
		go func() { _, err := queue.DequeueContext(soon(t), nil); results <- err }()
	}
	select {
	case err := <-results:
		t.Errorf("got %v", err)
	case <-time.After(2500 * time.Millisecond):
	}
	must(t, kept.Enqueue(nil))
	must(t, unlinked.Enqueue(nil))
	must(t, <-results)
	must(t, <-results)
}
