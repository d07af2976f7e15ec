/*
 * loan.c - messages in place: reserve, commit, abort; take, release, return.
 *
 * It owns the tokens of loans, and what a slot becomes when its loan ends. A token proves nothing by itself, the
 * caller may have used it before: the slot's exact word decides. How slots are claimed is not its business.
 */
#include "claim.h"
#include "config.h"
#include "consume.h"
#include "ends.h"
#include "enqueue.h"
#include "fast.h"
#include "headers.h"
#include "letter.h"
#include "memory.h"
#include "os.h"
#include "region.h"
#include "sync.h"
#include "wait.h"

/* A loan's token: the ticket (sequence, index, owner) of its slot, and node | deliveries << 32 (0: reserved). */
static void lend(cq_queue *queue, const struct run *run, size_t size, cq_message *message)
{
    message->deliveries = run->deliveries;
    message->data = slot_payload(queue, run_slot(queue, run, 0));
    message->size = size;
    message->position = run_position(queue, run);
    message->token[0] = ticket_word(run->sequence, run->index, queue->owner);
    message->token[1] = run->node | (uint64_t)run->deliveries << 32;
}

static void end_loan(cq_message *message) { message->data = NULL; }

static int check_struct(const cq_message *message)
{
    bool usual = message && likely(message->struct_size == sizeof *message);
    return usual || (message && struct_fits(message, MESSAGE_FIRST, sizeof *message)) ? CQ_OK : CQ_EINVAL;
}

/* The run that a message stands for, if it is (still) this handle's: a token alone proves nothing, the caller may have
   used it before or taken it from another handle. `taken`: by cq_take, else by cq_reserve. `plain`: the handle
   is (handle_plain). */
ALWAYS_INLINE int borrowed(const cq_queue *queue, const cq_message *message, bool taken, bool plain, struct run *run)
{
    int result = plain ? CQ_OK : handle_writable(queue);

    if (result != CQ_OK || (result = check_struct(message)) != CQ_OK)
        return result;
    uint64_t sequence = word_sequence(message->token[0]), node = (uint32_t)message->token[1];
    uint32_t index = ticket_index(message->token[0]), deliveries = (uint32_t)(message->token[1] >> 32);
    if (!message->data || word_owner(message->token[0]) != queue->owner || (deliveries != 0) != taken ||
        node >= queue->geometry.node_count || index >= queue->geometry.slots_per_node)
        return CQ_ENOTHELD;
    /* node_state:A, pairs with help_tail:C. */
    uint64_t state = atomic_load_explicit(&queue->states[node], memory_order_acquire);
    if (word_sequence(state) != sequence || !node_is_listed(state)) /* what is held keeps its node in its life */
        return CQ_ENOTHELD;
    *run = run_of(queue, sequence, (uint32_t)node, index, 1);
    run->deliveries = deliveries;
    bool same = message->position == run_position(queue, run) &&
                message->data == slot_payload(queue, run_slot(queue, run, 0));
    return same ? CQ_OK : CQ_ENOTHELD;
}

/* After pin_node: may a slot be touched that may not be the caller's any more, whatever its token said? */
ALWAYS_INLINE bool keeps_node(const cq_queue *queue, const struct seat *seat, const struct run *run)
{
    return likely(seat) || node_lives(queue, link_word(run->sequence, run->node));
}

int cq_reserve(cq_queue *queue, size_t size, cq_message *message)
{
    struct place place;
    struct run run;
    int result = handle_writable(queue);

    if (result == CQ_OK && (result = check_struct(message)) == CQ_OK && size > queue->geometry.max_message_size)
        result = CQ_ETOOBIG;
    if (unlikely(result != CQ_OK))
        return result;
    if (likely(fast_claim_enq(queue, &place)))
        run = fast_run(queue, place);
    else
        result = claim_room(queue, size, true, &run);
    if (result == CQ_OK)
        lend(queue, &run, size, message);
    return result;
}

/* Is the slot of a reservation still waiting for its owner? Untouched will do: its node is in the same life. */
static bool is_reserved(cq_queue *queue, const struct run *run)
{
    struct seat *seat = pin_node(queue, SIDE_PRODUCERS, run->node);
    struct layout_node *node = node_at(queue, run->node);
    uint64_t word = 0, enq = 0;

    if (keeps_node(queue, seat, run)) {
        word = slot_load(queue, node, run->index);
        /* end_read:B, pairs with claim_enq:A: was it claimed at all? */
        enq = atomic_load_explicit(&node->enq, memory_order_acquire);
    }
    pin_end(queue, seat);
    return (word_sequence(word) != run->sequence && word_sequence(enq) == run->sequence &&
            run->index < ticket_index(enq)) ||
           (word_owner(word) == queue->owner && (slot_phase(word) == SLOT_WRITING || slot_phase(word) == SLOT_VOID));
}

