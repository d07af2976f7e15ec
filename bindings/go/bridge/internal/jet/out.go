package jet

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cqueue.io/go/bridge/internal/config"
	"cqueue.io/go/bridge/internal/flow"
)

// Out publishes a queue's messages.
//
// Each has an id: that of the queue's region and its position there. So a server that has a message recognises it when
// it comes again, for as long as the stream's duplicate window.
//
// In ordered mode each message also names the id that must be the stream's last: its predecessor's. Whatever is lost,
// sent again, or comes late from an earlier connection, the stream takes each message once, and in order, for any time.
// The first message of a session names the sequence that must be the stream's last, because servers forget ids. What
// the stream's last message is, it reads at the beginning of the session.
type Out struct {
	server
	subject *config.Template
	region  string
	ordered bool
	flight  int
	status  *flow.Status
}

// NewOut returns the sink of a route. region is the queue's id.
func NewOut(r *config.Route, region string, status *flow.Status) (*Out, error) {
	subject, err := config.ParseTemplate(r.To.Subject)
	if err != nil {
		return nil, err
	}
	return &Out{server: server{end: r.To, name: "cq-bridge " + r.Name}, subject: subject, region: region,
		ordered: r.Mode == config.Ordered, flight: r.MaxInFlight, status: status}, nil
}

// Close closes the connection.
func (o *Out) Close() { o.close() }

// Bury publishes a refused message to another subject.
func (o *Out) Bury(ctx context.Context, subject string, e *flow.Entry, reason error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := o.connect()
	if err != nil {
		return err
	}
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	m := &nats.Msg{Subject: subject, Data: e.Bytes(), Header: headers(e)}
	m.Header["Cq-Dead-Letter"] = []string{line.Replace(reason.Error())}
	_, err = js.PublishMsg(ctx, m, jetstream.WithMsgID(makeID(o.region, e.Position())))
	return err
}

type session struct {
	out      *Out
	js       jetstream.JetStream
	subjects []string // that the stream takes
	largest  int      // bytes of a message and its headers
	position uint64   // of ours that is the stream's last
	known    bool
	sequence uint64 // of the stream's last
	previous string // id of the message published last
	sent     chan sent
	done     chan flow.Ack
	broken   chan error
	ended    chan struct{}
	end      sync.Once
}

type sent struct {
	entry  *flow.Entry
	future jetstream.PubAckFuture
}

// Open connects, and in ordered mode reads what the stream's last message is.
func (o *Out) Open(ctx context.Context) (flow.Session, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := o.connect()
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(o.flight+1))
	if err != nil {
		return nil, err
	}
	stream, err := o.stream(ctx, js, o.subject.Pattern())
	if err != nil {
		return nil, err
	}
	info, err := stream.Info(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.end.URL, explained(err))
	}
	s := &session{out: o, js: js, subjects: info.Config.Subjects, largest: int(conn.MaxPayload()),
		sequence: info.State.LastSeq, sent: make(chan sent, o.flight), done: make(chan flow.Ack, o.flight+1),
		broken: make(chan error, 1), ended: make(chan struct{})}
	if most := int(info.Config.MaxMsgSize); most > 0 {
		s.largest = min(s.largest, most)
	}
	if o.ordered {
		if err := s.findLast(ctx, stream, &info.State); err != nil {
			return nil, err
		}
	}
	o.hear(func(err error) {
		select {
		case s.broken <- err:
		default:
		}
	})
	go s.collect()
	return s, nil
}

// mostForeign is how many messages of other publishers are passed over to find the last one of this queue.
const mostForeign = 1000

// findLast looks for the last message of this queue in the stream.
func (s *session) findLast(ctx context.Context, stream jetstream.Stream, state *jetstream.StreamState) error {
	first := max(state.FirstSeq, 1)
	for sequence, passed := state.LastSeq, 0; sequence >= first && passed < mostForeign; passed++ {
		message, err := stream.GetMsg(ctx, sequence)
		if errors.Is(err, jetstream.ErrMsgNotFound) && sequence != state.LastSeq {
			sequence--
			continue
		}
		if errors.Is(err, jetstream.ErrMsgNotFound) && state.NumDeleted == 0 && state.Msgs > 0 {
			return fmt.Errorf("%s: a server does not have the stream's last message yet", s.out.end.URL)
		}
		if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
			return fmt.Errorf("%s: reading the stream's last message: %w", s.out.end.URL, explained(err))
		}
		if err == nil {
			region, position, ours := parseID(message.Header.Get(jetstream.MsgIDHeader))
			if ours && region == s.out.region {
				s.position, s.known = position, true
				return nil
			}
		}
		sequence--
	}
	return nil
}

