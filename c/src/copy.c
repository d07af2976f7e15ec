/*
 * copy.c - the public functions that copy messages in and out.
 *
 * It owns the checks of what callers pass, and the copies. It must not know how slots are claimed (fast.h,
 * enqueue.c, claim.c).
 */
#include "claim.h"
#include "enqueue.h"
#include "fast.h"
#include "wait.h"

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

/* `claimed`: a slot of this call's that fast_publish left to be published; or NULL. */
SELDOM static int enqueue_slow(cq_queue *queue, const void *data, size_t size, const struct run *claimed)
{
    cq_slice message = {(void *)(uintptr_t)data, size};
    struct outgoing out = {&message, 1, 0};

    if (claimed) {
        int result = enqueue_publish(queue, claimed, 0, data, size);
        if (result == CQ_OK)
            wake_side(queue, SIDE_CONSUMERS, 1);
        if (result != RESULT_VOIDED)
            return result;
        enqueue_abandon(queue, claimed, 0);
    }
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
        return enqueue_slow(queue, data, size, NULL);
    if (unlikely(fast_publish(queue, &run, data, size) != CQ_OK))
        return enqueue_slow(queue, data, size, &run);
    wake_side(queue, SIDE_CONSUMERS, 1);
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
SELDOM static int dequeue_slow(cq_queue *queue, void *buffer, size_t room, size_t *size)
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
    return dequeue_slow(queue, in->buffer, in->room, &in->size);
}

static int check_incoming(const cq_queue *queue, const void *buffer, size_t buffer_size)
{
    int result = handle_writable(queue);
    return result == CQ_OK && !buffer && buffer_size > 0 ? CQ_EINVAL : result;
}

/* To claim_messages SIZE_MAX means "in place". */
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
        result = dequeue_slow(queue, buffer, room, &found);
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
