module cqueue.io/go/cqueue

go 1.24
