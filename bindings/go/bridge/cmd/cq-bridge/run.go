package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sys/unix"

	"cqueue.io/go/bridge/internal/bridge"
	"cqueue.io/go/bridge/internal/config"
	"cqueue.io/go/bridge/internal/watch"
)

type run struct {
	source
	HTTP string `name:"http" help:"Serve /healthz and /metrics at this address." placeholder:"ADDRESS"`
	JSON bool   `name:"json" help:"Log in JSON."`
}

// Run carries messages until a signal ends it.
func (r *run) Run() error {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	file, err := r.read()
	if err != nil {
		return err
	}
	var handler slog.Handler = slog.NewTextHandler(os.Stderr, nil)
	if r.JSON {
		handler = slog.NewJSONHandler(os.Stderr, nil)
	}
	log := slog.New(handler)
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	b := bridge.New(log, registry)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	if address := r.address(file); address != "" {
		if err := watch.Serve(ctx, address, registry, b.States); err != nil {
			return fmt.Errorf("http: %w", err)
		}
	}
	b.Apply(file)
	notify(log, "READY=1")
	for received := range signals {
		if received != syscall.SIGHUP {
			log.Info("ending", "signal", received.String())
			break
		}
		r.reload(log, b)
	}
	notify(log, "STOPPING=1")
	go func() { // a second signal: at once
		<-signals
		os.Exit(exitError)
	}()
	b.Stop()
	return nil
}

func (r *run) address(file *config.File) string {
	if r.HTTP != "" {
		return r.HTTP
	}
	return file.HTTP
}

// reload reads the file again. If something is wrong with it, all stays as it is.
func (r *run) reload(log *slog.Logger, b *bridge.Bridge) {
	if r.File == "" {
		log.Warn("SIGHUP reads the file again, and there is none: --from and --to are what they were")
		return
	}
	file, err := r.read()
	if err != nil {
		log.Error("the configuration stays as it was", "reason", err)
		return
	}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		log.Warn("there is no monotonic clock", "reason", err)
	}
	notify(log, "RELOADING=1", fmt.Sprintf("MONOTONIC_USEC=%d", now.Nano()/1000))
	b.Apply(file)
	notify(log, "READY=1")
	log.Info("the configuration was read again", "file", r.File)
}

func notify(log *slog.Logger, lines ...string) {
	if err := watch.Notify(lines...); err != nil {
		log.Warn("systemd was not told", "state", lines[0], "reason", err)
	}
}
