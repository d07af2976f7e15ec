package bridge_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// kafkaServer is a Kafka server on its own, without ZooKeeper.
type kafkaServer struct {
	*process
	address string
}

const kafkaMemory = "-Xmx256m"

func startKafka(t *testing.T) *kafkaServer {
	t.Helper()
	jars := filepath.Join(programs, "kafka", "*")
	if _, err := exec.LookPath("java"); err != nil {
		t.Skip("there is no java")
	}
	folder, port, control := t.TempDir(), freePort(t), freePort(t)
	file := filepath.Join(folder, "server.properties")
	text := fmt.Sprintf(`process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:%[2]d
listeners=PLAINTEXT://127.0.0.1:%[1]d,CONTROLLER://127.0.0.1:%[2]d
advertised.listeners=PLAINTEXT://127.0.0.1:%[1]d
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=%[3]s/data
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
log.cleaner.enable=false
`, port, control, folder)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	options := []string{kafkaMemory, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", jars}
	format := exec.Command("java", append(options, "kafka.tools.StorageTool", "format", "--cluster-id",
		"MkU3OEVBNTcwNTJENDM2Qk", "--config", file)...)
	if said, err := format.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	s := &kafkaServer{newProcess(t, "java", append(options, "kafka.Kafka", file)...), fmt.Sprintf("127.0.0.1:%d", port)}
	s.start()
	return s
}

// client returns a client once the server answers.
func (s *kafkaServer) client(options ...kgo.Opt) *kgo.Client {
	s.t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(s.address)}, options...)...)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(client.Close)
	eventually(s.t, "Kafka answers", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		return client.Ping(ctx) == nil
	})
	return client
}

func (s *kafkaServer) topic(name string, partitions int32) {
	s.t.Helper()
	admin := kadm.NewClient(s.client())
	var last error
	eventually(s.t, "a topic", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_, last = admin.CreateTopic(ctx, partitions, 1, nil, name)
		return last == nil
	})
}

// read adds a topic's committed messages to the ledger, up to its end.
func (s *kafkaServer) read(topic string, visit func(*kgo.Record)) {
	s.t.Helper()
	client := s.client(kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	var ends kadm.ListedOffsets
	eventually(s.t, "the topic's end", func() (ok bool) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		var err error
		ends, err = kadm.NewClient(client).ListCommittedOffsets(ctx, topic)
		return err == nil && ends.Error() == nil
	})
	// Markers of transactions take offsets, too, and are not shown: the topic is at its end when nothing comes any more.
	for quiet := 0; quiet < 2; {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		fetches := client.PollFetches(ctx)
		cancel()
		quiet++
		fetches.EachRecord(func(record *kgo.Record) {
			quiet = 0
			visit(record)
		})
	}
}
