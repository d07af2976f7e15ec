package cqueue

import (
	"encoding/json"
	"fmt"
	"reflect"
	"unsafe"
)

// A Codec makes messages of values and values of messages.
type Codec[T any] interface {
	// Append appends the value's message to buffer.
	Append(buffer []byte, value T) ([]byte, error)
	// Decode makes a value of a message, whose memory it must not keep.
	Decode(message []byte) (T, error)
}

// JSON is a Codec by encoding/json: one value a message, in UTF-8. It is the format that all languages of cqueue have.
func JSON[T any]() Codec[T] { return jsonCodec[T]{} }

type jsonCodec[T any] struct{}

func (jsonCodec[T]) Append(buffer []byte, value T) ([]byte, error) {
	message, err := json.Marshal(value)
	return append(buffer, message...), err
}

func (jsonCodec[T]) Decode(message []byte) (value T, err error) {
	err = json.Unmarshal(message, &value)
	return value, err
}

// Binary is a Codec for types of a fixed size: numbers, bool, and arrays and structs of these. A message is just the
// bytes that the same struct has in C: little-endian, in the order of the fields, each aligned to its size. What is
// between the fields, and fields named _, are sent as 0. int, uint and uintptr have no fixed size.
func Binary[T any]() Codec[T] {
	codec := &binaryCodec[T]{}
	kind := reflect.TypeFor[T]()
	codec.size = int(kind.Size())
	codec.fault = codec.look(kind, 0)
	codec.gap(codec.size)
	return codec
}

// binaryCodec copies memory: on the machines that there are queues on, Go has it as C does.
type binaryCodec[T any] struct {
	size    int
	fault   error
	bools   []int    // where they are: they are 0 or 1
	padding [][2]int // from, to
	covered int      // up to where look has been
}

// look looks at a part of the type, which lies at an offset.
func (c *binaryCodec[T]) look(kind reflect.Type, offset int) error {
	switch kind.Kind() {
	case reflect.Bool:
		c.bools = append(c.bools, offset)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint8, reflect.Uint16, reflect.Uint32,
		reflect.Uint64, reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128:
	case reflect.Array:
		for i := range kind.Len() {
			if err := c.look(kind.Elem(), offset+i*int(kind.Elem().Size())); err != nil {
				return err
			}
			if c.isPlain(kind.Elem()) {
				break
			}
		}
	case reflect.Struct:
		for i := range kind.NumField() {
			field := kind.Field(i)
			if field.Name == "_" || field.Type.Size() == 0 {
				continue
			}
			c.gap(offset + int(field.Offset))
			if err := c.look(field.Type, offset+int(field.Offset)); err != nil {
				return err
			}
		}
		c.gap(offset + int(kind.Size()))
		return nil
	default:
		return fmt.Errorf("%v has no fixed size, because of %v in it", reflect.TypeFor[T](), kind)
	}
	c.covered = offset + int(kind.Size())
	return nil
}

// isPlain is whether one of an array's elements need not be looked at for itself.
func (c *binaryCodec[T]) isPlain(kind reflect.Type) bool {
	switch kind.Kind() {
	case reflect.Bool, reflect.Struct, reflect.Array:
		return false
	}
	return true
}

// gap notes that there is padding up to an offset, if so.
func (c *binaryCodec[T]) gap(to int) {
	if to > c.covered {
		c.padding = append(c.padding, [2]int{c.covered, to})
		c.covered = to
	}
}

func (c *binaryCodec[T]) bytes(value *T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(value)), c.size)
}

func (c *binaryCodec[T]) Append(buffer []byte, value T) ([]byte, error) {
	if c.fault != nil {
		return buffer, c.fault
	}
	buffer = append(buffer, c.bytes(&value)...)
	message := buffer[len(buffer)-c.size:]
	for _, gap := range c.padding {
		clear(message[gap[0]:gap[1]])
	}
	return buffer, nil
}

func (c *binaryCodec[T]) Decode(message []byte) (value T, err error) {
	if c.fault != nil {
		return value, c.fault
	}
	if len(message) != c.size {
		return value, fmt.Errorf("%s, %T has %d", counted(len(message), "byte"), value, c.size)
	}
	for _, at := range c.bools {
		if message[at] > 1 {
			return value, fmt.Errorf("byte %d of %T is %d, a bool is 0 or 1", at, value, message[at])
		}
	}
	copy(c.bytes(&value), message)
	return value, nil
}
