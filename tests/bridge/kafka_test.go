package bridge_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
	return startKafkaWith(t, "", "", "")
}

// startKafkaWith has another listener, and these lines in its configuration and words when its storage is made.
func startKafkaWith(t *testing.T, listener, protocol, lines string, words ...string) *kafkaServer {
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
listeners=PLAINTEXT://127.0.0.1:%[1]d,CONTROLLER://127.0.0.1:%[2]d%[4]s
advertised.listeners=PLAINTEXT://127.0.0.1:%[1]d%[4]s
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT%[5]s
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
%[6]s
`, port, control, folder, listener, protocol, lines)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	options := []string{kafkaMemory, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", jars}
	format := exec.Command("java", slices.Concat(options, []string{"kafka.tools.StorageTool", "format", "--cluster-id",
		"MkU3OEVBNTcwNTJENDM2Qk", "--config", file}, words)...)
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

func (s *kafkaServer) topic(name string, partitions int32) { s.topicWith(name, partitions, nil) }

func (s *kafkaServer) topicWith(name string, partitions int32, config map[string]*string) {
	s.t.Helper()
	admin := kadm.NewClient(s.client())
	var last error
	eventually(s.t, "a topic", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_, last = admin.CreateTopic(ctx, partitions, 1, config, name)
		return last == nil
	})
}

// asked waits until the server's answer is right.
func (s *kafkaServer) asked(what string, isRight func(ctx context.Context) bool) {
	s.t.Helper()
	eventually(s.t, what, func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		return isRight(ctx)
	})
}

// read adds a topic's committed messages to the ledger, up to its end. A server that has confirmed a commit writes its
// marker a little later, and up to then the topic seems to end before the transaction, for those who read committed
// messages. So the end is that of all messages, and read waits until no transaction below it is open.
func (s *kafkaServer) read(topic string, visit func(*kgo.Record)) {
	s.t.Helper()
	client := s.client(kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords())
	admin := kadm.NewClient(client)
	var ends kadm.ListedOffsets
	s.asked("the topic's end", func(ctx context.Context) (ok bool) {
		var err error
		ends, err = admin.ListEndOffsets(ctx, topic)
		return err == nil && ends.Error() == nil
	})
	s.asked("no transaction is open", func(ctx context.Context) bool {
		stable, err := admin.ListCommittedOffsets(ctx, topic)
		if err != nil || stable.Error() != nil {
			return false
		}
		settled := true
		ends.Each(func(end kadm.ListedOffset) {
			committed, _ := stable.Lookup(topic, end.Partition)
			settled = settled && committed.Offset >= end.Offset
		})
		return settled
	})
	left := map[int32]int64{} // the offset behind the last record, of those that were not read to their end
	ends.Each(func(end kadm.ListedOffset) {
		if end.Offset > 0 {
			left[end.Partition] = end.Offset
		}
	})
	// Markers of transactions take offsets, too, and are the last ones often.
	eventually(s.t, "the topic was read", func() bool {
		if len(left) == 0 {
			return true
		}
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		client.PollFetches(ctx).EachRecord(func(record *kgo.Record) {
			if record.Offset+1 >= left[record.Partition] {
				delete(left, record.Partition)
			}
			if !record.Attrs.IsControl() {
				visit(record)
			}
		})
		return len(left) == 0
	})
}
