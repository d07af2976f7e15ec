package config

import (
	"fmt"
	"regexp"
	"strings"
)

// A Template is a text in which {name} stands for the value of a message's header, and {name|text} for text where the
// message has no such header.
type Template struct {
	text  string
	parts []part
}

type part struct {
	literal   string
	header    string
	otherwise string
	optional  bool
}

var headerName = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// ParseTemplate reads a template.
func ParseTemplate(text string) (*Template, error) {
	t := &Template{text: text}
	for rest := text; rest != ""; {
		literal, behind, open := strings.Cut(rest, "{")
		if strings.Contains(literal, "}") {
			return nil, fmt.Errorf("%q: a } without {", text)
		}
		if literal != "" {
			t.parts = append(t.parts, part{literal: literal})
		}
		if !open {
			break
		}
		inside, after, closed := strings.Cut(behind, "}")
		if !closed {
			return nil, fmt.Errorf("%q: a { without }", text)
		}
		name, otherwise, optional := strings.Cut(inside, "|")
		if !headerName.MatchString(name) {
			return nil, fmt.Errorf("%q: {%s} names no header: write {name} or {name|default}", text, inside)
		}
		t.parts = append(t.parts, part{header: name, otherwise: otherwise, optional: optional})
		rest = after
	}
	return t, nil
}

// IsFixed is whether the text is the same for all messages.
func (t *Template) IsFixed() bool {
	return len(t.parts) == 0 || len(t.parts) == 1 && t.parts[0].header == ""
}

// String is the template as it was written.
func (t *Template) String() string { return t.text }

// Pattern is the template as a NATS subject with * for each part that varies.
func (t *Template) Pattern() string {
	var text strings.Builder
	for _, p := range t.parts {
		if p.header != "" {
			text.WriteString("*")
		} else {
			text.WriteString(p.literal)
		}
	}
	tokens := strings.Split(text.String(), ".")
	for i, token := range tokens {
		if strings.Contains(token, "*") {
			tokens[i] = "*"
		}
	}
	return strings.Join(tokens, ".")
}

// nameFault says what is wrong with a template for Name.
func (t *Template) nameFault() error {
	for _, p := range t.parts {
		if p.optional && !isToken(p.otherwise) {
			return fmt.Errorf("%q: what stands for a missing %s may only have letters, digits, - and _", t.text, p.header)
		}
	}
	return nil
}

func isToken(text string) bool { return headerName.MatchString(text) && !strings.Contains(text, ".") }

// Name is the text for a message with these headers, as a part of a subject or topic.
func (t *Template) Name(header func(name string) (string, bool)) (string, error) {
	return t.of(header, isToken)
}

// Text is the text for a message with these headers, whatever their values are.
func (t *Template) Text(header func(name string) (string, bool)) (string, error) {
	return t.of(header, func(string) bool { return true })
}

func (t *Template) of(header func(name string) (string, bool), allowed func(value string) bool) (string, error) {
	if t.IsFixed() {
		return t.text, nil
	}
	var text strings.Builder
	for _, p := range t.parts {
		if p.header == "" {
			text.WriteString(p.literal)
			continue
		}
		value, known := header(p.header)
		if !known && !p.optional {
			return "", fmt.Errorf("the message has no header %q, which %s needs: write {%s|default} if it may be missing",
				p.header, t.text, p.header)
		}
		if !known {
			value = p.otherwise
		}
		if !allowed(value) {
			return "", fmt.Errorf("the message's header %q is %q, and in %s it may only have letters, digits, - and _",
				p.header, value, t.text)
		}
		text.WriteString(value)
	}
	return text.String(), nil
}
