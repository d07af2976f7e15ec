package flow

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Out carries messages from a queue to a sink, one window of them at a time under way. They leave the queue when the
// sink has them, oldest first. After a failure, all that are not acknowledged are published again, from the oldest.
type Out struct {
	Limits
	Taker   *Taker
	Sink    Sink
	Ordered bool
	Bury    func(context.Context, *Entry, error) error // takes what was refused too often; nil: nobody does
	After   int                                        // refusals are too often
	Status  *Status

	window   []*Entry  // oldest first
	sent     int       // how many of these were published since it connected
	answered time.Time // when the sink acknowledged one last
	record   *Record   // of all that was in the window; nil: there was nothing, and the sink had nothing
	memory   []*Entry  // for acknowledgements
}

// ErrLost is what a route ends with whose queue was removed.
var ErrLost = errors.New("the queue was removed")

// Limits of a route.
type Limits struct {
	InFlight   int
	Bytes      int64
	AckTimeout time.Duration
	BackoffMin time.Duration
	BackoffMax time.Duration
	Drain      time.Duration
}

// Run goes on until the context is over; then what is on its way has Limits.Drain to arrive. What did not is in the
// queue again. It returns ErrLost if the queue was removed, and everything in it was carried.
func (o *Out) Run(ctx context.Context) error {
	defer o.Sink.Close()
	taking, stop := context.WithCancel(ctx)
	defer stop()
	go o.Taker.run(taking)
	pause := backoff{least: o.BackoffMin, most: o.BackoffMax}
	for ctx.Err() == nil {
		err := o.session(ctx, &pause)
		if errors.Is(err, ErrLost) {
			return err
		}
		if err != nil && !isOver(ctx, err) {
			o.Status.Failed(err)
			pause.wait(ctx)
		}
	}
	stop()
	o.giveBack()
	return nil
}

// session goes on until something fails or the context is over.
func (o *Out) session(ctx context.Context, pause *backoff) error {
	session, err := o.Sink.Open(ctx)
	if err != nil {
		return err
	}
	defer session.Close()
	o.sent = 0
	if stored, known := session.Stored(); known && o.record == nil {
		o.record = &stored
	}
	o.enter(session)
	if len(o.window) == 0 {
		o.Status.Connected()
	}
	check := time.NewTicker(max(o.AckTimeout/4, time.Millisecond))
	defer check.Stop()
	for taken := o.Taker.taken; taken != nil || len(o.window) > 0; {
		if err := o.publish(ctx, session); err != nil {
			return err
		}
		select {
		case batch, more := <-taken:
			if !more {
				taken = nil
			}
			o.window = append(o.window, batch...)
			o.enter(session)
		case <-session.Acks().Done():
			any, err := o.acknowledge(ctx, session.Acks())
			if any {
				pause.succeeded()
				o.Status.Connected()
			}
			if err != nil {
				return err
			}
		case <-check.C:
			if o.sent > 0 && time.Since(o.window[0].sent) > o.AckTimeout && time.Since(o.answered) > o.AckTimeout {
				return fmt.Errorf("no acknowledgement within %v", o.AckTimeout)
			}
		case <-ctx.Done():
			return o.drain(session)
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return ErrLost
}

// enter notes which messages are in the window, and drops those that the sink has.
func (o *Out) enter(session Session) {
	for _, e := range o.window[o.sent:] {
		if e.record != nil {
			continue
		}
		if o.record == nil {
			o.record = &Record{Highest: e.Position()}
			if e.Position() > 0 { // those before may be elsewhere
				o.record.Missing = []Span{{0, e.Position() - 1}}
			}
		}
		next := o.record.with(e.Position())
		o.record, e.record = &next, &next
	}
	o.dropStored(session)
}

// dropStored releases those of the window's messages that the sink had before the session.
func (o *Out) dropStored(session Session) {
	stored, known := session.Stored()
	if !known {
		return
	}
	kept, dropped := o.window[:o.sent], []*Entry(nil)
	for _, e := range o.window[o.sent:] {
		if stored.Has(e.Position()) && e.Repeated() {
			dropped = append(dropped, e)
		} else {
			kept = append(kept, e)
		}
	}
	o.window = kept
	o.release(dropped)
}

// publish sends what was not sent yet.
func (o *Out) publish(ctx context.Context, session Session) error {
	for o.sent < len(o.window) {
		e := o.window[o.sent]
		err := session.Publish(e)
		if refused := (*Refused)(nil); errors.As(err, &refused) {
			if err := o.refuse(ctx, e, refused); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		e.sent = time.Now()
		o.sent++
	}
	return nil
}

// acknowledge takes what is known to be stored out of the queue, and says whether there was something.
func (o *Out) acknowledge(ctx context.Context, acks *Acks) (any bool, err error) {
	stored, failed, err := acks.Fetch(o.memory)
	o.memory = stored
	for _, e := range stored {
		e.stored = true
	}
	done := 0
	for done < o.sent && o.window[done].stored {
		done++
	}
	o.release(o.window[:done])
	o.window, o.sent = o.window[done:], o.sent-done
	if len(stored) > 0 {
		o.answered = time.Now()
	}
	if refused := (*Refused)(nil); errors.As(err, &refused) {
		if err := o.refuse(ctx, failed, refused); err != nil {
			return len(stored) > 0, err
		}
		err = fmt.Errorf("a message was refused, those behind it are sent again: %w", refused.Err)
	}
	return len(stored) > 0, err
}

// refuse takes the message out of the window if somebody takes it instead of the sink. Else the error is the reason.
func (o *Out) refuse(ctx context.Context, e *Entry, reason *Refused) error {
	e.refusals++
	if o.Bury == nil {
		return fmt.Errorf("message %d is refused, and there is no dead_letter for it, so that it stops all behind it: %w",
			e.Position(), reason.Err)
	}
	if e.refusals < o.After && !reason.Certain {
		return fmt.Errorf("message %d is refused: %w", e.Position(), reason.Err)
	}
	if err := o.Bury(ctx, e, reason.Err); err != nil {
		return fmt.Errorf("message %d is refused (%w), and dead_letter does not take it: %w", e.Position(), reason.Err, err)
	}
	o.Status.Buried(e.Position(), reason.Err)
	for i, other := range o.window {
		if other == e {
			o.window = append(o.window[:i], o.window[i+1:]...)
			o.sent = min(o.sent, i)
			break
		}
	}
	o.free(e)
	return nil
}

func (o *Out) release(entries []*Entry) {
	if len(entries) > 0 {
		o.Status.Carried(entries)
		o.free(entries...)
	}
}

// free ends the loans. An error means that the queue was closed, which gives the messages back.
func (o *Out) free(entries ...*Entry) {
	var bytes int64
	for _, e := range entries {
		bytes += int64(e.size)
		_ = e.Release()
	}
	o.Taker.freed(len(entries), bytes)
}

// drain waits for what is on its way.
func (o *Out) drain(session Session) error {
	limit := time.After(o.Drain)
	for o.sent > 0 {
		select {
		case <-session.Acks().Done():
			if _, err := o.acknowledge(context.Background(), session.Acks()); err != nil {
				return err
			}
		case <-limit:
			return fmt.Errorf("%d messages were not acknowledged within %v; they stay in the queue", o.sent, o.Drain)
		}
	}
	return nil
}

// giveBack puts all into the queue again, the newest first.
func (o *Out) giveBack() {
	for batch := range o.Taker.taken {
		o.window = append(o.window, batch...)
	}
	for i := len(o.window) - 1; i >= 0; i-- {
		_ = o.window[i].GiveBack()
	}
	o.window = nil
}
