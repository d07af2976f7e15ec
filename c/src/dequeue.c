/*
 * dequeue.c - claiming messages, waiting out and voiding what is in their way.
 *
 * It owns a slot's way from FULL to DONE, and VOID, for consumers and for producers at the limit. It does not read the
 * producers' ticket until it has to be patient: by PREFIX (queue.c) the slots themselves say where the messages end, and
 * the line that producers fight over stays with them.
 */
#include "internal.h"

/* More unpublished claims in a row than this are given up as if a message were behind them: the search is to end. */
#define LONGEST_ROW 4096u

/* Is a message FULL behind the WRITING slot at `from`, and where? Touched slots are a prefix: the first untouched one ends
   the search. CQ_OK: yes. CQ_EMPTY: no, none was when the search began (if deq is still the same). RESULT_VOIDED: up to there
   is none, but the row is too long. */
static int find_later(cq_queue *queue, struct layout_node *node, uint64_t from, uint64_t *later)
{
    uint64_t sequence = word_sequence(from);
    uint32_t index = ticket_index(from) + 1, row = 0;

    for (uint64_t steps = 0; steps <= queue->geometry.node_count; ++steps) {
        for (; index < queue->geometry.slots_per_node; ++index) {
            uint64_t word = slot_load(queue, node, index);
            if (word_sequence(word) != sequence)
                return CQ_EMPTY;
            if (slot_phase(word) == SLOT_FULL || ++row == LONGEST_ROW) {
                *later = ticket_word(sequence, index, 0);
                return slot_phase(word) == SLOT_FULL ? CQ_OK : RESULT_VOIDED;
            }
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

/* ---- patience -------------------------------------------------------------------------------------- */

/*
 * A claim is waited for with queue->patience spins, doubled so often. PATIENT_BYTES are copied within the undoubled ones. A
 * larger message asks for more, up to SIZE_DOUBLINGS. Beyond that, and for messages that are voided although they are
 * short, each void asks for one more: that of the largest message and two, or VOID_DOUBLINGS. So everybody gets through,
 * and nobody who never needed it makes others wait for milliseconds.
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
    uint64_t tail = atomic_load_explicit(&queue->header->tail, memory_order_acquire); /* E1, pairs with T4 */
    uint64_t behind = from + ticket_word(0, 1, 0);

    if (link_is_valid(queue, tail)) {
        /* R2, pairs with E2. Of another life than tail's: newer, or forged, and either way it only shortens patience. */
        uint64_t enq = atomic_load_explicit(&node_at(queue, link_node(tail))->enq, memory_order_acquire);
        if (is_before(queue, behind, enq))
            return enq;
    }
    return behind;
}

/*
 * Has this handle been patient with the claim at the front, whose slot has `word`? The answer is up to which ticket it was
 * patient, and how much. 0: it was not, but is now, and the caller must look again. What it waits for once is everything
 * claimed by then: a row of abandoned claims costs no more than one of them, in this call and the next, and who claimed
 * later has a time of his own.
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
    wait_yield();
    atomic_store_explicit(&queue->waited, ticket_word(word_sequence(newest), ticket_index(newest), doublings + 1),
                          memory_order_relaxed);
    return 0;
}

/* ---- voiding --------------------------------------------------------------------------------------- */

/*
 * Turn WRITING(p) into VOID(p) from `from`, the front, to before `to`, where `doublings` at least are asked for. A slot is still
 * WRITING when it is voided, so deq has not passed it, and all before it are holes: each is at the front when it is voided,
 * without deq being moved every time. Returns how many.
 */
static uint64_t void_row(cq_queue *queue, struct layout_node *node, uint64_t from, uint64_t to, uint32_t doublings)
{
    uint32_t slots = queue->geometry.slots_per_node;
    struct owner_set owners = {{0}};
    uint64_t sequence = word_sequence(from), count = 0;
    uint32_t index = ticket_index(from);

    queue_announce_hole(queue, node_number(queue, node), sequence, sequence == word_sequence(to) ? ticket_index(to) : slots);
    for (; is_before(queue, ticket_word(sequence, index, 0), to); ++index) {
        if (index == slots) {
            uint64_t next = atomic_load_explicit(&node->next, memory_order_acquire); /* L2, pairs with L1 */
            if (word_sequence(next) != sequence || link_node(next) >= queue->geometry.node_count)
                break;
            node = node_at(queue, link_node(next));
            sequence = sequence_next(sequence);
            index = 0;
            queue_announce_hole(queue, link_node(next), sequence, sequence == word_sequence(to) ? ticket_index(to) : slots);
        }
        uint64_t word = slot_load(queue, node, index);
        if (is_hole(word, sequence))
            continue;
        if (word_sequence(word) != sequence || slot_phase(word) != SLOT_WRITING ||
            doublings_asked(queue, word) > doublings)
            break;
        /* V1 acq_rel: release carries the raise; the producer learns it by its failing E3. */
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
    wait_wake(queue, SIDE_PRODUCERS, count);
    for (uint32_t i = 0; i < LAYOUT_PARTICIPANTS / 64; ++i)
        for (uint64_t bits = owners.bits[i]; bits; bits &= bits - 1)
            participant_suspect(queue, i * 64 + (uint32_t)__builtin_ctzll(bits));
    return count;
}

/*
 * The slot at deq is neither FULL nor given up. Untouched: empty. WRITING: empty too unless a later message is FULL;
 * then be patient, and void what is in front of it. Consumers that voided for a later claim would void everybody for ever.
 * `room`: for a producer that found the queue full. CQ_FULL if there is a message, or the slot is this handle's own; else the
 * slot is voided to make room (RESULT_VOIDED).
 */
static int pass_gap(cq_queue *queue, struct layout_node *node, uint64_t deq, uint64_t word, bool room)
{
    bool writing = word_sequence(word) == word_sequence(deq) && slot_phase(word) == SLOT_WRITING;
    uint64_t later = 0;
    int found = writing ? find_later(queue, node, deq, &later) : CQ_EMPTY;

    /* D5 seq_cst, after the loads above: deq never came past this slot, so it was at the front all the time. */
    if (found < 0 || atomic_load_explicit(&node->deq, memory_order_seq_cst) != deq)
        return found < 0 ? found : RESULT_RETRY;
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

/* Where the list begins. */
struct front {
    uint64_t head, deq, word; /* word: of the slot at deq */
    struct layout_node *node;
};

/* CQ_OK: there is a slot at the front. CQ_EMPTY: all of the last node is claimed. RESULT_RETRY: it is moving. */
ALWAYS_INLINE int find_front(cq_queue *queue, struct front *front)
{
    uint32_t slots = queue->geometry.slots_per_node;

    uint64_t head = atomic_load_explicit(&queue->header->head, memory_order_acquire); /* D1, pairs with S1 */
    if (unlikely(!link_is_valid(queue, head)))
        return CQ_ECORRUPT;
    struct layout_node *node = node_at(queue, link_node(head));
    uint64_t deq = atomic_load_explicit(&node->deq, memory_order_acquire); /* D1, pairs with D3 */
    uint32_t index = ticket_index(deq);
    if (unlikely(word_sequence(deq) != word_sequence(head) || index > slots))
        return atomic_load_explicit(&queue->header->head, memory_order_acquire) == head ? CQ_ECORRUPT : RESULT_RETRY;
    if (unlikely(index == slots)) {
        uint64_t next = atomic_load_explicit(&node->next, memory_order_seq_cst); /* D4, pairs with L1 */
        if (atomic_load_explicit(&queue->header->head, memory_order_seq_cst) != head)
            return RESULT_RETRY;
        if (word_sequence(next) != word_sequence(head))
            return CQ_ECORRUPT;
        if (link_node(next) == NODE_NIL)
            return CQ_EMPTY;
        return queue_swing_head(queue, head, next) < 0 ? CQ_ECORRUPT : RESULT_RETRY;
    }
    *front = (struct front){head, deq, slot_load(queue, node, index), node};
    return CQ_OK;
}

/* Claims are recorded before deq moves past them, except this handle's own that are over: as last_enq. */
ALWAYS_INLINE void record_front(cq_queue *queue, const struct front *front)
{
    if (front->deq != atomic_load_explicit(&queue->last_deq, memory_order_acquire))
        queue_record_deq(queue, front->node, front->deq);
}

/*
 * Claim up to `want` messages at the front of the list that fit into `room` bytes (SIZE_MAX: in place).
 * CQ_OK, CQ_EMPTY, CQ_ETOOSMALL with *needed, or an error.
 */
int dequeue_claim(cq_queue *queue, size_t want, size_t room, struct run *run, size_t *needed)
{
    participant_active(queue);
    if (room >= queue->geometry.max_message_size && (want == 1 || room / queue->geometry.max_message_size >= want))
        room = SIZE_MAX; /* whatever they are, they fit */
    for (uint32_t attempt = 0; attempt < RETRY_LIMIT; ++attempt) {
        struct front front;
        int result = find_front(queue, &front);
        if (likely(result == CQ_OK)) {
            struct layout_node *node = front.node;
            uint64_t deq = front.deq, word = front.word;
            if (likely(is_full(word, word_sequence(deq)))) {
                uint32_t count = 1;
                if (want > 1 || room != SIZE_MAX)
                    result = count_fitting(queue, node, deq, word, want, room, &count, needed);
                if (unlikely(result == CQ_ETOOSMALL || result < 0)) {
                    if (atomic_load_explicit(&node->deq, memory_order_seq_cst) == deq)
                        return result;
                    continue;
                }
                record_front(queue, &front);
                /* D3 release: what was recorded is visible to who sees the new ticket. seq_cst: linearization point. */
                if (atomic_compare_exchange_strong_explicit(&node->deq, &deq,
                                                            ticket_word(word_sequence(deq), ticket_index(deq) + count,
                                                                        queue->owner),
                                                            memory_order_seq_cst, memory_order_relaxed)) {
                    *run = run_of(queue, word_sequence(deq), link_node(front.head), ticket_index(deq), count);
                    atomic_store_explicit(&queue->deq_node, run->node, memory_order_relaxed); /* see fast.h */
                    wait_wake(queue, SIDE_PRODUCERS, count); /* now, not when the message was read: there is room */
                    return CQ_OK;
                }
                cpu_relax();
                continue;
            }
            if (is_hole(word, word_sequence(deq))) {
                record_front(queue, &front);
                queue_skip_holes(queue, node, deq);
                continue;
            }
            result = pass_gap(queue, node, deq, word, false);
        }
        if (result != RESULT_RETRY)
            return result;
    }
    return CQ_ECORRUPT;
}

/*
 * For a producer that found the queue full and all claims recorded: if nothing is published between the ends, no consumer
 * will move anything. RESULT_VOIDED: the front was voided, after patience. CQ_FULL: there is a message, or this handle's
 * own claim is in front. RESULT_RETRY: look again whether it is full.
 */
int dequeue_make_room(cq_queue *queue)
{
    struct front front;
    int result = find_front(queue, &front);

    if (result != CQ_OK)
        return result == CQ_EMPTY ? RESULT_RETRY : result;
    if (is_full(front.word, word_sequence(front.deq)))
        return CQ_FULL;
    if (!is_hole(front.word, word_sequence(front.deq)))
        return pass_gap(queue, front.node, front.deq, front.word, true);
    record_front(queue, &front);
    queue_skip_holes(queue, front.node, front.deq);
    return RESULT_RETRY;
}

/* ---- probes ---------------------------------------------------------------------------------------- */

/* May dequeue_make_room make room? A hint. */
bool dequeue_may_make_room(cq_queue *queue)
{
    struct front front;
    uint64_t later;

    return find_front(queue, &front) == CQ_OK && word_sequence(front.word) == word_sequence(front.deq) &&
           slot_phase(front.word) == SLOT_WRITING && word_owner(front.word) != queue->owner &&
           find_later(queue, front.node, front.deq, &later) != CQ_OK;
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
        uint64_t later;
        bool has = ticket_index(deq) >= queue->geometry.slots_per_node ? link_node(next) != NODE_NIL : true;
        if (ticket_index(deq) < queue->geometry.slots_per_node) {
            uint64_t word = slot_load(queue, node, ticket_index(deq));
            if (word_sequence(word) != word_sequence(deq))
                has = false;
            else if (slot_phase(word) == SLOT_WRITING)
                has = find_later(queue, node, deq, &later) != CQ_EMPTY;
        }
        if (has || (word_sequence(deq) == word_sequence(head) &&
                    atomic_load_explicit(&node->deq, memory_order_seq_cst) == deq && /* D5 */
                    atomic_load_explicit(&queue->header->head, memory_order_seq_cst) == head))
            return has;
    }
    return true;
}

/* Who claimed the slot at the front and has not published it yet, if that is what is in the way; else 0. A hint. */
uint32_t dequeue_blocker(const cq_queue *queue)
{
    uint64_t head = atomic_load_explicit(&queue->header->head, memory_order_acquire); /* D1 */
    if (!link_is_valid(queue, head))
        return 0;
    struct layout_node *node = node_at(queue, link_node(head));
    uint64_t deq = atomic_load_explicit(&node->deq, memory_order_acquire); /* D1 */
    uint64_t enq = atomic_load_explicit(&node->enq, memory_order_acquire); /* R2 */
    if (ticket_index(deq) >= queue->geometry.slots_per_node)
        return 0;
    uint64_t word = slot_load(queue, node, ticket_index(deq));
    if (word_sequence(word) == word_sequence(deq))
        return slot_phase(word) == SLOT_WRITING ? word_owner(word) : 0;
    return word_sequence(enq) == word_sequence(deq) && ticket_index(enq) > ticket_index(deq) ? word_owner(enq) : 0;
}
