package benthos_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	_ "github.com/redpanda-data/benthos/v4/public/components/pure"
	"github.com/redpanda-data/benthos/v4/public/service"

	_ "cqueue.io/go/benthos"
	"cqueue.io/go/cqueue"
)

func newQueue(t *testing.T, which string) *cqueue.Queue {
	t.Helper()
	name := fmt.Sprintf("cqbridgetest-benthos-%d-%s", os.Getpid(), which)
	queue, err := cqueue.Open(name, cqueue.WithCapacity(100), cqueue.WithMaxMessageSize(256), cqueue.WithMaxHeaders(256))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = queue.Close()
		if err := cqueue.Unlink(name); err != nil {
			t.Error(err)
		}
	})
	return queue
}

// Messages pass a pipeline from queue to queue, in order and with their headers, and leave the first one when they did.
func TestMessagesPassAPipeline(t *testing.T) {
	from, to := newQueue(t, "from"), newQueue(t, "to")
	builder := service.NewStreamBuilder()
	err := builder.SetYAML(fmt.Sprintf(`
input: {cqueue: {queue: %s, batch: 7}}
pipeline: {threads: 1, processors: [{mapping: 'root = content().uppercase()'}]}
output: {cqueue: {queue: %s, max_in_flight: 1}}
logger: {level: NONE}
`, from.Name(), to.Name()))
	if err != nil {
		t.Fatal(err)
	}
	stream, err := builder.Build()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- stream.Run(ctx) }()
	for n := range 50 {
		headers := cqueue.Headers{"number": fmt.Sprint(n)}
		if err := from.EnqueueWithContext(ctx, fmt.Appendf(nil, "tea %d", n), headers); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 50 {
		message, err := to.TakeContext(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(message.Bytes()); got != fmt.Sprintf("TEA %d", n) || message.Headers()["number"] != fmt.Sprint(n) {
			t.Errorf("%d: %q %v", n, got, message.Headers())
		}
		_ = message.Release()
	}
	if err := stream.StopWithin(10 * time.Second); err != nil {
		t.Error(err)
	}
	<-ended
	if stats, err := from.Stats(); err != nil || stats.Held != 0 || stats.Length != 0 {
		t.Errorf("%+v %v", stats, err)
	}
}

// pour runs a pipeline of these messages into the function.
func pour(t *testing.T, from *cqueue.Queue, into service.MessageHandlerFunc) (stop func()) {
	t.Helper()
	builder := service.NewStreamBuilder()
	if err := builder.SetLoggerYAML("level: NONE"); err != nil {
		t.Fatal(err)
	}
	if err := builder.AddInputYAML(fmt.Sprintf("cqueue: {queue: %s, batch: 4}", from.Name())); err != nil {
		t.Fatal(err)
	}
	if err := builder.AddConsumerFunc(into); err != nil {
		t.Fatal(err)
	}
	stream, err := builder.Build()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- stream.Run(context.Background()) }()
	return func() {
		_ = stream.StopWithin(2 * time.Second)
		<-ended
	}
}

// What a pipeline did not acknowledge comes again: at once if it said so, and after it ended to the next one.
func TestWhatIsNotAcknowledgedComesAgain(t *testing.T) {
	const count = 10
	from := newQueue(t, "again")
	for n := range count {
		if err := from.Enqueue(fmt.Appendf(nil, "tea %d", n)); err != nil {
			t.Fatal(err)
		}
	}
	refused := make(chan string, 1000)
	stop := pour(t, from, func(ctx context.Context, message *service.Message) error {
		text, _ := message.AsBytes()
		select {
		case refused <- string(text):
		default:
		}
		time.Sleep(10 * time.Millisecond)
		return errors.New("not today")
	})
	for seen := map[string]int{}; seen["tea 0"] < 2; {
		select {
		case text := <-refused:
			seen[text]++
		case <-time.After(time.Minute):
			t.Fatal("nothing comes again")
		}
	}
	stop()
	if stats, err := from.Stats(); err != nil || stats.Held != 0 || stats.Length != count {
		t.Fatalf("%+v %v", stats, err)
	}
	type delivery struct{ text, deliveries string }
	got := make(chan delivery, count)
	stop = pour(t, from, func(_ context.Context, message *service.Message) error {
		text, _ := message.AsBytes()
		deliveries, _ := message.MetaGet("cqueue_deliveries")
		got <- delivery{string(text), deliveries}
		return nil
	})
	for n := range count {
		select {
		case d := <-got:
			if d.text != fmt.Sprintf("tea %d", n) || n == 0 && d.deliveries == "1" {
				t.Errorf("%d: %v", n, d)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%d of %d came again", n, count)
		}
	}
	stop()
	if stats, err := from.Stats(); err != nil || stats.Held != 0 || stats.Length != 0 {
		t.Errorf("%+v %v", stats, err)
	}
}
