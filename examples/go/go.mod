module cqueue.io/go/cqueue/examples

go 1.24

require cqueue.io/go/cqueue v0.0.0

replace cqueue.io/go/cqueue => ../../bindings/go