/* A message goes into another slot, with its headers. Always true. */
static bool move_headers(cq_queue *queue, const unsigned char *payload, const struct run *to)
{
    if (queue->geometry.max_headers > 0) {
        cq_slice headers = headers_of(queue, payload);
        slot_set_headers(queue, run_slot(queue, to, 0), headers.data, headers.size);
    }
    return true;
}

ALWAYS_INLINE int commit(cq_queue *queue, cq_message *message, size_t size, bool plain)
{
    struct run run, fresh;
    int result = borrowed(queue, message, false, plain, &run);

    if (result != CQ_OK)
        return result;
    if (size > message->size)
        return CQ_ETOOBIG;
    if (!is_reserved(queue, &run))
        return CQ_ENOTHELD;
    const unsigned char *payload = slot_payload(queue, run_slot(queue, &run, 0));
    result = enqueue_publish(queue, &run, 0, NULL, size);
    if (result == RESULT_VOIDED) {
        /* Others gave the slot up: the message goes into a new one, and only then is the old one let go. */
        bool insist = true;
        while ((result = claim_room(queue, size, insist, &fresh)) == CQ_OK && move_headers(queue, payload, &fresh) &&
               (result = enqueue_publish(queue, &fresh, 0, payload, size)) == RESULT_VOIDED) {
            enqueue_abandon(queue, &fresh, 0);
            insist = false;
        }
        if (result != CQ_OK)
            return result;
        enqueue_abandon(queue, &run, 0);
        message->position = run_position(queue, &fresh);
    }
    if (result == CQ_OK) {
        end_loan(message);
        wake_side(queue, SIDE_CONSUMERS, 1);
        enqueue_append_ahead(queue, &run);
    }
    return result;
}

SELDOM static int commit_otherwise(cq_queue *queue, cq_message *message, size_t size)
{
    return sync_after(queue, commit(queue, message, size, false));
}

int cq_commit(cq_queue *queue, cq_message *message, size_t size)
{
    return handle_plain(queue) ? commit(queue, message, size, true) : commit_otherwise(queue, message, size);
}

int cq_abort(cq_queue *queue, cq_message *message)
{
    struct run run;
    int result = borrowed(queue, message, false, false, &run);

    if (result != CQ_OK)
        return result;
    if (!is_reserved(queue, &run))
        return CQ_ENOTHELD;
    enqueue_abandon(queue, &run, 0);
    end_loan(message);
    return CQ_OK;
}

static int try_take(cq_queue *queue, void *context)
{
    cq_message *message = context;
    struct sight look;
    struct run run;
    size_t size = 0;
    enum seen found = fast_claim_deq(queue, &look);
    int result = CQ_OK;

    if (likely(found == SEEN_MESSAGE)) {
        wake_side(queue, SIDE_PRODUCERS, 1);
        run = fast_run(queue, look.place);
    } else if (found == SEEN_NOTHING && claim_nothing(queue, look.place.ticket))
        return CQ_EMPTY;
    else if ((result = consume_claim(queue, 1, SIZE_MAX, &run, &size)) != CQ_OK)
        return result;
    struct layout_slot *slot = run_slot(queue, &run, 0);
    TRACE(take, queue, slot);
    result = slot_size(queue, slot, atomic_load_explicit(&slot->state, memory_order_relaxed), &size); /* ours */
    run.deliveries += run.deliveries == 0;
    lend(queue, &run, size, message);
    return result;
}

int cq_take(cq_queue *queue, cq_message *message)
{
    int result = handle_writable(queue);

    if (result == CQ_OK)
        result = check_struct(message);
    return result == CQ_OK ? try_take(queue, message) : result;
}

int cq_take_wait(cq_queue *queue, cq_message *message, int64_t timeout_ns)
{
    int result = handle_writable(queue);

    if (result == CQ_OK)
        result = check_struct(message);
    return result == CQ_OK ? wait_until(queue, SIDE_CONSUMERS, timeout_ns, try_take, message) : result;
}

/* FULL (claimed, not yet recorded) or READING by this handle -> `phase`, from the exact word: a second release must not
   touch what the slot holds next. */
static int settle_slot(cq_queue *queue, const struct run *run, uint32_t phase, uint32_t deliveries, uint32_t owner)
{
    struct layout_slot *slot = run_slot(queue, run, 0);
    uint64_t full = slot_word(run->sequence, 0, SLOT_FULL, 0);
    uint64_t reading = slot_word(run->sequence, run->deliveries, SLOT_READING, queue->owner);
    /* slot_load:A, pairs with record_deq:B or, where nobody has recorded the claim, publish:B. */
    uint64_t word = atomic_load_explicit(&slot->state, memory_order_acquire);

    for (;;) {
        uint64_t plain = word & ~((uint64_t)SLOT_SHORT << 12);
        if (plain != reading && (plain != full || run->deliveries != 1))
            return CQ_ENOTHELD;
        uint64_t settled = slot_word(run->sequence, deliveries, phase | (phase ? slot_short(word) : 0), owner);
        /* finish:A release, pairs with recycle:A and orphan_claim:C: reading is over. */
        if (atomic_compare_exchange_strong_explicit(&slot->state, &word, settled, memory_order_seq_cst,
                                                    memory_order_acquire))
            return CQ_OK;
    }
}

