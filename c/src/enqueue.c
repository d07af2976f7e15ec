/*
 * enqueue.c - claiming slots to write into, publishing them, giving them up.
 *
 * It owns a slot's way from untouched to FULL (or DONE, when it is given up). It must not know what full means
 * (room.c), nor how a slot in the way is voided (dequeue.c).
 */
#include "enqueue.h"

#include "dequeue.h"
#include "fast.h"
#include "lookout.h"
#include "os.h"
#include "participant.h"
#include "queue.h"
#include "room.h"
#include "supply.h"
#include "sync.h"

/* The lines of a batch's slots are fetched so many slots ahead. Each publication waits for its own line; this way they
   come at the same time. Runs that are not longer gain nothing, and are published as single messages are. */
#define BATCH_AHEAD 8u

/* The next node is appended ahead where nodes have so many slots. */
#define AHEAD_SLOTS 8u

/* ---- claiming -------------------------------------------------------------------------------------- */

/* Where nodes are shorter, each change costs less than what waits for it. A durable queue may have to wait for the
   disk. */
static bool appends_ahead(const cq_queue *queue)
{
    return queue->geometry.slots_per_node >= AHEAD_SLOTS && !queue->durable;
}

/* Claim slots in the last node: one for a message of `size` bytes where slots get memory as far as messages reach, and
   where `reached` is the ticket for which it was given. CQ_OK, CQ_FULL, RESULT_USED_UP, RESULT_REACH, RESULT_RETRY, or
   an error. With its seat it says where the usual way goes on. */
ALWAYS_INLINE int claim_slots(cq_queue *queue, const struct end *tail, size_t want, size_t size, uint64_t reached,
                              struct seat *seat, struct run *run)
{
    uint32_t slots = queue->geometry.slots_per_node, index = ticket_index(tail->ticket);
    uint64_t sequence = word_sequence(tail->link), ticket = tail->ticket, room;

    /* remember:B acquire, pairs with remember:A. RECORD: the remembered word was installed and wholly published by this
       handle, so its slots are touched. */
    if (unlikely(ticket != atomic_load_explicit(&queue->last_enq, memory_order_acquire)))
        queue_record_enq(queue, tail->node, ticket);
    int result = room_for(queue, tail, want, &room);
    if (unlikely(result != CQ_OK || index == slots))
        return result != CQ_OK ? result : RESULT_USED_UP;

    uint32_t here = room < slots - index ? (uint32_t)room : slots - index;
    uint32_t count = want < here ? (uint32_t)want : here;
    prefetch_to_write(slot_at(queue, tail->node, index));
    if (unlikely(queue->geometry.paged)) {
        count = 1;
        here = 0; /* the usual way knows no memory */
        if (ticket != reached && !slot_reaches(queue, slot_at(queue, tail->node, index), size))
            return RESULT_REACH;
    }
    if (unlikely(queue->geometry.stamped))
        here = 0; /* nor what goes before a message */
    /* claim_enq:A release, pairs with end_read:B: what was recorded comes with it. seq_cst as all claims. */
    if (!atomic_compare_exchange_strong_explicit(&tail->node->enq, &ticket,
                                                 ticket_word(sequence, index + count, queue->owner),
                                                 memory_order_seq_cst, memory_order_relaxed)) {
        cpu_relax();
        return RESULT_RETRY;
    }
    *run = run_of(queue, sequence, link_node(tail->link), index, count);
    slot_set_reach(queue, run_slot(queue, run, 0), size);
    for (uint32_t i = 0; unlikely(queue->geometry.max_headers > 0) && i < count; ++i)
        slot_set_headers(queue, run_slot(queue, run, i), NULL, 0);
    if (unlikely(!seat))
        return CQ_OK;
    /* Relaxed, see fast.h. */
    atomic_store_explicit(&seat->enq_node, (uintptr_t)tail->node, memory_order_relaxed);
    here -= index + here == slots && slots >= AHEAD_SLOTS; /* the usual way knows no nodes */
    atomic_store_explicit(&seat->enq_limit, ticket_word(sequence, index + here, 0), memory_order_relaxed);
    return CQ_OK;
}

/* Append a node, which is given memory if none is free: not while this call keeps others' memory, of which some may
   have to go. As queue_append. */
static int append(cq_queue *queue, const struct end *tail)
{
    struct growth growth = NO_GROWTH;
    int result = queue->durable ? sync_reserve(queue, tail->link) : CQ_OK;

    if (unlikely(result != CQ_OK))
        return result;
    for (;;) {
        struct seat *seat = pin_begin(queue);
        result = end_is_still(queue, SIDE_PRODUCERS, seat, tail) ? queue_append(queue, tail, &growth) : RESULT_RETRY;
        pin_end(queue, seat);
        if (result != RESULT_MEMORY)
            break;
        supply_node(queue, &growth);
    }
    node_drop(queue, &growth);
    supply_note(queue);
    return result;
}

/*
 * Claim up to `want` slots with one compare-exchange; the first message has `size` bytes.
 * CQ_OK, CQ_FULL or an error. `insist`: if unpublished claims
 * are all that fills the queue, make room, once. A try whose own claim was voided does not: it would void the one
 * that voided it.
 */
