//go:build !cgo || !linux

package cqueue

// Nothing else of the package is compiled without cgo or elsewhere than on Linux: this line is what the compiler shows.
var _ = cqueue_needs_Linux_and_cgo__install_a_C_compiler_and_set_CGO_ENABLED_to_1
