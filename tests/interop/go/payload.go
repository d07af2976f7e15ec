package main

import (
	"encoding/binary"
	"hash/crc32"
)

const headerSize = 20 // producer, number, checksum

// fill writes the message `number` of a producer over all of it.
func fill(message []byte, producer, number uint64) {
	if len(message) == 0 {
		return
	}
	for i := range message[headerSize:] {
		message[headerSize+i] = byte(number)
	}
	binary.LittleEndian.PutUint64(message[0:], producer)
	binary.LittleEndian.PutUint64(message[8:], number)
	binary.LittleEndian.PutUint32(message[16:], checksum(message))
}

// checksum is of everything but itself.
func checksum(message []byte) uint32 {
	return crc32.Update(crc32.ChecksumIEEE(message[:16]), crc32.IEEETable, message[headerSize:])
}

// inspect says whose message it is, and whether it is as fill made it.
func inspect(message []byte) (producer, number uint64, intact bool) {
	if len(message) == 0 {
		return 0, 0, true
	}
	if len(message) < headerSize {
		return 0, 0, false
	}
	producer, number = binary.LittleEndian.Uint64(message[0:]), binary.LittleEndian.Uint64(message[8:])
	intact = binary.LittleEndian.Uint32(message[16:]) == checksum(message)
	for _, b := range message[headerSize:] {
		intact = intact && b == byte(number)
	}
	return producer, number, intact
}
