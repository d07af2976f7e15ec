package config

import (
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// fault is what is wrong, and the path in the file of what it is wrong with.
type fault struct{ path, text string }

func textsOf(faults []fault) (texts []string) {
	for _, f := range faults {
		texts = append(texts, f.text)
	}
	return texts
}

type judge struct{ found []fault }

func (j *judge) say(path, format string, values ...any) {
	j.found = append(j.found, fault{path, fmt.Sprintf(format, values...)})
}

// unless says that something is wrong unless all is well.
func (j *judge) unless(well bool, path, format string, values ...any) bool {
	if !well {
		j.say(path, format, values...)
	}
	return well
}

// resolve puts into each end what its server has. What names no known server is found later.
func (f *File) resolve() {
	for i := range f.Routes {
		for _, end := range []*Endpoint{&f.Routes[i].From, &f.Routes[i].To} {
			if server, known := f.Servers[end.Server]; known && end.URL == "" && end.Login == (Login{}) {
				end.URL, end.Login = server.URL, server.Login
			}
		}
	}
}

// faults are all that can be said without connecting to anything.
func (f *File) faults() []fault {
	var j judge
	if f.HTTP != "" {
		host, port, err := net.SplitHostPort(f.HTTP)
		j.unless(err == nil && host != "" && isPort(port), "$.http", "%q is no address: write 127.0.0.1:9300", f.HTTP)
	}
	for _, name := range slices.Sorted(maps.Keys(f.Servers)) {
		server, path := f.Servers[name], "$.servers."+name
		end := Endpoint{URL: server.URL, Login: server.Login}
		scheme, hosts, _ := strings.Cut(server.URL, "://")
		if j.unless(schemes[scheme] && hosts != "" && !strings.ContainsAny(hosts, "/@"), path+".url",
			"%q is no server: write nats://host, tls://host or kafka://host", server.URL) {
			j.login(&end, path)
		}
	}
	j.consumers(f)
	j.unless(len(f.Routes) > 0, "$.routes", "there is no route: write routes: with from: and to: for each")
	names := map[string]bool{}
	for i := range f.Routes {
		r, path := &f.Routes[i], fmt.Sprintf("$.routes[%d]", i)
		if r.Name != "" {
			j.unless(headerName.MatchString(r.Name), path+".name", "%q: a name has letters, digits, - _ and . only", r.Name)
			j.unless(!names[r.Name], path+".name", "two routes are called %q", r.Name)
			names[r.Name] = true
		}
		j.route(f, r, path)
	}
	return j.found
}

func (j *judge) route(f *File, r *Route, path string) {
	from, to := j.end(f, &r.From, path, "from"), j.end(f, &r.To, path, "to")
	if !from || !to {
		return
	}
	if !j.unless(r.From.IsQueue() != r.To.IsQueue(), path, "a route leads from a queue to a server or from a server to "+
		"a queue, and this one from %s to %s", r.From, r.To) {
		return
	}
	j.unless(r.Mode == Ordered || r.Mode == Shared, path+".mode", "mode %q is unknown: ordered or shared", r.Mode)
	j.unless(r.Out() || r.Mode == Ordered, path+".mode", "a route into a queue is always ordered, leave mode out")
	if j.unless(r.MaxInFlight >= 1 && r.MaxInFlight <= mostInFlight, path+".max_in_flight",
		"%d messages in flight: write 1 to %d", r.MaxInFlight, mostInFlight) {
		j.unless(r.Batch >= 1 && r.Batch <= r.MaxInFlight, path+".batch",
			"a batch of %d: write 1 to %d, which is max_in_flight", r.Batch, r.MaxInFlight)
	}
	j.unless(r.Backoff.Min >= Duration(time.Millisecond), path+".backoff", "min is less than 1ms")
	j.unless(r.Backoff.Min <= r.Backoff.Max, path+".backoff", "min is more than max")
	j.unless(r.AckTimeout >= Duration(10*time.Millisecond), path+".ack_timeout", "less than 10ms")
	j.unless(r.DeadLetter.Queue == "" || r.DeadLetter.Subject == "", path+".dead_letter",
		"dead_letter has a queue and a subject: choose one")
	if name := r.DeadLetter.Queue; name != "" {
		j.unless(queueName.MatchString(name), path+".dead_letter.queue", "%s", noQueueName(name))
		j.unless(name != r.From.Queue || !sameDirectory(r.DeadLetter.Directory, r.From.Directory), path+".dead_letter.queue",
			"refused messages would go back into %s, where they come from", name)
	}
	j.unless(r.DeadLetter.After >= 0, path+".dead_letter.after", "%d times: write 1 or more", r.DeadLetter.After)
	j.unless(r.DeadLetter.Is() || r.DeadLetter == (DeadLetter{}), path+".dead_letter",
		"dead_letter without queue or subject")
	if r.DeadLetter.Is() {
		j.unless(r.Out(), path+".dead_letter", "a route into a queue refuses nothing, leave dead_letter out")
	}
	j.templates(r, path)
}

// The ends' own faults. False: there is no use in looking further.
func (j *judge) end(f *File, e *Endpoint, path, which string) bool {
	path += "." + which
	if e.Server != "" {
		if _, known := f.Servers[e.Server]; !known {
			j.say(path+".server", "there is no server %q in servers:%s", e.Server, list(slices.Sorted(maps.Keys(f.Servers))))
			return false
		}
		if !j.unless(e.URL == f.Servers[e.Server].URL && e.Login == f.Servers[e.Server].Login, path,
			"server: %s says where to and how to log in: leave url and login out, or server", e.Server) {
			return false
		}
	}
	if e.IsQueue() {
		j.unless(e.URL == "", path, "a queue and a server: %s: is one or the other", which)
		j.unless(e.Subject == "" && e.Topic == "" && e.Stream == "" && e.Key == "" && e.Login == (Login{}), path,
			"a queue has no subject, topic, stream, key or login")
		j.unless(e.Replicas == 0, path, "replicas are a stream's")
		j.unless(e.Capacity >= 0, path+".capacity", "%d messages: write 1 or more", e.Capacity)
		j.unless(e.Create || e.Capacity == 0 && e.MaxSize == 0 && e.Headers == 0, path,
			"capacity, max_size and headers are those of a queue that is made: write create: true, or leave them out")
		return j.unless(queueName.MatchString(e.Queue), path, "%s", noQueueName(e.Queue))
	}
	if !j.unless(e.URL != "", path, "%s: names no queue and no server: write a queue's name, or "+
		"nats://host/subject or kafka://host/topic", which) {
		return false
	}
	scheme, hosts, _ := strings.Cut(e.URL, "://")
	if !j.unless(schemes[scheme] && !strings.ContainsAny(hosts, "/@"), path+".url",
		"%q is no server: write nats://host, tls://host or kafka://host", e.URL) {
		return false
	}
	for host := range strings.SplitSeq(hosts, ",") {
		if j.unless(host != "", path, "%s has an empty host", e.URL) {
			j.unless(isHost(host), path, "%q is no host: write name, name:port or [IPv6]:port, the port from 1 to 65535", host)
		}
	}
	j.login(e, path)
	j.unless(e.Capacity == 0 && e.MaxSize == 0 && e.Headers == 0, path,
		"capacity, max_size and headers are a queue's")
	if e.Kind() == Kafka {
		j.unless(e.Subject == "" && e.Stream == "", path, "Kafka has topics, not subjects and streams")
		j.unless(!e.Create, path+".create", "topics are not created here: create %s with Kafka's tools", e.Topic)
		return j.unless(e.Topic != "", path, "no topic: write kafka://host/topic, or topic:")
	}
	j.unless(e.Replicas >= 0, path+".replicas", "%d replicas: write 1 or more", e.Replicas)
	j.unless(e.Create || e.Replicas == 0, path,
		"replicas are those of a stream that is made: write create: true, or leave them out")
	j.unless(!strings.ContainsAny(e.Stream, " \t\r\n.*>/\\"), path+".stream",
		"%q is no stream: a name has no space, dot, *, > or /", e.Stream)
	j.unless(e.Topic == "" && e.Key == "", path, "NATS has subjects, not topics and keys")
	return j.unless(e.Subject != "" || which == "from" && e.Stream != "", path,
		"no subject: write nats://host/subject, or subject:")
}

var (
	queueName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$`)
	topicName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,249}$`)
)

