module cqueue.io/go/cqueue/modeltest

go 1.24

require (
	cqueue.io/go/cqueue v0.0.0
	pgregory.net/rapid v1.2.0
)

replace cqueue.io/go/cqueue => ../
