/*
 * sweep.c - finishing or undoing what dead owners left, slot by slot.
 *
 * It owns no state: every step is a compare-and-swap from the exact word that names a dead owner, so that any number of
 * sweeps may run at once and each may be killed anywhere. It must not know how death was found out (participant.c).
 */
#include "internal.h"

struct sweep {
    cq_queue *queue;
    const struct owner_set *dead;
    uint64_t slots, messages, nodes;
    bool orphans;
};

static bool is_dead(const struct sweep *sweep, uint32_t owner)
{
    return owner != 0 && (sweep->dead->bits[owner / 64] >> owner % 64 & 1);
}

/* What the word of a dead owner becomes. */
static uint64_t successor(uint64_t word)
{
    if (slot_phase(word) == SLOT_READING)
        return slot_word(word_sequence(word), slot_deliveries(word), SLOT_ORPHAN | slot_short(word), 0);
    return slot_word(word_sequence(word), 0, SLOT_DONE, 0); /* WRITING, VOID */
}

/* Again until the slot names no dead owner: a consumer may turn WRITING(dead) into VOID(dead) meanwhile. */
static void sweep_slot(struct sweep *sweep, uint64_t sequence, struct layout_slot *slot, uint32_t index)
{
    uint64_t word = atomic_load_explicit(&slot->state, memory_order_acquire); /* R1 */

    while (word_sequence(word) == sequence && is_dead(sweep, word_owner(word))) {
        uint32_t phase = slot_phase(word);
        if (phase == SLOT_WRITING)
            queue_raise_last_hole(sweep->queue, sequence, index + 1);
        /* C0 release, pairs with C1 and O4: what the dead wrote and read is over, and the kernel says so. */
        if (!atomic_compare_exchange_strong_explicit(&slot->state, &word, successor(word), memory_order_seq_cst,
                                                     memory_order_acquire))
            continue;
        if (phase == SLOT_WRITING)
            atomic_fetch_add_explicit(&sweep->queue->header->holes, 1, memory_order_relaxed); /* a count */
        sweep->slots += phase != SLOT_READING;
        sweep->messages += phase == SLOT_READING;
        sweep->orphans |= phase == SLOT_READING;
        return;
    }
    /* Its maker may have died before announcing it. */
    sweep->orphans |= word_sequence(word) == sequence && slot_phase(word) == SLOT_ORPHAN;
}

static void sweep_node(struct sweep *sweep, uint32_t number)
{
    cq_queue *queue = sweep->queue;
    struct layout_node *node = node_at(queue, number);
    uint64_t state = atomic_load_explicit(&queue->states[number], memory_order_acquire); /* T3 */
    uint64_t sequence = word_sequence(state);

    if (ticket_index(state) == NODE_TAKEN && is_dead(sweep, word_owner(state))) {
        node_free(queue, number, state);
        ++sweep->nodes;
    }
    if (ticket_index(state) != NODE_LINKED)
        return;
    /* RECORD for them: the newest claims may be nowhere but in the tickets. */
    uint64_t enq = atomic_load_explicit(&node->enq, memory_order_acquire); /* R2 */
    uint64_t deq = atomic_load_explicit(&node->deq, memory_order_acquire); /* D1 */
    if (word_sequence(enq) == sequence)
        queue_record_enq(queue, node, enq);
    if (word_sequence(deq) == sequence)
        queue_record_deq(queue, node, deq);
    for (uint32_t i = 0; i < queue->geometry.slots_per_node; ++i)
        sweep_slot(sweep, sequence, slot_at(queue, node, i), i);
    sweep->nodes += node_recycle(queue, number, sequence);
}

/* Make tail point to the last node, so that no node a dead owner linked is still TAKEN. */
static int help_append(cq_queue *queue)
{
    for (uint32_t attempt = 0; attempt < RETRY_LIMIT; ++attempt) {
        uint64_t tail = atomic_load_explicit(&queue->header->tail, memory_order_acquire); /* E1 */
        if (!link_is_valid(queue, tail))
            return CQ_ECORRUPT;
        uint64_t next = atomic_load_explicit(&node_at(queue, link_node(tail))->next, memory_order_acquire); /* L2 */
        if (atomic_load_explicit(&queue->header->tail, memory_order_acquire) != tail)
            continue;
        if (word_sequence(next) != word_sequence(tail))
            return CQ_ECORRUPT;
        if (link_node(next) == NODE_NIL)
            return CQ_OK;
        int result = queue_help_tail(queue, tail, next);
        if (result != RESULT_RETRY)
            return result;
    }
    return CQ_ECORRUPT;
}

/* Afterwards no slot and no node names an owner in `dead`. Adds to *recovery what was found. */
int sweep_owners(cq_queue *queue, const struct owner_set *dead, cq_recovery *recovery)
{
    struct sweep sweep = {.queue = queue, .dead = dead};
    int result = help_append(queue);
    uint64_t touched = node_touched(queue);

    if (result != CQ_OK)
        return result;
    for (uint64_t node = 0; node < touched; ++node)
        sweep_node(&sweep, (uint32_t)node);
    if (sweep.orphans)
        orphan_announce(queue);
    if (sweep.messages > 1)
        wait_wake(queue, SIDE_CONSUMERS, sweep.messages - 1);
    if (sweep.slots > 0)
        wait_wake(queue, SIDE_PRODUCERS, sweep.slots);
    if (recovery) {
        recovery->slots += sweep.slots;
        recovery->messages += sweep.messages;
        recovery->nodes += sweep.nodes;
    }
    return CQ_OK;
}
