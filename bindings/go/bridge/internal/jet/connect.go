// Package jet is NATS JetStream as a sink and a feed of messages.
package jet

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cqueue.io/go/bridge/internal/config"
)

// server is a connection that is made when it is needed, and made again when it closed for good. One route uses it.
type server struct {
	end  config.Endpoint
	name string // of the client, as the server's operators see it

	conn *nats.Conn

	mutex  sync.Mutex
	broken func(error) // the session's that is told what happens to the connection
}

const patience = 5 * time.Second // for an answer of the server

// connect returns a connection that is up.
func (s *server) connect() (*nats.Conn, error) {
	if s.conn == nil || s.conn.IsClosed() {
		options, err := s.options()
		if err != nil {
			return nil, err
		}
		conn, err := nats.Connect(strings.Join(s.urls(), ","), options...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.end.URL, explained(err))
		}
		s.conn = conn
	}
	if !s.conn.IsConnected() {
		err := s.conn.LastError()
		if err == nil {
			err = nats.ErrDisconnected
		}
		return nil, fmt.Errorf("%s: %w", s.end.URL, explained(err))
	}
	return s.conn, nil
}

func (s *server) urls() (urls []string) {
	scheme := "nats://"
	if s.end.Secure() {
		scheme = "tls://"
	}
	for _, host := range s.end.Hosts() {
		urls = append(urls, scheme+host)
	}
	return urls
}

func (s *server) options() ([]nats.Option, error) {
	options := []nats.Option{
		nats.Name(s.name),
		nats.Timeout(patience),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(100 * time.Millisecond),
		nats.ReconnectJitter(50*time.Millisecond, 50*time.Millisecond),
		nats.ReconnectBufSize(-1), // what is sent while there is no connection fails, and is sent again in order
		nats.PingInterval(10 * time.Second),
		nats.FlusherTimeout(patience), // for a server that reads no more
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err == nil {
				err = nats.ErrDisconnected
			}
			s.tell(fmt.Errorf("%s: the connection was lost: %w", s.end.URL, err))
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			s.tell(fmt.Errorf("%s: %w", s.end.URL, explained(err)))
		}),
	}
	if s.end.TLS != nil {
		made, err := s.end.TLS.Config()
		if err != nil {
			return nil, err
		}
		options = append(options, nats.Secure(made))
	}
	return s.login(options)
}

func (s *server) login(options []nats.Option) ([]nats.Option, error) {
	user, password, err := s.end.UserPassword()
	if err != nil {
		return nil, err
	}
	token, err := s.end.TheToken()
	if err != nil {
		return nil, err
	}
	if user != "" {
		options = append(options, nats.UserInfo(user, password))
	}
	if token != "" {
		options = append(options, nats.Token(token))
	}
	if s.end.Credentials != "" {
		options = append(options, nats.UserCredentials(s.end.Credentials))
	}
	if s.end.NKey != "" {
		key, err := nats.NkeyOptionFromSeed(s.end.NKey)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.end.NKey, err)
		}
		options = append(options, key)
	}
	return options, nil
}

// hear has what happens to the connection told to the function; nil: to nobody.
func (s *server) hear(broken func(error)) {
	s.mutex.Lock()
	s.broken = broken
	s.mutex.Unlock()
}

func (s *server) tell(err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.broken != nil {
		s.broken(err)
	}
}

func (s *server) close() {
	if s.conn != nil {
		s.conn.Close()
	}
}

// explained says what to do about an error, where that is known.
func explained(err error) error {
	switch {
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked):
		return fmt.Errorf("%w: check user, password, token, nkey or credentials", err)
	case errors.Is(err, nats.ErrPermissionViolation):
		return fmt.Errorf("%w: the server does not allow this login the subject", err)
	case errors.Is(err, nats.ErrNoServers):
		return fmt.Errorf("%w: no server answers there", err)
	case errors.Is(err, nats.ErrNoResponders):
		return fmt.Errorf("%w: JetStream is not there (start nats-server with -js), or has no leader at the moment", err)
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return fmt.Errorf("%w: start nats-server with -js, or enable JetStream for the account", err)
	}
	return err
}

// stream is the endpoint's stream: the named one, or the one that has the subject.
func (s *server) stream(ctx context.Context, js jetstream.JetStream, subject string) (jetstream.Stream, error) {
	name := s.end.Stream
	if name == "" {
		found, err := js.StreamNameBySubject(ctx, subject)
		if errors.Is(err, jetstream.ErrStreamNotFound) && s.end.Create {
			return s.create(ctx, js, strings.NewReplacer(".", "_", "*", "ANY", ">", "ALL").Replace(subject), subject)
		}
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return nil, fmt.Errorf("%s: no stream has the subject %s: create one (nats stream add), or write create: true",
				s.end.URL, subject)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: looking for the stream of %s: %w", s.end.URL, subject, explained(err))
		}
		name = found
	}
	stream, err := js.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if s.end.Create && subject != "" {
			return s.create(ctx, js, name, subject)
		}
		return nil, fmt.Errorf("%s: there is no stream %s: create it (nats stream add), or write create: true",
			s.end.URL, name)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: stream %s: %w", s.end.URL, name, explained(err))
	}
	return stream, nil
}

func (s *server) create(ctx context.Context, js jetstream.JetStream, name, subject string) (jetstream.Stream, error) {
	stream, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: name, Subjects: []string{subject},
		Storage: jetstream.FileStorage, Replicas: int(max(s.end.Replicas, 1)), AllowAtomicPublish: s.end.Replicas > 1})
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // somebody was faster
		return js.Stream(ctx, name)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: creating stream %s: %w", s.end.URL, name, explained(err))
	}
	return stream, nil
}
