/*
 * fast.h - the usual way of one message: behind the last one that this handle passed, while nobody came in between.
 *
 * It owns no state and decides nothing new: what the slow way (enqueue.c, dequeue.c) finds out by reading follows
 * here from one compare-exchange that succeeds. A ticket word names a place in one life of one node and the handle
 * that came there, so if node.enq (node.deq) still is the word that this handle installed, its claim was the newest
 * all the time, there is nothing to record, and the node, not used up, is the last (first) of the list. Anything
 * else takes the slow way, which is the caller's business: nothing here knows it.
 */
#ifndef CQ_FAST_H
#define CQ_FAST_H

#include "node.h"
#include "orphan.h"
#include "slot.h"
#include "wake.h"

#include <string.h>

/* A call into libc costs as much as the rest of the way; few messages are long enough to earn it back. */
ALWAYS_INLINE void fast_copy(unsigned char *to, const unsigned char *from, size_t size)
{
    /* Two overlapping moves of a fixed width cover all sizes from one width to two. */
    if (size > 64)
        memcpy(to, from, size);
    else if (size > 32) {
        unsigned char high[32], low[32];
        memcpy(low, from, 32);
        memcpy(high, from + size - 32, 32);
        memcpy(to, low, 32);
        memcpy(to + size - 32, high, 32);
    } else if (size > 16) {
        unsigned char high[16], low[16];
        memcpy(low, from, 16);
        memcpy(high, from + size - 16, 16);
        memcpy(to, low, 16);
        memcpy(to + size - 16, high, 16);
    } else if (size >= 8) {
        unsigned char high[8], low[8];
        memcpy(low, from, 8);
        memcpy(high, from + size - 8, 8);
        memcpy(to, low, 8);
        memcpy(to + size - 8, high, 8);
    } else
        for (size_t i = 0; i < size; ++i)
            to[i] = from[i];
}

/* Claim one slot to write into. False: the slow way. */
ALWAYS_INLINE bool fast_claim_enq(cq_queue *queue, struct run *run)
{
    /* remember:B acquire, pairs with remember:A: threads of one handle may rely on each other. */
    uint64_t ticket = atomic_load_explicit(&queue->last_enq, memory_order_acquire);
    /* Relaxed: both are true whenever they were written, and belong to the ticket or make what follows fail. */
    uint64_t limit = atomic_load_explicit(&queue->enq_limit, memory_order_relaxed);
    uint32_t number = atomic_load_explicit(&queue->enq_node, memory_order_relaxed);

    /* In the life of `limit` and before it. Lives are further apart than the longest node. */
    if (unlikely(limit - ticket - 1 >= LAYOUT_MAX_SLOTS << 12))
        return false;
    struct layout_node *node = node_at(queue, number);
    uint32_t index = ticket_index(ticket);
    *run = run_of(queue, word_sequence(ticket), number, index, 1);
    __builtin_prefetch(run->slots, 1);
    /* claim_enq:A, pairs with end_read:B, as in enqueue.c. The owner of the new word is the owner of the old. */
    return atomic_compare_exchange_strong_explicit(&node->enq, &ticket, ticket + ticket_word(0, 1, 0),
                                                   memory_order_seq_cst, memory_order_relaxed);
}

/* Copy a message into the run's only slot and make it FULL. RESULT_SLOW: enqueue_publish does what is left. */
ALWAYS_INLINE int fast_publish(cq_queue *queue, const struct run *run, const void *data, size_t size)
{
    if (unlikely(size > PATIENT_BYTES)) /* it asks for patience first */
        return RESULT_SLOW;
    struct layout_slot *slot = run_slot(queue, run, 0);
    /* publish:A, pairs with finish:A by way of recycle:A: the last life's reader is done with the bytes. */
    uint64_t word = atomic_load_explicit(&slot->state, memory_order_acquire);

    fast_copy(slot_payload(queue, slot), data, size);
    uint32_t full = SLOT_FULL | slot_set_size(queue, slot, size);
    /* publish:B, pairs with slot_load:A, as in enqueue_publish. */
    if (unlikely(word_sequence(word) == run->sequence ||
                 !atomic_compare_exchange_strong_explicit(&slot->state, &word, slot_word(run->sequence, 0, full, 0),
                                                          memory_order_seq_cst, memory_order_relaxed)))
        return RESULT_SLOW;
    run_remember(queue, &queue->last_enq, run);
    return CQ_OK;
}

/* Claim the message at the front. False: the slow way, which also knows why there may be none. */
ALWAYS_INLINE bool fast_claim_deq(cq_queue *queue, struct run *run)
{
    /* remember:B, pairs with remember:A. */
    uint64_t ticket = atomic_load_explicit(&queue->last_deq, memory_order_acquire);
    uint32_t number = atomic_load_explicit(&queue->deq_node, memory_order_relaxed); /* as enq_node */
    uint32_t index = ticket_index(ticket);
    struct layout_node *node = node_at(queue, number);

    if (unlikely(ticket == 0 || index >= queue->geometry.slots_per_node ||
                 !is_full(slot_load(queue, node, index), word_sequence(ticket))))
        return false;
    *run = run_of(queue, word_sequence(ticket), number, index, 1);
    /* claim_deq:A, pairs with end_read:B, as in dequeue.c. */
    if (unlikely(!atomic_compare_exchange_strong_explicit(&node->deq, &ticket, ticket + ticket_word(0, 1, 0),
                                                          memory_order_seq_cst, memory_order_relaxed)))
        return false;
    wake_side(queue, SIDE_PRODUCERS, 1);
    return true;
}

/* The usual way, unless there are orphans. False: the slow way. */
ALWAYS_INLINE bool fast_claim_next(cq_queue *queue, struct run *run)
{
    return !orphan_is_dirty(orphan_version(queue)) && fast_claim_deq(queue, run);
}

/* After the last slot of a claimed run became DONE. */
ALWAYS_INLINE void fast_finished(cq_queue *queue, const struct run *run)
{
    if (run->deliveries <= 1) /* an orphan has no place behind deq */
        run_remember(queue, &queue->last_deq, run);
    /* Only a try, and relaxed: the swinger of head tries too, and node_sweep finds what both missed. */
    if (word_sequence(atomic_load_explicit(&queue->header->head, memory_order_relaxed)) != run->sequence)
        node_recycle(queue, run->node, run->sequence);
}

/* Done with the slot at `index` of a claimed run; the caller has finished those before it. */
ALWAYS_INLINE void fast_finish(cq_queue *queue, const struct run *run, uint32_t index)
{
    struct layout_slot *slot = run_slot(queue, run, index);

    /* finish:A release, pairs with recycle:A: reading is over before the node may be used again. A store will do:
       nobody else moves a slot of a live owner on from FULL or READING. */
    atomic_store_explicit(&slot->state, slot_word(run->sequence, 0, SLOT_DONE, 0), memory_order_release);
    if (index + 1 == run->count)
        fast_finished(queue, run);
}

#endif
