/*
 * ends.h - where the list ends, for producers, and where it begins, for consumers.
 *
 * It owns how an end is read: a link, then the ticket of the node that it names, which counts only if the node
 * lives the link's life. It must not know what is claimed there.
 */
#ifndef CQ_ENDS_H
#define CQ_ENDS_H

#include "pin.h"
#include "run.h"

struct end {
    uint64_t link, ticket; /* the side's word in the header, and in the node */
    struct layout_node *node;
};

static inline const _Atomic uint64_t *end_link(const cq_queue *queue, enum side side)
{
    return side == SIDE_PRODUCERS ? &queue->header->tail : &queue->header->head;
}

/*
 * Read an end, with acquire; with seq_cst where what is read decides full or empty (room:A, room:B). CQ_OK: the
 * ticket was the node's while the node was at the end, and is in it or just behind it. RESULT_RETRY: the end has moved
 * meanwhile, and *end is what was read. The caller has its `seat`, or has pinned all (pin.h).
 */
ALWAYS_INLINE int end_read(const cq_queue *queue, enum side side, memory_order order, struct seat *seat,
                           struct end *end)
{
    /* end_read:A, pairs with help_tail:D and swing_head:A: the node that it names is prepared. */
    end->link = atomic_load_explicit(end_link(queue, side), order);
    if (unlikely(!link_is_valid(queue, end->link)))
        return CQ_ECORRUPT;
    /* name:D, after name:B: the node may have lost its memory before it was named. Relaxed: end_read:A
       has acquired. */
    if (unlikely(seat && !pin_look_at(queue, seat, side, link_node(end->link)) &&
                 atomic_load_explicit(end_link(queue, side), memory_order_relaxed) != end->link))
        return RESULT_RETRY;
    end->node = node_at(queue, link_node(end->link));
    /* end_read:B, pairs with claim_enq:A and claim_deq:A: all older claims name their owners. */
    end->ticket = atomic_load_explicit(side == SIDE_PRODUCERS ? &end->node->enq : &end->node->deq, order);
    if (unlikely(word_sequence(end->ticket) != word_sequence(end->link) ||
                 ticket_index(end->ticket) > queue->geometry.slots_per_node))
        /* end_read:C, after end_read:B: if the end is still there, its words contradict each other. */
        return atomic_load_explicit(end_link(queue, side), order) == end->link ? CQ_ECORRUPT : RESULT_RETRY;
    return CQ_OK;
}

/* Does the end still have the link that was read earlier? Then its node may be touched again, as by end_read. */
static inline bool end_is_still(const cq_queue *queue, enum side side, struct seat *seat, const struct end *end)
{
    if (seat)
        pin_look_at(queue, seat, side, link_node(end->link));
    /* name:D, after name:B and pin:B: while it is the end the node has memory, and keeps it then. Relaxed, as above. */
    return atomic_load_explicit(end_link(queue, side), memory_order_relaxed) == end->link;
}

#endif
