package jet

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"cqueue.io/go/bridge/internal/flow"
)

// This file publishes in ordered mode into a replicated stream, or into one that others publish to as well.
//
// In a replicated stream a message must not name its predecessor's id. Servers compare ids when they apply what they
// agreed on, each for itself: nats-server 2.15 then stops the whole stream when they differ, for ever, and a server
// that got the predecessor by catching up does not know its id. Sequences are compared by the leader, before that.
//
// But of several messages under way, the second would pass when somebody else's message took the sequence of the first.
// So there is one publish under way at a time. It is a message, or a batch: if the stream allows that (allow_atomic,
// from nats-server 2.12 on), it takes all of a batch or nothing. The first message names the sequence that must be the
// stream's last.

// aWhile is how long others are expected to go on publishing.
const aWhile = time.Minute

const (
	batchMost  = 512     // messages; servers take 1000, unless they are told otherwise
	batchBytes = 1 << 20 // of their messages and headers
	batchExtra = 128     // bytes of what a message in a batch has more of headers

	batchID       = "Nats-Batch-Id"
	batchSequence = "Nats-Batch-Sequence"
	batchCommit   = "Nats-Batch-Commit"
)

func (o *Out) mostInBatch(stream *jetstream.StreamConfig) int {
	if stream.AllowAtomicPublish {
		return batchMost
	}
	if !o.noted {
		o.noted = true
		o.status.Note("messages go one at a time, because the stream is replicated, or others publish to it, and it does "+
			"not allow batches: with allow_atomic it is much faster", "stream", stream.Name)
	}
	return 1
}

// carry publishes batch after batch until one fails. They begin small, so that a message is alone soon that a whole
// batch was refused for, and become smaller when others come in between.
func (s *session) carry() {
	var ahead []waiting // messages that were not published yet
	for most := 1; ; most = min(2*most, s.most) {
		ahead = s.gather(ahead, most)
		batch := s.fitting(ahead, most)
		if len(batch) == 0 {
			return
		}
		stored, err := s.put(batch)
		if err != nil {
			s.acks.Fail(batch[0].entry, err)
			return
		}
		for _, each := range batch[:stored] {
			s.acks.Add(each.entry)
		}
		if stored < len(batch) {
			most = stored
		}
		ahead = ahead[stored:]
	}
}

// gather waits for a message, and takes along what else is there. It returns none when the session is over.
func (s *session) gather(ahead []waiting, most int) []waiting {
	if len(ahead) == 0 {
		select {
		case next := <-s.waiting:
			ahead = append(ahead, next)
		case <-s.ctx.Done():
			return nil
		}
	}
	for len(ahead) < most {
		select {
		case next := <-s.waiting:
			ahead = append(ahead, next)
		default:
			return ahead
		}
	}
	return ahead
}

// fitting are those in front that go into one batch, or the first one alone.
func (s *session) fitting(ahead []waiting, most int) []waiting {
	for i, bytes := 0, 0; i < len(ahead); i++ {
		bytes += ahead[i].size
		if i == most || i > 0 && (bytes > batchBytes || max(ahead[0].size, ahead[i].size)+batchExtra > s.largest) {
			return ahead[:i]
		}
	}
	return ahead
}

// put has the stream store the batch or its first part, and returns how many messages that is. It tries again, with less,
// for as long as others come before it.
func (s *session) put(batch []waiting) (stored int, err error) {
	ctx, cancel := context.WithTimeout(s.ctx, s.out.patient)
	defer cancel()
	for ; ; batch = batch[:(len(batch)+1)/2] {
		ack, err := s.try(ctx, batch)
		switch {
		case err == nil:
			if ack.Duplicate {
				s.out.status.Repeated()
			}
			s.now = place{sequence: max(s.now.sequence, ack.Sequence), position: batch[len(batch)-1].entry.Position(),
				known: true, record: batch[len(batch)-1].entry.Record()}
			s.out.last = s.now
			return len(batch), nil
		case !isWrongLast(err):
			return 0, s.failed(err, len(batch))
		}
		found, err := s.out.find(ctx, s.conn, s.stream)
		if err != nil {
			return 0, s.failed(err, len(batch))
		}
		if found.known != s.now.known || found.position != s.now.position {
			return 0, fmt.Errorf("%s: the stream got messages of this queue by an earlier connection", s.out.end.URL)
		}
		s.now = found
	}
}

func (s *session) try(ctx context.Context, batch []waiting) (*jetstream.PubAck, error) {
	id, last := nuid.Next(), len(batch)-1
	for i, each := range batch {
		header := each.message.Header
		for _, name := range []string{jetstream.ExpectedLastSeqHeader, batchID, batchSequence, batchCommit} {
			delete(header, name) // of an earlier try
		}
		if i == 0 {
			header[jetstream.ExpectedLastSeqHeader] = []string{strconv.FormatUint(s.now.sequence, 10)}
		}
		if last > 0 {
			header[batchID], header[batchSequence] = []string{id}, []string{strconv.Itoa(i + 1)}
		}
		if i < last {
			if err := s.conn.PublishMsg(each.message); err != nil {
				return nil, err
			}
		} else if last > 0 {
			header[batchCommit] = []string{"1"}
		}
	}
	return s.js.PublishMsg(ctx, batch[last].message, jetstream.WithRetryAttempts(0))
}

// failed says why. Which message of several is to blame is not known.
func (s *session) failed(err error, messages int) error {
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s: no acknowledgement within %v", s.out.end.URL, s.out.patient)
	}
	err = s.judged(err)
	if refused := (*flow.Refused)(nil); messages > 1 && errors.As(err, &refused) {
		return refused.Err
	}
	return err
}
