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

__attribute__((no_sanitize("thread"))) void slot_peek_before(const cq_queue *queue, struct layout_slot *slot,
                                                             uint64_t sequence, struct slot_before *before)
{
    const unsigned char *payload = slot_payload(queue, slot);
    const volatile struct layout_feed *feed = slot_feed(queue, payload);

    *before = (struct slot_before){.size = 0};
    if (slot_has_feed(queue))
        before->feed = (struct layout_feed){feed->source, feed->number};
    if (word_sequence(before->feed.source) != sequence)
        before->feed = (struct layout_feed){0, 0};
    if (slot_has_times(queue)) {
        int64_t when = *(const volatile int64_t *)slot_time(queue, payload);
        memcpy(before->bytes, &when, sizeof when);
        before->size = sizeof when;
    }
    if (queue->geometry.max_headers > 0) {
        uint32_t *at = slot_headers(queue, payload), size = *(const volatile uint32_t *)at;
        size = size <= queue->geometry.max_headers ? size : 0;
        memcpy(before->bytes + before->size, &size, sizeof size);
        before->size += sizeof size;
        before->headers = size;
        before->headers_at = (const unsigned char *)(at + 1) - payload;
    }
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

/* A part of the message, or of its headers, in the same way: worth nothing unless the state is the same afterwards,
   behind a fence. `offset`: from the payload on. By words, where they are aligned. */
__attribute__((no_sanitize("thread"))) void slot_read(const cq_queue *queue, struct layout_slot *slot,
                                                      ptrdiff_t offset, void *to, size_t size)
{
    const unsigned char *from = slot_payload(queue, slot) + offset;
    unsigned char *bytes = to;

    for (; size > 0 && (uintptr_t)from % 8 != 0; --size)
        *bytes++ = *(const volatile unsigned char *)from++;
    for (; size >= 8; size -= 8, from += 8, bytes += 8) {
        uint64_t word = *(const volatile uint64_t *)(const volatile void *)from;
        memcpy(bytes, &word, sizeof word);
    }
    for (; size > 0; --size)
        *bytes++ = *(const volatile unsigned char *)from++;
}
