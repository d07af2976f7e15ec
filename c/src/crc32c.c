/*
 * crc32c.c - CRC-32C (that of iSCSI), eight bytes at a time by tables.
 *
 * The tables are the caller's, and made in microseconds: nothing here is shared, or has to be begun by somebody.
 */
#include "crc32c.h"

#include <string.h>

#define POLYNOMIAL 0x82f63b78u /* 0x1edc6f41, reflected */

void crc32c_prepare(struct crc32c *crc)
{
    for (uint32_t byte = 0; byte < 256; ++byte) {
        uint32_t sum = byte;
        for (int bit = 0; bit < 8; ++bit)
            sum = sum >> 1 ^ (sum & 1 ? POLYNOMIAL : 0);
        crc->table[0][byte] = sum;
    }
    for (uint32_t byte = 0; byte < 256; ++byte)
        for (int slice = 1; slice < 8; ++slice) {
            uint32_t before = crc->table[slice - 1][byte];
            crc->table[slice][byte] = before >> 8 ^ crc->table[0][before & 0xff];
        }
}

uint32_t crc32c_add(const struct crc32c *crc, uint32_t sum, const void *data, size_t size)
{
    const uint32_t(*table)[256] = crc->table;
    const unsigned char *bytes = data;

    sum = ~sum;
    for (; size >= 8; size -= 8, bytes += 8) {
        uint32_t low, high;
        memcpy(&low, bytes, 4);
        memcpy(&high, bytes + 4, 4);
        low ^= sum;
        sum = table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^ table[5][low >> 16 & 0xff] ^ table[4][low >> 24] ^
              table[3][high & 0xff] ^ table[2][high >> 8 & 0xff] ^ table[1][high >> 16 & 0xff] ^ table[0][high >> 24];
    }
    for (; size > 0; --size, ++bytes)
        sum = sum >> 8 ^ table[0][(sum ^ *bytes) & 0xff];
    return ~sum;
}