func noQueueName(name string) string {
	return fmt.Sprintf("%q is no name of a queue: 1 to 200 letters, digits, . _ and -, the first a letter or digit", name)
}

// templates judges what varies by message, and the subjects and topics that do not.
func (j *judge) templates(r *Route, path string) {
	remote, which := r.Remote(), ".from"
	if r.Out() {
		which = ".to"
	}
	path += which
	for _, text := range []string{remote.Subject, remote.Topic, remote.Key} {
		t, err := ParseTemplate(text)
		if err == nil && text != remote.Key {
			err = t.nameFault()
		}
		if err != nil {
			j.say(path, "%v", err)
			return
		}
		j.unless(r.Out() || t.IsFixed(), path, "%q: a route into a queue has one subject or topic", text)
	}
	if remote.Kind() == Kafka {
		t, _ := ParseTemplate(remote.Topic)
		j.unless(isTopic(strings.ReplaceAll(t.Pattern(), "*", "x")), path,
			"%q is no topic: letters, digits, . _ and -", remote.Topic)
		j.unless(r.DeadLetter.Subject == "" || isTopic(r.DeadLetter.Subject), path[:len(path)-len(which)]+".dead_letter",
			"%q is no topic: letters, digits, . _ and -", r.DeadLetter.Subject)
		return
	}
	if fault := subjectFault(remote.Subject, r.Out()); fault != "" {
		j.say(path, "%s", fault)
	}
	fault := subjectFault(r.DeadLetter.Subject, true)
	if strings.ContainsAny(r.DeadLetter.Subject, "{}") {
		fault = "the subject of dead letters is one, without {}"
	}
	j.unless(fault == "", path[:len(path)-len(which)]+".dead_letter", "%s", fault)
}

