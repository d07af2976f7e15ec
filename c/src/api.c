/*
 * api.c - the public functions: arguments, handles, and which internal steps make up an operation.
 *
 * It owns the checks of what callers pass and the tokens of loans. It must not touch shared memory itself, except to end a
 * loan; the algorithm is in queue.c, enqueue.c, dequeue.c and orphan.c.
 */
#include "fast.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a process may do with a handle at all. */
static int usable(const cq_queue *queue)
{
    if (!queue)
        return CQ_EINVAL;
    /* Relaxed: the kernel zeroes it in a child before any of its threads runs. */
    return atomic_load_explicit(queue->alive, memory_order_relaxed) ? CQ_OK : CQ_EFORK;
}

static int writable(const cq_queue *queue)
{
    int result = usable(queue);
    return result == CQ_OK && queue->owner == 0 ? CQ_EREADONLY : result;
}

/* ---- enqueue --------------------------------------------------------------------------------------- */

static int check_message(const cq_queue *queue, const void *data, size_t size)
{
    if (!data && size > 0)
        return CQ_EINVAL;
    return size > queue->geometry.max_message_size ? CQ_ETOOBIG : CQ_OK;
}

struct outgoing {
    const cq_slice *messages;
    size_t count, done;
};

static int try_enqueue(cq_queue *queue, void *context)
{
    struct outgoing *out = context;
    size_t done = 0;
    int result = enqueue_messages(queue, out->messages + out->done, out->count - out->done, &done);

    out->done += done;
    if (result == CQ_FULL && watch_clear(queue, SIDE_PRODUCERS)) {
        result = enqueue_messages(queue, out->messages + out->done, out->count - out->done, &done);
        out->done += done;
    }
    return result;
}

/* `run`: claimed already, but voided before it was published; NULL if nothing is claimed. */
SELDOM static int enqueue_long(cq_queue *queue, const void *data, size_t size, const struct run *voided)
{
    cq_slice message = {(void *)(uintptr_t)data, size};
    struct outgoing out = {&message, 1, 0};

    if (voided)
        enqueue_abandon(queue, voided, 0);
    return try_enqueue(queue, &out);
}

int cq_enqueue(cq_queue *queue, const void *data, size_t size)
{
    struct run run;
    int result = writable(queue);

    if (result == CQ_OK)
        result = check_message(queue, data, size);
    if (unlikely(result != CQ_OK))
        return result;
    if (unlikely(!fast_claim_enq(queue, &run)))
        return enqueue_long(queue, data, size, NULL);
    result = fast_publish(queue, &run, data, size);
    if (unlikely(result != CQ_OK))
        return result == RESULT_VOIDED ? enqueue_long(queue, data, size, &run) : result;
    wait_wake(queue, SIDE_CONSUMERS, 1);
    return CQ_OK;
}

int cq_enqueue_wait(cq_queue *queue, const void *data, size_t size, int64_t timeout_ns)
{
    cq_slice message = {(void *)(uintptr_t)data, size};
    struct outgoing out = {&message, 1, 0};
    int result = writable(queue);

    if (result == CQ_OK)
        result = check_message(queue, data, size);
    return result == CQ_OK ? wait_until(queue, SIDE_PRODUCERS, timeout_ns, try_enqueue, &out) : result;
}

int cq_enqueue_batch(cq_queue *queue, const cq_slice *messages, size_t count, size_t *done)
{
    struct outgoing out = {messages, count, 0};
    int result = writable(queue);

    if (!done || (!messages && count > 0))
        return CQ_EINVAL;
    *done = 0;
    for (size_t i = 0; result == CQ_OK && i < count; ++i)
        result = check_message(queue, messages[i].data, messages[i].size);
    if (result == CQ_OK)
        result = try_enqueue(queue, &out);
    *done = out.done;
    return result;
}

/* ---- dequeue --------------------------------------------------------------------------------------- */

/* The usual way, unless there are orphans. False: claim_messages. */
ALWAYS_INLINE bool claim_next(cq_queue *queue, struct run *run)
{
    return !orphan_is_dirty(orphan_version(queue)) && fast_claim_deq(queue, run);
}

/* Orphans first, then the list. Empty means: the list was empty *and then* no orphan had been announced since. */
static int claim_messages(cq_queue *queue, size_t want, size_t room, struct run *run, size_t *needed)
{
    bool again = true;

    for (uint32_t attempt = 0; attempt < RETRY_LIMIT; ++attempt) {
        uint64_t version = orphan_version(queue);
        int result = orphan_is_dirty(version) ? orphan_claim(queue, room, run, needed, &version) : CQ_EMPTY;
        if (unlikely(result != CQ_EMPTY))
            return result;
        result = dequeue_claim(queue, want, room, run, needed);
        if (result != CQ_EMPTY)
            return result;
        if (orphan_version(queue) != version)
            continue;
        if (!again || !watch_clear(queue, SIDE_CONSUMERS))
            return CQ_EMPTY;
        again = false;
    }
    return CQ_ECORRUPT;
}

