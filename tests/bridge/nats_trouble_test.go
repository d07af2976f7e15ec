package bridge_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cqueue.io/go/cqueue"
)

// What goes wrong around the bridge is told once, loses nothing, and is over when its cause is.

var quick = "ack_timeout: 1s, backoff: {min: 20ms, max: 100ms}"

// fill enqueues these numbers.
func fill(t *testing.T, queue *cqueue.Queue, from, to uint64) {
	t.Helper()
	for n := from; n < to; n++ {
		if err := queue.Enqueue(number(n)); err != nil {
			t.Fatal(err)
		}
	}
}

func ordersStream() jetstream.StreamConfig {
	return jetstream.StreamConfig{Name: "ORDERS", Subjects: []string{"orders.>"}, Duplicates: forgetful}
}

// account compares what the stream has with the numbers below sent.
func (s *natsServers) account(js jetstream.JetStream, sent uint64) {
	s.t.Helper()
	l := newLedger()
	s.read(js, "ORDERS", l)
	if fault := l.fault(sent); fault != "" {
		fail(s.t, fault)
	}
}

// errorsSaid is how many errors the process told.
func (p *process) errorsSaid() int { return strings.Count(p.text(), "level=ERROR") }

func TestAServerThatIsAwayForLongerThanItRemembersIds(t *testing.T) {
	t.Parallel()
	servers := startNATS(t, 1, "")
	js := servers.connect()
	servers.stream(js, ordersStream())
	queue := newQueue(t)
	bridge := newBridge(t, fmt.Sprintf("routes: [{from: %s, to: 'nats://%s/orders.eu', %s}]", queue.Name(), servers.hosts(), quick))
	bridge.start()
	producer := produce(queue, 2000)
	for range 3 {
		some(t, dice(t), func() uint64 { return gone(t, queue) })
		servers.nodes[0].kill()
		bridge.kill()
		bridge.start() // it finds nobody
		time.Sleep(10 * forgetful)
		servers.nodes[0].start()
	}
	sent := producer.finish(t)
	carried(t, queue)
	servers.account(js, sent)
}

func TestASlowServerSlowsProducersDownAndNothingGrows(t *testing.T) {
	t.Parallel()
	servers := startNATS(t, 1, "")
	js := servers.connect()
	servers.stream(js, ordersStream())
	queue := newQueue(t)
	bridge := newBridge(t, fmt.Sprintf("routes: [{from: %s, to: 'nats://%s/orders.eu', max_in_flight: 64, %s}]", queue.Name(),
		servers.hosts(), quick))
	bridge.start()
	producer := produce(queue, 20000)
	some(t, dice(t), func() uint64 { return gone(t, queue) })
	_ = servers.nodes[0].cmd.Process.Signal(syscall.SIGSTOP)
	eventually(t, "the queue is full", func() bool {
		stats, err := queue.Stats()
		return err == nil && stats.Length >= stats.Capacity && stats.Held == 64
	})
	before := bridge.memory()
	time.Sleep(3 * time.Second) // it gives up waiting meanwhile, and begins again
	if after := bridge.memory(); after > before+8<<20 {
		t.Errorf("the bridge grew from %d to %d bytes", before, after)
	}
	_ = servers.nodes[0].cmd.Process.Signal(syscall.SIGCONT)
	sent := producer.finish(t)
	carried(t, queue)
	servers.account(js, sent)
}

func TestWhatTheServerHasNoRoomForStaysInTheQueue(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := syscall.Mount("cqbridgetest", folder, "tmpfs", 0, "size=3m"); err != nil {
		t.Skip("a small disk cannot be made here: ", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(folder, syscall.MNT_DETACH) })
	servers := startNATSIn(t, 1, "", folder)
	js := servers.connect()
	servers.stream(js, ordersStream())
	queue := newQueue(t, cqueue.WithCapacity(20000))
	bridge := newBridge(t, fmt.Sprintf("routes: [{from: %s, to: 'nats://%s/orders.eu', %s}]", queue.Name(), servers.hosts(), quick))
	bridge.start()
	fill(t, queue, 0, 12000)
	bridge.eventuallySaid("level=ERROR")
	bridge.kill()
	servers.nodes[0].kill()
	if err := syscall.Mount("cqbridgetest", folder, "tmpfs", syscall.MS_REMOUNT, "size=64m"); err != nil {
		t.Fatal(err)
	}
	servers.nodes[0].start()
	bridge.start()
	carried(t, queue)
	servers.account(js, 12000)
}

