//go:build cgo && linux && (amd64 || arm64 || loong64 || mips64le || ppc64le || riscv64)

// The C library as the rest of the package sees it: plain Go types, a Code for every result. Only native*.go know cgo;
// native_none.go stands in where there is no C library.

package cqueue

/*
#cgo noescape cq_abi_version
#cgo nocallback cq_abi_version
#cgo noescape cq_unlink
#cgo nocallback cq_unlink
#cgo noescape cq_explain
#cgo nocallback cq_explain
#cgo noescape go_open
#cgo nocallback go_open
#cgo noescape go_close
#cgo nocallback go_close
#cgo noescape go_enqueue
#cgo nocallback go_enqueue
#cgo noescape go_dequeue
#cgo nocallback go_dequeue
#cgo noescape go_enqueue_batch
#cgo nocallback go_enqueue_batch
#cgo noescape go_dequeue_batch
#cgo nocallback go_dequeue_batch
#cgo noescape go_reserve
#cgo nocallback go_reserve
#cgo noescape go_commit
#cgo nocallback go_commit
#cgo noescape go_abort
#cgo nocallback go_abort
#cgo noescape go_take
#cgo nocallback go_take
#cgo noescape go_take_all
#cgo nocallback go_take_all
#cgo noescape go_end_all
#cgo nocallback go_end_all
#cgo noescape go_release
#cgo nocallback go_release
#cgo noescape go_return
#cgo nocallback go_return
#cgo noescape go_wait
#cgo nocallback go_wait
#cgo noescape go_pass_on
#cgo nocallback go_pass_on
#cgo noescape go_cancel
#cgo nocallback go_cancel
#cgo noescape go_cancel_reset
#cgo nocallback go_cancel_reset
#cgo noescape go_length
#cgo nocallback go_length
#cgo noescape go_fd
#cgo nocallback go_fd
#include "shim.h"
*/
import "C"

import (
	"strings"
	"sync/atomic"
	"unsafe"
)

// native is an open handle of the library.
type native C.uintptr_t

// lent is a cq_message. Its address is a number, so that Go need not look at it at each call.
type lent struct {
	structSize, deliveries uint32
	address                uintptr
	size, position         uint64
	token                  [2]uint64
}

// What C and Go say of a handle that is being closed is the same, or this does not compile.
var (
	_ = [1]struct{}{}[closing-C.GO_CLOSING]
	_ = [1]struct{}{}[resultClosed-C.GO_CLOSED]
)

// A lent is laid out as the library's, or this does not compile.
var (
	_ = [1]struct{}{}[unsafe.Sizeof(lent{})-C.sizeof_cq_message]
	_ = [1]struct{}{}[unsafe.Offsetof(lent{}.deliveries)-unsafe.Offsetof(C.cq_message{}.deliveries)]
	_ = [1]struct{}{}[unsafe.Offsetof(lent{}.address)-unsafe.Offsetof(C.cq_message{}.data)]
	_ = [1]struct{}{}[unsafe.Offsetof(lent{}.size)-unsafe.Offsetof(C.cq_message{}.size)]
	_ = [1]struct{}{}[unsafe.Offsetof(lent{}.position)-unsafe.Offsetof(C.cq_message{}.position)]
)

func (l *lent) words() *C.uint64_t { return (*C.uint64_t)(unsafe.Pointer(l)) }

// bytes are the queue's own memory, which is not Go's.
func (l *lent) bytes() []byte {
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&l.address)), int(l.size))
}

// first is the address of the bytes, for C. It may be anything if there are none.
func first(bytes []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.SliceData(bytes)) }

// withConfig calls f with name and configuration as C has them.
func withConfig(name string, c *config, f func(name *C.char, config *C.cq_config) C.int) C.int {
	cName := C.CString(name)
	defer C.free(unsafe.Pointer(cName))
	given := C.cq_config{
		struct_size:      C.sizeof_cq_config,
		flags:            C.uint32_t(c.flags),
		capacity:         C.uint64_t(c.capacity),
		max_message_size: C.uint64_t(c.maxMessageSize),
		permissions:      C.uint32_t(c.permissions),
		max_held:         C.uint64_t(c.maxHeld),
		max_memory:       C.uint64_t(c.maxMemory),
		reserve:          C.uint64_t(c.reserve),
		max_headers:      C.uint64_t(c.maxHeaders),
		max_deliveries:   C.uint64_t(c.maxDeliveries),
		time_to_live:     C.int64_t(c.timeToLive),
	}
	for _, text := range []struct {
		from string
		to   **C.char
	}{{c.directory, &given.directory}, {c.deadLetter, &given.dead_letter}, {c.durable, &given.durable_directory}} {
		if text.from != "" {
			*text.to = C.CString(text.from)
			defer C.free(unsafe.Pointer(*text.to))
		}
	}
	return f(cName, &given)
}

func nativeOpen(name string, c *config) (n native, result Code) {
	result = Code(withConfig(name, c, func(name *C.char, config *C.cq_config) C.int {
		return C.go_open(name, config, (*C.uintptr_t)(&n))
	}))
	return n, result
}