func (s *session) Stored() (uint64, bool) { return s.position, s.known }

func (s *session) Done() <-chan flow.Ack { return s.done }

func (s *session) Publish(e *flow.Entry) error {
	subject, err := s.out.subject.Name(e.Header)
	if err != nil {
		return flow.Refuse("%w", err)
	}
	if !covers(s.subjects, subject) {
		return flow.Refuse("the stream does not take the subject %s, it takes %s", subject, strings.Join(s.subjects, ", "))
	}
	m := &nats.Msg{Subject: subject, Data: e.Bytes(), Header: headers(e)}
	id := makeID(s.out.region, e.Position())
	m.Header[jetstream.MsgIDHeader] = []string{id}
	switch {
	case !s.out.ordered && e.Repeated():
		m.Header[redelivered] = []string{strconv.Itoa(e.Deliveries())}
	case s.out.ordered && s.previous == "":
		m.Header[jetstream.ExpectedLastSeqHeader] = []string{strconv.FormatUint(s.sequence, 10)}
	case s.out.ordered:
		m.Header[jetstream.ExpectedLastMsgIDHeader] = []string{s.previous}
	}
	if size := m.Size() - len(m.Subject) - len(m.Reply); size > s.largest {
		return flow.Refuse("the message has %d bytes with its headers, and the server takes %d: raise max_payload there "+
			"(or the stream's max_msg_size), or send less", size, s.largest)
	}
	future, err := s.js.PublishMsgAsync(m, jetstream.WithRetryAttempts(0))
	if err != nil {
		return fmt.Errorf("%s: %w", s.out.end.URL, explained(err))
	}
	s.previous = id
	s.sent <- sent{e, future}
	return nil
}

// collect passes acknowledgements on, in the order in which messages were published.
func (s *session) collect() {
	for {
		var next sent
		select {
		case next = <-s.sent:
		case <-s.ended:
			return
		case err := <-s.broken:
			s.done <- flow.Ack{Err: err}
			return
		}
		select {
		case ack := <-next.future.Ok():
			if ack.Duplicate {
				s.out.status.Repeated()
			}
			s.done <- flow.Ack{Entry: next.entry}
		case err := <-next.future.Err():
			s.done <- flow.Ack{Entry: next.entry, Err: s.judged(err)}
			return
		case err := <-s.broken:
			s.done <- flow.Ack{Entry: next.entry, Err: err}
			return
		case <-s.ended:
			return
		}
	}
}

// Codes of JetStream's errors that mean the message itself.
const (
	tooLarge       = 10054
	headerTooLarge = 10097
)

func (s *session) judged(err error) error {
	var api *jetstream.APIError
	if errors.As(err, &api) && (api.ErrorCode == tooLarge || api.ErrorCode == headerTooLarge) {
		return &flow.Refused{Certain: true, Err: err}
	}
	if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse) {
		return fmt.Errorf("%s: no stream answers on %s: it has no leader at the moment, or was removed", s.out.end.URL,
			s.out.subject)
	}
	return fmt.Errorf("%s: %w", s.out.end.URL, explained(err))
}

func (s *session) Close() {
	s.out.hear(nil)
	s.end.Do(func() { close(s.ended) })
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

// covers is whether one of the patterns matches the subject.
func covers(patterns []string, subject string) bool {
	tokens := strings.Split(subject, ".")
	for _, pattern := range patterns {
		if matches(strings.Split(pattern, "."), tokens) {
			return true
		}
	}
	return false
}

func matches(pattern, subject []string) bool {
	for i, token := range pattern {
		if token == ">" {
			return len(subject) > i
		}
		if i >= len(subject) || token != "*" && token != subject[i] {
			return false
		}
	}
	return len(pattern) == len(subject)
}
