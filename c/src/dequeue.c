/*
 * dequeue.c - claiming messages, waiting out and voiding what is in their way.
 *
 * It owns a slot's way from FULL to DONE, and VOID, for consumers and for producers at the limit. It must not know
 * how the front is found (front.c), nor how the owners of voided claims are looked into (reap.c).
 */
#include "dequeue.h"

#include "front.h"
#include "lookout.h"
#include "os.h"
#include "participant.h"
#include "queue.h"
#include "reap.h"
#include "slot.h"
#include "source.h"
#include "wake.h"

/* ---- patience -------------------------------------------------------------------------------------- */

/*
 * A claim is waited for with queue->patience spins, doubled so often. PATIENT_BYTES are copied within the undoubled
 * ones. A larger message asks for more, up to SIZE_DOUBLINGS. Beyond that, and for messages that are voided
 * although they are short, each void asks for one more: that of the largest message and two, or VOID_DOUBLINGS. So
 * everybody gets through, and a producer that never needed it makes nobody wait for milliseconds.
 */
#define SIZE_DOUBLINGS 6u
#define VOID_DOUBLINGS 8u

static uint32_t doublings_for_size(uint64_t size)
{
    uint32_t doublings = 0;
    for (; size > PATIENT_BYTES; size >>= 1)
        ++doublings;
    return doublings;
}

static uint32_t most_doublings(const cq_queue *queue)
{
    uint32_t largest = doublings_for_size(queue->geometry.max_message_size) + 2;
    return largest > VOID_DOUBLINGS ? largest : VOID_DOUBLINGS;
}

/* The doublings that a message of `size` bytes asks for. */
uint32_t dequeue_patience(const cq_queue *queue, size_t size)
{
    uint32_t doublings = doublings_for_size(size), most = most_doublings(queue);
    /* Relaxed: a count that guides patience, nothing else. */
    uint32_t voids = atomic_load_explicit(&queue->voids, memory_order_relaxed);

    doublings = doublings < SIZE_DOUBLINGS ? doublings : SIZE_DOUBLINGS;
    return voids < most - doublings ? doublings + voids : most;
}

/* What was asked for in a record. */
static uint32_t doublings_asked(const cq_queue *queue, uint64_t word)
{
    uint32_t asked = slot_deliveries(word), most = most_doublings(queue);
    return asked < most ? asked : most;
}

/* Is the place `from` before `to`? */
static bool is_before(const cq_queue *queue, uint64_t from, uint64_t to)
{
    return position_distance(to, from, queue->geometry.slots_per_node) - 1 < POSITION_BEHIND;
}

/* A ticket behind all claims that were made before the call, and behind `from` in any case. */
static uint64_t newest_claim(cq_queue *queue, uint64_t from)
{
    uint64_t behind = from + ticket_word(0, 1, 0);
    struct end tail;

    /* RESULT_RETRY, a ticket of another life than tail's: newer, or forged, and either way it only shortens
       patience. */
    if (end_read(queue, SIDE_PRODUCERS, memory_order_acquire, NULL, &tail) != CQ_ECORRUPT &&
        is_before(queue, behind, tail.ticket))
        return tail.ticket;
    return behind;
}

/*
 * Has this handle been patient with the claim at the front, whose slot has `word`? The answer is up to which ticket
 * it was patient, and how much. 0: it was not, but is now, and the caller must look again. What it waits for once
 * is everything claimed by then: a row of abandoned claims costs no more than one of them, in this call and the
 * next, and a claim made later gets a time of its own.
 */
static uint64_t waited_for(cq_queue *queue, struct layout_node *node, uint64_t deq, uint64_t word, uint32_t doublings)
{
    /* Relaxed: what another thread of this handle waited for was waited for. */
    uint64_t waited = atomic_load_explicit(&queue->waited, memory_order_relaxed);
    struct layout_slot *slot = slot_at(queue, node, ticket_index(deq));

    if (doublings < word_owner(waited) && is_before(queue, deq, waited))
        return waited;
    uint64_t newest = newest_claim(queue, deq);
    for (uint64_t spins = (uint64_t)queue->patience << doublings; spins > 0; --spins) {
        cpu_relax();
        if (atomic_load_explicit(&slot->state, memory_order_relaxed) != word) /* a hint to look again */
            return 0;
    }
    os_yield();
    atomic_store_explicit(&queue->waited, ticket_word(word_sequence(newest), ticket_index(newest), doublings + 1),
                          memory_order_relaxed);
    return 0;
}

/* ---- voiding --------------------------------------------------------------------------------------- */

/* Holes may come in the node's life `sequence`, up to before `to`. */
static void announce_row(cq_queue *queue, uint32_t number, uint64_t sequence, uint64_t to)
{
    bool last = sequence == word_sequence(to);
    queue_announce_hole(queue, number, sequence, last ? ticket_index(to) : queue->geometry.slots_per_node);
}

