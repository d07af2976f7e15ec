/*
 * slot.c - the message in a slot: where its bytes are and how its size is kept.
 *
 * It owns the two slot formats of layout.h. It must not know who may touch a slot when, which is the callers' part;
 * only slot_peek is for slots that are not the caller's, and what it gives is worth nothing until the state was read again.
 */
#include "internal.h"

/*
 * The size, and the bytes if `copy` is not NULL and has room for them, of a message that others may take and overwrite meanwhile. The caller
 * discards both unless slot->state is still `word` afterwards. Words are read one by one rather than by memcpy: this
 * race is the point of the function, and the sanitizer must be told so for it alone.
 */
__attribute__((no_sanitize("thread"))) int slot_peek(const cq_queue *queue, struct layout_slot *slot, uint64_t word,
                                                      size_t *size, void *copy,
                                                      size_t room)
{
    const unsigned char *payload = slot_payload(queue, slot);
    uint64_t limit = queue->geometry.max_message_size;
    uint64_t found = limit;

    if (!slot_is_small(queue))
        found = *(const volatile uint64_t *)&slot->length;
    else if (slot_short(word))
        found = *(const volatile unsigned char *)&payload[limit - 1];
    if (found > limit)
        return CQ_ECORRUPT;
    *size = (size_t)found;
    for (size_t i = 0; copy && found <= room && i < found; ++i)
        ((unsigned char *)copy)[i] = *(const volatile unsigned char *)&payload[i];
    /* P1 acquire fence, pairs with E3: the bytes were read before the state is read again. */
    fence(memory_order_acquire);
    return CQ_OK;
}
