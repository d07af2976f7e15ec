module cqueue.io/go/cqueue

go 1.24

require pgregory.net/rapid v1.2.0
