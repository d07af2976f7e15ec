/* slot.c - a look into a slot that is not the caller's, and the headers of one that is. See slot.h. */
#include "slot.h"

#include <string.h>

void slot_set_headers(const cq_queue *queue, struct layout_slot *slot, const void *headers, size_t size)
{
    uint32_t *at = slot_headers(queue, slot_payload(queue, slot));

    *at = (uint32_t)size;
    if (size > 0)
        memcpy(at + 1, headers, size);
}

__attribute__((no_sanitize("thread"))) void slot_peek_prefix(const cq_queue *queue, struct layout_slot *slot,
                                                             unsigned char *copy)
{
    const unsigned char *prefix = slot_payload(queue, slot) - queue->geometry.prefix;

    for (size_t i = 0; i < queue->geometry.prefix; ++i)
        copy[i] = *(const volatile unsigned char *)&prefix[i];
}

/* Words are read one by one rather than by memcpy: this race is the point of the function, and the sanitizer must
   be told so for it alone. */
__attribute__((no_sanitize("thread"))) int slot_peek(const cq_queue *queue, struct layout_slot *slot, uint64_t word,
                                                      size_t *size, void *copy, size_t room)
{
    const unsigned char *payload = slot_payload(queue, slot);
    int result = slot_size(queue, slot, word, size);

    if (result != CQ_OK)
        return result;
    for (size_t i = 0; copy && *size <= room && i < *size; ++i)
        ((unsigned char *)copy)[i] = *(const volatile unsigned char *)&payload[i];
    /* peek:A, before peek:B; meets publish:B and finish:A: the bytes were read before the state is read again. */
    fence(memory_order_acquire);
    return CQ_OK;
}

/* A part of the message, in the same way: worth nothing unless the state is the same afterwards, behind a fence. By
   words, the first as aligned as the payload. */
__attribute__((no_sanitize("thread"))) void slot_read(const cq_queue *queue, struct layout_slot *slot, size_t offset,
                                                      void *to, size_t size)
{
    const unsigned char *from = slot_payload(queue, slot) + offset;
    unsigned char *bytes = to;

    for (; size >= 8; size -= 8, from += 8, bytes += 8) {
        uint64_t word = *(const volatile uint64_t *)(const volatile void *)from;
        memcpy(bytes, &word, sizeof word);
    }
    for (; size > 0; --size)
        *bytes++ = *(const volatile unsigned char *)from++;
}
