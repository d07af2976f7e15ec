/* room.h - how many messages there is room for. */
#ifndef CQ_ROOM_H
#define CQ_ROOM_H

#include "ends.h"

int room_measure(cq_queue *queue, const struct end *tail, uint64_t *room);

/* As room_measure, without looking at the consumers' lines while what was seen of them last is enough for `want`. */
static inline int room_for(cq_queue *queue, const struct end *tail, size_t want, uint64_t *room)
{
    /* Relaxed: a cache that is stale only on the safe side; what depends on it is re-read in room_measure. */
    uint64_t seen = atomic_load_explicit(&queue->deq_seen, memory_order_relaxed);
    uint64_t used = position_distance(tail->ticket, seen, queue->geometry.slots_per_node);

    *room = queue->geometry.capacity - used;
    if (likely(used < queue->geometry.capacity && want <= *room))
        return CQ_OK;
    return room_measure(queue, tail, room);
}

#endif
