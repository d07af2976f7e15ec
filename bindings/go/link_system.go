//go:build cgo && linux && (amd64 || arm64 || loong64 || mips64le || ppc64le || riscv64) && cqueue_system

package cqueue

// #cgo pkg-config: cqueue
import "C"
