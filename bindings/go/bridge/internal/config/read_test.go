package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestAFileHasWhatItSaysAndDefaultsForTheRest(t *testing.T) {
	f, err := Parse("orders.yaml", []byte(`
http: 127.0.0.1:9300
servers:
  east: {url: "nats://a,b:4333", user: me, password: secret}
routes:
  - from: orders
    to: {server: east, subject: "orders.{region|eu}"}
    max_in_flight: 10
    linger: 5ms
    dead_letter: {queue: dead}
  - from: kafka://c/events
    to: /var/lib/queues/in
  - {from: a, to: kafka://c/events}
  - {from: b, to: kafka://c/events, max_in_flight: 1024}
`))
	if err != nil {
		t.Fatal(err)
	}
	first, second := &f.Routes[0], &f.Routes[1]
	if got := first.String(); got != "orders: orders -> nats://a,b:4333/orders.{region|eu}, ordered" {
		t.Error(got)
	}
	if got := second.String(); got != "in: kafka://c/events -> /var/lib/queues/in" {
		t.Error(got)
	}
	if got := strings.Join(first.To.Hosts(), " "); got != "a:4222 b:4333" {
		t.Error(got)
	}
	if first.To.User != "me" || first.To.Password != "secret" || first.MaxInFlight != 10 || first.Batch != 10 ||
		time.Duration(first.Linger) != 5*time.Millisecond || first.DeadLetter.After != 3 || second.MaxInFlight != 1024 {
		t.Errorf("%+v", f)
	}
	for _, r := range f.Routes[2:] { // as many as may go into a transaction
		if r.MaxInFlight != 8192 && r.MaxInFlight != 1024 || r.Batch != min(r.MaxInFlight, 4096) {
			t.Errorf("%+v", r)
		}
	}
}

