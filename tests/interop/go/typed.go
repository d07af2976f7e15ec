package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"cqueue.io/go/cqueue"
)

// An item is what is sent as JSON.
type item struct {
	ID    int32   `json:"id"`
	Name  string  `json:"name"`
	Price float64 `json:"price"`
}

func (i item) String() string { return fmt.Sprintf("%d %s %v", i.ID, i.Name, i.Price) }

// A plain item is what is sent as struct { int32_t id; double price; char name[8]; }.
type plain struct {
	ID    int32
	Price float64
	Name  [8]byte
}

func (p plain) String() string {
	return item{p.ID, strings.TrimRight(string(p.Name[:]), "\x00"), p.Price}.String()
}

func putTyped(o *options) error {
	switch o.format {
	case "json":
		return put(o, cqueue.JSON[item](), item{7, "tea", 2.5})
	case "struct":
		return put(o, cqueue.Binary[plain](), plain{7, 2.5, [8]byte{'t', 'e', 'a'}})
	}
	return fmt.Errorf("no such format: %s", o.format)
}

func getTyped(o *options) error {
	switch o.format {
	case "json":
		return get(o, cqueue.JSON[item]())
	case "struct":
		return get(o, cqueue.Binary[plain]())
	}
	return fmt.Errorf("no such format: %s", o.format)
}

func put[T any](o *options, codec cqueue.Codec[T], value T) error {
	queue, err := o.open(cqueue.Attach())
	if err != nil {
		return err
	}
	typed := cqueue.NewTyped(queue, codec)
	for range o.count {
		if err := typed.Enqueue(value); err != nil {
			return err
		}
	}
	return queue.Close()
}

func get[T fmt.Stringer](o *options, codec cqueue.Codec[T]) error {
	queue, err := o.open(cqueue.Attach())
	if err != nil {
		return err
	}
	typed := cqueue.NewTyped(queue, codec)
	for range o.count {
		if err := getOne(typed); err != nil {
			return err
		}
	}
	return queue.Close()
}

func getOne[T fmt.Stringer](typed *cqueue.Typed[T]) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	taken, err := typed.TakeContext(ctx)
	var undecoded *cqueue.DecodeError
	if errors.As(err, &undecoded) {
		fmt.Printf("undecodable %x\n", undecoded.Message)
		return nil
	} else if err != nil {
		return err
	}
	fmt.Println(taken.Value)
	return taken.Release()
}
