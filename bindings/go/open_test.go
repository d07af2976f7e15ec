package cqueue_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cqueue.io/go/cqueue"
)

// expect checks that the error is the code, in an *Error with this operation and text.
func expect(t *testing.T, err error, code error, operation, text string) {
	t.Helper()
	var typed *cqueue.Error
	if !errors.Is(err, code) || !errors.As(err, &typed) {
		t.Fatalf("got %v, want %v in an *Error", err, code)
	}
	if typed.Operation != operation || typed.Text != text || typed.Queue != "orders" {
		t.Errorf("got %q: %q: %q\nwant \"orders\": %q: %q", typed.Queue, typed.Operation, typed.Text, operation, text)
	}
	if want := "cqueue: " + operation + " " + text; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

// expectFull checks that the error says that so many messages are waiting. Who holds and writes others may follow.
func expectFull(t *testing.T, err error, operation string, capacity int) {
	t.Helper()
	var typed *cqueue.Error
	words := "messages"
	if capacity == 1 {
		words = "message"
	}
	text := fmt.Sprintf(`of at most %d %s `, capacity, words)
	if !errors.Is(err, cqueue.ErrFull) || !errors.As(err, &typed) || typed.Operation != operation ||
		!strings.HasPrefix(typed.Text, `"orders": full, `) || !strings.Contains(typed.Text, text) {
		t.Errorf("got %v, want %s: %s", err, operation, text)
	}
}

func TestOpenCreatesAndAttaches(t *testing.T) {
	directory := directory(t)
	before := time.Now().Add(-time.Second)
	first := openIn(t, directory, cqueue.Exclusive(), cqueue.WithCapacity(7), cqueue.WithMaxMessageSize(33))
	second := openIn(t, directory, cqueue.Attach())
	must(t, first.Enqueue([]byte("one tea")))
	message, err := second.Dequeue(nil)
	must(t, err)
	if string(message) != "one tea" || second.Name() != "orders" {
		t.Errorf("got %q from %q", message, second.Name())
	}
	got := stats(t, second)
	if got.Capacity != 7 || got.MaxMessageSize != 33 || got.Participants != 2 || got.Enqueued != 1 ||
		got.Dequeued != 1 || got.Unlinked || got.FormatVersion != 1 || got.Created.Before(before) ||
		got.Created.After(time.Now()) {
		t.Errorf("got %+v", got)
	}
	must(t, cqueue.Unlink("orders", cqueue.WithDirectory(directory)))
	if !stats(t, first).Unlinked {
		t.Error("not unlinked")
	}
}

func TestOpenHasTheDefaultsOfTheLibrary(t *testing.T) {
	if got := stats(t, open(t)); got.Capacity != 65536 || got.MaxMessageSize != 4096 {
		t.Errorf("got %+v", got)
	}
}

func TestOpenErrorsSayWhatToDo(t *testing.T) {
	directory := directory(t)
	openIn(t, directory, cqueue.WithCapacity(4096), cqueue.WithMaxMessageSize(64))
	must(t, os.WriteFile(filepath.Join(directory, "cqueue.broken"), make([]byte, 8192), 0o600))
	for _, test := range []struct {
		name    string
		options []cqueue.Option
		code    error
		text    string
	}{
		{"orders", []cqueue.Option{cqueue.WithCapacity(1024)}, cqueue.ErrMismatch,
			`"orders": region has capacity 4096, asked for 1024: ask for what it has (or 0, whatever it has), or unlink it first`},
		{"orders", []cqueue.Option{cqueue.WithMaxMessageSize(65)}, cqueue.ErrMismatch,
			`"orders": region has MaxMessageSize 64, asked for 65: ask for what it has (or 0, whatever it has), or unlink it first`},
		{"orders", []cqueue.Option{cqueue.Exclusive()}, cqueue.ErrExist,
			`"orders": exists in ` + directory + ` already: attach to it, or unlink it first`},
		{"orders", []cqueue.Option{cqueue.Exclusive()}, fs.ErrExist,
			`"orders": exists in ` + directory + ` already: attach to it, or unlink it first`},
		{"bills", []cqueue.Option{cqueue.Attach()}, cqueue.ErrNotExist,
			`"bills": no queue of that name in ` + directory + `: create it first, or check the directory`},
		{"bills", []cqueue.Option{cqueue.ReadOnly()}, fs.ErrNotExist,
			`"bills": no queue of that name in ` + directory + `: create it first, or check the directory`},
		{"bills", []cqueue.Option{cqueue.WithCapacity(-1)}, cqueue.ErrInvalid,
			`"bills": WithCapacity(-1): a capacity is 1 message at least, or 0 for the default`},
		{"bills", []cqueue.Option{cqueue.WithPermissions(0o666)}, cqueue.ErrInvalid,
			`"bills": permissions 0666 must let the owner read and write, nobody execute, and others not write: ` +
				`0600, 0640, 0660, 0644 and 0664 are possible`},
		{".bills", nil, cqueue.ErrName,
			`".bills": a name is 1 to 200 of A-Z a-z 0-9 . _ - and begins with a letter or digit`},
		{"bills\x00", nil, cqueue.ErrName, `"bills\x00": the name has a byte 0 in it`},
		{"bills", []cqueue.Option{cqueue.WithDirectory("/dev/shm\x00")}, cqueue.ErrInvalid,
			`"bills": the directory has a byte 0 in it`},
		{"broken", nil, cqueue.ErrCorrupt, `"broken": ` + directory + `/cqueue.broken is no region of cqueue, or its ` +
			`bytes contradict each other: unlink it and create it anew (its messages are lost)`},
	} {
		queue, err := cqueue.Open(test.name, append([]cqueue.Option{cqueue.WithDirectory(directory)}, test.options...)...)
		var typed *cqueue.Error
		if queue != nil || !errors.Is(err, test.code) || !errors.As(err, &typed) {
			t.Errorf("%q: got %v, want %v", test.name, err, test.code)
		} else if typed.Text != test.text || typed.Queue != test.name || typed.Operation != "open" {
			t.Errorf("got  %q: %q: %s\nwant %s", typed.Queue, typed.Operation, typed.Text, test.text)
		}
	}
}

func TestUnlinkOfNothingIsAnError(t *testing.T) {
	directory := directory(t)
	expect(t, cqueue.Unlink("orders", cqueue.WithDirectory(directory)), cqueue.ErrNotExist, "unlink",
		`"orders": no queue of that name in `+directory+`: create it first, or check the directory`)
}

func TestPermissionsAreTheFiles(t *testing.T) {
	directory := directory(t)
	openIn(t, directory, cqueue.WithPermissions(0o640))
	info, err := os.Stat(filepath.Join(directory, "cqueue.orders"))
	must(t, err)
	if info.Mode() != 0o640 {
		t.Errorf("got %v", info.Mode())
	}
}

func TestReadOnlyLooksAndDoesNotTouch(t *testing.T) {
	directory := directory(t)
	writer := openIn(t, directory)
	must(t, writer.Enqueue([]byte("one tea")))
	reader := openIn(t, directory, cqueue.ReadOnly())
	seen := 0
	must(t, reader.Walk(func(cqueue.Peeked) bool { seen++; return true }))
	if seen != 1 || length(t, reader) != 1 {
		t.Errorf("saw %d of %d", seen, length(t, reader))
	}
	_, err := reader.Dequeue(nil)
	expect(t, err, cqueue.ErrReadOnly, "dequeue", `"orders": this handle was opened read-only: open it without ReadOnly()`)
}

func TestCodesHaveNamesAndMeanings(t *testing.T) {
	if cqueue.ErrMismatch.Name() != "CQ_EMISMATCH" || cqueue.ErrFull.Name() != "CQ_FULL" || cqueue.Code(77).Name() != "77" {
		t.Error(cqueue.ErrMismatch.Name(), cqueue.ErrFull.Name(), cqueue.Code(77).Name())
	}
	if got := cqueue.ErrFull.Error(); got != "cqueue: the queue is full" {
		t.Error(got)
	}
	if !strings.HasPrefix(cqueue.Version(), "1.") || cqueue.ABIVersion() != 1 {
		t.Error(cqueue.Version(), cqueue.ABIVersion())
	}
}
