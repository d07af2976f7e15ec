package config

import (
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// A Fault is one thing that is wrong with a file.
type Fault struct {
	File string
	Line int
	Text string
}

// Error is the fault with its place in front, as compilers write it.
func (f Fault) Error() string { return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Text) }

// Faults are all that was found.
type Faults []Fault

// Error is each fault in a line.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i := range f {
		lines[i] = f[i].Error()
	}
	return strings.Join(lines, "\n")
}

// Read reads a file and judges it. The error is Faults, or the system's.
func Read(name string) (*File, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return Parse(name, text)
}

// Parse is Read of a text.
func Parse(name string, text []byte) (*File, error) {
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, Faults{faultOf(name, err)}
	}
	if len(tree.Docs) > 1 {
		return nil, Faults{{name, tree.Docs[1].GetToken().Position.Line, "a second document: a configuration is one"}}
	}
	var f File
	if err := yaml.UnmarshalWithOptions(text, &f, yaml.Strict()); err != nil {
		return nil, Faults{faultOf(name, err)}
	}
	f.resolve()
	f.complete()
	found := f.faults()
	if len(found) == 0 {
		return &f, nil
	}
	faults := make(Faults, len(found))
	for i, fault := range found {
		faults[i] = Fault{name, lineOf(tree, fault.path), fault.text}
	}
	sort.SliceStable(faults, func(i, j int) bool { return faults[i].Line < faults[j].Line })
	return nil, faults
}

// faultOf is what the library says of a text that it could not read.
func faultOf(name string, err error) Fault {
	var located yaml.Error
	if errors.As(err, &located) && located.GetToken() != nil {
		return Fault{name, located.GetToken().Position.Line, located.GetMessage()}
	}
	return Fault{name, 1, err.Error()}
}

// lineOf is the line of what the path leads to, or of the nearest thing around it that the file has.
func lineOf(tree *ast.File, path string) int {
	for path != "" && path != "$" {
		if parsed, err := yaml.PathString(path); err == nil {
			if node, err := parsed.FilterFile(tree); err == nil && node != nil {
				return startOf(node)
			}
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return 1
}

// startOf is the line on which a node begins. A map's own token is a colon of it.
func startOf(node ast.Node) int {
	if mapping, ok := node.(*ast.MappingNode); ok && len(mapping.Values) > 0 {
		return startOf(mapping.Values[0])
	}
	if pair, ok := node.(*ast.MappingValueNode); ok {
		return pair.Key.GetToken().Position.Line
	}
	return node.GetToken().Position.Line
}
