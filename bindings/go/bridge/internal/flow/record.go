package flow

import (
	"fmt"
	"strconv"
	"strings"
)

// A Record says which messages of a queue a sink has. Those that came to the route are there up to the highest
// position. But another consumer of the queue may have had some of the positions below, and may give them back later:
// those are missing. The sink keeps the record together with the message that it ends with.
type Record struct {
	Highest uint64
	Missing []Span // in ascending order; never changed in place
}

// A Span is some positions, the last one included.
type Span struct{ First, Last uint64 }

// mostSpans is how many there are in a record. Of more, the lowest become one: what it covers is long gone from the
// queue, or comes again.
const mostSpans = 8

// Has is whether the sink has the message.
func (r Record) Has(position uint64) bool {
	for _, s := range r.Missing {
		if s.First <= position && position <= s.Last {
			return false
		}
	}
	return position <= r.Highest
}

// with is the record after one more message.
func (r Record) with(position uint64) Record {
	if position == r.Highest+1 {
		return Record{position, r.Missing}
	}
	if position > r.Highest {
		missing := append(append([]Span(nil), r.Missing...), Span{r.Highest + 1, position - 1})
		if len(missing) > mostSpans {
			missing[1].First = missing[0].First
			missing = missing[1:]
		}
		return Record{position, missing}
	}
	if r.Has(position) {
		return r
	}
	var missing []Span
	for _, s := range r.Missing {
		if position < s.First || s.Last < position {
			missing = append(missing, s)
			continue
		}
		if s.First < position {
			missing = append(missing, Span{s.First, position - 1})
		}
		if position < s.Last {
			missing = append(missing, Span{position + 1, s.Last})
		}
	}
	return Record{r.Highest, missing}
}

// String is what ParseRecord reads: the highest position, and behind a space the spans.
func (r Record) String() string {
	spans := make([]string, len(r.Missing))
	for i, s := range r.Missing {
		spans[i] = fmt.Sprintf("%d-%d", s.First, s.Last)
	}
	return strings.TrimSpace(strconv.FormatUint(r.Highest, 10) + " " + strings.Join(spans, ","))
}

// ParseRecord reads a record as String writes it.
func ParseRecord(text string) (r Record, ok bool) {
	highest, spans, some := strings.Cut(text, " ")
	var err error
	if r.Highest, err = strconv.ParseUint(highest, 10, 64); err != nil {
		return Record{}, false
	}
	if !some {
		return r, true
	}
	for each := range strings.SplitSeq(spans, ",") {
		var s Span
		if _, err := fmt.Sscanf(each, "%d-%d", &s.First, &s.Last); err != nil {
			return Record{}, false
		}
		r.Missing = append(r.Missing, s)
	}
	return r, true
}
