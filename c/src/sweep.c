/*
 * sweep.c - finishing or undoing what dead owners left, slot by slot, in pieces.
 *
 * It owns no state: every step is a compare-and-swap from the exact word that names a dead owner, so that any
 * number of sweeps may run at once and each may be killed or left anywhere. It must not know how death was found
 * out (participant.c).
 *
 * Why a sweep in pieces is complete, though nodes are claimed in, recycled and used again between them. Owners in
 * `dead` claim nothing after it began, and their names spread in one node's life only: from its tickets into its
 * slots (recorders), and from WRITING to VOID (consumers). So
 *   - a life of a node that began after the sweep did, behind the tail of then, never names them, and neither does a
 *     node that a live process took; a node that a dead one took is either FREEd here or was linked before, and then
 *     help_append made it LINKED;
 *   - in each older life the tickets are recorded first. From then on every slot that a dead owner claimed names it or
 *     is finished: a slow recorder's exchange starts from an untouched or FULL word, and there is none left. Then each
 *     slot is changed until it names no dead owner, and none can come to name one again;
 *   - a SETTLED node ahead of the head of then names nobody: its slots are FULL or DONE, and no dead owner can have
 *     claimed any of them for reading, because head had not come there when they were dead.
 * Head and tail of the beginning are therefore all that a sweep must remember. The nodes up to head come first:
 * what dead consumers held, and the claims that others wait behind.
 */
#include "sweep.h"

#include "node.h"
#include "orphan.h"
#include "pin.h"
#include "queue.h"
#include "source.h"
#include "wake.h"

static bool is_dead(const struct sweep *sweep, uint32_t owner)
{
    return owner != 0 && (sweep->dead.bits[owner / 64] >> owner % 64 & 1);
}

/* What the word of a dead owner becomes. */
static uint64_t successor(uint64_t word)
{
    if (slot_phase(word) == SLOT_READING)
        return slot_word(word_sequence(word), slot_deliveries(word), SLOT_ORPHAN | slot_short(word), 0);
    return slot_word(word_sequence(word), 0, SLOT_DONE, 0); /* WRITING, VOID */
}

/* Again until the slot names no dead owner: a consumer may turn WRITING(dead) into VOID(dead) meanwhile. True: it holds
   an orphan now. */
static bool sweep_slot(struct sweep *sweep, uint32_t number, uint64_t sequence, uint32_t index)
{
    cq_queue *queue = sweep->queue;
    struct layout_slot *slot = slot_at(queue, node_at(queue, number), index);
    /* slot_load:A, pairs with record_deq:B. */
    uint64_t word = atomic_load_explicit(&slot->state, memory_order_acquire);

    while (word_sequence(word) == sequence && is_dead(sweep, word_owner(word))) {
        uint32_t phase = slot_phase(word);
        if (phase == SLOT_FED) {
            uint64_t before = word;
            source_settle(queue, number, index, word);
            if ((word = slot_load(queue, node_at(queue, number), index)) == before)
                break; /* no region of ours leaves it so */
            continue;
        }
        if (phase == SLOT_WRITING)
            queue_announce_hole(queue, number, sequence, index + 1);
        /* finish:A release, pairs with recycle:A and orphan_claim:C: the dead have stopped writing and reading, and the
           kernel says so. */
        if (!atomic_compare_exchange_strong_explicit(&slot->state, &word, successor(word), memory_order_seq_cst,
                                                     memory_order_acquire))
            continue;
        if (phase == SLOT_WRITING)
            atomic_fetch_add_explicit(&queue->header->holes, 1, memory_order_relaxed); /* a count */
        sweep->slots += phase != SLOT_READING;
        sweep->messages += phase == SLOT_READING;
        return phase == SLOT_READING;
    }
    /* Its maker may have died before announcing it. */
    return word_sequence(word) == sequence && slot_phase(word) == SLOT_ORPHAN;
}

static void sweep_slots(struct sweep *sweep, uint32_t number, uint64_t sequence)
{
    cq_queue *queue = sweep->queue;
    struct layout_node *node = node_at(queue, number);
    bool orphans = false;

    /* RECORD for them: the newest claims may be nowhere but in the tickets. */
    uint64_t enq = atomic_load_explicit(&node->enq, memory_order_acquire); /* end_read:B, pairs with claim_enq:A */
    uint64_t deq = atomic_load_explicit(&node->deq, memory_order_acquire); /* end_read:B, pairs with claim_deq:A */
    if (word_sequence(enq) == sequence)
        queue_record_enq(queue, node, enq);
    if (word_sequence(deq) == sequence)
        queue_record_deq(queue, node, deq);
    for (uint32_t i = 0; i < queue->geometry.slots_per_node; ++i)
        orphans |= sweep_slot(sweep, number, sequence, i);
    if (orphans)
        orphan_made(queue, number);
    sweep->orphans |= orphans;
    sweep->nodes += node_recycle(queue, number, sequence);
}

