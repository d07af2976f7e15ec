package jet

import (
	"strings"

	"github.com/nats-io/nats.go"

	"cqueue.io/go/bridge/internal/flow"
)

// redelivered marks a message that the stream may have twice, with how often it was delivered.
const redelivered = "Cq-Redelivered"

// reserved begins the names of headers that tell the server what to do. They pass in neither direction.
const reserved = "Nats-"

// subjectHeader is the header of a queue's message that names the subject it came by.
const subjectHeader = "subject"

// headers are a message's, as NATS has them.
func headers(e *flow.Entry) nats.Header {
	made := make(nats.Header, len(e.All())+3)
	for name, value := range e.All() {
		if name != subjectHeader && !strings.HasPrefix(name, reserved) {
			made[name] = []string{line.Replace(value)}
		}
	}
	return made
}

// line makes one line of a value, because NATS ends it with the line.
var line = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ")

// fromHeaders are a queue's, of a message that came from NATS.
func fromHeaders(subject string, headers nats.Header) map[string]string {
	made := make(map[string]string, len(headers)+1)
	for name, values := range headers {
		if !strings.HasPrefix(name, reserved) {
			made[name] = strings.Join(values, ", ")
		}
	}
	made[subjectHeader] = subject
	return made
}