/* Copy the run's message at `index` out and finish its slot; those before are finished. */
ALWAYS_INLINE int copy_message(cq_queue *queue, const struct run *run, uint32_t index, void *buffer, size_t room,
                               size_t *size)
{
    struct layout_slot *slot = run_slot(queue, run, index);
    uint64_t word = atomic_load_explicit(&slot->state, memory_order_relaxed); /* it is ours */

    if (unlikely(slot_size(queue, slot, word, size) != CQ_OK || *size > room)) /* it fitted when it was claimed */
        return CQ_ECORRUPT;
    fast_copy(buffer, slot_payload(queue, slot), *size);
    fast_finish(queue, run, index);
    return CQ_OK;
}

/* *size: the message's, or what it needs. */
SELDOM static int dequeue_long(cq_queue *queue, void *buffer, size_t room, size_t *size)
{
    struct run run;
    int result = claim_messages(queue, 1, room, &run, size);
    return likely(result == CQ_OK) ? copy_message(queue, &run, 0, buffer, room, size) : result;
}

struct incoming {
    void *buffer;
    size_t room, size;
};

static int try_dequeue(cq_queue *queue, void *context)
{
    struct incoming *in = context;
    return dequeue_long(queue, in->buffer, in->room, &in->size);
}

static int check_incoming(const cq_queue *queue, const void *buffer, size_t buffer_size)
{
    int result = writable(queue);
    return result == CQ_OK && !buffer && buffer_size > 0 ? CQ_EINVAL : result;
}

/* SIZE_MAX stands for "in place" further down. */
static size_t limit_room(size_t size) { return size == SIZE_MAX ? size - 1 : size; }

int cq_dequeue(cq_queue *queue, void *buffer, size_t buffer_size, size_t *size)
{
    struct run run;
    size_t found, room = limit_room(buffer_size);
    int result = check_incoming(queue, buffer, buffer_size);

    if (unlikely(result != CQ_OK))
        return result;
    if (likely(room >= queue->geometry.max_message_size && claim_next(queue, &run)))
        result = copy_message(queue, &run, 0, buffer, room, &found);
    else
        result = dequeue_long(queue, buffer, room, &found);
    if (size && (result == CQ_OK || result == CQ_ETOOSMALL))
        *size = found;
    return result;
}

int cq_dequeue_wait(cq_queue *queue, void *buffer, size_t buffer_size, size_t *size, int64_t timeout_ns)
{
    struct incoming in = {buffer, limit_room(buffer_size), 0};
    int result = check_incoming(queue, buffer, buffer_size);

    if (result == CQ_OK)
        result = wait_until(queue, SIDE_CONSUMERS, timeout_ns, try_dequeue, &in);
    if (size && (result == CQ_OK || result == CQ_ETOOSMALL))
        *size = in.size;
    return result;
}

int cq_dequeue_batch(cq_queue *queue, void *buffer, size_t buffer_size, cq_slice *messages, size_t count, size_t *done)
{
    unsigned char *to = buffer;
    size_t room = limit_room(buffer_size), size = 0;
    struct run run;
    int result = check_incoming(queue, buffer, buffer_size);

    if (!done || !messages || count == 0)
        return CQ_EINVAL;
    *done = 0;
    while (result == CQ_OK && *done < count) {
        result = claim_messages(queue, count - *done, room, &run, &size);
        for (uint32_t i = 0; result == CQ_OK && i < run.count; ++i) {
            result = copy_message(queue, &run, i, to, room, &size);
            if (result == CQ_OK) {
                messages[(*done)++] = (cq_slice){to, size};
                to += size;
                room -= size;
            }
        }
    }
    if (*done > 0 && (result == CQ_EMPTY || result == CQ_ETOOSMALL))
        return CQ_OK;
    if (result == CQ_ETOOSMALL)
        messages[0] = (cq_slice){NULL, size};
    return result;
}

/* ---- loans ----------------------------------------------------------------------------------------- */

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
    return message && message->struct_size == sizeof *message ? CQ_OK : CQ_EINVAL;
}

/* The run that a message stands for, if it is (still) this handle's: a token alone proves nothing, the caller may have
   used it before or taken it from another handle. `taken`: by cq_take, else by cq_reserve. */
