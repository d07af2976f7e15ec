package jet

import (
	"encoding/json"
	"strconv"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cqueue.io/go/bridge/internal/flow"
)

// pipeline publishes without waiting, and tells what becomes of each message when the answer comes. The library can do
// that as well, but with a timer, two channels and a lock around all of it for each message.
type pipeline struct {
	conn  *nats.Conn
	inbox string // answers come to numbers below it
	sub   *nats.Subscription
	told  func(e *flow.Entry, duplicate bool, err error)

	mutex   sync.Mutex
	first   uint64        // number of the oldest message that has no answer
	waiting []*flow.Entry // from that one on; nil: it has
}

func newPipeline(conn *nats.Conn, told func(e *flow.Entry, duplicate bool, err error)) (*pipeline, error) {
	p := &pipeline{conn: conn, inbox: conn.NewInbox() + ".", told: told}
	var err error
	p.sub, err = conn.Subscribe(p.inbox+"*", p.answer)
	return p, err
}

func (p *pipeline) close() { _ = p.sub.Unsubscribe() }

func (p *pipeline) publish(e *flow.Entry, m *nats.Msg) error {
	p.mutex.Lock()
	number := p.first + uint64(len(p.waiting))
	p.waiting = append(p.waiting, e)
	p.mutex.Unlock()
	m.Reply = p.inbox + strconv.FormatUint(number, 10)
	return p.conn.PublishMsg(m)
}

// take returns the message with this number if it had no answer yet.
func (p *pipeline) take(number uint64) *flow.Entry {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	i := number - p.first
	if number < p.first || i >= uint64(len(p.waiting)) {
		return nil
	}
	e := p.waiting[i]
	p.waiting[i] = nil
	for len(p.waiting) > 0 && p.waiting[0] == nil {
		p.waiting = p.waiting[1:]
		p.first++
	}
	return e
}

func (p *pipeline) answer(m *nats.Msg) {
	number, err := strconv.ParseUint(strings.TrimPrefix(m.Subject, p.inbox), 10, 64)
	if err != nil {
		return
	}
	if e := p.take(number); e != nil {
		duplicate, err := read(m)
		p.told(e, duplicate, err)
	}
}

// noResponders is the status of an answer that the server gives when nobody else does.
const noResponders = "503"

// read says what an answer means.
func read(m *nats.Msg) (duplicate bool, err error) {
	if len(m.Data) == 0 && m.Header.Get("Status") == noResponders {
		return false, nats.ErrNoResponders
	}
	var answer struct {
		Stream    string              `json:"stream"`
		Duplicate bool                `json:"duplicate"`
		Error     *jetstream.APIError `json:"error"`
	}
	if json.Unmarshal(m.Data, &answer) != nil || answer.Error == nil && answer.Stream == "" {
		return false, jetstream.ErrInvalidJSAck
	}
	if answer.Error != nil {
		return false, answer.Error
	}
	return answer.Duplicate, nil
}