func nativeUnlink(name string, c *config) Code {
	return Code(withConfig(name, c, func(name *C.char, config *C.cq_config) C.int { return C.cq_unlink(name, config) }))
}

func nativeExplain(result Code, name string, c *config, size int) string {
	text := make([]byte, 512)
	withConfig(name, c, func(name *C.char, config *C.cq_config) C.int {
		for {
			length := int(C.cq_explain(C.int(result), name, config, C.size_t(size), (*C.char)(unsafe.Pointer(&text[0])),
				C.size_t(len(text))))
			if length < len(text) {
				text = text[:length]
				return C.CQ_OK
			}
			text = make([]byte, length+1)
		}
	})
	return strings.ToValidUTF8(string(text), "?")
}

func nativeVersion() string { return C.GoString(C.cq_version()) }
func nativeABIVersion() int { return int(C.cq_abi_version()) }

func (n native) close() { C.go_close(C.uintptr_t(n)) }

func (n native) enqueue(users *atomic.Int64, message []byte) Code {
	return Code(C.go_enqueue(C.uintptr_t(n), (*C.int64_t)(unsafe.Pointer(users)), first(message), C.size_t(len(message))))
}

// enqueue and dequeue, and their batches, need no begin and end: the library keeps the handle while they last.

// dequeue returns the message's size, of which resultTooSmall says that it is more than there is room.
func (n native) dequeue(users *atomic.Int64, room []byte) (int, Code) {
	var size C.size_t
	result := C.go_dequeue(C.uintptr_t(n), (*C.int64_t)(unsafe.Pointer(users)), first(room), C.size_t(len(room)), &size)
	return int(size), Code(result)
}

func (n native) enqueueBatch(users *atomic.Int64, data []byte, sizes []uintptr) (int, Code) {
	var done C.size_t
	result := C.go_enqueue_batch(C.uintptr_t(n), (*C.int64_t)(unsafe.Pointer(users)), first(data),
		(*C.size_t)(unsafe.Pointer(unsafe.SliceData(sizes))), C.size_t(len(sizes)), &done)
	return int(done), Code(result)
}

// dequeueBatch returns how many messages came, and their bytes in all.
func (n native) dequeueBatch(users *atomic.Int64, room []byte, sizes []uintptr) (messages, bytes int, result Code) {
	var all C.struct_go_came
	result = Code(C.go_dequeue_batch(C.uintptr_t(n), (*C.int64_t)(unsafe.Pointer(users)), first(room),
		C.size_t(len(room)), (*C.size_t)(unsafe.Pointer(unsafe.SliceData(sizes))), C.size_t(len(sizes)), &all))
	return int(all.messages), int(all.bytes), result
}

func (n native) reserve(size int, l *lent) Code {
	return Code(C.go_reserve(C.uintptr_t(n), C.size_t(size), l.words()))
}

func (n native) commit(l *lent, size int) Code {
	return Code(C.go_commit(C.uintptr_t(n), l.words(), C.size_t(size)))
}

func (n native) abort(l *lent) Code    { return Code(C.go_abort(C.uintptr_t(n), l.words())) }
func (n native) release(l *lent) Code  { return Code(C.go_release(C.uintptr_t(n), l.words())) }
func (n native) giveBack(l *lent) Code { return Code(C.go_return(C.uintptr_t(n), l.words())) }

func (n native) take(l *lent) Code { return Code(C.go_take(C.uintptr_t(n), l.words())) }

// takeAll returns how many it took; resultOK if that is one at least.
func (n native) takeAll(lents []lent) (int, Code) {
	var done C.size_t
	result := C.go_take_all(C.uintptr_t(n), lents[0].words(), C.size_t(len(lents)), &done)
	return int(done), Code(result)
}

// endAll releases or gives back, and returns how many it did before the one that has the result.
func (n native) endAll(op operation, lents []lent) (int, Code) {
	var done C.size_t
	var releases C.int
	if op == releasing {
		releases = 1
	}
	result := C.go_end_all(C.uintptr_t(n), lents[0].words(), C.size_t(len(lents)), releases, &done)
	return int(done), Code(result)
}

// wait blocks the thread until there may be what the side waits for, or the wait is cancelled.
func (n native) wait(side sideKind) Code { return Code(C.go_wait(C.uintptr_t(n), ofConsumers(side))) }
func (n native) passOn(side sideKind)    { C.go_pass_on(C.uintptr_t(n), ofConsumers(side)) }
func (n native) cancel()                 { C.go_cancel(C.uintptr_t(n)) }
func (n native) cancelReset()            { C.go_cancel_reset(C.uintptr_t(n)) }

func (n native) descriptor(side sideKind) (int, Code) {
	var fd C.int
	result := C.go_fd(C.uintptr_t(n), ofConsumers(side), &fd)
	return int(fd), Code(result)
}

func ofConsumers(side sideKind) C.int {
	if side == forMessages {
		return 1
	}
	return 0
}

func (n native) length() (int, Code) {
	var length C.uint64_t
	result := C.go_length(C.uintptr_t(n), &length)
	return int(length), Code(result)
}