func TestFaultsNameFileAndLine(t *testing.T) {
	for _, c := range []struct{ text, fault string }{
		{"routes:\n- from: a\n  to: nats://h/s\n  mod: shared\n", `f:4: unknown field "mod"`},
		{"routes:\n- from: a\n  to: nats://h/s\n  mode: both\n", `f:4: mode "both" is unknown: ordered or shared`},
		{"routes:\n- from: a\n  to: nats://h/s\n  linger: soon\n", `f:4: "soon" is no duration: write 500ms, 2s or 1m`},
		{"routes:\n- from: a\n  to: nats://h/s\n  max_bytes: much\n", `f:4: "much" is no size: write 4096, 64K, 1M or 1G`},
		{"routes:\n- from: a\n  to: nats://h/s\n  max_in_flight: many\n", `f:4: `},
		{"routes:\n- from: a\n  to: nats://h/s\n  max_in_flight: -1\n", `f:4: -1 messages in flight: write 1 to 65536`},
		{"routes:\n- from: a\n  to:\n    server: east\n    subject: s\n", `f:4: there is no server "east" in servers: there is none`},
		{"routes:\n- from: a\n  to: b\n", "f:2: a route leads from a queue to a server or from a server to a queue"},
		{"routes:\n- from: nats://h/s\n  to: nats://h/s\n", "f:2: a route leads from a queue to a server"},
		{"routes:\n- from: a\n  to: nats://h\n", "f:3: no subject: write nats://host/subject"},
		{"routes:\n- from: a\n  to: nats://h/a..b\n", `f:3: "a..b" is no subject`},
		{"routes:\n- from: a\n  to: nats://h/a.>\n", `f:3: "a.>": a message is published to one subject`},
		{"routes:\n- from: a\n  to: nats://h/$JS.x\n", `f:3: "$JS.x": a subject begins with a fixed word`},
		{"routes:\n- from: a\n  to: nats://h/a.{b\n", `f:3: "a.{b": a { without }`},
		{"routes:\n- from: a\n  to: amqp://h/s\n", "f:3: amqp:// is unknown"},
		{"routes:\n- from: a/\n  to: nats://h/s\n", "f:2: "},
		{"routes:\n- from: a\n  to: kafka://h/a b\n", `f:3: "a b" is no topic`},
		{"routes:\n- from: a\n  to: {url: kafka://h, topic: t, create: true}\n", "f:3: topics are not created here"},
		{"routes:\n- from: a\n  to: {url: nats://h, subject: s, user: u, password: '${CQ_NO_SUCH}'}\n",
			"f:3: password: the environment has no CQ_NO_SUCH"},
		{"routes:\n- from: a\n  to: {url: nats://h, subject: s, credentials: /no/such}\n", "f:3: open /no/such: "},
		{"routes:\n- from: a\n  to: nats://h/s\n- from: c\n  to: nats://h/s\n  name: a\n- from: b\n  name: a\n  to: nats://h/s\n",
			`f:8: two routes are called "a"`},
		{"routes: []\n", "f:1: there is no route"},
		{"routes:\n- from: a\n  from: b\n", "f:3: "},
		{"routes:\n- from: [a\n", "f:2: "},
		{"http: 9300\nroutes:\n- from: a\n  to: nats://h/s\n", `f:1: "9300" is no address: write 127.0.0.1:9300`},
		{"", "f:1: there is no route"},
		{"routes: [{from: a, to: nats://h/s}]\n---\nroutes: []\n", "f:3: a second document"},
		{"http: 127.0.0.1:x\nroutes: [{from: a, to: nats://h/s}]\n", `f:1: "127.0.0.1:x" is no address`},
		{"routes:\n- from: a\n  to: nats://h/s\n- from: a\n  to: nats://h/t\n", "f:4: route a takes from a, too"},
		{route("nats://h:99999/s"), `f:1: "h:99999" is no host`},
		{route("nats://h:abc/s"), `f:1: "h:abc`},
		{route("nats://::1/s"), `f:1: "::1" is no host`},
		{route(`"nats://h/s\x07"`), `f:1: "s\a" is no subject`},
		{route("kafka://h/.."), `f:1: ".." is no topic`},
		{route("'kafka://h/{x|}'"), `f:1: "{x|}": what stands for a missing x may only have`},
		{route("'nats://h/s.{x|a b}'"), `f:1: "s.{x|a b}": what stands for a missing x may only have`},
		{route("{url: nats://h, subject: s, stream: a.b}"), `f:1: "a.b" is no stream`},
		{route("{url: nats://h, subject: s, replicas: 3}"), "f:1: replicas are those of a stream that is made"},
		{route("{url: nats://h, subject: s, create: true, replicas: -3}"), "f:1: -3 replicas"},
		{route("{url: nats://h, subject: s, password: x}"), "f:1: a password without user"},
		{route("{url: nats://h, subject: s, user: x}"), "f:1: user without password"},
		{route("{url: nats://h, subject: s, user: x, password: y, token: z}"), "f:1: user, token, credentials and nkey"},
		{route("{url: kafka://h, topic: s, sasl: plain}"), "f:1: sasl without user"},
		{route("{url: nats://h, subject: s, credentials: /dev/null}"), "f:1: /dev/null has no seed"},
		{route("{url: nats://h, subject: s, nkey: /dev/null}"), "f:1: /dev/null has no seed"},
		{route("{url: nats://h, subject: s, tls: {ca: /dev/null}}"), "f:1: /dev/null has no certificate"},
		{route("{url: nats://h, subject: s, tls: {certificate: /dev/null, key: /dev/null}}"), "f:1: /dev/null, /dev/null: "},
		{route("nats://h/s, max_in_flight: 1.5"), `f:1: "1.5" is no number`},
		{route("nats://h/s, max_in_flight: many"), `f:1: "many" is no number`},
		{route("nats://h/s, batch: 0"), `f:1: "0" is no number`},
		{route("nats://h/s, ack_timeout: 1ns"), "f:1: less than 10ms"},
		{route("nats://h/s, backoff: {min: 0s}"), "f:1: min is less than 1ms"},
		{route("nats://h/s, dead_letter: {after: 3}"), "f:1: dead_letter without queue or subject"},
		{route("nats://h/s, dead_letter: {queue: a}"), "f:1: refused messages would go back into a"},
		{route("'nats://h/s', dead_letter: {subject: 'd.{x}'}"), "f:1: the subject of dead letters"},
		{route("kafka://h/s, dead_letter: {subject: 'd d'}"), `f:1: "d d" is no topic`},
		{"routes: [{from: {queue: a, capacity: 5}, to: nats://h/s}]", "f:1: capacity, max_size and headers are those"},
		{"routes: [{from: {queue: a, create: true, capacity: -5}, to: nats://h/s}]", "f:1: -5 messages"},
		{"servers: {s: {url: nats://h}}\nroutes: [{from: a, to: {server: s, url: nats://k, subject: x}}]",
			"f:2: server: s says where to"},
		{"servers: {s: {url: nats://h}}\nroutes: [{from: a, to: {server: s, user: u, password: p, subject: x}}]",
			"f:2: server: s says where to"},
	} {
		_, err := Parse("f", []byte(c.text))
		if err == nil || !strings.HasPrefix(err.Error(), c.fault) {
			t.Errorf("%s\n%v, not\n%s", c.text, err, c.fault)
		}
	}
}

