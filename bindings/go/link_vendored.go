//go:build cgo && linux && !cqueue_system

package cqueue

// #cgo LDFLAGS: -pthread
import "C"
