package flow

import (
	"context"
	"errors"
	"log/slog"
	"regexp"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are the figures of all routes.
type Metrics struct {
	messages, bytes, failures, dead, repeated, late *prometheus.CounterVec
	inFlight, connected                             *prometheus.GaugeVec
	latency                                         *prometheus.HistogramVec
}

// NewMetrics registers the figures.
func NewMetrics(registry prometheus.Registerer) *Metrics {
	counter := func(name, help string) *prometheus.CounterVec {
		made := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "cq_bridge_" + name, Help: help}, []string{"route"})
		registry.MustRegister(made)
		return made
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		made := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "cq_bridge_" + name, Help: help}, []string{"route"})
		registry.MustRegister(made)
		return made
	}
	m := &Metrics{
		messages:  counter("messages_total", "Messages that arrived."),
		bytes:     counter("bytes_total", "Bytes of messages that arrived."),
		failures:  counter("failures_total", "Failures, after each of which the route began again."),
		dead:      counter("dead_letters_total", "Messages that were refused and put elsewhere."),
		repeated:  counter("repeated_total", "Messages that had been there before and were recognised."),
		late:      counter("late_total", "Messages that another consumer had given back after newer ones had gone."),
		inFlight:  gauge("in_flight", "Messages that were taken or fetched and have not arrived yet."),
		connected: gauge("connected", "1 while messages can pass, else 0."),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "cq_bridge_latency_seconds",
			Help:    "From taking a message to knowing that it arrived.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2, 18),
		}, []string{"route"}),
	}
	registry.MustRegister(m.latency)
	return m
}

// Status is how a route fares. It says so once for each change: a failure that goes on is one line in the log.
type Status struct {
	log *slog.Logger

	messages, bytes, failures, dead, repeated, late prometheus.Counter
	inFlight, connected                             prometheus.Gauge
	latency                                         prometheus.Observer

	mutex     sync.Mutex
	state     State
	known     map[string]bool // failures that were told since the last connection
	suspended time.Time
	stuck     bool // a message does not pass
}

// State of a route, as /healthz shows it.
type State struct {
	Route     string    `json:"route"`
	Connected bool      `json:"connected"`
	Failure   string    `json:"failure,omitempty"`
	Since     time.Time `json:"since"`
}

// Status returns the route's.
func (m *Metrics) Status(route string, log *slog.Logger) *Status {
	s := &Status{log: log.With("route", route), messages: m.messages.WithLabelValues(route),
		bytes: m.bytes.WithLabelValues(route), failures: m.failures.WithLabelValues(route),
		dead: m.dead.WithLabelValues(route), repeated: m.repeated.WithLabelValues(route),
		late: m.late.WithLabelValues(route), inFlight: m.inFlight.WithLabelValues(route),
		connected: m.connected.WithLabelValues(route), latency: m.latency.WithLabelValues(route),
		known: map[string]bool{}, state: State{Route: route, Since: time.Now()}}
	s.inFlight.Set(0)
	s.connected.Set(0)
	return s
}

// Forget removes the figures of a route that is no more.
func (m *Metrics) Forget(route string) {
	for _, v := range []*prometheus.CounterVec{m.messages, m.bytes, m.failures, m.dead, m.repeated, m.late} {
		v.DeleteLabelValues(route)
	}
	m.inFlight.DeleteLabelValues(route)
	m.connected.DeleteLabelValues(route)
	m.latency.DeleteLabelValues(route)
}

// State is a copy.
func (s *Status) State() State {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.state
}

var varying = regexp.MustCompile(`[0-9]+`)

// longQuiet is how long a failure that goes on is not told again.
const longQuiet = 10 * time.Minute

// Failed tells a failure, unless it is one of those that were told since messages last passed.
func (s *Status) Failed(err error) {
	s.failures.Inc()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	kind, now := varying.ReplaceAllString(err.Error(), "0"), time.Now()
	if s.state.Connected || s.state.Failure == "" {
		s.state.Connected, s.state.Since = false, now
	}
	s.state.Failure = err.Error()
	s.connected.Set(0)
	if now.Sub(s.suspended) > longQuiet {
		clear(s.known)
	}
	if !s.known[kind] {
		s.known[kind], s.suspended = true, now
		level := slog.LevelError
		if errors.As(err, new(*Passing)) {
			level = slog.LevelWarn
		}
		s.log.Log(context.Background(), level, err.Error())
	}
}

// Stuck is whether there is a message that does not pass. Until it does, a connection is no news.
func (s *Status) Stuck(is bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.stuck = is
}

// Connected says that messages can pass.
func (s *Status) Connected() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.state.Connected || s.stuck {
		return
	}
	if s.state.Failure != "" {
		s.log.Info("messages pass again", "after", time.Since(s.state.Since).Round(time.Millisecond))
	}
	clear(s.known)
	s.state.Connected, s.state.Failure, s.state.Since = true, "", time.Now()
	s.connected.Set(1)
}

// Carried counts messages that arrived.
func (s *Status) Carried(entries []*Entry) {
	var bytes int
	now := time.Now()
	for _, e := range entries {
		bytes += e.size
		s.latency.Observe(now.Sub(e.taken).Seconds())
	}
	s.messages.Add(float64(len(entries)))
	s.bytes.Add(float64(bytes))
}

// Repeated counts a message that the server had already.
func (s *Status) Repeated() { s.repeated.Inc() }

// InFlight adds to the number of messages on their way.
func (s *Status) InFlight(change int) { s.inFlight.Add(float64(change)) }

// Buried tells that a message went where refused ones go.
func (s *Status) Buried(position uint64, reason error) {
	s.dead.Inc()
	s.log.Warn("a message went to dead_letter", "position", position, "reason", reason)
}

// Late tells that a message came after newer ones.
func (s *Status) Late(position uint64) {
	s.late.Inc()
	s.log.Warn("another consumer had this message and gave it back: it goes out of order", "position", position)
}

// Note tells what the user may want to know.
func (s *Status) Note(text string, values ...any) { s.log.Info(text, values...) }
