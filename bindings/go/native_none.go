//go:build !cgo || !linux || !(amd64 || arm64 || loong64 || mips64le || ppc64le || riscv64)

// What stands in for the C library where there is none: Open fails, and so nothing else is ever called.

package cqueue

import (
	"runtime"
	"sync/atomic"
)

type native uintptr

type lent struct {
	deliveries     uint32
	address        uintptr
	size, position uint64
}

// why is what the program is told.
func why() string {
	switch {
	case runtime.GOOS != "linux":
		return "a queue needs Linux, and this program is built for " + runtime.GOOS
	case runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64":
		return "a queue needs cgo and a 64-bit little-endian machine, and this program is built for " + runtime.GOARCH
	}
	return "this program was built without cgo: install a C compiler and build it with CGO_ENABLED=1"
}

func nativeOpen(string, *config) (native, Code) { return 0, resultUnsupported }
func nativeUnlink(string, *config) Code         { return resultUnsupported }

// nativeExplain knows one thing to say.
func nativeExplain(_ Code, name string, _ *config, _ int) string { return quoted(name) + why() }

func nativeVersion() string                                              { return headerVersion }
func nativeABIVersion() int                                              { return headerABI }
func (l *lent) bytes() []byte                                            { return nil }
func (native) close()                                                    {}
func (native) enqueue(*atomic.Int64, []byte) Code                        { return resultUnsupported }
func (native) dequeue(*atomic.Int64, []byte) (int, Code)                 { return 0, resultUnsupported }
func (native) enqueueBatch(*atomic.Int64, []byte, []uintptr) (int, Code) { return 0, resultUnsupported }
func (native) dequeueBatch(*atomic.Int64, []byte, []uintptr) (int, int, Code) {
	return 0, 0, resultUnsupported
}
func (native) reserve(int, *lent) Code              { return resultUnsupported }
func (native) commit(*lent, int) Code               { return resultUnsupported }
func (native) abort(*lent) Code                     { return resultUnsupported }
func (native) release(*lent) Code                   { return resultUnsupported }
func (native) giveBack(*lent) Code                  { return resultUnsupported }
func (native) take(*lent) Code                      { return resultUnsupported }
func (native) takeAll([]lent) (int, Code)           { return 0, resultUnsupported }
func (native) endAll(operation, []lent) (int, Code) { return 0, resultUnsupported }
func (native) wait(sideKind) Code                   { return resultUnsupported }
func (native) passOn(sideKind)                      {}
func (native) cancel()                              {}
func (native) cancelReset()                         {}
func (native) descriptor(sideKind) (int, Code)      { return 0, resultUnsupported }
func (native) length() (int, Code)                  { return 0, resultUnsupported }
func (native) stats() (Stats, Code)                 { return Stats{}, resultUnsupported }
func (native) recover() (Recovery, Code)            { return Recovery{}, resultUnsupported }
func (native) trim() (uint64, Code)                 { return 0, resultUnsupported }
func (native) participants() ([]Participant, Code)  { return nil, resultUnsupported }
func (native) walk(func([]byte) bool) Code          { return resultUnsupported }

func (native) enqueueWith(_, _, _ []byte, _ uint64) Code { return resultUnsupported }
func (native) source([]byte) (uint64, Code)              { return 0, resultUnsupported }
func (native) raiseSource([]byte, uint64) Code           { return resultUnsupported }
func (native) sources() (map[string]uint64, Code)        { return nil, resultUnsupported }
func (native) headers(*lent) ([]byte, Code)              { return nil, resultUnsupported }
func (native) setHeaders(*lent, []byte) Code             { return resultUnsupported }
func (native) enqueueTime(*lent) (int64, Code)           { return 0, resultUnsupported }
func (native) giveBackAfter(*lent, int64) Code           { return resultUnsupported }
func (native) sync() Code                                { return resultUnsupported }
func (native) durableDirectory() (string, Code)          { return "", resultUnsupported }
