/* slot.c - a look into a slot that is not the caller's. See slot.h. */
#include "slot.h"

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
