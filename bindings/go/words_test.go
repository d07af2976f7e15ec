//go:build cgo && linux && (amd64 || arm64 || loong64 || mips64le || ppc64le || riscv64)

package cqueue

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// What a Go programmer reads has no words of C's interface in it.
func TestErrorsSpeakGo(t *testing.T) {
	foreign := regexp.MustCompile(`CQ_|cq_|NULL|struct_size|max_message|max_held|sizeof|LIMITS|max_headers|max_deliveries|dead_letter|time_to_live|durable_directory`)
	directory, err := os.MkdirTemp("/dev/shm", "cqueue-go-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(directory)
	configs := []config{
		{}, {directory: t.TempDir()}, {flags: flagReadOnly}, {flags: flagExclusive | flagAttach}, {capacity: 1 << 40},
		{maxMessageSize: 1 << 40}, {maxHeld: 1 << 40}, {capacity: 1 << 31, maxMessageSize: 1 << 30}, {flags: flagTrust},
		{flags: 1 << 30}, {permissions: 0o111}, {capacity: -1}, {maxMessageSize: -1},
		{maxHeld: -1}, {permissions: 1 << 31}, {maxHeaders: 1 << 20}, {maxDeliveries: 300, deadLetter: "dead"},
		{maxDeliveries: 3}, {deadLetter: "dead"}, {maxDeliveries: 3, deadLetter: "-"}, {durable: "/nowhere/at/all"},
		{flags: flagDurable}, {flags: flagSync | flagReadOnly}, {flags: flagExclusiveConsumer}, {flags: flagEnqueueTimes},
		{maxHeaders: 10}, {timeToLive: time.Second}, {timeToLive: time.Second, deadLetter: "dead"},
	}
	queue, err := Open("words", WithDirectory(directory), WithCapacity(1))
	if err != nil {
		t.Fatal(err)
	}
	defer queue.Close()
	if err := queue.Enqueue(nil); err != nil {
		t.Fatal(err)
	}
	// Somebody else's queue, of which the words are that it may be trusted.
	theirs, err := Open("theirs", WithDirectory(directory))
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	if err := os.Chmod(filepath.Join(directory, "cqueue.theirs"), 0o660); err != nil {
		t.Fatal(err)
	}
	if text := explain(opening, ErrOwner, "theirs", &config{directory: directory}, 0).Error(); !strings.Contains(text, "(Trust())") {
		t.Errorf("nothing of Trust() in %q", text)
	}
	for code := range names {
		for _, name := range []string{"words", "other", "theirs"} {
			for i := range configs {
				if configs[i].directory == "" {
					configs[i].directory = directory
				}
				made := explain(opening, code, name, &configs[i], 10)
				if words := foreign.FindString(made.Error()); words != "" {
					t.Errorf("%s: %q in %q", code.Name(), words, made)
				}
			}
		}
		if words := foreign.FindString(code.Error()); words != "" {
			t.Errorf("%s: %q in %q", code.Name(), words, code.Error())
		}
	}
}

func TestEveryCodeHasAMeaning(t *testing.T) {
	for code := range names {
		if meanings[code] == "" {
			t.Errorf("%s has none", code.Name())
		}
	}
}