int enqueue_claim(cq_queue *queue, size_t want, size_t size, bool insist, struct run *run)
{
    uint64_t reached = 0;

    participant_active(queue);
    for (uint32_t attempt = 0; attempt < RETRY_LIMIT; ++attempt) {
        struct end tail;
        struct seat *seat = pin_begin(queue);
        int result = end_read(queue, SIDE_PRODUCERS, memory_order_acquire, seat, &tail);
        if (likely(result == CQ_OK))
            result = claim_slots(queue, &tail, want, size, reached, seat, run);
        pin_end(queue, seat);
        if (likely(result == CQ_OK))
            return CQ_OK;
        if (result == RESULT_USED_UP)
            result = append(queue, &tail);
        else if (result == RESULT_REACH) {
            if ((result = supply_slot(queue, &tail, size)) != CQ_OK)
                return result;
            reached = tail.ticket;
            continue;
        } else if (result == CQ_FULL && insist)
            result = dequeue_make_room(queue);
        if (result == RESULT_VOIDED) {
            insist = false;
            atomic_fetch_add_explicit(&queue->voids, 1, memory_order_relaxed); /* see dequeue_patience */
        } else if (result == RESULT_LOOK)
            lookout_look(queue);
        else if (result != RESULT_RETRY)
            return result;
    }
    return CQ_ECORRUPT;
}

/* ---- publishing ------------------------------------------------------------------------------------ */

/* Tell those that wait for the slot how long the copy may take: in its record, which others may have written
   already. */
SELDOM static uint64_t ask_patience(cq_queue *queue, const struct run *run, struct layout_slot *slot, uint64_t word,
                                    size_t size)
{
    uint64_t asking = slot_word(run->sequence, dequeue_patience(queue, size), SLOT_WRITING, queue->owner);

    while (word_sequence(word) != run->sequence || slot_phase(word) == SLOT_WRITING)
        /* record_enq:C release, pairs with slot_load:A, as a recorder's; acquire as publish:A. */
        if (atomic_compare_exchange_strong_explicit(&slot->state, &word, asking, memory_order_acq_rel,
                                                    memory_order_acquire))
            return asking;
    return word;
}

/* The time that goes before the message, where there is one. */
static void stamp(cq_queue *queue, struct layout_slot *slot)
{
    if (unlikely(slot_has_times(queue)))
        *slot_time(queue, slot_payload(queue, slot)) = os_clock(OS_DATE_COARSE);
}

/* Write a message into a claimed slot that enqueue_publish is not to publish. What goes with FULL into its state. */
uint32_t enqueue_fill(cq_queue *queue, const struct run *run, const void *data, size_t size)
{
    struct layout_slot *slot = run_slot(queue, run, 0);
    uint64_t word = atomic_load_explicit(&slot->state, memory_order_acquire); /* publish:A, as below */

    if (size > PATIENT_BYTES || atomic_load_explicit(&queue->voids, memory_order_relaxed) > 0)
        ask_patience(queue, run, slot, word, size);
    fast_copy(slot_payload(queue, slot), data, size);
    stamp(queue, slot);
    return slot_set_size(queue, slot, size);
}

/* Copy a message (unless data is NULL: then it is there) into the run's slot at `index` and make it FULL. The caller
   has published those before. RESULT_VOIDED: others have moved past the slot, which is still the caller's. */
int enqueue_publish(cq_queue *queue, const struct run *run, uint32_t index, const void *data, size_t size)
{
    struct layout_slot *slot = run_slot(queue, run, index);
    /* publish:A, pairs with finish:A by way of recycle:A: the last life's reader is done with the bytes (DONE -> scan
       -> FREE -> TAKEN). */
    uint64_t word = atomic_load_explicit(&slot->state, memory_order_acquire);

    /* Relaxed: see dequeue_patience. */
    if (unlikely(data && (size > PATIENT_BYTES || atomic_load_explicit(&queue->voids, memory_order_relaxed) > 0)))
        word = ask_patience(queue, run, slot, word, size);
    bool keep = !data && slot_is_small(queue);
    unsigned char *last = slot_payload(queue, slot) + queue->geometry.max_message_size - 1, kept = 0;
    if (data)
        fast_copy(slot_payload(queue, slot), data, size);
    else if (keep)
        kept = *last;
    stamp(queue, slot);
    uint32_t full = SLOT_FULL | slot_set_size(queue, slot, size);
    for (;;) {
        if (unlikely(word_sequence(word) == run->sequence && slot_phase(word) != SLOT_WRITING)) {
            if (keep) /* a reservation may be committed again, and larger: the size must not stand in its bytes */
                *last = kept;
            if (slot_phase(word) != SLOT_VOID)
                return CQ_ECORRUPT;
            atomic_fetch_add_explicit(&queue->voids, 1, memory_order_relaxed); /* see dequeue_patience */
            return RESULT_VOIDED;
        }
        /* publish:B release, pairs with slot_load:A: the payload is visible before FULL is. seq_cst: the linearization
           point. */
        if (atomic_compare_exchange_strong_explicit(&slot->state, &word, slot_word(run->sequence, 0, full, 0),
                                                    memory_order_seq_cst, memory_order_acquire))
            break;
    }
    if (unlikely(atomic_load_explicit(&queue->voids, memory_order_relaxed) > 0))
        atomic_store_explicit(&queue->voids, 0, memory_order_relaxed); /* see dequeue_patience */
    if (index + 1 == run->count)
        run_remember(queue, &queue->last_enq, run);
    TRACE(enqueue, queue, slot, size);
    return CQ_OK;
}

