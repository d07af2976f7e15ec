package config

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// A Duration is written 500ms, 2s or 1m.
type Duration time.Duration

// UnmarshalYAML reads a duration.
func (d *Duration) UnmarshalYAML(node ast.Node) error {
	parsed, err := time.ParseDuration(scalar(node))
	if err != nil || parsed < 0 {
		return wrong(node, "%q is no duration: write 500ms, 2s or 1m", scalar(node))
	}
	*d = max(Duration(parsed), 1) // 0 is what was not written
	return nil
}

// A Count is a whole number. 0 is what was not written.
type Count int

// UnmarshalYAML reads a count.
func (c *Count) UnmarshalYAML(node ast.Node) error {
	number, err := strconv.ParseInt(scalar(node), 10, 32)
	if err != nil || number == 0 {
		return wrong(node, "%q is no number of 1 or more", scalar(node))
	}
	*c = Count(number)
	return nil
}

// A Size is a number of bytes, written 4096, 64K, 1M or 1G.
type Size int64

var sizeWritten = regexp.MustCompile(`^([0-9]+)([KMG]?)(?:i?B)?$`)

// UnmarshalYAML reads a size.
func (s *Size) UnmarshalYAML(node ast.Node) error {
	parts := sizeWritten.FindStringSubmatch(scalar(node))
	if parts == nil {
		return wrong(node, "%q is no size: write 4096, 64K, 1M or 1G", scalar(node))
	}
	number, err := strconv.ParseInt(parts[1], 10, 32)
	if err != nil {
		return wrong(node, "%s is too large", scalar(node))
	}
	*s = Size(number << map[string]int{"": 0, "K": 10, "M": 20, "G": 30}[parts[2]])
	return nil
}

// scalar is the text that a node is, as it was written but for quotes.
func scalar(node ast.Node) string {
	if text, ok := node.(*ast.StringNode); ok {
		return text.Value
	}
	return node.String()
}

// wrong is an error at a node.
func wrong(node ast.Node, format string, values ...any) error {
	return &yaml.SyntaxError{Message: fmt.Sprintf(format, values...), Token: node.GetToken()}
}

var fromEnvironment = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// secret is a text with the environment's values in place of ${NAME}, or the first line of a file.
func secret(text, file string) (string, error) {
	if file != "" {
		read, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		line, _, _ := strings.Cut(string(read), "\n")
		return strings.TrimSuffix(line, "\r"), nil
	}
	var missing string
	text = fromEnvironment.ReplaceAllStringFunc(text, func(found string) string {
		name := found[2 : len(found)-1]
		value, known := os.LookupEnv(name)
		if !known {
			missing = name
		}
		return value
	})
	if missing != "" {
		return "", fmt.Errorf("the environment has no %s", missing)
	}
	return text, nil
}

// UserPassword is what to log in with; both are empty if the file says nothing.
func (l *Login) UserPassword() (user, password string, err error) {
	if user, err = secret(l.User, ""); err == nil {
		password, err = secret(l.Password, l.PasswordFile)
	}
	return user, password, err
}

// TheToken is the token to log in with, or "".
func (l *Login) TheToken() (string, error) { return secret(l.Token, l.TokenFile) }
