/* crc32c.h - the checksum of what is on the disk. */
#ifndef CQ_CRC32C_H
#define CQ_CRC32C_H

#include <stddef.h>
#include <stdint.h>

struct crc32c {
    uint32_t table[8][256];
};

void crc32c_prepare(struct crc32c *crc);
/* Of pieces one behind the other: begin with 0, and hand on what comes back. */
uint32_t crc32c_add(const struct crc32c *crc, uint32_t sum, const void *data, size_t size);

#endif