static int settle(cq_queue *queue, const struct run *run, uint32_t phase, uint32_t deliveries, uint32_t owner)
{
    struct seat *seat = pin_node(queue, SIDE_CONSUMERS, run->node);
    int result = keeps_node(queue, seat, run) ? settle_slot(queue, run, phase, deliveries, owner) : CQ_ENOTHELD;

    pin_end(queue, seat);
    return result;
}

ALWAYS_INLINE int release(cq_queue *queue, cq_message *message, bool plain)
{
    struct run run;
    int result = borrowed(queue, message, true, plain, &run);

    if (result == CQ_OK)
        result = settle(queue, &run, SLOT_DONE, 0, 0);
    if (result != CQ_OK)
        return result;
    TRACE(release, queue, run.slots, message);
    fast_finished(queue, &run);
    end_loan(message);
    return CQ_OK;
}

SELDOM static int release_otherwise(cq_queue *queue, cq_message *message)
{
    return sync_after(queue, release(queue, message, false));
}

int cq_release(cq_queue *queue, cq_message *message)
{
    return handle_plain(queue) ? release(queue, message, true) : release_otherwise(queue, message);
}

/* What was taken becomes an orphan; `owner`: 0, or ORPHAN_LATER. */
static int give_back(cq_queue *queue, cq_message *message, struct run *run, uint32_t owner)
{
    uint64_t most = queue->geometry.max_deliveries;
    int result = settle(queue, run, SLOT_ORPHAN, run->deliveries, owner);

    if (result != CQ_OK)
        return result;
    orphan_made(queue, run->node);
    orphan_announce(queue);
    atomic_fetch_add_explicit(&queue->header->returned, 1, memory_order_relaxed); /* a count */
    TRACE(give_back, queue, run->slots, message);
    end_loan(message);
    if (unlikely(most != 0 && run->deliveries >= most && owner == 0))
        letter_move(queue, run); /* or whoever comes next does */
    return CQ_OK;
}

static int return_now(cq_queue *queue, cq_message *message)
{
    struct run run;
    int result = borrowed(queue, message, true, false, &run);
    return result == CQ_OK ? give_back(queue, message, &run, 0) : result;
}

int cq_return(cq_queue *queue, cq_message *message) { return sync_after(queue, return_now(queue, message)); }

/* The message may be delivered again when the front has come to where the list ends now. */
static uint64_t due_at_tail(cq_queue *queue)
{
    struct end tail;

    for (uint32_t attempt = 0; attempt < RETRY_LIMIT; ++attempt) {
        struct seat *seat = pin_begin(queue);
        int result = end_read(queue, SIDE_PRODUCERS, memory_order_acquire, seat, &tail);
        pin_end(queue, seat);
        if (result == CQ_OK)
            return DUE_TAIL | tail.ticket >> 12;
        if (result != RESULT_RETRY)
            break;
    }
    return 0; /* at once: what is corrupt others report */
}

static int return_later(cq_queue *queue, cq_message *message, int64_t delay_ns)
{
    struct run run;
    int result = borrowed(queue, message, true, false, &run);

    if (result == CQ_OK && delay_ns < CQ_TO_TAIL)
        result = CQ_EINVAL;
    if (result != CQ_OK || delay_ns == 0)
        return result == CQ_OK ? give_back(queue, message, &run, 0) : result;
    _Atomic uint64_t *due = orphan_due(queue, &run);
    result = memory_allocate_table(queue, (uint64_t)((unsigned char *)due - queue->base), sizeof *due);
    if (result != CQ_OK)
        return result;
    int64_t now = os_clock(OS_DATE), most = INT64_MAX - 1 - now;
    uint64_t when = delay_ns == CQ_TO_TAIL ? due_at_tail(queue) : (uint64_t)(now + (delay_ns < most ? delay_ns : most));
    /* Relaxed: finish:A, in settle, publishes it. */
    atomic_store_explicit(due, when, memory_order_relaxed);
    return sync_after(queue, give_back(queue, message, &run, ORPHAN_LATER));
}

int cq_return_after(cq_queue *queue, cq_message *message, int64_t delay_ns)
{
    return sync_after(queue, return_later(queue, message, delay_ns));
}

int cq_set_headers(cq_queue *queue, cq_message *message, const void *headers, size_t headers_size)
{
    struct run run;
    int result = borrowed(queue, message, false, false, &run);

    if (result == CQ_OK && !is_reserved(queue, &run))
        result = CQ_ENOTHELD;
    if (result == CQ_OK && queue->geometry.max_headers == 0)
        result = CQ_EFEATURE;
    if (result == CQ_OK && (result = headers_check(queue, headers, headers_size)) == CQ_OK)
        slot_set_headers(queue, run_slot(queue, &run, 0), headers, headers_size);
    return result;
}
