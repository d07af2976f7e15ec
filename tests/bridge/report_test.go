package bridge_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// What is shown of a test that failed: what its servers said last, where their and the bridges' goroutines are, and at
// the end, where all that shows the end alone shows it too, what the bridges said and why the test failed.

const (
	linesOfServer     = 60
	linesOfBridge     = 30
	linesOfGoroutines = 200
)

type report struct {
	t         *testing.T
	mutex     sync.Mutex
	processes []*process
	reason    string
}

var reports sync.Map // by test

// reportOf is the test's. It is shown after all that the test cleans up later than it asked for this the first time.
func reportOf(t *testing.T) *report {
	made, known := reports.LoadOrStore(t, &report{t: t})
	r := made.(*report)
	if !known {
		t.Cleanup(func() {
			reports.Delete(t)
			if t.Failed() {
				r.show()
			}
		})
	}
	return r
}

func (r *report) add(p *process) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.processes = append(r.processes, p)
}

// endedAlone says which of the processes did, if one did.
func (r *report) endedAlone() string {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for _, p := range r.processes {
		p.mutex.Lock()
		how := p.alone
		p.mutex.Unlock()
		if how != "" {
			return fmt.Sprintf("%s ended by itself: %s", p, how)
		}
	}
	return ""
}

// fail ends the test.
func fail(t *testing.T, reason string) {
	t.Helper()
	r := reportOf(t)
	r.mutex.Lock()
	r.reason = reason
	r.mutex.Unlock()
	t.Fatal(reason)
}

func (r *report) show() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	var servers, bridges []*process
	for _, p := range r.processes {
		if p.isBridge() {
			bridges = append(bridges, p)
		} else {
			servers = append(servers, p)
		}
	}
	for _, p := range servers {
		r.t.Logf("%s, where it was:\n%s", p, goroutines(p.dump))
	}
	for _, p := range bridges {
		r.t.Logf("%s, where it was:\n%s", p, goroutines(p.dump))
	}
	for _, p := range servers {
		r.t.Logf("%s said last:\n%s", p, lastLines(p.own, linesOfServer))
	}
	for _, p := range bridges {
		r.t.Logf("%s said last:\n%s", p, lastLines(p.own, linesOfBridge))
	}
	r.t.Logf("%s failed: %s", r.t.Name(), r.reason)
}

func (p *process) isBridge() bool { return filepath.Base(p.name) == "cq-bridge" }

// String names it by its program and configuration.
func (p *process) String() string {
	return filepath.Base(p.name) + " " + filepath.Base(filepath.Dir(p.args[len(p.args)-1]))
}

// lastWords keeps what the process said, and then has a program in Go, or Java, say where it is.
func (p *process) lastWords() {
	p.own = p.text()
	if p.cmd == nil {
		return
	}
	p.ending.Store(true)
	_ = p.cmd.Process.Signal(syscall.SIGCONT)
	_ = p.cmd.Process.Signal(syscall.SIGQUIT)
	for limit := time.Now().Add(3 * time.Second); time.Now().Before(limit); time.Sleep(50 * time.Millisecond) {
		before := len(p.text())
		if time.Sleep(200 * time.Millisecond); before > len(p.own) && len(p.text()) == before {
			break
		}
	}
	p.dump = strings.TrimPrefix(p.text(), p.own)
}

func lastLines(text string, count int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-count):], "\n")
}

// registers end what Go says; a Java machine lists its heap there.
var registers = regexp.MustCompile(
	`(?m)^(r[a-z0-9]+|[cfg]s|x?pc|lr|sp) +0x[0-9a-f]+$\n?|^(Heap|\s+(def new|tenured|Metaspace).*)$\n?`)

// ours is what a goroutine is told by that is not just waiting inside a library.
var ours = regexp.MustCompile(
	`/bridge/internal/|go/cqueue|server\.\(\*(stream|raft|jetStream|consumer)\)|"[^"]*" .*prio=`)

// goroutines are those of the dump that are about queues or streams; a Java machine's threads.
func goroutines(dump string) string {
	var lines []string
	for block := range strings.SplitSeq(registers.ReplaceAllString(dump, ""), "\n\n") {
		if ours.MatchString(block) {
			lines = append(lines, strings.Split(strings.TrimSpace(frames.ReplaceAllString(block, "")), "\n")...)
		}
	}
	return strings.Join(lines[:min(len(lines), linesOfGoroutines)], "\n")
}

var frames = regexp.MustCompile(` \+0x[0-9a-f]+ fp=.*`)
