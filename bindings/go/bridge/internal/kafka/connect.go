// Package kafka is Kafka as a sink and a feed of messages.
package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"cqueue.io/go/bridge/internal/config"
	"cqueue.io/go/bridge/internal/flow"
)

const patience = 10 * time.Second // for an answer of the server

// connect makes a client and waits for a server to answer.
func connect(ctx context.Context, end *config.Endpoint, name string, options ...kgo.Opt) (*kgo.Client, error) {
	options = append(options, kgo.SeedBrokers(end.Hosts()...), kgo.ClientID(name), kgo.DialTimeout(patience/2))
	if end.TLS != nil {
		made, err := end.TLS.Config()
		if err != nil {
			return nil, err
		}
		options = append(options, kgo.DialTLSConfig(made))
	}
	if end.SASL != "" {
		mechanism, err := login(end)
		if err != nil {
			return nil, err
		}
		options = append(options, kgo.SASL(mechanism))
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", end.URL, err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := client.Ping(ctx); err != nil {
		client.Close()
		return nil, fmt.Errorf("%s: %w", end.URL, explained(err))
	}
	return client, nil
}

func login(end *config.Endpoint) (sasl.Mechanism, error) {
	user, password, err := end.UserPassword()
	if err != nil {
		return nil, err
	}
	switch end.SASL {
	case "scram-sha-256":
		return scram.Auth{User: user, Pass: password}.AsSha256Mechanism(), nil
	case "scram-sha-512":
		return scram.Auth{User: user, Pass: password}.AsSha512Mechanism(), nil
	}
	return plain.Auth{User: user, Pass: password}.AsMechanism(), nil
}

// explained says what to do about an error, where that is known.
func explained(err error) error {
	switch {
	case errors.Is(err, kerr.SaslAuthenticationFailed), errors.Is(err, kerr.UnsupportedSaslMechanism):
		return fmt.Errorf("%w: check user, password and sasl", err)
	case errors.Is(err, kerr.UnknownTopicOrPartition), errors.Is(err, kerr.UnknownTopicID):
		return fmt.Errorf("%w: create the topic with Kafka's tools", err)
	case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.GroupAuthorizationFailed),
		errors.Is(err, kerr.TransactionalIDAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed):
		return fmt.Errorf("%w: the server does not allow this login that", err)
	case errors.Is(err, kerr.CoordinatorNotAvailable), errors.Is(err, kerr.CoordinatorLoadInProgress),
		errors.Is(err, kerr.NotCoordinator), errors.Is(err, kerr.ConcurrentTransactions),
		errors.Is(err, kerr.UnstableOffsetCommit): // as in a server that has just begun
		return &flow.Passing{Err: fmt.Errorf("the server is not ready yet: %w", err)}
	}
	return err
}
