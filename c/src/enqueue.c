/*
 * enqueue.c - claiming slots to write into, publishing them, giving them up; exact capacity.
 *
 * It owns a slot's way from untouched to FULL (or DONE, when it is given up). It must not know about consumers beyond
 * what it reads of head and deq, how a slot in the way is voided (dequeue.c), nor about waiting beyond calling wait_wake.
 */
#include "fast.h"

/* ---- room ------------------------------------------------------------------------------------------ */

/*
 * How many messages may be claimed from `ticket` on, the expected value of the claim that follows: it succeeds
 * only while enq is still there, and deq and the holes behind it only grow, so that capacity is never exceeded.
 * Refuses only if both ends were still the same afterwards: full then, at the moment deq was read.
 */
SELDOM static int measure_room(cq_queue *queue, uint64_t tail, struct layout_node *node, uint64_t ticket, uint64_t *room)
{
    uint64_t capacity = queue->geometry.capacity;
    uint32_t slots = queue->geometry.slots_per_node;

    uint64_t head = atomic_load_explicit(&queue->header->head, memory_order_seq_cst); /* F1, decides full */
    if (!link_is_valid(queue, head))
        return CQ_ECORRUPT;
    struct layout_node *front = node_at(queue, link_node(head));
    uint64_t deq = atomic_load_explicit(&front->deq, memory_order_seq_cst); /* F2, decides full */
    if (word_sequence(deq) != word_sequence(head) || ticket_index(deq) > slots)
        return atomic_load_explicit(&queue->header->head, memory_order_seq_cst) == head ? CQ_ECORRUPT : RESULT_RETRY;
    atomic_store_explicit(&queue->deq_seen, deq, memory_order_relaxed);

    uint64_t used = position_distance(ticket, deq, slots);
    if (used >= POSITION_BEHIND)
        return RESULT_RETRY; /* the ticket is an old one */
    if (used >= capacity) {
        uint64_t last = atomic_load_explicit(&queue->header->last_hole, memory_order_acquire); /* H2, pairs with H1 */
        if (position_distance(last, deq, slots) - 1 < POSITION_BEHIND) {
            uint64_t holes = queue_count_holes(queue, head, deq);
            used -= holes < used ? holes : used; /* more: the ends have moved, and the claim will fail */
        }
    }
    if (used < capacity) {
        *room = capacity - used;
        return CQ_OK;
    }
    /* F3 seq_cst: nothing moved since F1 and F2. */
    bool same = atomic_load_explicit(&node->enq, memory_order_seq_cst) == ticket &&
                atomic_load_explicit(&queue->header->tail, memory_order_seq_cst) == tail &&
                atomic_load_explicit(&front->deq, memory_order_seq_cst) == deq &&
                atomic_load_explicit(&queue->header->head, memory_order_seq_cst) == head;
    return same ? CQ_FULL : RESULT_RETRY;
}

/* As measure_room, without looking at the consumers' lines while what was seen of them last is enough for `want`. */
static inline int room_for(cq_queue *queue, uint64_t tail, struct layout_node *node, uint64_t ticket, size_t want,
                           uint64_t *room)
{
    /* Relaxed: a cache that is stale only on the safe side; what depends on it is re-read in measure_room. */
    uint64_t seen = atomic_load_explicit(&queue->deq_seen, memory_order_relaxed);
    uint64_t used = position_distance(ticket, seen, queue->geometry.slots_per_node);

    *room = queue->geometry.capacity - used;
    if (likely(used < queue->geometry.capacity && want <= *room))
        return CQ_OK;
    return measure_room(queue, tail, node, ticket, room);
}

/* ---- enqueue --------------------------------------------------------------------------------------- */

/*
 * Claim up to `want` slots with one compare-exchange. CQ_OK, CQ_FULL or an error. `insist`: if unpublished claims are all
 * that fills the queue, make room, once. A try whose own claim was voided does not: it would void who voided it.
 */