static int borrowed(const cq_queue *queue, const cq_message *message, bool taken, struct run *run)
{
    int result = writable(queue);

    if (result != CQ_OK || (result = check_struct(message)) != CQ_OK)
        return result;
    uint64_t sequence = word_sequence(message->token[0]), node = (uint32_t)message->token[1];
    uint32_t index = ticket_index(message->token[0]), deliveries = (uint32_t)(message->token[1] >> 32);
    if (!message->data || word_owner(message->token[0]) != queue->owner || (deliveries != 0) != taken ||
        node >= queue->geometry.node_count || index >= queue->geometry.slots_per_node ||
        atomic_load_explicit(&queue->states[node], memory_order_acquire) !=
            ticket_word(sequence, NODE_LINKED, 0)) /* what is held keeps its node in its life */
        return CQ_ENOTHELD;
    *run = run_of(queue, sequence, (uint32_t)node, index, 1);
    run->deliveries = deliveries;
    return message->position == run_position(queue, run) && message->data == slot_payload(queue, run_slot(queue, run, 0))
               ? CQ_OK
               : CQ_ENOTHELD;
}

/* The long way to a slot to write into. CQ_FULL: the descriptor of cq_room_fd says so too. */
static int claim_one(cq_queue *queue, struct run *run)
{
    int result = enqueue_claim(queue, 1, run);

    if (result == CQ_FULL && watch_clear(queue, SIDE_PRODUCERS))
        result = enqueue_claim(queue, 1, run);
    return result;
}

int cq_reserve(cq_queue *queue, size_t size, cq_message *message)
{
    struct run run;
    int result = writable(queue);

    if (result == CQ_OK && (result = check_struct(message)) == CQ_OK && size > queue->geometry.max_message_size)
        result = CQ_ETOOBIG;
    if (unlikely(result != CQ_OK))
        return result;
    if (unlikely(!fast_claim_enq(queue, &run)))
        result = claim_one(queue, &run);
    if (result == CQ_OK)
        lend(queue, &run, size, message);
    return result;
}

/* Is the slot of a reservation still waiting for its owner? Untouched will do: its node is in the same life. */
static bool is_reserved(cq_queue *queue, const struct run *run)
{
    struct layout_node *node = node_at(queue, run->node);
    uint64_t word = slot_load(queue, node, run->index);
    uint64_t enq = atomic_load_explicit(&node->enq, memory_order_acquire); /* R2: claimed at all? */
    return (word_sequence(word) != run->sequence && word_sequence(enq) == run->sequence &&
            run->index < ticket_index(enq)) ||
           (word_owner(word) == queue->owner && (slot_phase(word) == SLOT_WRITING || slot_phase(word) == SLOT_VOID));
}

int cq_commit(cq_queue *queue, cq_message *message, size_t size)
{
    struct run run, fresh;
    int result = borrowed(queue, message, false, &run);

    if (result != CQ_OK)
        return result;
    if (size > message->size)
        return CQ_ETOOBIG;
    if (!is_reserved(queue, &run))
        return CQ_ENOTHELD;
    const unsigned char *payload = slot_payload(queue, run_slot(queue, &run, 0));
    result = enqueue_publish(queue, &run, 0, NULL, size);
    if (result == RESULT_VOIDED) {
        /* Consumers gave the slot up: the message goes into a new one, and only then is the old one let go. */
        cq_slice copy = {(void *)(uintptr_t)payload, size};
        while ((result = claim_one(queue, &fresh)) == CQ_OK &&
               (result = enqueue_publish(queue, &fresh, 0, copy.data, size)) == RESULT_VOIDED)
            enqueue_abandon(queue, &fresh, 0);
        if (result != CQ_OK)
            return result;
        enqueue_abandon(queue, &run, 0);
        message->position = run_position(queue, &fresh);
    }
    if (result == CQ_OK) {
        end_loan(message);
        wait_wake(queue, SIDE_CONSUMERS, 1);
    }
    return result;
}

int cq_abort(cq_queue *queue, cq_message *message)
{
    struct run run;
    int result = borrowed(queue, message, false, &run);

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
    struct run run;
    size_t size = 0;
    int result = CQ_OK;

    if (unlikely(!claim_next(queue, &run)) && (result = claim_messages(queue, 1, SIZE_MAX, &run, &size)) != CQ_OK)
        return result;
    struct layout_slot *slot = run_slot(queue, &run, 0);
    result = slot_size(queue, slot, atomic_load_explicit(&slot->state, memory_order_relaxed), &size); /* ours */
    run.deliveries += run.deliveries == 0;
    lend(queue, &run, size, message);
    return result;
}

