/*
 * run.h - where nodes and slots are in a region, and runs of slots that were claimed together.
 *
 * It owns the way from numbers to addresses. It must not know what is there, or when it may be touched.
 */
#ifndef CQ_RUN_H
#define CQ_RUN_H

#include "reach.h"

/* Slots claimed together: count of them from index on, in the life `sequence` of a node. */
struct run {
    uint64_t sequence;
    uint32_t node, index, count;
    uint32_t deliveries; /* of the message when an orphan was claimed, else 0 */
    unsigned char *slots; /* the first: working it out anew costs as much as the rest of a short message */
};

static inline struct layout_node *node_at(const cq_queue *queue, uint32_t node)
{
    reach_node(queue, node);
    return (struct layout_node *)(void *)(queue->base + queue->geometry.nodes_offset +
                                          queue->geometry.node_stride * node);
}

static inline uint64_t node_offset(const cq_queue *queue, const struct layout_node *node)
{
    return (uint64_t)((const unsigned char *)node - queue->base);
}

static inline uint32_t node_number(const cq_queue *queue, const struct layout_node *node)
{
    return (uint32_t)((node_offset(queue, node) - queue->geometry.nodes_offset) / queue->geometry.node_stride);
}

static inline struct layout_slot *slot_at(const cq_queue *queue, struct layout_node *node, uint32_t index)
{
    return (struct layout_slot *)(void *)((unsigned char *)node + LAYOUT_NODE_HEADER +
                                          queue->geometry.slot_stride * index);
}

static inline struct run run_of(const cq_queue *queue, uint64_t sequence, uint32_t node, uint32_t index, uint32_t count)
{
    struct run run = {sequence, node, index, count, 0, (unsigned char *)slot_at(queue, node_at(queue, node), index)};
    return run;
}

static inline struct layout_slot *run_slot(const cq_queue *queue, const struct run *run, uint32_t index)
{
    return (struct layout_slot *)(void *)(run->slots + queue->geometry.slot_stride * index);
}

static inline uint64_t run_position(const cq_queue *queue, const struct run *run)
{
    return run->sequence * queue->geometry.slots_per_node + run->index;
}

static inline bool link_is_valid(const cq_queue *queue, uint64_t link)
{
    return word_sequence(link) != 0 && link_node(link) < queue->geometry.node_count;
}

static inline bool is_full(uint64_t word, uint64_t sequence)
{
    return word_sequence(word) == sequence && slot_phase(word) == SLOT_FULL;
}

/* The same, by the ticket of the slot's place: for the usual way, in fewer instructions. */
static inline bool is_full_at(uint64_t word, uint64_t ticket)
{
    uint64_t phase = UINT64_C(7) << 12, sequence = ~UINT64_C(0xffffff);
    return (word & (sequence | phase)) == ((ticket & sequence) | (uint64_t)SLOT_FULL << 12);
}

/* Do two words have the same sequence? */
static inline bool is_same_life(uint64_t word, uint64_t other) { return (word ^ other) >> 24 == 0; }

static inline bool is_hole(uint64_t word, uint64_t sequence)
{
    return word_sequence(word) == sequence && (slot_phase(word) == SLOT_VOID || slot_phase(word) == SLOT_DONE);
}

/* The state of a slot that decides what the caller may say or do next. */
static inline uint64_t slot_load(const cq_queue *queue, struct layout_node *node, uint32_t index)
{
    /* slot_load:A, pairs with publish:B, record_enq:C, record_deq:B and void:A: the payload is visible once FULL is.
       seq_cst, so that "empty" misses no enqueue that returned before this call began. */
    return atomic_load_explicit(&slot_at(queue, node, index)->state, memory_order_seq_cst);
}

/* Remember the newest claim once nothing of it is left for a recorder to do. */
static inline void run_remember(cq_queue *queue, _Atomic uint64_t *last, const struct run *run)
{
    /* remember:A release, pairs with remember:B: threads of one handle may rely on each other's claims. */
    atomic_store_explicit(last, ticket_word(run->sequence, run->index + run->count, queue->owner),
                          memory_order_release);
}

#endif
