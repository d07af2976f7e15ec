package bridge_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// natsServers are one nats-server, or a cluster of three.
type natsServers struct {
	t     *testing.T
	nodes []*process
	urls  []string
}

// startNATS starts so many servers. extra goes into their configuration.
func startNATS(t *testing.T, count int, extra string) *natsServers {
	t.Helper()
	return startNATSIn(t, count, extra, "")
}

// startNATSIn starts them with their files in the folder; "": in folders of the test's own.
func startNATSIn(t *testing.T, count int, extra, store string) *natsServers {
	t.Helper()
	s := &natsServers{t: t}
	var ports, clusterPorts []int
	var routes []string
	for range count {
		ports, clusterPorts = append(ports, freePort(t)), append(clusterPorts, freePort(t))
	}
	for _, port := range clusterPorts {
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", port))
	}
	for i := range count {
		folder := t.TempDir()
		files := store
		if files == "" {
			files = folder
		}
		text := fmt.Sprintf("server_name: n%d\nlisten: 127.0.0.1:%d\njetstream { store_dir: %q, max_file_store: 8G }\n%s\n", i,
			ports[i], files, extra)
		if count > 1 {
			text += fmt.Sprintf("cluster { name: c, listen: 127.0.0.1:%d, routes: [%s] }\n", clusterPorts[i],
				strings.Join(routes, ", "))
		}
		file := filepath.Join(folder, "server.conf")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		node := newProcess(t, filepath.Join(programs, "nats-server"), "--config", file)
		node.start()
		s.nodes = append(s.nodes, node)
		s.urls = append(s.urls, fmt.Sprintf("127.0.0.1:%d", ports[i]))
	}
	return s
}

func (s *natsServers) hosts() string { return strings.Join(s.urls, ",") }

// connect returns a connection that outlives servers.
func (s *natsServers) connect(options ...nats.Option) jetstream.JetStream {
	s.t.Helper()
	var conn *nats.Conn
	eventually(s.t, "a connection to nats-server", func() (ok bool) {
		var err error
		conn, err = nats.Connect("nats://"+strings.ReplaceAll(s.hosts(), ",", ",nats://"), append([]nats.Option{
			nats.MaxReconnects(-1), nats.ReconnectWait(50 * time.Millisecond)}, options...)...)
		return err == nil
	})
	s.t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		s.t.Fatal(err)
	}
	return js
}

// stream makes one.
func (s *natsServers) stream(js jetstream.JetStream, config jetstream.StreamConfig) {
	s.t.Helper()
	var last error
	config.Replicas = len(s.nodes)
	defer func() {
		if s.t.Failed() {
			s.t.Log(last)
		}
	}()
	eventually(s.t, "a stream", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_, last = js.CreateOrUpdateStream(ctx, config)
		return last == nil
	})
}

// read adds the stream's messages to the ledger.
func (s *natsServers) read(js jetstream.JetStream, stream string, l *ledger) {
	s.t.Helper()
	s.each(js, stream, func(message jetstream.Msg) { l.add(message.Data()) })
}

// readShared is read in shared mode.
func (s *natsServers) readShared(js jetstream.JetStream, stream string, l *ledger) {
	s.t.Helper()
	s.each(js, stream, func(message jetstream.Msg) {
		l.addShared(message.Data(), message.Headers().Get("Cq-Redelivered") != "")
	})
}

func (s *natsServers) each(js jetstream.JetStream, stream string, visit func(jetstream.Msg)) {
	s.t.Helper()
	var info *jetstream.StreamInfo
	eventually(s.t, "what the stream has", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		found, err := js.Stream(ctx, stream)
		if err == nil {
			info, err = found.Info(ctx)
		}
		return err == nil
	})
	if info.State.Msgs == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), aLongTime)
	defer cancel()
	consumer, err := js.OrderedConsumer(ctx, stream, jetstream.OrderedConsumerConfig{})
	if err != nil {
		s.t.Fatal(err)
	}
	messages, err := consumer.Messages()
	if err != nil {
		s.t.Fatal(err)
	}
	defer messages.Stop()
	for {
		message, err := messages.Next()
		if err != nil {
			s.t.Fatal(err)
		}
		meta, err := message.Metadata()
		if err != nil {
			s.t.Fatal(err)
		}
		visit(message)
		if meta.Sequence.Stream >= info.State.LastSeq {
			return
		}
	}
}
