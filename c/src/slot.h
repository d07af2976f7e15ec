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

/* Slots of queues for large messages begin LAYOUT_NODE_HEADER bytes into a page of their own. So many pages behind that
   one does a message of `size` bytes reach. */
static inline uint32_t slot_pages(const struct geometry *g, size_t size)
{
    return (uint32_t)((LAYOUT_NODE_HEADER + g->payload_offset + size + LAYOUT_PAGE - 1) / LAYOUT_PAGE - 1);
}

/* The mark: so many of them have memory. It is raised after that was given, by the owner of the claim, and lowered by
   the owner of a node that gives its memory back, before. Relaxed, both: who reads it got the slot from the last one
   that wrote it by way of the states, as with the payload. */
static inline bool slot_reaches(const cq_queue *queue, struct layout_slot *slot, size_t size)
{
    return !queue->geometry.paged || atomic_load_explicit(&slot->pages, memory_order_relaxed) >=
                                          slot_pages(&queue->geometry, size);
}
static inline void slot_set_reach(const cq_queue *queue, struct layout_slot *slot, size_t size)
{
    if (!slot_reaches(queue, slot, size))
        atomic_store_explicit(&slot->pages, slot_pages(&queue->geometry, size), memory_order_relaxed);
}

static inline unsigned char *slot_payload(const cq_queue *queue, struct layout_slot *slot)
{
    return (unsigned char *)slot + queue->geometry.payload_offset;
}

/*
 * Before the payload, where the queue has them: where the message comes from (16 bytes), the time (8), the headers'
 * length (4), then they. The owner of the claim writes them, before the slot is FULL, as the payload.
 */
static inline bool slot_has_times(const cq_queue *queue) { return queue->geometry.features & FEATURE_TIMES; }
static inline bool slot_has_feed(const cq_queue *queue) { return queue->geometry.features & LAYOUT_DURABLE; }
static inline struct layout_feed *slot_feed(const cq_queue *queue, const unsigned char *payload)
{
    return (struct layout_feed *)(void *)(uintptr_t)(payload - queue->geometry.prefix);
}
static inline int64_t *slot_time(const cq_queue *queue, const unsigned char *payload)
{
    uint64_t feed = slot_has_feed(queue) ? sizeof(struct layout_feed) : 0;
    return (int64_t *)(void *)(uintptr_t)(payload - queue->geometry.prefix + feed);
}
static inline uint32_t *slot_headers(const cq_queue *queue, const unsigned char *payload)
{
    return (uint32_t *)(void *)(slot_time(queue, payload) + slot_has_times(queue));
}

/* Is the message in the slot older than time_to_live? A look into what others may overwrite meanwhile. */
static inline bool slot_is_expired(const cq_queue *queue, struct layout_slot *slot, int64_t date)
{
    int64_t when = *(const volatile int64_t *)slot_time(queue, slot_payload(queue, slot));
    return date > when && (uint64_t)date - (uint64_t)when > (uint64_t)queue->geometry.time_to_live;
}

/* The message has these headers, which are checked. */
void slot_set_headers(const cq_queue *queue, struct layout_slot *slot, const void *headers, size_t size);

/* Returns what goes with FULL into the slot's state. A message of exactly max_message_size leaves no byte for its
   size in a small slot, and needs none: queues of equal messages get slots of 8 + size bytes. */
static inline uint32_t slot_set_size(const cq_queue *queue, struct layout_slot *slot, size_t size)
{
    if (!slot_is_small(queue)) {
        slot->length = (uint32_t)size;
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
        found = *(const volatile uint32_t *)&slot->length;
    else if (slot_short(word))
        found = *(const volatile unsigned char *)&slot_payload(queue, slot)[limit - 1];
    if (found > limit)
        return CQ_ECORRUPT;
    *size = (size_t)found;
    return CQ_OK;
}

/* The same for a message that others may take and overwrite meanwhile; and its bytes, if `copy` is not NULL and has
   room for them. Both are worth nothing unless slot->state is still `word` afterwards. */
/* What goes before the payload of such a message; before slot_peek. */
void slot_peek_prefix(const cq_queue *queue, struct layout_slot *slot, unsigned char *copy);
/* The same without what the message does not use of it, of the life `sequence`. */
struct slot_before {
    struct layout_feed feed;       /* source 0: it was not fed */
    unsigned char bytes[8 + 4];    /* the time and the headers' length, where the queue has them */
    size_t size;                   /* of these */
    size_t headers;                /* bytes that follow them, at ... */
    ptrdiff_t headers_at;          /* ... from the payload on */
};
void slot_peek_before(const cq_queue *queue, struct layout_slot *slot, uint64_t sequence, struct slot_before *before);
static inline size_t slot_before_bytes(const struct slot_before *before)
{
    return (before->feed.source != 0 ? sizeof before->feed : 0) + before->size + before->headers;
}
int slot_peek(const cq_queue *queue, struct layout_slot *slot, uint64_t word, size_t *size, void *copy, size_t room);
void slot_read(const cq_queue *queue, struct layout_slot *slot, ptrdiff_t offset, void *to, size_t size);

#endif
