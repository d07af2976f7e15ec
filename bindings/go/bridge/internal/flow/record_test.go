package flow

import "testing"

func TestARecordKnowsWhatIsMissing(t *testing.T) {
	r := Record{Highest: 4}
	for _, c := range []struct {
		position uint64
		want     string
	}{{5, "5"}, {9, "9 6-8"}, {7, "9 6-6,8-8"}, {9, "9 6-6,8-8"}, {12, "12 6-6,8-8,10-11"}, {6, "12 8-8,10-11"},
		{8, "12 10-11"}, {11, "12 10-10"}, {10, "12"}} {
		if r = r.with(c.position); r.String() != c.want {
			t.Errorf("%d: %s, not %s", c.position, r, c.want)
		}
		read, ok := ParseRecord(r.String())
		if !ok || read.String() != c.want {
			t.Errorf("%s is read as %s", c.want, read)
		}
	}
	for n := uint64(20); n < 60; n += 2 {
		before := r
		if r = r.with(n); r.Has(n-1) || !r.Has(n) || before.Has(n) || len(r.Missing) > mostSpans {
			t.Errorf("%d: %s after %s", n, r, before)
		}
	}
	for _, text := range []string{"", "x", "1 ", "1 2", "-1", "1 2-x"} {
		if r, ok := ParseRecord(text); ok {
			t.Errorf("%q is read as %s", text, r)
		}
	}
}
