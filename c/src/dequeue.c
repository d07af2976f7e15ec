/*
 * dequeue.c - claiming messages, waiting out and voiding what is in their way.
 *
 * It owns a slot's way from FULL to DONE, and VOID. It never reads the producers' ticket: by PREFIX (queue.c) the slots
 * themselves say where the messages end, and the line that producers fight over stays with them.
 */
#include "internal.h"

/* Is a message FULL behind the WRITING slot at `index`? Touched slots are a prefix: the first untouched one ends the
   search. CQ_OK: yes. CQ_EMPTY: no, none was when the search began (if deq is still the same). */
static int find_later(cq_queue *queue, struct layout_node *node, uint64_t sequence, uint32_t index)
{
    for (uint64_t steps = 0; steps <= queue->geometry.node_count; ++steps) {
        for (; index < queue->geometry.slots_per_node; ++index) {
            uint64_t word = slot_load(queue, node, index);
            if (word_sequence(word) != sequence)
                return CQ_EMPTY;
            if (slot_phase(word) == SLOT_FULL)
                return CQ_OK;
        }
        uint64_t next = atomic_load_explicit(&node->next, memory_order_seq_cst); /* D4, pairs with L1 */
        if (word_sequence(next) != sequence)
            return RESULT_RETRY;
        if (link_node(next) == NODE_NIL)
            return CQ_EMPTY;
        if (link_node(next) >= queue->geometry.node_count)
            return CQ_ECORRUPT;
        node = node_at(queue, link_node(next));
        sequence = sequence_next(sequence);
        index = 0;
    }
    return CQ_ECORRUPT;
}

/* How long this call has been waiting for a producer that claimed a slot. */
struct patience {
    uint64_t deq;
    uint32_t spins;
    bool yielded;
};

/*
 * The slot at deq is neither FULL nor given up. Untouched: empty. WRITING: empty too unless a later message is FULL;
 * then be patient for about as long as a copy takes, yield once, and void it. Voiding for a mere later claim would
 * let consumers void everybody for ever.
 */
static int pass_gap(cq_queue *queue, struct layout_node *node, uint64_t deq, uint64_t word, struct patience *patience)
{
    uint32_t index = ticket_index(deq);
    uint64_t sequence = word_sequence(deq);
    bool writing = word_sequence(word) == sequence && slot_phase(word) == SLOT_WRITING;
    int later = writing ? find_later(queue, node, sequence, index + 1) : CQ_EMPTY;

    /* D5 seq_cst, after the loads above: deq never came past this slot, so it was at the front all the time. */
    if (later < 0 || atomic_load_explicit(&node->deq, memory_order_seq_cst) != deq)
        return later < 0 ? later : RESULT_RETRY;
    if (word_sequence(word) == sequence && !writing)
        return CQ_ECORRUPT; /* READING or ORPHAN in front of deq */
    if (later != CQ_OK)
        return later;

    struct layout_slot *slot = slot_at(queue, node, index);
    if (patience->deq != deq)
        *patience = (struct patience){deq, 0, false};
    for (; patience->spins < queue->patience; ++patience->spins) {
        cpu_relax();
        if (atomic_load_explicit(&slot->state, memory_order_relaxed) != word) /* a hint to look again */
            return RESULT_RETRY;
    }
    if (!patience->yielded) {
        patience->yielded = true;
        wait_yield();
        return RESULT_RETRY;
    }
    queue_raise_last_hole(queue, sequence, index + 1);
    /* V1 acq_rel: release carries the raise; the producer learns it by its failing E3. */
    if (atomic_compare_exchange_strong_explicit(&slot->state, &word,
                                                slot_word(sequence, 0, SLOT_VOID, word_owner(word)),
                                                memory_order_acq_rel, memory_order_relaxed)) {
        atomic_fetch_add_explicit(&queue->header->holes, 1, memory_order_relaxed);  /* counts */
        atomic_fetch_add_explicit(&queue->header->voided, 1, memory_order_relaxed); /* counts */
        wait_wake(queue, SIDE_PRODUCERS, 1);
        participant_suspect(queue, word_owner(word));
    }
    return RESULT_RETRY;
}

/* How many FULL slots from `index` on, `want` at most, have messages that fit into `room` together. Their words are
   exact guards: the claim that follows succeeds only if none of them was claimed meanwhile. */
static int count_fitting(cq_queue *queue, struct layout_node *node, uint64_t deq, uint64_t word, size_t want,
                         size_t room, uint32_t *count, size_t *needed)
{
    uint32_t limit = queue->geometry.slots_per_node - ticket_index(deq);
    size_t total = 0;

    if (likely(want < limit))
        limit = (uint32_t)want;
    for (*count = 0; *count < limit; ++*count) {
        if (*count > 0)
            word = slot_load(queue, node, ticket_index(deq) + *count);
        if (!is_full(word, word_sequence(deq)))
            break;
        if (room == SIZE_MAX)
            continue;
        size_t size;
        int result = slot_peek(queue, slot_at(queue, node, ticket_index(deq) + *count), word, &size, NULL, 0);
        if (result != CQ_OK)
            return result;
        if (size > room - total) {
            *needed = size;
            break;
        }
        total += size;
    }
    return *count > 0 ? CQ_OK : CQ_ETOOSMALL;
}

