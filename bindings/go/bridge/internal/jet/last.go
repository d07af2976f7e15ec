package jet

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cqueue.io/go/bridge/internal/flow"
)

// This file finds out how far a queue's messages got into a stream. It asks the stream's leader: other servers, which
// answer as well if the stream allows direct access, may not have the last messages yet.

// place is how far they got.
type place struct {
	sequence uint64 // of the stream's last message, whosever it is
	position uint64 // of the queue's last message that is there
	known    bool   // there is one
	record   flow.Record
	alone    bool // and it is the last of all
}

// mostForeign is how many messages of other publishers are passed over to find the last one of this queue.
const mostForeign = 1000

// find looks for it. What was found last is used as far as it goes.
func (o *Out) find(ctx context.Context, conn *nats.Conn, stream jetstream.Stream) (place, error) {
	info, err := stream.Info(ctx)
	if err != nil {
		return place{}, fmt.Errorf("%s: %w", o.end.URL, explained(err))
	}
	if info.Created != o.created || info.State.LastSeq < o.last.sequence { // a new stream
		o.created, o.last = info.Created, place{}
	}
	found := place{sequence: info.State.LastSeq, position: o.last.position, known: o.last.known, record: o.last.record}
	leader, err := conn.JetStream(nats.Context(ctx))
	if err != nil {
		return place{}, err
	}
	message, err := leader.GetLastMsg(info.Config.Name, o.subject.Pattern(), nats.Context(ctx))
	for passed := 0; ; passed++ {
		gone := errors.Is(err, nats.ErrMsgNotFound)
		if err != nil && !gone {
			return place{}, fmt.Errorf("%s: reading the stream's last message: %w", o.end.URL, explained(err))
		}
		if gone && message == nil {
			break // there is none with that subject
		}
		if err == nil {
			region, position, ours := parseID(message.Header.Get(jetstream.MsgIDHeader))
			if ours && region == o.region {
				found.position, found.known, found.alone = position, true, message.Sequence >= found.sequence
				found.record = flow.Record{Highest: position}
				if written, ok := flow.ParseRecord(message.Header.Get(record)); ok {
					found.record = written
				}
				break
			}
		}
		before := message.Sequence - 1
		if before <= o.last.sequence || before < max(info.State.FirstSeq, 1) || passed == mostForeign {
			break
		}
		if message, err = leader.GetMsg(info.Config.Name, before, nats.Context(ctx)); errors.Is(err, nats.ErrMsgNotFound) {
			message = &nats.RawStreamMsg{Sequence: before}
		}
	}
	o.last = found
	return found, nil
}

func makeID(region string, position uint64) string {
	return region + "-" + strconv.FormatUint(position, 10)
}

func parseID(id string) (region string, position uint64, ok bool) {
	region, number, ok := strings.Cut(id, "-")
	if !ok {
		return "", 0, false
	}
	position, err := strconv.ParseUint(number, 10, 64)
	return region, position, err == nil
}
