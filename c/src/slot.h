/*
 * slot.h - the message in a slot: where its bytes are and how its size is kept.
 *
 * It owns the two slot formats of layout.h. It must not know when a slot may be touched, which is the callers' part.
 */
#ifndef CQ_SLOT_H
#define CQ_SLOT_H

#include "handle.h"

/* Messages up to LAYOUT_SMALL_MESSAGE have no length field before them. */
static inline bool slot_is_small(const cq_queue *queue)
{
    return queue->geometry.max_message_size <= LAYOUT_SMALL_MESSAGE;
}

static inline unsigned char *slot_payload(const cq_queue *queue, struct layout_slot *slot)
{
    return (unsigned char *)slot + (slot_is_small(queue) ? 8 : 16);
}

/* Returns what goes with FULL into the slot's state. A message of exactly max_message_size leaves no byte for its
   size in a small slot, and needs none: queues of equal messages get slots of 8 + size bytes. */
static inline uint32_t slot_set_size(const cq_queue *queue, struct layout_slot *slot, size_t size)
{
    if (!slot_is_small(queue)) {
        slot->length = size;
        return 0;
    }
    if (size == queue->geometry.max_message_size)
        return 0;
    slot_payload(queue, slot)[queue->geometry.max_message_size - 1] = (unsigned char)size;
    return SLOT_SHORT;
}

/* The size of the message in a slot that holds `word`. Read once, volatile: a hostile peer may change it between
   two reads. */
ALWAYS_INLINE int slot_size(const cq_queue *queue, struct layout_slot *slot, uint64_t word, size_t *size)
{
    uint64_t limit = queue->geometry.max_message_size;
    uint64_t found = limit;

    if (!slot_is_small(queue))
        found = *(const volatile uint64_t *)&slot->length;
    else if (slot_short(word))
        found = *(const volatile unsigned char *)&slot_payload(queue, slot)[limit - 1];
    if (found > limit)
        return CQ_ECORRUPT;
    *size = (size_t)found;
    return CQ_OK;
}

/* The same for a message that others may take and overwrite meanwhile; and its bytes, if `copy` is not NULL and has
   room for them. Both are worth nothing unless slot->state is still `word` afterwards. */
int slot_peek(const cq_queue *queue, struct layout_slot *slot, uint64_t word, size_t *size, void *copy, size_t room);

#endif