/*
 * Claim up to `want` messages at the front of the list that fit into `room` bytes (SIZE_MAX: in place).
 * CQ_OK, CQ_EMPTY, CQ_ETOOSMALL with *needed, or an error.
 */
int dequeue_claim(cq_queue *queue, size_t want, size_t room, struct run *run, size_t *needed)
{
    uint32_t slots = queue->geometry.slots_per_node;
    struct patience patience = {0, 0, false};

    if (room >= queue->geometry.max_message_size && (want == 1 || room / queue->geometry.max_message_size >= want))
        room = SIZE_MAX; /* whatever they are, they fit */
    for (uint32_t attempt = 0; attempt < RETRY_LIMIT; ++attempt) {
        uint64_t head = atomic_load_explicit(&queue->header->head, memory_order_acquire); /* D1, pairs with S1 */
        if (unlikely(!link_is_valid(queue, head)))
            return CQ_ECORRUPT;
        struct layout_node *node = node_at(queue, link_node(head));
        uint64_t deq = atomic_load_explicit(&node->deq, memory_order_acquire); /* D1, pairs with D3 */
        uint32_t index = ticket_index(deq);
        if (unlikely(word_sequence(deq) != word_sequence(head) || index > slots)) {
            if (atomic_load_explicit(&queue->header->head, memory_order_acquire) == head)
                return CQ_ECORRUPT;
            continue;
        }
        int result = RESULT_RETRY;
        if (unlikely(index == slots)) {
            uint64_t next = atomic_load_explicit(&node->next, memory_order_seq_cst); /* D4, pairs with L1 */
            if (atomic_load_explicit(&queue->header->head, memory_order_seq_cst) != head)
                continue;
            if (word_sequence(next) != word_sequence(head))
                return CQ_ECORRUPT;
            if (link_node(next) == NODE_NIL)
                return CQ_EMPTY; /* all of the last node is claimed */
            result = queue_swing_head(queue, head, next);
        } else {
            uint64_t word = slot_load(queue, node, index);
            bool mine = deq == atomic_load_explicit(&queue->last_deq, memory_order_acquire); /* as last_enq */
            if (likely(is_full(word, word_sequence(deq)))) {
                uint32_t count = 1;
                if (want > 1 || room != SIZE_MAX)
                    result = count_fitting(queue, node, deq, word, want, room, &count, needed);
                if (unlikely(result == CQ_ETOOSMALL || result < 0)) {
                    if (atomic_load_explicit(&node->deq, memory_order_seq_cst) == deq)
                        return result;
                    continue;
                }
                if (!mine)
                    queue_record_deq(queue, node, deq);
                /* D3 release: what was recorded is visible to who sees the new ticket. seq_cst: linearization point. */
                if (atomic_compare_exchange_strong_explicit(&node->deq, &deq,
                                                            ticket_word(word_sequence(head), index + count, queue->owner),
                                                            memory_order_seq_cst, memory_order_relaxed)) {
                    *run = run_of(queue, word_sequence(head), link_node(head), index, count);
                    atomic_store_explicit(&queue->deq_node, run->node, memory_order_relaxed); /* see fast.h */
                    wait_wake(queue, SIDE_PRODUCERS, count); /* now, not when the message was read: there is room */
                    return CQ_OK;
                }
                cpu_relax();
                continue;
            }
            if (is_hole(word, word_sequence(deq))) {
                if (!mine)
                    queue_record_deq(queue, node, deq);
                queue_skip_holes(queue, node, deq);
                continue;
            }
            result = pass_gap(queue, node, deq, word, &patience);
        }
        if (result != RESULT_RETRY)
            return result;
    }
    return CQ_ECORRUPT;
}

/* May a dequeue find something? False was true at an instant during the call. */
bool dequeue_has_message(cq_queue *queue)
{
    for (uint32_t attempt = 0; attempt < RETRY_LIMIT; ++attempt) {
        uint64_t head = atomic_load_explicit(&queue->header->head, memory_order_seq_cst); /* D1 */
        if (!link_is_valid(queue, head))
            return true; /* the dequeue that follows reports it */
        struct layout_node *node = node_at(queue, link_node(head));
        uint64_t deq = atomic_load_explicit(&node->deq, memory_order_seq_cst); /* D1 */
        uint64_t next = atomic_load_explicit(&node->next, memory_order_seq_cst); /* D4 */
        bool has = ticket_index(deq) >= queue->geometry.slots_per_node ? link_node(next) != NODE_NIL : true;
        if (ticket_index(deq) < queue->geometry.slots_per_node) {
            uint64_t word = slot_load(queue, node, ticket_index(deq));
            if (word_sequence(word) != word_sequence(deq))
                has = false;
            else if (slot_phase(word) == SLOT_WRITING)
                has = find_later(queue, node, word_sequence(deq), ticket_index(deq) + 1) != CQ_EMPTY;
        }
        if (has || (word_sequence(deq) == word_sequence(head) &&
                    atomic_load_explicit(&node->deq, memory_order_seq_cst) == deq && /* D5 */
                    atomic_load_explicit(&queue->header->head, memory_order_seq_cst) == head))
            return has;
    }
    return true;
}
