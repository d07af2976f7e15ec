package bridge

import (
	"context"
	"errors"
	"maps"
	"strconv"

	"cqueue.io/go/cqueue"

	"cqueue.io/go/bridge/internal/flow"
)

// grave is a queue for messages that were refused.
type grave struct {
	dead     *cqueue.Queue
	name     string // of the queue that they come from
	region   string
	ordered  bool
	headless bool
}

// bury enqueues the message, with why it came if the queue has headers. In ordered mode it does so once, even if the
// bridge dies before the message left its own queue.
func (g *grave) bury(ctx context.Context, e *flow.Entry, reason error) error {
	if !g.ordered || e.Late() {
		return g.dead.EnqueueContext(ctx, e.Bytes())
	}
	headers := maps.Clone(e.All())
	if headers == nil {
		headers = map[string]string{}
	}
	headers["cq-dead-letter"], headers["cq-queue"] = reason.Error(), g.name
	headers["cq-deliveries"] = strconv.Itoa(e.Deliveries())
	if g.headless {
		headers = nil
	}
	err := g.dead.EnqueueFromContext(ctx, e.Bytes(), headers, "cq-bridge:"+g.region, e.Position()+1)
	if errors.Is(err, cqueue.ErrDuplicate) {
		return nil
	}
	if !g.headless && (errors.Is(err, cqueue.ErrFeature) || errors.Is(err, cqueue.ErrTooBig)) {
		g.headless = true // for want of room for them: better without than not at all
		return g.bury(ctx, e, reason)
	}
	return err
}
