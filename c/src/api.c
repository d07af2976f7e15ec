/*
 * api.c - the public functions that copy or look on: arguments, and which internal steps make up an operation.
 *
 * It owns the checks of what callers pass, and the copies. Claims are claim.c's, messages in place loan.c's.
 */
#include "fast.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
    uint32_t tries = 0;
    int result;

    do {
        size_t done = 0;
        result = enqueue_messages(queue, out->messages + out->done, out->count - out->done, &done);
        out->done += done;
    } while (unlikely(result != CQ_OK) && claim_again(queue, SIDE_PRODUCERS, result, &tries));
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
    int result = handle_writable(queue);

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
    int result = handle_writable(queue);

    if (result == CQ_OK)
        result = check_message(queue, data, size);
    return result == CQ_OK ? wait_until(queue, SIDE_PRODUCERS, timeout_ns, try_enqueue, &out) : result;
}

int cq_enqueue_batch(cq_queue *queue, const cq_slice *messages, size_t count, size_t *done)
{
    struct outgoing out = {messages, count, 0};
    int result = handle_writable(queue);

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
    int result = handle_writable(queue);
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
    if (likely(room >= queue->geometry.max_message_size && fast_claim_next(queue, &run)))
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

/* ---- looking on ------------------------------------------------------------------------------------ */

int cq_walk(cq_queue *queue, cq_visitor *visitor, void *context)
{
    int result = handle_usable(queue);
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
    int result = handle_usable(queue);

    if (result == CQ_OK && (!stats || stats->struct_size < STATS_FIRST))
        result = CQ_EINVAL;
    if (result == CQ_OK && (result = look_stat(queue, &full)) == CQ_OK)
        fill_struct(stats, stats->struct_size, &full, sizeof full);
    return result;
}

int cq_length(cq_queue *queue, uint64_t *length)
{
    int result = handle_usable(queue);
    if (result == CQ_OK && !length)
        result = CQ_EINVAL;
    return result == CQ_OK ? look_length(queue, length) : result;
}

int cq_recover(cq_queue *queue, cq_recovery *recovery)
{
    cq_recovery found = {.struct_size = sizeof found};
    int result = handle_writable(queue);

    if (result == CQ_OK && recovery && recovery->struct_size < RECOVERY_FIRST)
        result = CQ_EINVAL;
    if (result == CQ_OK)
        result = participant_reap(queue, &found);
    if (result >= 0 && recovery)
        fill_struct(recovery, recovery->struct_size, &found, sizeof found);
    return result < 0 ? result : CQ_OK;
}

int cq_participants(cq_queue *queue, cq_participant_visitor *visitor, void *context)
{
    int result = handle_usable(queue);
    if (result == CQ_OK && !visitor)
        result = CQ_EINVAL;
    if (result != CQ_OK)
        return result;
    struct holdings *holdings = calloc(1, sizeof *holdings);
    if (!holdings)
        return CQ_ENOMEM;
    uint64_t totals[2];
    look_holdings(queue, holdings->held, holdings->writing, totals);
    result = participant_walk(queue, holdings, visitor, context);
    free(holdings);
    return result;
}

/* ---- waiting without taking ------------------------------------------------------------------------- */

static int try_side(cq_queue *queue, void *context)
{
    enum side side = *(enum side *)context;
    int nothing = side == SIDE_CONSUMERS ? CQ_EMPTY : CQ_FULL;
    uint32_t tries = 0;

    do
        if (wait_is_served(queue, side))
            return CQ_OK;
    while (claim_again(queue, side, nothing, &tries));
    return nothing;
}

static int wait_for_side(cq_queue *queue, enum side side, int64_t timeout_ns)
{
    int result = handle_writable(queue);
    return result == CQ_OK ? wait_until(queue, side, timeout_ns, try_side, &side) : result;
}

int cq_wait(cq_queue *queue, int64_t timeout_ns) { return wait_for_side(queue, SIDE_CONSUMERS, timeout_ns); }
int cq_wait_room(cq_queue *queue, int64_t timeout_ns) { return wait_for_side(queue, SIDE_PRODUCERS, timeout_ns); }

static int set_cancelled(cq_queue *queue, bool cancelled)
{
    int result = handle_writable(queue);
    if (result == CQ_OK)
        wait_cancel(queue, cancelled);
    return result;
}

int cq_cancel(cq_queue *queue) { return set_cancelled(queue, true); }
int cq_cancel_reset(cq_queue *queue) { return set_cancelled(queue, false); }

static int open_fd(cq_queue *queue, enum side side, int *fd)
{
    int result = handle_writable(queue);
    if (result == CQ_OK && !fd)
        result = CQ_EINVAL;
    return result == CQ_OK ? watch_open(queue, side, fd) : result;
}

int cq_fd(cq_queue *queue, int *fd) { return open_fd(queue, SIDE_CONSUMERS, fd); }
int cq_room_fd(cq_queue *queue, int *fd) { return open_fd(queue, SIDE_PRODUCERS, fd); }
