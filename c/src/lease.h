/*
 * lease.h - places that one participant has at a time, until it gives them up or dies.
 *
 * It owns the words: 0, or the participant's id. Whoever reaps a participant frees its places after the sweep,
 * before its id may be used again; so the id is enough. It must not know what the places are for.
 */
#ifndef CQ_LEASE_H
#define CQ_LEASE_H

#include "participant.h"
#include "wake.h"

static inline uint32_t lease_holder(_Atomic uint64_t *lease)
{
    /* lease:A, pairs with lease:B: what the last holder left is visible. */
    uint64_t holder = atomic_load_explicit(lease, memory_order_seq_cst);
    return holder <= LAYOUT_MAX_OWNER ? (uint32_t)holder : UINT32_MAX; /* nobody's id: the region is corrupt */
}

/* True: it is this handle's now; not if it was. */
static inline bool lease_take(cq_queue *queue, _Atomic uint64_t *lease)
{
    uint64_t none = 0;
    /* lease:B, pairs with lease:A. */
    return atomic_compare_exchange_strong_explicit(lease, &none, queue->owner, memory_order_seq_cst,
                                                   memory_order_relaxed);
}

static inline bool lease_drop(_Atomic uint64_t *lease, uint32_t owner)
{
    uint64_t mine = owner;
    /* lease:B release, pairs with lease:A. */
    return atomic_compare_exchange_strong_explicit(lease, &mine, 0, memory_order_seq_cst, memory_order_relaxed);
}

/* May this handle take messages, as the only consumer or one of many? */
static inline bool lease_may_consume(cq_queue *queue)
{
    if (!(queue->geometry.features & FEATURE_EXCLUSIVE))
        return true;
    uint32_t holder = lease_holder(&queue->header->consumer);
    return holder == 0 || holder == queue->owner;
}

/* Does the lease name nobody who is there? Its holder's id is in use until it was taken away: the region is corrupt. */
static inline bool lease_is_stray(cq_queue *queue, _Atomic uint64_t *lease)
{
    uint32_t holder = lease_holder(lease);
    uint64_t record = holder > 0 && holder <= LAYOUT_MAX_OWNER ? participant_record(queue, holder) : 0;

    /* If the id was not in use all the time from one look at its record to the next, it was not when this lease named
       it. */
    return holder != 0 && !(record & PARTICIPANT_USED) && lease_holder(lease) == holder &&
           (holder > LAYOUT_MAX_OWNER || participant_record(queue, holder) == record);
}

/* All places of a participant that is swept for. */
static inline void lease_drop_all(cq_queue *queue, uint32_t owner)
{
    lease_drop(&queue->header->mover, owner);
    if (lease_drop(&queue->header->consumer, owner))
        wake_surely(queue, SIDE_CONSUMERS, SIZE_MAX, STANDBYS | WATCHERS);
}

#endif
