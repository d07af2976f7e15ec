// Command cq-bridge carries messages between queues of this machine and NATS JetStream or Kafka. `cq bridge` runs it.
// This file is its command line.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/alecthomas/kong"

	"cqueue.io/go/bridge/internal/config"
	"cqueue.io/go/cqueue"
)

// As those of cq.
const (
	exitUsage = 2
	exitError = 3
)

type source struct {
	File string `arg:"" optional:"" help:"The configuration."`
	From string `help:"In place of a file: a queue, nats://host/subject or kafka://host/topic." placeholder:"END"`
	To   string `help:"Where to, written in the same way." placeholder:"END"`
}

var cli struct {
	Check   check            `cmd:"" help:"Say what would be connected with what, and what is wrong."`
	Run     run              `cmd:"" help:"Carry messages until SIGTERM. SIGHUP reads the file again."`
	Version kong.VersionFlag `help:"Print the version and exit."`
}

func main() {
	parser := kong.Must(&cli, kong.Name("cq bridge"), kong.Vars{"version": "cq-bridge " + cqueue.Version()},
		kong.Description("Carries messages between queues and NATS JetStream or Kafka, each once and in order."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	parsed, err := parser.Parse(os.Args[1:])
	if err == nil {
		err = parsed.Run()
	} else {
		err = usage{err}
	}
	if err == nil {
		return
	}
	if faults := (config.Faults)(nil); errors.As(err, &faults) {
		fmt.Fprintln(os.Stderr, faults)
	} else {
		fmt.Fprintln(os.Stderr, "cq bridge:", err)
	}
	if errors.As(err, new(usage)) {
		fmt.Fprintln(os.Stderr, "`cq bridge --help` says what is possible.")
		os.Exit(exitUsage)
	}
	os.Exit(exitError)
}

type usage struct{ error }

// read is the configuration that the command line asks for.
func (s *source) read() (*config.File, error) {
	switch {
	case s.File != "" && (s.From != "" || s.To != ""):
		return nil, usage{errors.New("a file, or --from and --to: choose one")}
	case s.File != "":
		return config.Read(s.File)
	case s.From == "" || s.To == "":
		return nil, usage{errors.New("which configuration? Name a file, or give --from and --to")}
	}
	return config.One(s.From, s.To)
}