func TestAFullStreamIsToldOnceAndWaitedFor(t *testing.T) {
	t.Parallel()
	servers := startNATS(t, 1, "")
	js := servers.connect()
	config := ordersStream()
	config.MaxMsgs, config.Discard = 100, jetstream.DiscardNew
	servers.stream(js, config)
	queue := newQueue(t)
	bridge := newBridge(t, fmt.Sprintf("routes: [{from: %s, to: 'nats://%s/orders.eu', %s}]", queue.Name(), servers.hosts(), quick))
	bridge.start()
	fill(t, queue, 0, 300)
	bridge.eventuallySaid("maximum messages exceeded")
	time.Sleep(time.Second)
	if told := bridge.errorsSaid(); told > 3 {
		t.Errorf("%d errors in a second", told)
	}
	config.MaxMsgs = -1
	servers.stream(js, config)
	carried(t, queue)
	servers.account(js, 300)
	bridge.eventuallySaid("messages pass again")
}

func TestWrongCredentialsAreToldOnce(t *testing.T) {
	t.Parallel()
	servers := startNATS(t, 1, "authorization { user: me, password: right }")
	js := servers.connect(nats.UserInfo("me", "right"))
	servers.stream(js, ordersStream())
	queue := newQueue(t)
	fill(t, queue, 0, 10)
	bridge := newBridge(t, fmt.Sprintf("routes: [{from: %s, to: 'nats://me:wrong@%s/orders.eu', %s}]", queue.Name(),
		servers.hosts(), quick))
	bridge.start()
	bridge.eventuallySaid("Authorization Violation: check user, password, token, nkey or credentials")
	time.Sleep(time.Second)
	if told := bridge.errorsSaid(); told != 1 || strings.Contains(bridge.text(), "wrong@") {
		t.Errorf("%d errors, or a password is shown", told)
	}
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("right\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	rewrite(t, bridge, fmt.Sprintf("routes: [{from: %s, to: {url: 'nats://%s', subject: orders.eu, user: me, password_file: %s}}]",
		queue.Name(), servers.hosts(), file))
	carried(t, queue)
	servers.account(js, 10)
}