int enqueue_claim(cq_queue *queue, size_t want, bool insist, struct run *run)
{
    uint32_t slots = queue->geometry.slots_per_node;

    participant_active(queue);
    for (uint32_t attempt = 0; attempt < RETRY_LIMIT; ++attempt) {
        uint64_t tail = atomic_load_explicit(&queue->header->tail, memory_order_acquire); /* E1, pairs with T4 */
        if (unlikely(!link_is_valid(queue, tail)))
            return CQ_ECORRUPT;
        struct layout_node *node = node_at(queue, link_node(tail));
        uint64_t ticket = atomic_load_explicit(&node->enq, memory_order_acquire); /* R2, pairs with E2 */
        uint32_t index = ticket_index(ticket);
        if (unlikely(word_sequence(ticket) != word_sequence(tail) || index > slots)) {
            if (atomic_load_explicit(&queue->header->tail, memory_order_acquire) == tail)
                return CQ_ECORRUPT; /* the node at tail lives tail's life */
            continue;
        }
        /* RECORD. The cached word was installed and wholly published here, so its slots are touched; acquire pairs with
           the release in run_remember, so that threads of one handle may rely on each other. */
        if (unlikely(ticket != atomic_load_explicit(&queue->last_enq, memory_order_acquire)))
            queue_record_enq(queue, node, ticket);

        uint64_t room;
        int result = room_for(queue, tail, node, ticket, want, &room);
        if (likely(result == CQ_OK && index < slots)) {
            uint32_t here = room < slots - index ? (uint32_t)room : slots - index;
            uint32_t count = want < here ? (uint32_t)want : here;
            __builtin_prefetch(slot_at(queue, node, index), 1);
            /* E2 release: what was recorded is visible to who sees the new ticket. seq_cst as all claims. */
            if (atomic_compare_exchange_strong_explicit(&node->enq, &ticket,
                                                        ticket_word(word_sequence(tail), index + count, queue->owner),
                                                        memory_order_seq_cst, memory_order_relaxed)) {
                *run = run_of(queue, word_sequence(tail), link_node(tail), index, count);
                /* Relaxed, see fast.h. */
                atomic_store_explicit(&queue->enq_node, run->node, memory_order_relaxed);
                atomic_store_explicit(&queue->enq_limit, ticket_word(run->sequence, index + here, 0), memory_order_relaxed);
                return CQ_OK;
            }
            cpu_relax();
            continue;
        }
        if (result == CQ_OK)
            result = queue_append(queue, tail, node);
        else if (result == CQ_FULL && insist)
            result = dequeue_make_room(queue);
        if (result == RESULT_VOIDED) {
            insist = false;
            atomic_fetch_add_explicit(&queue->voids, 1, memory_order_relaxed); /* see dequeue_patience */
        } else if (result != RESULT_RETRY)
            return result;
    }
    return CQ_ECORRUPT;
}

/* Let whoever waits for the slot know how long the copy may take: in its record, which others may have written already. */
SELDOM static uint64_t ask_patience(cq_queue *queue, const struct run *run, struct layout_slot *slot, uint64_t word,
                                    size_t size)
{
    uint64_t asking = slot_word(run->sequence, dequeue_patience(queue, size), SLOT_WRITING, queue->owner);

    while (word_sequence(word) != run->sequence || slot_phase(word) == SLOT_WRITING)
        /* R3 release, as a recorder's; acquire as the load in enqueue_publish. */
        if (atomic_compare_exchange_strong_explicit(&slot->state, &word, asking, memory_order_acq_rel,
                                                    memory_order_acquire))
            return asking;
    return word;
}

/* Copy a message (unless data is NULL: then it is there) into the run's slot at `index` and make it FULL. The caller
   has published those before. RESULT_VOIDED: others have moved past the slot, which is still the caller's. */
