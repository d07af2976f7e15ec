/*
 * ends.h - where the list ends, for producers, and where it begins, for consumers.
 *
 * It owns how an end is read: a link, then the ticket of the node that it names, which counts only if the node
 * lives the link's life. It must not know what is claimed there.
 */
#ifndef CQ_ENDS_H
#define CQ_ENDS_H

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
 * Read an end, with acquire at least. CQ_OK: the ticket was the node's while the node was at the end, and is in it
 * or just behind it. RESULT_RETRY: the end has moved meanwhile, and *end is what was read. Pairs: E1 tail with T4,
 * R2 enq with E2; D1 head with S1, D1 deq with D3. seq_cst where both ends are compared, which decides full (F1
 * head, F2 deq).
 */
ALWAYS_INLINE int end_read(const cq_queue *queue, enum side side, memory_order order, struct end *end)
{
    end->link = atomic_load_explicit(end_link(queue, side), order); /* E1, D1, F1 */
    if (unlikely(!link_is_valid(queue, end->link)))
        return CQ_ECORRUPT;
    end->node = node_at(queue, link_node(end->link));
    /* R2, D1, F2 */
    end->ticket = atomic_load_explicit(side == SIDE_PRODUCERS ? &end->node->enq : &end->node->deq, order);
    if (unlikely(word_sequence(end->ticket) != word_sequence(end->link) ||
                 ticket_index(end->ticket) > queue->geometry.slots_per_node))
        return atomic_load_explicit(end_link(queue, side), order) == end->link ? CQ_ECORRUPT : RESULT_RETRY;
    return CQ_OK;
}

#endif
