/*
 * payload.h - the messages that the workers of tests/interop exchange, and what they write down about them. For C and C++.
 *
 * A message has 0 bytes, or at least 20, little-endian as every machine is that can map a region:
 *
 *      0  producer  u64
 *      8  number    u64
 *     16  CRC-32    u32   of all the other bytes, in order
 *     20  filling         number & 255 in each byte
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <zlib.h>

enum { PAYLOAD_CRC = 16, PAYLOAD_FILLING = 20, PAYLOAD_MANY = 64 /* messages of a batch */ };

/* A consumer's record of a message: 32 bytes of its log. */
struct payload_record {
    uint64_t producer, number;
    uint32_t size;
    uint32_t intact;     /* 1: checksum and filling are right, or there is nothing to be wrong */
    uint32_t deliveries; /* of a loan, else 0 */
    uint32_t zero;
};

static inline uint32_t payload_crc(const unsigned char *message, size_t size)
{
    uLong crc = crc32(0, message, PAYLOAD_CRC);
    return (uint32_t)crc32_z(crc, message + PAYLOAD_FILLING, size - PAYLOAD_FILLING);
}

static inline void payload_write(void *to, size_t size, uint64_t producer, uint64_t number)
{
    unsigned char *message = (unsigned char *)to;

    if (size == 0)
        return;
    memcpy(message, &producer, sizeof producer);
    memcpy(message + 8, &number, sizeof number);
    memset(message + PAYLOAD_FILLING, (int)(number & 255), size - PAYLOAD_FILLING);
    uint32_t crc = payload_crc(message, size);
    memcpy(message + PAYLOAD_CRC, &crc, sizeof crc);
}

static inline struct payload_record payload_read(const void *from, size_t size, uint32_t deliveries)
{
    const unsigned char *message = (const unsigned char *)from;
    struct payload_record record = {0, 0, (uint32_t)size, size == 0, deliveries, 0};
    uint32_t crc;

    if (size < PAYLOAD_FILLING)
        return record;
    memcpy(&record.producer, message, sizeof record.producer);
    memcpy(&record.number, message + 8, sizeof record.number);
    memcpy(&crc, message + PAYLOAD_CRC, sizeof crc);
    record.intact = crc == payload_crc(message, size);
    for (size_t i = PAYLOAD_FILLING; i < size; ++i)
        record.intact &= message[i] == (record.number & 255);
    return record;
}