int enqueue_publish(cq_queue *queue, const struct run *run, uint32_t index, const void *data, size_t size)
{
    struct layout_slot *slot = run_slot(queue, run, index);
    /* Acquire, pairs with C1's chain: the last life's reader is done with the bytes (DONE -> scan -> FREE -> TAKEN). */
    uint64_t word = atomic_load_explicit(&slot->state, memory_order_acquire);

    /* Relaxed: see dequeue_patience. */
    if (unlikely(data && (size > PATIENT_BYTES || atomic_load_explicit(&queue->voids, memory_order_relaxed) > 0)))
        word = ask_patience(queue, run, slot, word, size);
    unsigned char *last = slot_payload(queue, slot) + queue->geometry.max_message_size - 1, kept = 0;
    if (data)
        fast_copy(slot_payload(queue, slot), data, size);
    else
        kept = *last;
    uint32_t full = SLOT_FULL | slot_set_size(queue, slot, size);
    for (;;) {
        if (unlikely(word_sequence(word) == run->sequence && slot_phase(word) != SLOT_WRITING)) {
            if (!data) /* a reservation may be committed again, and larger: the size must not stand in its bytes */
                *last = kept;
            if (slot_phase(word) != SLOT_VOID)
                return CQ_ECORRUPT;
            atomic_fetch_add_explicit(&queue->voids, 1, memory_order_relaxed); /* see dequeue_patience */
            return RESULT_VOIDED;
        }
        /* E3 release, pairs with D2: the payload is visible before FULL is. seq_cst: the linearization point. */
        if (atomic_compare_exchange_strong_explicit(&slot->state, &word, slot_word(run->sequence, 0, full, 0),
                                                    memory_order_seq_cst, memory_order_acquire))
            break;
    }
    if (unlikely(atomic_load_explicit(&queue->voids, memory_order_relaxed) > 0))
        atomic_store_explicit(&queue->voids, 0, memory_order_relaxed); /* see dequeue_patience */
    if (index + 1 == run->count)
        run_remember(queue, &queue->last_enq, run);
    return CQ_OK;
}

/* Give up the slots of a run from its `from`th on, in ascending order (PREFIX). */
void enqueue_abandon(cq_queue *queue, const struct run *run, uint32_t from)
{
    uint64_t holes = 0;

    queue_announce_hole(queue, run->node, run->sequence, run->index + run->count);
    for (uint32_t i = from; i < run->count; ++i) {
        struct layout_slot *slot = run_slot(queue, run, i);
        uint64_t word = atomic_load_explicit(&slot->state, memory_order_acquire);
        /* C0 release, pairs with C1: late writes are over before the node may be used again. */
        while (!atomic_compare_exchange_weak_explicit(&slot->state, &word, slot_word(run->sequence, 0, SLOT_DONE, 0),
                                                      memory_order_acq_rel, memory_order_acquire))
            ;
        holes += !is_hole(word, run->sequence);
    }
    atomic_fetch_add_explicit(&queue->header->holes, holes, memory_order_relaxed); /* a count, orders nothing */
    node_recycle(queue, run->node, run->sequence);
    wait_wake(queue, SIDE_PRODUCERS, run->count - from);
}

/* Several, in order, as many as there is room for; a claim takes as many slots of a node at once as it can. */
int enqueue_messages(cq_queue *queue, const cq_slice *messages, size_t count, size_t *done)
{
    bool insist = true;

    for (*done = 0; *done < count;) {
        struct run run;
        uint32_t i = 0;
        int result = enqueue_claim(queue, count - *done, insist, &run);
        if (result != CQ_OK)
            return result;
        for (; i < run.count; ++i, ++*done) {
            result = enqueue_publish(queue, &run, i, messages[*done].data, messages[*done].size);
            if (result != CQ_OK)
                break;
        }
        if (i < run.count) { /* voided: the rest goes as well, and all of it behind what others published */
            enqueue_abandon(queue, &run, i);
            insist = false;
        }
        if (i > 0)
            wait_wake(queue, SIDE_CONSUMERS, i);
        if (result < 0)
            return result;
    }
    return CQ_OK;
}

/* May an enqueue find room? */
bool enqueue_has_room(cq_queue *queue)
{
    for (uint32_t attempt = 0; attempt < RETRY_LIMIT; ++attempt) {
        uint64_t tail = atomic_load_explicit(&queue->header->tail, memory_order_acquire); /* E1 */
        if (!link_is_valid(queue, tail))
            return true;
        struct layout_node *node = node_at(queue, link_node(tail));
        uint64_t ticket = atomic_load_explicit(&node->enq, memory_order_acquire); /* R2 */
        uint64_t room;
        int result = word_sequence(ticket) == word_sequence(tail) ? room_for(queue, tail, node, ticket, 1, &room)
                                                                  : RESULT_RETRY;
        if (result == RESULT_RETRY)
            continue;
        if (result == CQ_FULL)
            return dequeue_may_make_room(queue);
        /* The capacity may have room and the queue none: no node is free, because what they hold is held, or no memory. */
        return ticket_index(ticket) < queue->geometry.slots_per_node || node_available(queue) ||
               link_node(atomic_load_explicit(&node->next, memory_order_acquire)) != NODE_NIL; /* L2: appended, tail is late */
    }
    return true;
}
