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

// record is what the stream has of the queue's messages, if the message's position does not say it.
const record = "Cq-Record"

// subjectHeader is the header of a queue's message that names the subject it came by.
const subjectHeader = "subject"

// headers are a message's, as NATS has them.
func headers(e *flow.Entry) nats.Header {
	made := make(nats.Header, len(e.All())+3)
	for name, value := range e.All() {
		if name != subjectHeader && !isReserved(name) {
			made[name] = []string{line.Replace(value)}
		}
	}
	return made
}

// isReserved is whether the header is the server's or the bridge's own, however it is written.
func isReserved(name string) bool {
	return name == record || len(name) >= len(reserved) && strings.EqualFold(name[:len(reserved)], reserved)
}

// notInNames is what the library refuses in the name of a header, besides what is not printable ASCII.
const notInNames = "\"()/,:;<=>?@[\\]{}"

// isWrongName is whether NATS takes no header of that name.
func isWrongName(name string) bool {
	return name == "" || strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(notInNames, r)
	})
}

// line makes one line of a value, because NATS ends it with the line.
var line = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ")

// fromHeaders are a queue's, of a message that came from NATS.
func fromHeaders(subject string, headers nats.Header) map[string]string {
	made := make(map[string]string, len(headers)+1)
	for name, values := range headers {
		if !isReserved(name) {
			made[name] = strings.Join(values, ", ")
		}
	}
	made[subjectHeader] = subject
	return made
}
