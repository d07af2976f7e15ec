package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"cqueue.io/go/cqueue"
)

const (
	exchanges = 2000
	naps      = 300                    // fewer, because each begins with a pause
	nap       = 300 * time.Microsecond // in which the other side falls asleep, see keepBusy
)

// helpers are what a child does.
var helpers = map[string]func([]string){
	"pong":   func(arguments []string) { pong(atoi(arguments[0])) },
	"socket": func([]string) { echo() },
	"wait":   func([]string) { wait() },
	"pings":  func([]string) { pings() },
	"calls":  func([]string) { calls() },
}

func atoi(text string) int {
	n, err := strconv.Atoi(text)
	check(err)
	return n
}

// waits measures what does.
func waits() {
	pings()
	a, b := beside(func() float64 { return goroutines(exchanges) }, func() float64 { return channels(exchanges) })
	row("there and back between goroutines (channel)", a, b, ratio(a.quantile(0.5), b.quantile(0.5)))
	crowdOfProcesses(40, exchanges)
	crowdOfGoroutines(10_000, exchanges)
	idleHandles(200)
}

func pings() {
	pingsWith("there and back between processes, p50", exchanges, 0)
	pingsWith("  the other side asleep", naps, nap)
}

func pingsWith(what string, n int, pause time.Duration) {
	var ours, c, sockets figures
	for range rounds {
		ours = append(ours, figures(ping(n, pause)).quantile(0.5))
		c = append(c, figures(pingC(n, pause)).quantile(0.5))
		sockets = append(sockets, figures(pingSocket(n, pause)).quantile(0.5))
	}
	row(what+" (C)", ours, c, ratio(ours.quantile(0.5), c.quantile(0.5)))
	row(what+" (Unix socket)", ours, sockets, ratio(ours.quantile(0.5), sockets.quantile(0.5)))
}

// exchange is the nanoseconds that each way there and back takes, with a pause before each.
func exchange(to, from *cqueue.Queue, n int, pause time.Duration) (all []float64) {
	ctx, cancel := context.WithCancel(background)
	defer cancel()
	buffer := make([]byte, 0, size)
	for range n {
		keepBusy(pause)
		begin := time.Now()
		check(to.EnqueueContext(ctx, payload))
		_, err := from.DequeueContext(ctx, buffer)
		check(err)
		all = append(all, float64(time.Since(begin).Nanoseconds()))
	}
	return all
}

// keepBusy keeps this thread awake for so long. A goroutine that wakes from a sleep of its own has Go start another
// thread, to look for more work, and where there are few processors that one takes the other side's: 10 to 15
// microseconds that have nothing to do with who is pinged.
func keepBusy(duration time.Duration) {
	for begin := time.Now(); time.Since(begin) < duration; {
	}
}

func reply(to, from *cqueue.Queue, n int) {
	ctx, cancel := context.WithCancel(background)
	defer cancel()
	buffer := make([]byte, 0, size)
	for range n {
		_, err := from.DequeueContext(ctx, buffer)
		check(err)
		check(to.EnqueueContext(ctx, payload))
	}
}

func pong(n int) { reply(open("back"), open("there"), n) }

func ping(n int, pause time.Duration) []float64 {
	to, from := open("there"), open("back")
	defer to.Close()
	defer from.Close()
	other := child("/proc/self/exe", "pong", strconv.Itoa(n))
	check(other.Start())
	defer other.Wait()
	return exchange(to, from, n, pause)
}

func pingC(n int, pause time.Duration) []float64 {
	other := child(os.Getenv("CQ_RIVAL"), "pong", strconv.Itoa(n))
	check(other.Start())
	defer other.Wait()
	return rival("ping", n, int(pause.Microseconds()))
}

func pingSocket(n int, pause time.Duration) (all []float64) {
	other := child("/proc/self/exe", "socket")
	output, err := other.StdoutPipe()
	check(err)
	check(other.Start())
	defer other.Wait()
	_, err = bufio.NewReader(output).ReadString('\n')
	check(err)
	connection, err := net.Dial("unix", socketPath())
	check(err)
	defer connection.Close()
	buffer := make([]byte, size)
	for range n {
		keepBusy(pause)
		begin := time.Now()
		_, err := connection.Write(payload)
		check(err)
		_, err = io.ReadFull(connection, buffer)
		check(err)
		all = append(all, float64(time.Since(begin).Nanoseconds()))
	}
	return all
}

func socketPath() string { return filepath.Join(os.Getenv("CQ_BENCH"), "socket") }