/* Look into these owners: they were slow, or are dead. */
static void suspect_all(cq_queue *queue, const struct owner_set *owners)
{
    for (uint32_t i = 0; i < LAYOUT_PARTICIPANTS / 64; ++i)
        for (uint64_t bits = owners->bits[i]; bits; bits &= bits - 1)
            reap_suspect(queue, i * 64 + (uint32_t)__builtin_ctzll(bits));
}

/*
 * Turn WRITING(p) into VOID(p) from `from`, the front, to before `to`, where `doublings` at least are asked for. A
 * slot is still WRITING when it is voided, so deq has not passed it, and all before it are holes: each is at the
 * front when it is voided, without deq being moved every time. Returns how many.
 */
static uint64_t void_row(cq_queue *queue, struct layout_node *node, uint64_t from, uint64_t to, uint32_t doublings)
{
    uint32_t slots = queue->geometry.slots_per_node;
    struct owner_set owners = {{0}};
    uint64_t sequence = word_sequence(from), count = 0;
    uint32_t index = ticket_index(from);

    announce_row(queue, node_number(queue, node), sequence, to);
    for (; is_before(queue, ticket_word(sequence, index, 0), to); ++index) {
        if (index == slots) {
            /* append:A, pairs with append:C. */
            uint64_t next = atomic_load_explicit(&node->next, memory_order_acquire);
            if (word_sequence(next) != sequence || link_node(next) >= queue->geometry.node_count)
                break;
            node = node_at(queue, link_node(next));
            sequence = sequence_next(sequence);
            index = 0;
            announce_row(queue, link_node(next), sequence, to);
        }
        uint64_t word = slot_load(queue, node, index);
        if (is_hole(word, sequence))
            continue;
        if (word_sequence(word) != sequence || slot_phase(word) != SLOT_WRITING ||
            doublings_asked(queue, word) > doublings)
            break;
        /* void:A release, pairs with slot_load:A: the raise comes with it. The producer's publish:B fails by it. */
        if (!atomic_compare_exchange_strong_explicit(&slot_at(queue, node, index)->state, &word,
                                                     slot_word(sequence, 0, SLOT_VOID, word_owner(word)),
                                                     memory_order_acq_rel, memory_order_relaxed))
            break;
        ++count;
        owners.bits[word_owner(word) / 64] |= UINT64_C(1) << word_owner(word) % 64;
    }
    if (count == 0)
        return 0;
    atomic_fetch_add_explicit(&queue->header->holes, count, memory_order_relaxed);  /* counts */
    atomic_fetch_add_explicit(&queue->header->voided, count, memory_order_relaxed); /* counts */
    wake_side(queue, SIDE_PRODUCERS, count);
    suspect_all(queue, &owners);
    return count;
}

/* A message whose number is not settled yet. */
SELDOM static int settle_fed(cq_queue *queue, struct layout_node *node, uint64_t deq, uint64_t word)
{
    source_settle(queue, node_number(queue, node), ticket_index(deq), word);
    bool same = slot_load(queue, node, ticket_index(deq)) == word;
    return same ? CQ_ECORRUPT : RESULT_RETRY; /* no region of ours leaves it so */
}

/*
 * The slot at deq is neither FULL nor given up. Untouched: empty. WRITING: empty too unless a later message is
 * FULL; then be patient, and void what is in front of it. Consumers that voided for a mere claim would void all
 * producers for ever. `room`: for a producer that found the queue full. CQ_FULL if there is a message, or the slot
 * is this handle's own; else the slot is voided to make room (RESULT_VOIDED).
 */
static int pass_gap_behind(cq_queue *queue, struct layout_node *node, uint64_t deq, uint64_t word, bool room)
{
    bool writing = word_sequence(word) == word_sequence(deq) && slot_phase(word) == SLOT_WRITING;
    uint64_t later = 0;
    int found = writing ? front_find_later(queue, node, deq, &later) : CQ_EMPTY;

    /* gap:A, after the loads above; pairs with claim_deq:A: deq never passed this slot, which stayed at the front. */
    if (found < 0 || atomic_load_explicit(&node->deq, memory_order_seq_cst) != deq)
        return found < 0 ? found : RESULT_RETRY;
    if (is_fed(word, word_sequence(deq)))
        return settle_fed(queue, node, deq, word);
    if (word_sequence(word) == word_sequence(deq) && !writing)
        return CQ_ECORRUPT; /* READING or ORPHAN in front of deq */
    if (found == RESULT_RETRY || (room && !writing))
        return RESULT_RETRY;
    if (room ? found == CQ_OK || word_owner(word) == queue->owner : found == CQ_EMPTY)
        return room ? CQ_FULL : CQ_EMPTY;

    uint32_t doublings = doublings_asked(queue, word), own = room ? dequeue_patience(queue, 0) : 0;
    doublings = doublings > own ? doublings : own;
    uint64_t waited = waited_for(queue, node, deq, word, doublings);
    if (waited == 0)
        return RESULT_RETRY;
    if (room)
        later = deq + ticket_word(0, 1, 0);
    else if (is_before(queue, waited, later))
        later = waited;
    return void_row(queue, node, deq, later, word_owner(waited) - 1) > 0 && room ? RESULT_VOIDED : RESULT_RETRY;
}

