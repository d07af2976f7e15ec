package config

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// Endpoint is one end of a route: a queue, a subject of NATS or a topic of Kafka. In a file it is a text (a queue's
// name or path, or a URL) or a map.
type Endpoint struct {
	Queue     string `yaml:"queue"`
	Directory string `yaml:"directory"`

	URL     string `yaml:"url"`    // nats://host:port or kafka://host:port, several hosts with commas between
	Server  string `yaml:"server"` // in place of URL: a name of the file's servers
	Subject string `yaml:"subject"`
	Topic   string `yaml:"topic"`
	Stream  string `yaml:"stream"` // NATS: "" is the one that has the subject
	Key     string `yaml:"key"`    // Kafka: template of records' keys
	Login   `yaml:",inline"`

	Create   bool  `yaml:"create"`   // make the queue or the stream if there is none
	Replicas Count `yaml:"replicas"` // of a stream that is made
	Capacity Count `yaml:"capacity"` // of a queue that is made
	MaxSize  Size  `yaml:"max_size"` // of the messages of a queue that is made
	Headers  Size  `yaml:"headers"`  // bytes of headers that messages of a queue that is made may have
}

// The kinds of servers.
const (
	NATS  = "nats"
	Kafka = "kafka"
)

// IsQueue is whether the end is a queue.
func (e *Endpoint) IsQueue() bool { return e.Queue != "" }

// Kind is NATS or Kafka, or "" for a queue.
func (e *Endpoint) Kind() string {
	switch {
	case strings.HasPrefix(e.URL, "kafka://"):
		return Kafka
	case e.URL != "":
		return NATS
	}
	return ""
}

// Secure is whether the URL asks for TLS.
func (e *Endpoint) Secure() bool { return e.TLS != nil || strings.HasPrefix(e.URL, "tls://") }

// Hosts are the URL's, each with a port.
func (e *Endpoint) Hosts() []string {
	_, rest, _ := strings.Cut(e.URL, "://")
	port := map[string]string{NATS: "4222", Kafka: "9092"}[e.Kind()]
	var hosts []string
	for host := range strings.SplitSeq(rest, ",") {
		if !hasPort.MatchString(host) {
			host += ":" + port
		}
		hosts = append(hosts, host)
	}
	return hosts
}

var hasPort = regexp.MustCompile(`:[0-9]+$`)

// String is the end as people read it, without what is secret.
func (e Endpoint) String() string {
	switch e.Kind() {
	case NATS:
		return e.URL + "/" + e.Subject
	case Kafka:
		return e.URL + "/" + e.Topic
	}
	if e.Directory != "" {
		return filepath.Join(e.Directory, e.Queue)
	}
	return e.Queue
}

// UnmarshalYAML reads a text or a map.
func (e *Endpoint) UnmarshalYAML(node ast.Node) error {
	switch node.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		type fields Endpoint // without this method
		return yaml.NodeToValue(node, (*fields)(e), yaml.Strict())
	}
	if err := e.set(scalar(node)); err != nil {
		return wrong(node, "%v", err)
	}
	return nil
}

var schemes = map[string]bool{"nats": true, "tls": true, "kafka": true}

// set reads a queue's name or path, or a URL: the part behind the hosts is a subject or a topic.
func (e *Endpoint) set(text string) error {
	scheme, rest, isURL := strings.Cut(text, "://")
	if !isURL {
		if text == "" {
			return fmt.Errorf("empty: name a queue, or a server as nats://host/subject or kafka://host/topic")
		}
		directory, name := filepath.Split(text)
		e.Queue, e.Directory = name, filepath.Clean(directory)
		if directory == "" {
			e.Directory = ""
		}
		return nil
	}
	if !schemes[scheme] {
		return fmt.Errorf("%s:// is unknown: a queue is written as its name, a server as nats://host/subject, "+
			"tls://host/subject or kafka://host/topic", scheme)
	}
	hosts, name, found := strings.Cut(rest, "/")
	if at := strings.LastIndex(hosts, "@"); at >= 0 {
		login := hosts[:at]
		hosts = hosts[at+1:]
		user, password, isUser := strings.Cut(login, ":")
		var err error
		if !isUser && scheme != "kafka" { // as everywhere with NATS
			if e.Token, err = url.PathUnescape(user); err != nil {
				return errors.New("token in the URL: a % is written as %25")
			}
		} else if e.User, err = url.PathUnescape(user); err != nil {
			return fmt.Errorf("user in the URL: %w", err)
		}
		if e.Password, err = url.PathUnescape(password); err != nil {
			return errors.New("password in the URL: a % is written as %25")
		}
	}
	if hosts == "" {
		return fmt.Errorf("the URL has no host")
	}
	e.URL = scheme + "://" + hosts
	if found && scheme == "kafka" {
		e.Topic = name
	} else if found {
		e.Subject = name
	}
	return nil
}
