// Package bridge_test shows what cq-bridge promises, with real servers that are killed: nothing lost, nothing doubled,
// nothing out of order. This file starts and ends processes, and gives each test a place of its own.
package bridge_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"cqueue.io/go/cqueue"
)

var (
	programs string // folder of nats-server, cq-bridge and Kafka's jars
	long     = os.Getenv("CQ_LONG") != ""
	seed     = seedOf(os.Getenv("CQ_SEED"))
)

func seedOf(text string) uint64 {
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		return n
	}
	return uint64(time.Now().UnixNano())
}

func TestMain(m *testing.M) {
	if programs = os.Getenv("CQ_BRIDGE_PROGRAMS"); programs == "" {
		fmt.Fprintln(os.Stderr, "CQ_BRIDGE_PROGRAMS is not set: tests/bridge/run builds what is needed and sets it")
		os.Exit(1)
	}
	before := leftovers()
	fmt.Printf("CQ_SEED=%d\n", seed)
	status := m.Run()
	for name := range leftovers() {
		if !before[name] {
			fmt.Println("left in /dev/shm:", name)
			status = 1
		}
	}
	os.Exit(status)
}

// prefix begins the names of this run's queues.
var prefix = fmt.Sprintf("cqbridgetest-%d-", os.Getpid())

func leftovers() map[string]bool {
	found, _ := filepath.Glob("/dev/shm/cqueue." + prefix + "*")
	names := map[string]bool{}
	for _, name := range found {
		names[name] = true
	}
	return names
}

// kills is how often a configuration is killed.
func kills(usually int) int {
	if n, err := strconv.Atoi(os.Getenv("CQ_KILLS")); err == nil {
		return n
	}
	if long {
		return max(1000, usually)
	}
	return usually
}

func dice(t *testing.T) *rand.Rand {
	sum := seed
	for _, letter := range t.Name() {
		sum = sum*31 + uint64(letter)
	}
	return rand.New(rand.NewPCG(sum, 1))
}

// newQueue makes a queue of the test's own.
func newQueue(t *testing.T, options ...cqueue.Option) *cqueue.Queue {
	t.Helper()
	name := prefix + strconv.FormatUint(rand.Uint64(), 36)
	queue, err := cqueue.Open(name, append([]cqueue.Option{cqueue.WithCapacity(4096), cqueue.WithMaxMessageSize(256)},
		options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = queue.Close()
		if err := cqueue.Unlink(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	})
	return queue
}

// A process is a program that the test starts, kills and starts again.
type process struct {
	t    *testing.T
	name string
	args []string
	env  []string

	mutex sync.Mutex
	said  bytes.Buffer
	alone string // how it ended by itself, if it did

	cmd    *exec.Cmd     // nil: it does not run
	ending atomic.Bool   // because the test wants it to
	ended  chan struct{} // closed then
	result error

	own, dump string // what it said, and where it was, when the test failed
}

// Write takes what it says.
func (p *process) Write(text []byte) (int, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.said.Write(text)
}

func (p *process) text() string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.said.String()
}

func newProcess(t *testing.T, name string, args ...string) *process {
	p := &process{t: t, name: name, args: args}
	reportOf(t).add(p)
	t.Cleanup(func() {
		if t.Failed() {
			p.lastWords()
		}
		p.kill()
	})
	return p
}

func (p *process) start() {
	p.t.Helper()
	p.cmd = exec.Command(p.name, p.args...)
	p.cmd.Env = append(os.Environ(), p.env...)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.ended = make(chan struct{})
	p.ending.Store(false)
	go p.wait(p.cmd, p.ended)
}

func (p *process) wait(cmd *exec.Cmd, ended chan struct{}) {
	p.result = cmd.Wait()
	if !p.ending.Load() {
		p.mutex.Lock()
		p.alone = cmd.ProcessState.String()
		p.mutex.Unlock()
	}
	close(ended)
}

// kill ends it at once, and waits until it is gone.
func (p *process) kill() { _ = p.stop(syscall.SIGKILL) }

// end asks it to end, and returns what it ended with.
func (p *process) end() error { return p.stop(syscall.SIGTERM) }

func (p *process) stop(signal syscall.Signal) error {
	if p.cmd == nil {
		return nil
	}
	p.ending.Store(true)
	_ = p.cmd.Process.Signal(signal)
	<-p.ended
	p.cmd = nil
	return p.result
}

// pause stops it for a while.
func (p *process) pause(duration time.Duration) {
	_ = p.cmd.Process.Signal(syscall.SIGSTOP)
	time.Sleep(duration)
	_ = p.cmd.Process.Signal(syscall.SIGCONT)
}

// newBridge is a bridge with this configuration.
func newBridge(t *testing.T, configuration string, more ...string) *process {
	file := filepath.Join(t.TempDir(), "bridge.yaml")
	if err := os.WriteFile(file, []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}
	return newProcess(t, filepath.Join(programs, "cq-bridge"), append([]string{"run", file}, more...)...)
}

var (
	portsMutex sync.Mutex
	portsTaken = map[int]bool{}
)

// freePort is a port of the loopback that nobody has now, and that nobody is given by itself. It is given once: the
// server that has it may be dead for a moment.
func freePort(t *testing.T) int {
	t.Helper()
	portsMutex.Lock()
	defer portsMutex.Unlock()
	for range 1000 {
		port := 20000 + rand.IntN(10000)
		if portsTaken[port] {
			continue
		}
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			listener.Close()
			portsTaken[port] = true
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

// aLongTime is what only something that hangs takes.
const aLongTime = 5 * time.Minute

// eventually waits until it is true.
func eventually(t *testing.T, what string, isTrue func() bool) {
	t.Helper()
	r := reportOf(t)
	for limit := time.Now().Add(aLongTime); !isTrue(); time.Sleep(20 * time.Millisecond) {
		if ended := r.endedAlone(); ended != "" {
			fail(t, ended)
		}
		if time.Now().After(limit) {
			fail(t, fmt.Sprintf("not within %v: %s", aLongTime, what))
		}
	}
}

// eventuallySaid waits until the process said it.
func (p *process) eventuallySaid(what string) {
	p.t.Helper()
	eventually(p.t, what, func() bool { return strings.Contains(p.text(), what) })
}

// memory is what the process has of its own, in bytes.
func (p *process) memory() int {
	p.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	var total, resident, shared int
	if _, err := fmt.Sscan(string(text), &total, &resident, &shared); err != nil {
		p.t.Fatal(err)
	}
	return (resident - shared) * os.Getpagesize()
}
