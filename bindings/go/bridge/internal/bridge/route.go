package bridge

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"cqueue.io/go/cqueue"

	"cqueue.io/go/bridge/internal/config"
	"cqueue.io/go/bridge/internal/flow"
	"cqueue.io/go/bridge/internal/jet"
	"cqueue.io/go/bridge/internal/kafka"
)

// carry runs a route until the context is over. A queue that is not there is waited for.
func carry(ctx context.Context, r *config.Route, drain time.Duration, status *flow.Status) {
	limits := flow.Limits{InFlight: int(r.MaxInFlight), Bytes: int64(r.MaxBytes), AckTimeout: time.Duration(r.AckTimeout),
		BackoffMin: time.Duration(r.Backoff.Min), BackoffMax: time.Duration(r.Backoff.Max), Drain: drain}
	run := into
	if r.Out() {
		run = outOf
	}
	for ctx.Err() == nil {
		err := run(ctx, r, limits, status)
		if err == nil || ctx.Err() != nil {
			continue
		}
		if !errors.Is(err, flow.ErrLost) {
			status.Failed(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(limits.BackoffMax):
		}
	}
}

func outOf(ctx context.Context, r *config.Route, limits flow.Limits, status *flow.Status) error {
	var options []cqueue.Option
	if r.From.Create && r.Mode == config.Ordered {
		options = append(options, cqueue.WithExclusiveConsumer())
	}
	queue, err := open(&r.From, options...)
	if err != nil {
		return err
	}
	defer queue.Close()
	stats, err := queue.Stats()
	if err != nil {
		return err
	}
	if _, err := queue.Recover(); err != nil { // what an earlier bridge had in hand comes first
		return err
	}
	region, ordered := hex.EncodeToString(stats.ID[:]), r.Mode == config.Ordered
	out := &flow.Out{Limits: limits, Ordered: ordered, After: int(r.DeadLetter.After), Status: status,
		Taker: flow.NewTaker(queue, limits.InFlight, limits.Bytes, ordered, stats.MaxHeaders > 0, status)}
	var sink interface {
		flow.Sink
		Bury(ctx context.Context, name string, e *flow.Entry, reason error) error
	}
	if r.To.Kind() == config.Kafka {
		sink, err = kafka.NewOut(r, region)
	} else {
		sink, err = jet.NewOut(r, region, status)
	}
	if err != nil {
		return err
	}
	out.Sink = sink
	switch {
	case r.DeadLetter.Queue != "":
		dead, err := open(&config.Endpoint{Queue: r.DeadLetter.Queue, Directory: r.DeadLetter.Directory})
		if err != nil {
			return fmt.Errorf("dead_letter: %w", err)
		}
		defer dead.Close()
		out.Bury = (&grave{dead: dead, name: queue.Name(), region: region, ordered: ordered}).bury
	case r.DeadLetter.Subject != "":
		out.Bury = func(ctx context.Context, e *flow.Entry, reason error) error {
			return sink.Bury(ctx, r.DeadLetter.Subject, e, reason)
		}
	}
	return out.Run(ctx)
}

func into(ctx context.Context, r *config.Route, limits flow.Limits, status *flow.Status) error {
	queue, err := open(&r.To)
	if err != nil {
		return err
	}
	defer queue.Close()
	in := &flow.In{Limits: limits, Queue: &filled{queue: queue, status: status}, Status: status}
	if r.From.Kind() == config.Kafka {
		in.Feed = kafka.NewIn(r, status)
	} else {
		in.Feed = jet.NewIn(r, status)
	}
	return in.Run(ctx)
}