static int pass_gap(cq_queue *queue, const struct front *front, bool room)
{
    const struct end head = {front->head, front->deq, front->node};
    bool writing = word_sequence(front->word) == word_sequence(front->deq) && slot_phase(front->word) == SLOT_WRITING;

    if (!writing)
        return pass_gap_behind(queue, front->node, front->deq, front->word, room);
    pin_all(queue); /* it may go to any node behind this one; all of these live while this one is the first */
    int result = RESULT_RETRY;
    if (end_is_still(queue, SIDE_CONSUMERS, NULL, &head))
        result = pass_gap_behind(queue, front->node, front->deq, front->word, room);
    pin_none(queue);
    return result;
}

/* ---- dequeue --------------------------------------------------------------------------------------- */

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

/* Claims are recorded before deq moves past them, except this handle's own that are over. */
ALWAYS_INLINE void record_front(cq_queue *queue, const struct front *front)
{
    /* remember:B, pairs with remember:A. */
    if (front->deq != atomic_load_explicit(&queue->last_deq, memory_order_acquire))
        queue_record_deq(queue, front->node, front->deq);
}

/* Claim messages at the front, where one is FULL. Otherwise as dequeue_claim. */
ALWAYS_INLINE int claim_full(cq_queue *queue, const struct front *front, size_t want, size_t room, struct seat *seat,
                             struct run *run, size_t *needed)
{
    struct layout_node *node = front->node;
    uint64_t deq = front->deq, sequence = word_sequence(deq);
    uint32_t count = 1;

    if (want > 1 || room != SIZE_MAX) {
        int result = count_fitting(queue, node, deq, front->word, want, room, &count, needed);
        if (unlikely(result != CQ_OK)) /* gap:A, as in pass_gap */
            return atomic_load_explicit(&node->deq, memory_order_seq_cst) == deq ? result : RESULT_RETRY;
    }
    record_front(queue, front);
    /* claim_deq:A release, pairs with end_read:B: what was recorded comes with it. seq_cst: the linearization point. */
    if (!atomic_compare_exchange_strong_explicit(&node->deq, &deq,
                                                 ticket_word(sequence, ticket_index(deq) + count, queue->owner),
                                                 memory_order_seq_cst, memory_order_relaxed)) {
        cpu_relax();
        return RESULT_RETRY;
    }
    *run = run_of(queue, sequence, link_node(front->head), ticket_index(deq), count);
    if (likely(seat))
        atomic_store_explicit(&seat->deq_node, (uintptr_t)node, memory_order_relaxed); /* see fast.h */
    wake_side(queue, SIDE_PRODUCERS, count); /* now, not when the message was read: there is room */
    return CQ_OK;
}

/* Holes are at the front: pass them. */
static int pass_holes(cq_queue *queue, const struct front *front)
{
    record_front(queue, front);
    queue_skip_holes(queue, front->node, front->deq);
    return RESULT_RETRY;
}

/*
 * Claim up to `want` messages at the front of the list that fit into `room` bytes (SIZE_MAX: in place).
 * CQ_OK, CQ_EMPTY, CQ_ETOOSMALL with *needed, or an error.
 */
int dequeue_claim(cq_queue *queue, size_t want, size_t room, struct run *run, size_t *needed)
{
    if (room >= queue->geometry.max_message_size && (want == 1 || room / queue->geometry.max_message_size >= want))
        room = SIZE_MAX; /* whatever they are, they fit */
    for (uint32_t attempt = 0; attempt < RETRY_LIMIT; ++attempt) {
        struct front front;
        struct seat *seat = pin_begin(queue);
        int result = front_find(queue, seat, &front);
        if (likely(result == CQ_OK)) {
            if (likely(is_full(front.word, word_sequence(front.deq))))
                result = claim_full(queue, &front, want, room, seat, run, needed);
            else if (is_hole(front.word, word_sequence(front.deq)))
                result = pass_holes(queue, &front);
            else
                result = pass_gap(queue, &front, false);
        }
        pin_end(queue, seat);
        if (result == RESULT_LOOK)
            lookout_look(queue);
        else if (result != RESULT_RETRY)
            return result;
    }
    return CQ_ECORRUPT;
}

/*
 * For a producer that found the queue full and all claims recorded: if nothing is published between the ends, no
 * consumer will move anything. RESULT_VOIDED: the front was voided, after patience. CQ_FULL: there is a message, or
 * this handle's own claim is in front. RESULT_RETRY, RESULT_LOOK: look again whether it is full.
 */
int dequeue_make_room(cq_queue *queue)
{
    struct front front;
    int result;

    pin_all(queue); /* not by a name, which would stay */
    result = front_find(queue, NULL, &front);
    if (result != CQ_OK)
        result = result == CQ_EMPTY ? RESULT_RETRY : result;
    else if (is_full(front.word, word_sequence(front.deq)))
        result = CQ_FULL;
    else if (!is_hole(front.word, word_sequence(front.deq)))
        result = pass_gap(queue, &front, true);
    else
        result = pass_holes(queue, &front);
    pin_none(queue);
    return result;
}
