// Package config is the bridge's configuration: what a file may say, and what is wrong with one. It connects to nothing
// and opens no queue.
package config

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// File is a whole configuration file.
type File struct {
	HTTP    string            `yaml:"http"`    // address of /healthz and /metrics; "": none
	Drain   Duration          `yaml:"drain"`   // how long a route that ends waits for what is on its way
	Servers map[string]Server `yaml:"servers"` // by name
	Routes  []Route           `yaml:"routes"`
}

// Server is what several routes connect to in the same way.
type Server struct {
	URL   string `yaml:"url"`
	Login `yaml:",inline"`
}

// Login is how to get into a server.
type Login struct {
	TLS          *TLS   `yaml:"tls"`
	Credentials  string `yaml:"credentials"`   // NATS: file with JWT and seed
	NKey         string `yaml:"nkey"`          // NATS: file with a seed
	User         string `yaml:"user"`          //
	Password     string `yaml:"password"`      // ${NAME} is the environment's
	PasswordFile string `yaml:"password_file"` //
	Token        string `yaml:"token"`         // NATS; ${NAME} is the environment's
	TokenFile    string `yaml:"token_file"`    //
	SASL         string `yaml:"sasl"`          // Kafka: plain, scram-sha-256, scram-sha-512
}

// TLS says how the server's certificate is checked, and what is shown it.
type TLS struct {
	CA          string `yaml:"ca"`          // file; "": the system's
	Certificate string `yaml:"certificate"` // file of the client's own
	Key         string `yaml:"key"`         // file
	ServerName  string `yaml:"server_name"` // "": the host of the URL
}

// Modes of a route out of a queue.
const (
	Ordered = "ordered"
	Shared  = "shared"
)

// Route is one way, from a queue to a server or from a server to a queue.
type Route struct {
	Name           string     `yaml:"name"`
	From           Endpoint   `yaml:"from"`
	To             Endpoint   `yaml:"to"`
	Mode           string     `yaml:"mode"`
	MaxInFlight    Count      `yaml:"max_in_flight"`    // messages sent and not acknowledged
	MaxBytes       Size       `yaml:"max_bytes"`        // of such messages
	MaxMessageSize Size       `yaml:"max_message_size"` // of one; 0: what the server and the queue allow
	Batch          Count      `yaml:"batch"`            // messages in a Kafka transaction, or a fetch
	Linger         Duration   `yaml:"linger"`           // how long a batch waits to be full
	AckTimeout     Duration   `yaml:"ack_timeout"`
	Backoff        Backoff    `yaml:"backoff"`
	DeadLetter     DeadLetter `yaml:"dead_letter"`
}

// Backoff is how long a route waits after a failure: at first Min, each time twice as long, at most Max.
type Backoff struct {
	Min Duration `yaml:"min"`
	Max Duration `yaml:"max"`
}

// DeadLetter is where a message goes that was refused After times.
type DeadLetter struct {
	Queue     string `yaml:"queue"`
	Directory string `yaml:"directory"`
	Subject   string `yaml:"subject"` // or topic, at the route's server
	After     Count  `yaml:"after"`
}

// Is there one?
func (d DeadLetter) Is() bool { return d.Queue != "" || d.Subject != "" }

// Out is whether the route leads out of a queue.
func (r *Route) Out() bool { return r.From.IsQueue() }

// Queue is the route's end that is one.
func (r *Route) Queue() *Endpoint {
	if r.Out() {
		return &r.From
	}
	return &r.To
}

// Remote is the route's end that is a server.
func (r *Route) Remote() *Endpoint {
	if r.Out() {
		return &r.To
	}
	return &r.From
}

// String is the route as people read it.
func (r *Route) String() string {
	how := ""
	if r.Out() {
		how = ", " + r.Mode
	}
	return fmt.Sprintf("%s: %s -> %s%s", r.Name, r.From, r.To, how)
}

// Default values.
const (
	defaultInFlight = 1024
	defaultBytes    = 64 << 20
	defaultBatch    = 512
	// A transaction takes Kafka 20 ms or more, whatever is in it: as many go into one as may. The next fills meanwhile.
	defaultTransaction = 4096
	mostInFlight       = 65536
)

// complete fills in what was left out.
func (f *File) complete() {
	setIfZero(&f.Drain, Duration(10*time.Second))
	for i := range f.Routes {
		r := &f.Routes[i]
		setIfZero(&r.Mode, Ordered)
		if r.Out() && r.To.Kind() == Kafka && r.Mode == Ordered {
			setIfZero(&r.MaxInFlight, 2*defaultTransaction)
			setIfZero(&r.Batch, min(defaultTransaction, r.MaxInFlight))
		}
		setIfZero(&r.MaxInFlight, defaultInFlight)
		setIfZero(&r.MaxBytes, defaultBytes)
		setIfZero(&r.Batch, min(defaultBatch, r.MaxInFlight))
		setIfZero(&r.Linger, Duration(time.Millisecond))
		setIfZero(&r.AckTimeout, Duration(5*time.Second))
		setIfZero(&r.Backoff.Min, Duration(100*time.Millisecond))
		setIfZero(&r.Backoff.Max, max(r.Backoff.Min, Duration(5*time.Second)))
		if r.DeadLetter.Is() {
			setIfZero(&r.DeadLetter.After, 3)
		}
		if r.Name == "" && (r.From.IsQueue() != r.To.IsQueue()) {
			r.Name = f.freeName(r.Queue().Queue)
		}
	}
}

// freeName is a name for a route that was given none: its queue's, or one like it.
func (f *File) freeName(wanted string) string {
	taken := func(name string) bool {
		return slices.ContainsFunc(f.Routes, func(r Route) bool { return r.Name == name })
	}
	name := wanted
	for n := 2; taken(name); n++ {
		name = fmt.Sprintf("%s-%d", wanted, n)
	}
	return name
}

func setIfZero[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}

// One is a configuration of a single route, as the command line gives it.
func One(from, to string) (*File, error) {
	f := &File{Routes: []Route{{}}}
	r := &f.Routes[0]
	for _, end := range []struct {
		option, text string
		into         *Endpoint
	}{{"--from", from, &r.From}, {"--to", to, &r.To}} {
		if err := end.into.set(end.text); err != nil {
			return nil, fmt.Errorf("%s %s: %w", end.option, end.text, err)
		}
	}
	f.complete()
	if faults := f.faults(); len(faults) > 0 {
		return nil, fmt.Errorf("--from %s --to %s: %s", from, to, strings.Join(textsOf(faults), "; "))
	}
	return f, nil
}