func route(to string) string { return "routes: [{from: a, to: " + to + "}]" }

func TestNothingIsADurationToo(t *testing.T) {
	f, err := Parse("f", []byte("drain: 0s\nroutes: [{from: a, to: nats://h/s, linger: 0s}]"))
	if err != nil || f.Drain > 1 || f.Routes[0].Linger > 1 {
		t.Errorf("%+v %v", f, err)
	}
}

func TestWhatIsBeforeTheHostAloneIsATokenOfNATS(t *testing.T) {
	f, err := One("orders", "nats://t%40ken@h/a")
	if err != nil {
		t.Fatal(err)
	}
	if end := f.Routes[0].To; end.User != "" || end.Token != "t@ken" || end.String() != "nats://h/a" {
		t.Errorf("%+v", end)
	}
}

func TestAllFaultsAreToldAtOnceByLine(t *testing.T) {
	_, err := Parse("f", []byte(
		"routes:\n- from: a\n  to: nats://h/s\n  mode: x\n- from: .\n  to: nats://h/s\n- {from: b, to: nats://h/s, batch: -4}\n"))
	faults, ok := err.(Faults)
	if !ok || len(faults) != 3 || faults[0].Line != 4 || faults[1].Line != 5 || faults[2].Line != 7 {
		t.Fatal(err)
	}
}

func TestPasswordsComeFromTheEnvironmentOrAFile(t *testing.T) {
	t.Setenv("CQ_TEST_PASSWORD", "from outside")
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("from a file\nand more\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		login Login
		want  string
	}{{Login{User: "u", Password: "${CQ_TEST_PASSWORD}"}, "from outside"}, {Login{User: "u", PasswordFile: file}, "from a file"}} {
		if _, password, err := c.login.UserPassword(); password != c.want || err != nil {
			t.Errorf("%q %v", password, err)
		}
	}
}

func TestALoginInTheURLIsNotShown(t *testing.T) {
	f, err := One("orders", "nats://me:s%40cret@h:1/a")
	if err != nil {
		t.Fatal(err)
	}
	if end := f.Routes[0].To; end.User != "me" || end.Password != "s@cret" || end.String() != "nats://h:1/a" {
		t.Errorf("%+v", end)
	}
}

func TestTemplatesTakeHeaders(t *testing.T) {
	header := func(name string) (string, bool) {
		value, known := map[string]string{"region": "eu", "odd": "a.b c"}[name]
		return value, known
	}
	for _, c := range []struct{ text, want, pattern string }{
		{"orders", "orders", "orders"}, {"orders.{region}", "orders.eu", "orders.*"},
		{"orders.x-{region}.{none|all}", "orders.x-eu.all", "orders.*.*"},
	} {
		template, err := ParseTemplate(c.text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := template.Name(header); got != c.want || err != nil || template.Pattern() != c.pattern {
			t.Errorf("%s: %q %v %s", c.text, got, err, template.Pattern())
		}
	}
	for _, text := range []string{"a.{none}", "a.{odd}"} {
		template, _ := ParseTemplate(text)
		if got, err := template.Name(header); err == nil {
			t.Errorf("%s: %q", text, got)
		}
	}
	template, _ := ParseTemplate("{odd}")
	if got, err := template.Text(header); got != "a.b c" || err != nil {
		t.Errorf("%q %v", got, err)
	}
}
