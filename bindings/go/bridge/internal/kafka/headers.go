package kafka

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"cqueue.io/go/bridge/internal/flow"
)

// keyHeader is the header of a queue's message that is a record's key.
const keyHeader = "key"

// headers are a message's, as Kafka has them.
func headers(e *flow.Entry) []kgo.RecordHeader {
	made := make([]kgo.RecordHeader, 0, len(e.All())+2)
	for name, value := range e.All() {
		made = append(made, kgo.RecordHeader{Key: name, Value: []byte(value)})
	}
	return made
}

// fromHeaders are a queue's, of a record.
func fromHeaders(record *kgo.Record) map[string]string {
	made := make(map[string]string, len(record.Headers)+1)
	for _, header := range record.Headers {
		made[header.Key] = string(header.Value)
	}
	if record.Key != nil {
		made[keyHeader] = string(record.Key)
	}
	return made
}