func subjectFault(subject string, fixed bool) string {
	if subject == "" {
		return ""
	}
	if strings.ContainsFunc(subject, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return fmt.Sprintf("%q is no subject: it has a space, or what is not printed", subject)
	}
	if strings.HasPrefix(subject, "$") || strings.HasPrefix(subject, "{") {
		return fmt.Sprintf("%q: a subject begins with a fixed word, and $ is the server's own", subject)
	}
	for token := range strings.SplitSeq(subject, ".") {
		if token == "" {
			return fmt.Sprintf("%q is no subject: there is nothing between two dots, or at an end", subject)
		}
		if fixed && (token == "*" || token == ">") {
			return fmt.Sprintf("%q: a message is published to one subject, without wildcards", subject)
		}
	}
	return ""
}

// consumers judges what several routes take from the same queue.
func (j *judge) consumers(f *File) {
	first := map[string]*Route{}
	for i := range f.Routes {
		r := &f.Routes[i]
		if !r.Out() {
			continue
		}
		other, twice := first[r.From.String()]
		if !twice {
			first[r.From.String()] = r
			continue
		}
		j.unless(r.Mode == Shared && other.Mode == Shared, fmt.Sprintf("$.routes[%d]", i),
			"route %s takes from %s, too, and each message goes to one of them alone: if that is meant, write "+
				"mode: shared in both", other.Name, r.From)
	}
}

func sameDirectory(a, b string) bool {
	return a == b || a != "" && b != "" && filepath.Clean(a) == filepath.Clean(b)
}

func isPort(text string) bool {
	port, err := strconv.Atoi(text)
	return err == nil && port >= 1 && port <= 65535
}

func isHost(text string) bool {
	host, port, err := net.SplitHostPort(text)
	if err != nil { // without a port
		host, port, err = net.SplitHostPort(text + ":1")
	}
	return err == nil && host != "" && isPort(port) && !strings.ContainsFunc(host, unicode.IsSpace)
}

func isTopic(name string) bool { return topicName.MatchString(name) && name != "." && name != ".." }

func list(names []string) string {
	if len(names) == 0 {
		return " there is none"
	}
	return " there are " + strings.Join(names, ", ")
}
