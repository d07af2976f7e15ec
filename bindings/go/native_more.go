//go:build cgo && linux && (amd64 || arm64 || loong64 || mips64le || ppc64le || riscv64)

package cqueue

/*
#cgo noescape go_enqueue_with
#cgo nocallback go_enqueue_with
#cgo noescape go_source
#cgo nocallback go_source
#cgo noescape go_raise_source
#cgo nocallback go_raise_source
#cgo noescape go_sources
#cgo nocallback go_sources
#cgo noescape go_headers
#cgo nocallback go_headers
#cgo noescape go_set_headers
#cgo nocallback go_set_headers
#cgo noescape go_enqueue_time
#cgo nocallback go_enqueue_time
#cgo noescape go_return_after
#cgo nocallback go_return_after
#cgo noescape go_sync
#cgo nocallback go_sync
#cgo noescape go_durable_directory
#cgo nocallback go_durable_directory
#include "shim.h"
*/
import "C"

import (
	"bytes"
	"encoding/binary"
	"unsafe"
)

// enqueueWith appends a message with headers, from a source if that is not nil, which ends with a 0.
func (n native) enqueueWith(message, headers, source []byte, number uint64) Code {
	return Code(C.go_enqueue_with(C.uintptr_t(n), first(message), C.size_t(len(message)), first(headers),
		C.size_t(len(headers)), first(source), C.uint64_t(number)))
}

func (n native) source(source []byte) (uint64, Code) {
	var number C.uint64_t
	result := C.go_source(C.uintptr_t(n), first(source), &number)
	return uint64(number), Code(result)
}

func (n native) raiseSource(source []byte, number uint64) Code {
	return Code(C.go_raise_source(C.uintptr_t(n), first(source), C.uint64_t(number)))
}

func (n native) sources() (map[string]uint64, Code) {
	memory := make([]byte, 64*(8+201)) // as many as there can be
	var used C.size_t
	if result := C.go_sources(C.uintptr_t(n), first(memory), C.size_t(len(memory)), &used); result != C.CQ_OK {
		return nil, Code(result)
	}
	all := map[string]uint64{}
	for rest := memory[:used]; len(rest) > 8; {
		end := 8 + bytes.IndexByte(rest[8:], 0)
		all[string(rest[8:end])] = binary.LittleEndian.Uint64(rest)
		rest = rest[end+1:]
	}
	return all, resultOK
}

// headers are those of a message in hand, in place.
func (n native) headers(l *lent) ([]byte, Code) {
	var address C.uintptr_t
	var size C.size_t
	result := C.go_headers(C.uintptr_t(n), l.words(), &address, &size)
	if result != C.CQ_OK || size == 0 {
		return nil, Code(result)
	}
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&address)), int(size)), resultOK
}

func (n native) setHeaders(l *lent, headers []byte) Code {
	return Code(C.go_set_headers(C.uintptr_t(n), l.words(), first(headers), C.size_t(len(headers))))
}

// enqueueTime is in nanoseconds since 1970.
func (n native) enqueueTime(l *lent) (int64, Code) {
	var when C.int64_t
	result := C.go_enqueue_time(C.uintptr_t(n), l.words(), &when)
	return int64(when), Code(result)
}

// giveBackAfter takes nanoseconds, or toTail.
func (n native) giveBackAfter(l *lent, delay int64) Code {
	return Code(C.go_return_after(C.uintptr_t(n), l.words(), C.int64_t(delay)))
}

var _ = [1]struct{}{}[toTail-C.CQ_TO_TAIL]

// sync blocks the thread until the queue is on the disk, or the wait is cancelled.
func (n native) sync() Code { return Code(C.go_sync(C.uintptr_t(n))) }

func (n native) durableDirectory() (string, Code) {
	path := make([]byte, 4096)
	if result := C.go_durable_directory(C.uintptr_t(n), first(path), C.size_t(len(path))); result != C.CQ_OK {
		return "", Code(result)
	}
	return string(path[:max(0, bytes.IndexByte(path, 0))]), resultOK
}
