package cqueue_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"cqueue.io/go/cqueue"
)

// The child of the tests below: takes a message, reserves room, says so, and waits to be killed.
func TestMain(m *testing.M) {
	directory := os.Getenv("CQUEUE_TEST_HOLD")
	if directory == "" {
		os.Exit(m.Run())
	}
	queue, err := cqueue.Open("orders", cqueue.WithDirectory(directory), cqueue.Attach())
	if err == nil {
		_, err = queue.Take()
	}
	if err == nil {
		_, err = queue.Reserve(1)
	}
	fmt.Println("holds, error:", err)
	select {}
}

// holder starts a child that holds the only message.
func holder(t *testing.T, directory string) *exec.Cmd {
	t.Helper()
	child := exec.Command("/proc/self/exe")
	child.Env = append(os.Environ(), "CQUEUE_TEST_HOLD="+directory)
	child.Stderr = os.Stderr
	output, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	t.Cleanup(func() { kill(child) })
	line, _ := bufio.NewReader(output).ReadString('\n')
	equal(t, line, "holds, error: <nil>\n")
	return child
}

func kill(child *exec.Cmd) {
	child.Process.Kill()
	child.Wait()
}

func TestMessageInTheHandsOfAKilledProcessComesAgain(t *testing.T) {
	directory := directory(t)
	queue := openIn(t, directory)
	must(t, queue.Enqueue([]byte("one tea")))
	kill(holder(t, directory))
	found, err := queue.Recover()
	must(t, err)
	equal(t, found, cqueue.Recovery{Participants: 1, Slots: 1, Messages: 1})
	must(t, take(t, queue, "one tea", 2).Release())
	equal(t, stats(t, queue).Participants, 1)
}

func TestWaiterIsServedWhenTheHolderIsKilled(t *testing.T) {
	directory := directory(t)
	queue := openIn(t, directory)
	must(t, queue.Enqueue([]byte("one tea")))
	child := holder(t, directory)
	ctx, taken := soon(t), make(chan *cqueue.Message)
	go func() {
		message, err := queue.TakeContext(ctx)
		if err != nil {
			t.Error(err)
		}
		taken <- message
	}()
	kill(child)
	if message := <-taken; message != nil {
		equal(t, message.Deliveries(), 2)
		equal(t, string(message.Bytes()), "one tea")
	}
}
