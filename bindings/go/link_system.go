//go:build cgo && linux && cqueue_system

package cqueue

// #cgo pkg-config: cqueue
import "C"
