// Package watch is what others see of the bridge while it runs: /healthz and /metrics, and what systemd is told.
package watch

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"cqueue.io/go/bridge/internal/flow"
)

// Serve answers at the address until the context is over. It returns once it listens.
func Serve(ctx context.Context, address string, registry *prometheus.Registry, states func() []flow.State) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { health(w, states()) })
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			panic(err)
		}
	}()
	return nil
}

// health is 200 if messages can pass on every route, else 503, and says it of each.
func health(w http.ResponseWriter, states []flow.State) {
	code := http.StatusOK
	for _, state := range states {
		if !state.Connected {
			code = http.StatusServiceUnavailable
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{"routes": states})
}