// rewrite changes a bridge's configuration, and has it read again.
func rewrite(t *testing.T, bridge *process, configuration string) {
	t.Helper()
	if err := os.WriteFile(bridge.args[1], []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := bridge.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}

func TestASubjectThatIsNotAllowedOrThatNoStreamHasIsToldOnce(t *testing.T) {
	t.Parallel()
	servers := startNATS(t, 1, `authorization { users: [{ user: root, password: x }, { user: me, password: x,
		permissions: { publish: { deny: "orders.secret" } } }] }`)
	js := servers.connect(nats.UserInfo("root", "x"))
	servers.stream(js, ordersStream())
	for subject, said := range map[string]string{
		"orders.secret": "the server does not allow this login the subject",
		"other":         "no stream has the subject other: create one (nats stream add), or write create: true",
	} {
		queue := newQueue(t)
		fill(t, queue, 0, 10)
		bridge := newBridge(t, fmt.Sprintf("routes: [{from: %s, to: 'nats://me:x@%s/%s', %s}]", queue.Name(), servers.hosts(),
			subject, quick))
		bridge.start()
		bridge.eventuallySaid(said)
		time.Sleep(time.Second)
		if told := bridge.errorsSaid(); told > 2 {
			t.Errorf("%s: %d errors in a second", subject, told)
		}
		if n, _ := queue.Len(); n == 10 && gone(t, queue) > 0 {
			t.Error("messages are gone")
		}
		rewrite(t, bridge, fmt.Sprintf("routes: [{from: %s, to: 'nats://me:x@%s/orders.eu'}]", queue.Name(), servers.hosts()))
		carried(t, queue)
	}
}

func TestAMessageThatIsTooLargeStopsTheRouteOrGoesElsewhere(t *testing.T) {
	t.Parallel()
	servers := startNATS(t, 1, "max_payload: 1000")
	js := servers.connect()
	servers.stream(js, ordersStream())
	queue := newQueue(t, cqueue.WithMaxMessageSize(2000))
	dead := newQueue(t, cqueue.WithMaxMessageSize(2000))
	fill(t, queue, 0, 5)
	if err := queue.Enqueue(make([]byte, 1500)); err != nil {
		t.Fatal(err)
	}
	fill(t, queue, 5, 10)
	route := fmt.Sprintf("{from: %s, to: 'nats://%s/orders.eu', %s", queue.Name(), servers.hosts(), quick)
	bridge := newBridge(t, "routes: ["+route+"}]")
	bridge.start()
	bridge.eventuallySaid("and the server takes 1000: raise max_payload there")
	time.Sleep(500 * time.Millisecond)
	if told := bridge.errorsSaid(); told != 1 {
		t.Errorf("%d errors", told)
	}
	rewrite(t, bridge, "routes: ["+route+", dead_letter: {queue: "+dead.Name()+"}}]")
	carried(t, queue)
	servers.account(js, 10)
	if message, err := dead.Dequeue(nil); err != nil || len(message) != 1500 {
		t.Errorf("%d %v", len(message), err)
	}
	if _, err := dead.Dequeue(nil); !errors.Is(err, cqueue.ErrEmpty) {
		t.Error("it came twice")
	}
}

func TestSharedModeMarksWhatMayBeDoubled(t *testing.T) {
	t.Parallel()
	servers := startNATS(t, 1, "")
	js := servers.connect()
	servers.stream(js, ordersStream())
	queue := newQueue(t)
	configuration := fmt.Sprintf("routes: [{from: %s, to: 'nats://%s/orders.eu', mode: shared, max_in_flight: 64, %s}]",
		queue.Name(), servers.hosts(), quick)
	bridges := []*process{newBridge(t, configuration), newBridge(t, configuration)}
	for _, bridge := range bridges {
		bridge.start()
	}
	producer, random := produce(queue, 3000), dice(t)
	for range kills(60) {
		some(t, random, func() uint64 { return gone(t, queue) })
		if random.IntN(6) == 0 {
			servers.nodes[0].kill()
			servers.nodes[0].start()
			continue
		}
		bridge := bridges[random.IntN(2)]
		bridge.kill()
		bridge.start()
	}
	sent := producer.finish(t)
	carried(t, queue)
	l := newLedger()
	servers.readShared(js, "ORDERS", l)
	if fault := l.fault(sent); fault != "" {
		fail(t, fault)
	}
}

func TestABridgeThatIsAskedToEndFinishesWhatIsOnItsWay(t *testing.T) {
	t.Parallel()
	servers := startNATS(t, 1, "")
	js := servers.connect()
	servers.stream(js, ordersStream())
	queue := newQueue(t)
	socket := filepath.Join(t.TempDir(), "notify")
	systemd, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer systemd.Close()
	port := freePort(t)
	bridge := newBridge(t, fmt.Sprintf("http: 127.0.0.1:%d\nroutes: [{from: %s, to: 'nats://%s/orders.eu'}]", port, queue.Name(),
		servers.hosts()))
	bridge.env = []string{"NOTIFY_SOCKET=" + socket}
	bridge.start()
	producer := produce(queue, 5000)
	some(t, dice(t), func() uint64 { return gone(t, queue) })
	if err := bridge.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	bridge.eventuallySaid("the configuration was read again")

	page := func(path string) (int, string) {
		answer, err := http.Get("http://127.0.0.1:" + strconv.Itoa(port) + path)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, string(text)
	}
	var health struct{ Routes []struct{ Connected bool } }
	code, text := page("/healthz")
	if err := json.Unmarshal([]byte(text), &health); err != nil || code != 200 || !health.Routes[0].Connected {
		t.Errorf("%d %s", code, text)
	}
	if code, text := page("/metrics"); code != 200 || !strings.Contains(text, "cq_bridge_messages_total{route=\""+queue.Name()+"\"} ") {
		t.Errorf("%d %s", code, text)
	}
	servers.nodes[0].kill()
	eventually(t, "the route is ill", func() bool { code, _ := page("/healthz"); return code == 503 })
	servers.nodes[0].start()
	eventually(t, "the route is well", func() bool { code, _ := page("/healthz"); return code == 200 })

	if err := bridge.end(); err != nil {
		t.Error(err)
	}
	if stats, _ := queue.Stats(); stats.Held != 0 {
		t.Errorf("%d messages are held", stats.Held)
	}
	bridge.start()
	sent := producer.finish(t)
	carried(t, queue)
	servers.account(js, sent)
	told := make([]byte, 4096)
	for _, wanted := range []string{"READY=1", "RELOADING=1\nMONOTONIC_USEC=", "READY=1", "STOPPING=1", "READY=1"} {
		n, err := systemd.Read(told)
		if err != nil || !strings.HasPrefix(string(told[:n]), wanted) {
			t.Errorf("%q %v", told[:n], err)
		}
	}
}

func TestAFileThatBecameWrongChangesNothing(t *testing.T) {
	t.Parallel()
	servers := startNATS(t, 1, "")
	js := servers.connect()
	servers.stream(js, ordersStream())
	queue := newQueue(t)
	bridge := newBridge(t, fmt.Sprintf("routes: [{from: %s, to: 'nats://%s/orders.eu'}]", queue.Name(), servers.hosts()))
	bridge.start()
	fill(t, queue, 0, 10)
	carried(t, queue)
	rewrite(t, bridge, "routes: [{from: a, to: b}]")
	bridge.eventuallySaid("the configuration stays as it was")
	fill(t, queue, 10, 20)
	carried(t, queue)
	servers.account(js, 20)
}
