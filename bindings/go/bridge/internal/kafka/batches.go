package kafka

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"cqueue.io/go/bridge/internal/flow"
)

// This file knows how many messages go together.
//
// A server that refuses one record (a compacted topic wants a key) refuses the whole batch that it is in, and the client
// does not tell which record that is. Then batches begin with one message, and double while all is well: so the bad one
// is alone soon, and its neighbours pass.

// caution is what is left of such a refusal.
type caution struct {
	mutex sync.Mutex
	limit int // messages in a batch; 0: as many as usual
}

// most is how many messages may go together, if usually so many may.
func (c *caution) most(usually int) int {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.limit == 0 {
		return usually
	}
	return min(c.limit, usually)
}

// passed doubles the limit until it is one no more.
func (c *caution) passed(usually int) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.limit *= 2; c.limit >= usually {
		c.limit = 0
	}
}

func (c *caution) begin() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.limit = 1
}

func (c *caution) is() bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.limit > 0
}

// judge says whether the message is to blame for the error, which it is if it went alone.
func (c *caution) judge(err error, alone bool) error {
	if !errors.Is(err, kerr.InvalidRecord) {
		return err
	}
	c.begin()
	if alone {
		return &flow.Refused{Certain: true, Err: err}
	}
	return &flow.Passing{Err: fmt.Errorf("a batch is refused for one of its messages, they are sent again in smaller ones: %w",
		err)}
}

// commit carries batch after batch, in ordered mode each a transaction, until one fails or the session is closed.
func (s *session) commit() {
	for {
		batch := s.gather(s.out.caution.most(s.out.batch))
		if len(batch) == 0 {
			return
		}
		failed, err := s.put(batch)
		if err != nil {
			s.acks.Fail(failed, err)
			return
		}
		s.acks.Add(batch...)
		s.out.caution.passed(s.out.batch)
	}
}

// put has the server store all of the batch, or in ordered mode nothing. The entry is the one that failed.
func (s *session) put(batch []*flow.Entry) (failed *flow.Entry, err error) {
	if s.out.ordered {
		return s.transact(batch)
	}
	_, failed, err = s.produce(s.ctx, batch)
	return failed, err
}

// gather waits for a message, and then a little for others. It returns none when the session is closed.
func (s *session) gather(most int) (batch []*flow.Entry) {
	var lingered <-chan time.Time
	for len(batch) < most {
		select {
		case e := <-s.queue:
			batch = append(batch, e)
			continue
		default:
		}
		if len(batch) > 0 && lingered == nil {
			lingered = time.After(s.out.linger)
		}
		select {
		case e := <-s.queue:
			batch = append(batch, e)
		case <-lingered:
			return batch
		case <-s.ctx.Done():
			return nil
		}
	}
	return batch
}