/* The usual way of enqueue_publish, for a short message of a batch. False: the caller takes the other. */
ALWAYS_INLINE bool publish_short(cq_queue *queue, const struct run *run, uint32_t index, const cq_slice *message)
{
    struct place place = {run_slot(queue, run, index), ticket_word(run->sequence, run->index + index, 0)};
    /* Relaxed: see dequeue_patience. */
    if (unlikely(message->size > SHORT_BYTES || queue->geometry.stamped ||
                 atomic_load_explicit(&queue->voids, memory_order_relaxed) > 0))
        return false;
    if (unlikely(!fast_fill(queue, place, message->data, message->size)))
        return false;
    if (index + 1 == run->count)
        run_remember(queue, &queue->last_enq, run);
    return true;
}

/* Give up the slots of a run from its `from`th on, in ascending order (PREFIX). */
void enqueue_abandon(cq_queue *queue, const struct run *run, uint32_t from)
{
    uint64_t holes = 0;

    queue_announce_hole(queue, run->node, run->sequence, run->index + run->count);
    for (uint32_t i = from; i < run->count; ++i) {
        struct layout_slot *slot = run_slot(queue, run, i);
        /* Acquire, pairs with record_enq:C and void:A, as where the exchange fails. */
        uint64_t word = atomic_load_explicit(&slot->state, memory_order_acquire);
        /* finish:A release, pairs with recycle:A: late writes are over before the node may be used again. */
        while (!atomic_compare_exchange_weak_explicit(&slot->state, &word, slot_word(run->sequence, 0, SLOT_DONE, 0),
                                                      memory_order_acq_rel, memory_order_acquire))
            ;
        holes += !is_hole(word, run->sequence);
    }
    atomic_fetch_add_explicit(&queue->header->holes, holes, memory_order_relaxed); /* a count, orders nothing */
    node_recycle(queue, run->node, run->sequence);
    wake_side(queue, SIDE_PRODUCERS, run->count - from);
}

/*
 * The caller has published the last slot of this node's life: if it is the last node, append the next one now. Else the
 * next message would wait for it, and so would its consumer, who goes on to that node only when it is there. All slots
 * are touched: the caller's are published, and those before were when they were claimed (RECORD). Only a node that is
 * at hand: what needs memory, or a search, is left to whoever needs the node.
 */
SELDOM void enqueue_append_next(cq_queue *queue, uint64_t sequence, uint32_t node)
{
    struct growth growth = NO_GROWTH;

    if (!appends_ahead(queue) || !node_is_at_hand(queue))
        return;
    struct end tail = {link_word(sequence, node), 0, node_at(queue, node)};
    struct seat *seat = pin_begin(queue);
    if (end_is_still(queue, SIDE_PRODUCERS, seat, &tail))
        queue_append(queue, &tail, &growth); /* whatever comes of it: the next claim finds out */
    pin_end(queue, seat);
    node_drop(queue, &growth);
    supply_note(queue);
}

/* Several, in order, as many as there is room for; a claim takes as many slots of a node at once as it can. */
int enqueue_messages(cq_queue *queue, const cq_slice *messages, size_t count, size_t *done)
{
    bool insist = true;

    for (*done = 0; *done < count;) {
        struct run run;
        uint32_t i = 0;
        int result = enqueue_claim(queue, count - *done, messages[*done].size, insist, &run);
        if (result != CQ_OK)
            return result;
        for (uint32_t ahead = 1; ahead < BATCH_AHEAD && ahead < run.count; ++ahead)
            prefetch_to_write(run_slot(queue, &run, ahead));
        for (; i < run.count; ++i, ++*done) {
            if (i + BATCH_AHEAD < run.count)
                prefetch_to_write(run_slot(queue, &run, i + BATCH_AHEAD));
            if (run.count >= BATCH_AHEAD && likely(publish_short(queue, &run, i, &messages[*done])))
                continue;
            result = enqueue_publish(queue, &run, i, messages[*done].data, messages[*done].size);
            if (result != CQ_OK)
                break;
        }
        if (i < run.count) { /* voided: the rest goes as well, and all of it behind what others published */
            enqueue_abandon(queue, &run, i);
            insist = false;
        }
        if (i > 0)
            wake_side(queue, SIDE_CONSUMERS, i);
        if (result < 0)
            return result;
        if (i == run.count)
            enqueue_append_ahead(queue, &run);
    }
    return CQ_OK;
}
