package jet

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

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
// the stream's last message is, it reads at the beginning of the session. Replicated streams need another way (see
// replicated.go).
type Out struct {
	server
	subject *config.Template
	region  string
	ordered bool
	flight  int
	patient time.Duration
	status  *flow.Status
	created time.Time   // the stream
	last    place       // in it, as it was found last
	fenced  atomic.Bool // the last session ended because the stream's last message was another than expected
	crowded time.Time   // when somebody else's message was the reason for that
	noted   bool        // that the stream takes no batches
}

// NewOut returns the sink of a route. region is the queue's id.
func NewOut(r *config.Route, region string, status *flow.Status) (*Out, error) {
	subject, err := config.ParseTemplate(r.To.Subject)
	if err != nil {
		return nil, err
	}
	return &Out{server: server{end: r.To, name: "cq-bridge " + r.Name}, subject: subject, region: region,
		ordered: r.Mode == config.Ordered, flight: int(r.MaxInFlight), patient: time.Duration(r.AckTimeout), status: status}, nil
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
	for name := range m.Header {
		if isWrongName(name) {
			delete(m.Header, name) // better without than not at all
		}
	}
	m.Header["Cq-Dead-Letter"] = []string{line.Replace(reason.Error())}
	_, err = js.PublishMsg(ctx, m, jetstream.WithMsgID(makeID(o.region, e.Position())))
	return err
}

type session struct {
	out      *Out
	conn     *nats.Conn
	js       jetstream.JetStream
	subjects []string // that the stream takes
	stream   jetstream.Stream
	largest  int    // bytes of a message and its headers
	begin    place  // how far the queue's messages had got
	now      place  // how far they got since then, if batched
	previous string // id of the message published last
	batched  bool   // one publish at a time: see replicated.go
	most     int    // messages in one
	waiting  chan waiting
	pipe     *pipeline // if not batched
	acks     *flow.Acks
	ctx      context.Context // until it is closed, or the connection broke
	cancel   context.CancelCauseFunc
	ended    sync.WaitGroup
}

// waiting is a message that is published when the one before was.
type waiting struct {
	entry   *flow.Entry
	message *nats.Msg
	size    int // with its headers
}

var errClosed = errors.New("the session is over")

// Open connects, and in ordered mode reads what the stream's last message is.
func (o *Out) Open(ctx context.Context) (flow.Session, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := o.connect()
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, err
	}
	stream, err := o.stream(ctx, js, o.subject.Pattern())
	if err != nil {
		return nil, err
	}
	config := stream.CachedInfo().Config
	s := &session{out: o, conn: conn, js: js, subjects: config.Subjects, stream: stream, largest: int(conn.MaxPayload()),
		waiting: make(chan waiting, o.flight), acks: flow.NewAcks()}
	if most := int(config.MaxMsgSize); most > 0 {
		s.largest = min(s.largest, most)
	}
	if o.ordered {
		if s.begin, err = o.find(ctx, conn, stream); err != nil {
			return nil, err
		}
		if o.fenced.Swap(false) && !s.begin.alone {
			o.crowded = time.Now()
		}
		s.now = s.begin
		s.batched = config.Replicas > 1 || time.Since(o.crowded) < aWhile
	}
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	o.hear(func(err error) {
		s.acks.Fail(nil, err)
		s.cancel(err)
	})
	if s.batched {
		s.most = o.mostInBatch(&config)
		s.ended.Go(s.carry)
	} else if s.pipe, err = newPipeline(conn, s.told); err != nil {
		s.Close()
		return nil, fmt.Errorf("%s: %w", o.end.URL, explained(err))
	}
	return s, nil
}

func (s *session) Stored() (flow.Record, bool) { return s.begin.record, s.begin.known }

func (s *session) Acks() *flow.Acks { return s.acks }

func (s *session) Publish(e *flow.Entry) error {
	m, err := s.message(e)
	if err != nil {
		return err
	}
	id := m.Header.Get(jetstream.MsgIDHeader)
	if all := e.Record(); s.out.ordered && (all.Highest != e.Position() || len(all.Missing) > 0) {
		m.Header[record] = []string{all.String()}
	}
	switch {
	case !s.out.ordered && e.Repeated():
		m.Header[redelivered] = []string{strconv.Itoa(e.Deliveries())}
	case s.out.ordered && (s.batched || s.previous == ""):
		m.Header[jetstream.ExpectedLastSeqHeader] = []string{strconv.FormatUint(s.begin.sequence, 10)}
	case s.out.ordered:
		m.Header[jetstream.ExpectedLastMsgIDHeader] = []string{s.previous}
	}
	size := m.Size() - len(m.Subject) - len(m.Reply)
	if size > s.largest {
		return flow.Refuse("the message has %d bytes with its headers, and the server takes %d: raise max_payload there "+
			"(or the stream's max_msg_size), or send less", size, s.largest)
	}
	if s.batched {
		s.waiting <- waiting{entry: e, message: m, size: size}
		return nil
	}
	s.previous = id
	if err := s.pipe.publish(e, m); err != nil {
		return fmt.Errorf("%s: %w", s.out.end.URL, explained(err))
	}
	return nil
}

// message is what is published, without what it expects of the stream.
func (s *session) message(e *flow.Entry) (*nats.Msg, error) {
	subject, err := s.out.subject.Name(e.Header)
	if err != nil {
		return nil, flow.Refuse("%w", err)
	}
	if !covers(s.subjects, subject) {
		return nil, flow.Refuse("the stream does not take the subject %s, it takes %s", subject,
			strings.Join(s.subjects, ", "))
	}
	m := &nats.Msg{Subject: subject, Data: e.Bytes(), Header: headers(e)}
	for name := range m.Header {
		if isWrongName(name) {
			return nil, flow.Refuse("the message has a header %q, and NATS takes ASCII in names of headers alone, without "+
				"spaces and %s", name, notInNames)
		}
	}
	m.Header[jetstream.MsgIDHeader] = []string{makeID(s.out.region, e.Position())}
	return m, nil
}

// told takes what became of a message that was published without waiting.
func (s *session) told(e *flow.Entry, duplicate bool, err error) {
	if err != nil {
		if isWrongLast(err) {
			s.out.fenced.Store(true)
		}
		s.acks.Fail(e, s.judged(err))
		return
	}
	if duplicate {
		s.out.status.Repeated()
	}
	s.acks.Add(e)
}

// Codes of JetStream's errors that mean the message itself.
const (
	tooLarge       = 10054
	headerTooLarge = 10097
)

// Codes of those that mean that the stream's last message is another than expected.
const (
	wrongLastID       = 10070
	wrongLastSequence = 10071
)

func isWrongLast(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && (api.ErrorCode == wrongLastID || api.ErrorCode == wrongLastSequence)
}

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
	s.cancel(errClosed)
	s.ended.Wait()
	if s.pipe != nil {
		s.pipe.close()
	}
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