int cq_take(cq_queue *queue, cq_message *message)
{
    int result = writable(queue);

    if (result == CQ_OK)
        result = check_struct(message);
    return result == CQ_OK ? try_take(queue, message) : result;
}

int cq_take_wait(cq_queue *queue, cq_message *message, int64_t timeout_ns)
{
    int result = writable(queue);

    if (result == CQ_OK)
        result = check_struct(message);
    return result == CQ_OK ? wait_until(queue, SIDE_CONSUMERS, timeout_ns, try_take, message) : result;
}

/* FULL (claimed, not yet recorded) or READING by this handle -> `phase`, from the exact word: a second release must not
   touch what the slot holds next. */
static int settle(cq_queue *queue, const struct run *run, uint32_t phase, uint32_t deliveries)
{
    struct layout_slot *slot = run_slot(queue, run, 0);
    uint64_t full = slot_word(run->sequence, 0, SLOT_FULL, 0);
    uint64_t reading = slot_word(run->sequence, run->deliveries, SLOT_READING, queue->owner);
    uint64_t word = atomic_load_explicit(&slot->state, memory_order_acquire); /* R4's record, or E3 */

    for (;;) {
        uint64_t plain = word & ~((uint64_t)SLOT_SHORT << 12);
        if (plain != reading && (plain != full || run->deliveries != 1))
            return CQ_ENOTHELD;
        uint64_t settled = slot_word(run->sequence, deliveries, phase | (phase ? slot_short(word) : 0), 0);
        /* C0 release, pairs with C1 and O4: reading is over. */
        if (atomic_compare_exchange_strong_explicit(&slot->state, &word, settled, memory_order_seq_cst,
                                                    memory_order_acquire))
            return CQ_OK;
    }
}

int cq_release(cq_queue *queue, cq_message *message)
{
    struct run run;
    int result = borrowed(queue, message, true, &run);

    if (result == CQ_OK)
        result = settle(queue, &run, SLOT_DONE, 0);
    if (result != CQ_OK)
        return result;
    fast_finished(queue, &run);
    end_loan(message);
    return CQ_OK;
}

int cq_return(cq_queue *queue, cq_message *message)
{
    struct run run;
    int result = borrowed(queue, message, true, &run);

    if (result == CQ_OK)
        result = settle(queue, &run, SLOT_ORPHAN, run.deliveries);
    if (result != CQ_OK)
        return result;
    orphan_announce(queue);
    atomic_fetch_add_explicit(&queue->header->returned, 1, memory_order_relaxed); /* a count */
    end_loan(message);
    return CQ_OK;
}

/* ---- looking on ------------------------------------------------------------------------------------ */

int cq_walk(cq_queue *queue, cq_visitor *visitor, void *context)
{
    int result = usable(queue);
    if (result == CQ_OK && !visitor)
        result = CQ_EINVAL;
    return result == CQ_OK ? look_walk(queue, visitor, context) : result;
}

/* Fill the caller's struct as far as both sides know it. */
static void fill_struct(void *destination, uint32_t size, void *source, uint32_t full)
{
    uint32_t filled = size < full ? size : full;
    memcpy(source, &filled, sizeof filled); /* struct_size comes first */
    memcpy(destination, source, filled);
}

int cq_stat(cq_queue *queue, cq_stats *stats)
{
    cq_stats full;
    int result = usable(queue);

    if (result == CQ_OK && (!stats || stats->struct_size < offsetof(cq_stats, reserved)))
        result = CQ_EINVAL;
    if (result == CQ_OK && (result = look_stat(queue, &full)) == CQ_OK)
        fill_struct(stats, stats->struct_size, &full, sizeof full);
    return result;
}

int cq_recover(cq_queue *queue, cq_recovery *recovery)
{
    cq_recovery found = {.struct_size = sizeof found};
    int result = writable(queue);

    if (result == CQ_OK && recovery && recovery->struct_size < sizeof found)
        result = CQ_EINVAL;
    if (result == CQ_OK)
        result = participant_reap(queue, true, &found);
    if (result >= 0 && recovery)
        fill_struct(recovery, recovery->struct_size, &found, sizeof found);
    return result < 0 ? result : CQ_OK;
}

static int open_fd(cq_queue *queue, enum side side, int *fd)
{
    int result = writable(queue);
    if (result == CQ_OK && !fd)
        result = CQ_EINVAL;
    return result == CQ_OK ? watch_open(queue, side, fd) : result;
}

int cq_fd(cq_queue *queue, int *fd) { return open_fd(queue, SIDE_CONSUMERS, fd); }
int cq_room_fd(cq_queue *queue, int *fd) { return open_fd(queue, SIDE_PRODUCERS, fd); }