func echo() {
	os.Remove(socketPath())
	listener, err := net.Listen("unix", socketPath())
	check(err)
	fmt.Println("listening")
	connection, err := listener.Accept()
	check(err)
	buffer := make([]byte, size)
	for {
		if _, err := io.ReadFull(connection, buffer); err != nil {
			return
		}
		_, err := connection.Write(buffer)
		check(err)
	}
}

func goroutines(n int) float64 {
	to, from := open("to"), open("from")
	defer to.Close()
	defer from.Close()
	go reply(from, to, n)
	return figures(exchange(to, from, n, 0)).quantile(0.5)
}

func channels(n int) float64 {
	to, from := make(chan []byte, 1), make(chan []byte, 1)
	go func() {
		for message := range to {
			from <- message
		}
	}()
	defer close(to)
	var all figures
	for range n {
		begin := time.Now()
		to <- payload
		<-from
		all = append(all, float64(time.Since(begin).Nanoseconds()))
	}
	return all.quantile(0.5)
}

// wait answers each message that it gets with one.
func wait() {
	crowd, answers := open("crowd"), open("answers")
	fmt.Println("waiting")
	for {
		message, err := crowd.DequeueContext(background, nil)
		check(err)
		if len(message) == 0 {
			return
		}
		check(answers.EnqueueContext(background, message))
	}
}

// crowdOfProcesses: each waits on a handle of its own, and a message is for one of them.
func crowdOfProcesses(processes, n int) {
	crowd, answers := open("crowd"), open("answers")
	defer crowd.Close()
	defer answers.Close()
	var all []*exec.Cmd
	for range processes {
		one := child("/proc/self/exe", "wait")
		output, err := one.StdoutPipe()
		check(err)
		check(one.Start())
		_, err = bufio.NewReader(output).ReadString('\n')
		check(err)
		all = append(all, one)
	}
	time.Sleep(time.Second)
	before := cpuOf(all)
	took := exchange(crowd, answers, n, 0)
	used := cpuOf(all) - before
	for range processes {
		check(crowd.Enqueue(nil))
	}
	for _, one := range all {
		one.Wait()
	}
	row(fmt.Sprintf("a message to one of %d processes: answer p50", processes),
		fmt.Sprintf("%8.1f", figures(took).quantile(0.5)))
	row("  processor time of them all, each message", fmt.Sprintf("%8.1f", used/float64(n)))
}

// cpuOf is the processor time that processes used, in nanoseconds.
func cpuOf(processes []*exec.Cmd) (sum float64) {
	for _, process := range processes {
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", process.Process.Pid))
		check(err)
		for _, task := range tasks {
			text, err := os.ReadFile(task)
			if err == nil {
				sum += numbers(strings.Fields(string(text))[0])[0]
			}
		}
	}
	return sum
}

// crowdOfGoroutines: so many wait on one handle.
func crowdOfGoroutines(count, n int) {
	crowd, answers := open("crowd2"), open("answers2")
	defer crowd.Close()
	defer answers.Close()
	for range count {
		go func() {
			for {
				message, err := crowd.DequeueContext(background, nil)
				if err != nil {
					return
				}
				check(answers.EnqueueContext(background, message))
			}
		}()
	}
	time.Sleep(time.Second)
	before := cpu()
	exchange(crowd, answers, n, 0)
	row(fmt.Sprintf("processor time, %d goroutines wait", count), fmt.Sprintf("%8.1f", (cpu()-before)/float64(n)))
}

func cpu() float64 {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return float64(usage.Utime.Nano() + usage.Stime.Nano())
}

// idleHandles: what one costs on which a goroutine waits.
func idleHandles(count int) {
	resident := func() (kib, threads int) {
		text, err := os.ReadFile("/proc/self/status")
		check(err)
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "RssAnon:") {
				kib = atoi(strings.Fields(line)[1])
			} else if strings.HasPrefix(line, "Threads:") {
				threads = atoi(strings.Fields(line)[1])
			}
		}
		return kib, threads
	}
	var handles []*cqueue.Queue
	for range count {
		handles = append(handles, open("idle"))
	}
	debug.FreeOSMemory()
	kib, threads := resident()
	done := make(chan struct{})
	for _, handle := range handles {
		go func() {
			handle.DequeueContext(background, nil)
			done <- struct{}{}
		}()
	}
	time.Sleep(time.Second)
	debug.FreeOSMemory()
	kibAfter, threadsAfter := resident()
	for _, handle := range handles {
		check(handle.Close())
		<-done
	}
	if len(handles) != count {
		log.Fatal(len(handles))
	}
	row(fmt.Sprintf("an idle handle that is waited on, of %d", count),
		fmt.Sprintf("%.0f KiB, %.1f threads", float64(kibAfter-kib)/float64(count),
			float64(threadsAfter-threads)/float64(count)))
}
