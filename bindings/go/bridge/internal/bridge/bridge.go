package bridge

import (
	"context"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cqueue.io/go/bridge/internal/config"
	"cqueue.io/go/bridge/internal/flow"
)

// Bridge runs routes. Its methods may be called by several goroutines.
type Bridge struct {
	log     *slog.Logger
	metrics *flow.Metrics

	mutex  sync.Mutex
	routes []*running
}

type running struct {
	route  config.Route
	drain  time.Duration
	status *flow.Status
	stop   context.CancelFunc
	ended  chan struct{}
}

// New returns a Bridge without routes.
func New(log *slog.Logger, registry prometheus.Registerer) *Bridge {
	return &Bridge{log: log, metrics: flow.NewMetrics(registry)}
}

// Apply makes the routes those of the file. Those that it has unchanged run on; the others end first, all at once.
func (b *Bridge) Apply(f *config.File) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	wanted := map[string]config.Route{}
	for _, r := range f.Routes {
		wanted[r.Name] = r
	}
	var kept, ending []*running
	for _, r := range b.routes {
		if route, found := wanted[r.route.Name]; found && r.drain == time.Duration(f.Drain) &&
			reflect.DeepEqual(route, r.route) {
			kept = append(kept, r)
			delete(wanted, route.Name)
		} else {
			ending = append(ending, r)
		}
	}
	b.end(ending)
	b.routes = kept
	for _, r := range f.Routes {
		if _, missing := wanted[r.Name]; missing {
			b.routes = append(b.routes, b.start(r, time.Duration(f.Drain)))
		}
	}
}

func (b *Bridge) start(route config.Route, drain time.Duration) *running {
	ctx, stop := context.WithCancel(context.Background())
	r := &running{route: route, drain: drain, status: b.metrics.Status(route.Name, b.log), stop: stop,
		ended: make(chan struct{})}
	b.log.Info("route begins: " + route.String())
	go func() {
		defer close(r.ended)
		carry(ctx, &r.route, drain, r.status)
	}()
	return r
}

func (b *Bridge) end(routes []*running) {
	for _, r := range routes {
		r.stop()
	}
	for _, r := range routes {
		<-r.ended
		b.metrics.Forget(r.route.Name)
		b.log.Info("route ended", "route", r.route.Name)
	}
}

// Stop ends all routes: what is on its way gets its time to arrive.
func (b *Bridge) Stop() { b.Apply(&config.File{}) }

// States are how the routes fare.
func (b *Bridge) States() []flow.State {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	states := make([]flow.State, len(b.routes))
	for i, r := range b.routes {
		states[i] = r.status.State()
	}
	return states
}