/* What this round is for, in one node. Returns the cost. */
static uint64_t sweep_node(struct sweep *sweep, uint32_t number)
{
    cq_queue *queue = sweep->queue;
    /* node_state:A, pairs with help_tail:C and settle:B. */
    uint64_t state = atomic_load_explicit(&queue->states[number], memory_order_acquire);
    uint64_t sequence = word_sequence(state);

    if ((ticket_index(state) == NODE_TAKEN || ticket_index(state) == NODE_BARE) && is_dead(sweep, word_owner(state)))
        sweep->nodes += node_free(queue, number, state);
    if (!node_is_listed(state) || is_since(sequence, sweep->tail) || is_since(sequence, sweep->head) != sweep->ahead)
        return COST_OF_STATE;
    if (!sweep->ahead)
        sweep_slots(sweep, number, sequence);
    else if (ticket_index(state) == NODE_SETTLED)
        return COST_OF_STATE;
    else if (!node_settle(queue, number, state)) {
        sweep_slots(sweep, number, sequence);
        node_settle(queue, number, state); /* so that the next sweep passes it by */
    }
    return COST_OF_NODE + (uint64_t)COST_OF_SLOT * queue->geometry.slots_per_node;
}

/* Make tail point to the last node, so that no node a dead owner linked is still TAKEN. */
static int help_append(cq_queue *queue)
{
    for (uint32_t attempt = 0; attempt < RETRY_LIMIT; ++attempt) {
        /* end_read:A, pairs with help_tail:D. */
        uint64_t tail = atomic_load_explicit(&queue->header->tail, memory_order_acquire);
        if (!link_is_valid(queue, tail))
            return CQ_ECORRUPT;
        struct layout_node *last = node_at(queue, link_node(tail));
        /* append:A, pairs with append:C. */
        uint64_t next = atomic_load_explicit(&last->next, memory_order_acquire);
        if (atomic_load_explicit(&queue->header->tail, memory_order_acquire) != tail) /* end_read:C, after append:A */
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

/* The first piece: where the ends are, and what is at the front. */
static int begin(struct sweep *sweep)
{
    cq_queue *queue = sweep->queue;
    int result = help_append(queue);

    if (result != CQ_OK)
        return result;
    /* end_read:A, pairs with swing_head:A and help_tail:D. Both after the death, so that no life in which a dead owner
       claimed is behind tail, or was head's and is ahead of head. */
    sweep->head = atomic_load_explicit(&queue->header->head, memory_order_acquire);
    sweep->tail = atomic_load_explicit(&queue->header->tail, memory_order_acquire);
    sweep->touched = node_touched(queue);
    if (!link_is_valid(queue, sweep->head) || !link_is_valid(queue, sweep->tail)) {
        sweep->head = 0;
        return CQ_ECORRUPT;
    }
    sweep_node(sweep, link_node(sweep->head));
    return CQ_OK;
}

void sweep_begin(struct sweep *sweep, cq_queue *queue, const struct owner_set *dead)
{
    *sweep = (struct sweep){.queue = queue, .dead = *dead};
}

/* Say what this piece has found: the next may be long in coming. */
static void announce(struct sweep *sweep, uint64_t slots, uint64_t messages)
{
    if (sweep->orphans)
        orphan_announce(sweep->queue);
    sweep->orphans = false;
    if (messages > 1)
        wake_side(sweep->queue, SIDE_CONSUMERS, messages - 1);
    if (slots > 0)
        wake_side(sweep->queue, SIDE_PRODUCERS, slots);
}

/*
 * Go on with a sweep until about *budget slots were looked at (see COST_OF_SLOT); *budget receives what is left.
 * CQ_OK: it is done, and no slot and no node names an owner in `dead`. RESULT_RETRY: there is more to do. Or an
 * error.
 */
int sweep_step(struct sweep *sweep, uint64_t *budget)
{
    cq_queue *queue = sweep->queue;
    uint64_t cost = 0, slots = sweep->slots, messages = sweep->messages;

    pin_all(queue); /* it goes to all nodes */
    int result = sweep->head == 0 ? begin(sweep) : CQ_OK;

    while (result == CQ_OK && cost / COST_OF_SLOT < *budget) {
        if (sweep->next < sweep->touched) {
            if (sweep->next != link_node(sweep->head)) /* done first */
                cost += sweep_node(sweep, (uint32_t)sweep->next);
            ++sweep->next;
        } else if (sweep->ahead)
            break;
        else {
            sweep->ahead = true;
            sweep->next = 0;
        }
    }
    announce(sweep, sweep->slots - slots, sweep->messages - messages);
    pin_none(queue);
    *budget -= cost / COST_OF_SLOT < *budget ? cost / COST_OF_SLOT : *budget;
    if (result != CQ_OK)
        return result;
    if (!sweep->ahead || sweep->next < sweep->touched)
        return RESULT_RETRY;
    source_sweep(sweep->queue, &sweep->dead);
    return CQ_OK;
}
