package bridge_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What `cq bridge check` says, and how a configuration changes while the bridge runs.

func TestCheckSaysWhatIsConnectedOrWhatIsWrongByLine(t *testing.T) {
	for _, c := range []struct {
		text, said string
		code       int
	}{
		{"routes:\n- from: a\n  to: nats://h/s\n", "a: a -> nats://h/s, ordered\n", 0},
		{"routes:\n- from: a\n  to: nats://h/s\n  mode: x\n- from: b\n  to: c\n", ":4: mode \"x\" is unknown", 3},
		{"routes:\n- from: a\n  to: nats://h/s\n  mode: x\n- from: b\n  to: c\n", ":5: a route leads from a queue", 3},
	} {
		file := textFile(t, c.text)
		check := exec.Command(filepath.Join(programs, "cq-bridge"), "check", file)
		said, _ := check.CombinedOutput()
		wanted := c.said
		if c.code != 0 {
			wanted = file + wanted
		}
		if !strings.Contains(string(said), wanted) || check.ProcessState.ExitCode() != c.code {
			t.Errorf("%s%s\n%d", c.text, said, check.ProcessState.ExitCode())
		}
	}
}

func TestRoutesComeAndGoWhileOthersRun(t *testing.T) {
	t.Parallel()
	servers := startNATS(t, 1, "")
	js := servers.connect()
	servers.stream(js, ordersStream())
	first, second := newQueue(t), newQueue(t)
	route := func(from, subject string) string {
		return fmt.Sprintf("{from: %s, mode: shared, to: 'nats://%s/orders.%s', %s}", from, servers.hosts(), subject, quick)
	}
	bridge := newBridge(t, "routes: ["+route(first.Name(), "a")+"]")
	bridge.start()
	fill(t, first, 0, 10)
	carried(t, first)
	rewrite(t, bridge, "routes: ["+route(first.Name(), "a")+", "+route(second.Name(), "b")+"]")
	fill(t, second, 10, 20)
	carried(t, second)
	if told := strings.Count(bridge.text(), "route begins: "+first.Name()); told != 1 {
		t.Errorf("the route that did not change began %d times", told)
	}
	rewrite(t, bridge, "routes: ["+route(second.Name(), "b")+"]")
	bridge.eventuallySaid("msg=\"route ended\" route=" + first.Name())
	fill(t, first, 20, 21)
	fill(t, second, 20, 30)
	carried(t, second)
	if n, err := first.Len(); n != 1 || err != nil {
		t.Errorf("a route that is no more carried its message: %d %v", n, err)
	}
	servers.account(js, 30)
}
