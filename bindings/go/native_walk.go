//go:build cgo && linux && (amd64 || arm64 || loong64 || mips64le || ppc64le || riscv64)

package cqueue

// #include "shim.h"
import "C"

import (
	"bytes"
	"runtime/cgo"
	"unsafe"
)

// walk shows take chunks of messages, as shim.h writes them, until it returns false.
func (n native) walk(take func(chunk []byte) bool) Code {
	context := cgo.NewHandle(take)
	defer context.Delete()
	return Code(C.go_walk(C.uintptr_t(n), C.uintptr_t(context)))
}

// goVisit is called by C.
//
//export goVisit
func goVisit(memory *C.uint8_t, used C.size_t, context C.uintptr_t) (stop C.int) {
	take := cgo.Handle(context).Value().(func([]byte) bool)
	if !take(bytes.Clone(unsafe.Slice((*byte)(memory), int(used)))) {
		return 1
	}
	return 0
}
