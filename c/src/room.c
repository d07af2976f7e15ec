/*
 * room.c - exact capacity: how many messages lie between the two ends, holes left out.
 *
 * It owns what "full" means. It must not know what is done about it.
 */
#include "room.h"

#include "queue.h"

/*
 * How many messages may be claimed from tail's ticket on, the expected value of the claim that follows: it succeeds
 * only while enq is still there, and deq and the holes behind it only grow, so that capacity is never exceeded.
 * Refuses only if both ends were still the same afterwards: full then, at the moment deq was read.
 */
static int measure_pinned(cq_queue *queue, const struct end *tail, uint64_t *room)
{
    uint64_t capacity = queue->geometry.capacity;
    uint32_t slots = queue->geometry.slots_per_node;
    struct end head;

    /* room:A and room:B, which decide full, pair with swing_head:A and claim_deq:A. */
    int result = end_read(queue, SIDE_CONSUMERS, memory_order_seq_cst, NULL, &head);
    if (result != CQ_OK)
        return result;
    atomic_store_explicit(&queue->deq_seen, head.ticket, memory_order_relaxed);

    uint64_t used = position_distance(tail->ticket, head.ticket, slots);
    if (used >= POSITION_BEHIND)
        return RESULT_RETRY; /* tail's ticket is an old one */
    if (used >= capacity) {
        uint64_t holes = queue_count_holes(queue, &head);
        used -= holes < used ? holes : used; /* more: the ends have moved, and the claim will fail */
    }
    if (used < capacity) {
        *room = capacity - used;
        return CQ_OK;
    }
    /* room:C, after room:A and room:B; meets claim_enq:A and claim_deq:A: nothing has moved since. */
    bool same = atomic_load_explicit(&tail->node->enq, memory_order_seq_cst) == tail->ticket &&
                atomic_load_explicit(&queue->header->tail, memory_order_seq_cst) == tail->link &&
                atomic_load_explicit(&head.node->deq, memory_order_seq_cst) == head.ticket &&
                atomic_load_explicit(&queue->header->head, memory_order_seq_cst) == head.link;
    return same ? CQ_FULL : RESULT_RETRY;
}

SELDOM int room_measure(cq_queue *queue, const struct end *tail, uint64_t *room)
{
    pin_all(queue); /* it goes to the first node, and to any with holes */
    int result = measure_pinned(queue, tail, room);
    pin_none(queue);
    return result;
}
