/*
 * copy.c - the public functions that copy messages in and out.
 *
 * It owns the checks of what callers pass, and the copies. It must not know how slots are claimed (fast.h,
 * enqueue.c, claim.c).
 */
#include "claim.h"
#include "consume.h"
#include "enqueue.h"
#include "fast.h"
#include "sync.h"
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

SELDOM static int enqueue_slow(cq_queue *queue, const void *data, size_t size)
{
    cq_slice message = {(void *)(uintptr_t)data, size};
    struct outgoing out = {&message, 1, 0};
    return try_enqueue(queue, &out);
}

/* A slot was claimed the usual way, and something is in the way of publishing. */
SELDOM static int enqueue_claimed(cq_queue *queue, const void *data, size_t size, struct place place)
{
    struct run run = fast_run(queue, place);
    int result = enqueue_publish(queue, &run, 0, data, size);

    if (result == CQ_OK)
        wake_side(queue, SIDE_CONSUMERS, 1);
    if (result != RESULT_VOIDED)
        return result;
    enqueue_abandon(queue, &run, 0);
    return enqueue_slow(queue, data, size);
}

/* The seldom rest of a message that was sent. A tail call, as all in the usual way: others cost it a frame. */
SELDOM static int sent(cq_queue *queue)
{
    wake_side(queue, SIDE_CONSUMERS, 1);
    return CQ_OK;
}

ALWAYS_INLINE int send_to(cq_queue *queue, const void *data, size_t size, struct place place)
{
    if (unlikely(!fast_send(queue, place, data, size)))
        return enqueue_claimed(queue, data, size, place);
    /* wake:A, as in wake_side. */
    uint32_t seen = atomic_load_explicit(side_word(queue, SIDE_CONSUMERS), memory_order_seq_cst);
    return likely(!(seen & WAKE_BITS)) ? CQ_OK : sent(queue);
}

/* Publishing waits until all lines of the message have come from the consumer's processor. So those of a slot that is
   claimed soon are asked for now: the next one, or where that would be too late, the one behind it. */
static inline void fetch_ahead(const cq_queue *queue, struct place place, size_t size)
{
    size_t stride = queue->geometry.slot_stride;
    const unsigned char *slot = (const unsigned char *)place.slot + (stride < 512 ? 2 * stride : stride);

    for (size_t at = 0; at < size; at += 64)
        prefetch_to_write(slot + at);
}

/* Apart, because a call in the middle costs every message registers. */
__attribute__((noinline)) static int send_long(cq_queue *queue, const void *data, size_t size, struct place place)
{
    if (unlikely(size > PATIENT_BYTES)) /* it asks for patience first */
        return enqueue_claimed(queue, data, size, place);
    fetch_ahead(queue, place, size);
    return send_to(queue, data, size, place);
}

/* On a handle that is not the usual one. */
SELDOM static int enqueue_otherwise(cq_queue *queue, const void *data, size_t size)
{
    int result = handle_writable(queue);

    if (result == CQ_OK)
        result = check_message(queue, data, size);
    return result == CQ_OK ? sync_after(queue, enqueue_slow(queue, data, size)) : result;
}

int cq_enqueue(cq_queue *queue, const void *data, size_t size)
{
    struct place place;

    if (unlikely(!handle_plain(queue)))
        return enqueue_otherwise(queue, data, size);
    int result = check_message(queue, data, size);
    if (unlikely(result != CQ_OK))
        return result;
    if (unlikely(!fast_claim_enq(queue, &place)))
        return enqueue_slow(queue, data, size);
    return size > SHORT_BYTES ? send_long(queue, data, size, place) : send_to(queue, data, size, place);
}

static int enqueue_waiting(cq_queue *queue, const void *data, size_t size, int64_t timeout_ns)
{
    cq_slice message = {(void *)(uintptr_t)data, size};
    struct outgoing out = {&message, 1, 0};
    int result = check_message(queue, data, size);

    return result == CQ_OK ? wait_until(queue, SIDE_PRODUCERS, timeout_ns, try_enqueue, &out) : result;
}

int cq_enqueue_wait(cq_queue *queue, const void *data, size_t size, int64_t timeout_ns)
{
    if (handle_plain(queue))
        return enqueue_waiting(queue, data, size, timeout_ns);
    int result = handle_writable(queue);
    return result == CQ_OK ? sync_after(queue, enqueue_waiting(queue, data, size, timeout_ns)) : result;
}

/* Some of a batch are done, even where its result is another. */
static int sync_batch(cq_queue *queue, int result, size_t done)
{
    return done > 0 && handle_syncs(queue) && sync_after(queue, CQ_OK) != CQ_OK ? CQ_EIO : result;
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
    return handle_plain(queue) ? result : sync_batch(queue, result, out.done);
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
    TRACE(dequeue, queue, slot, *size);
    fast_copy(buffer, slot_payload(queue, slot), *size);
    fast_finish(queue, run, index);
    return CQ_OK;
}

/* To claim_messages SIZE_MAX means "in place". */
static size_t limit_room(size_t size) { return size == SIZE_MAX ? size - 1 : size; }

/* *size, unless it is NULL: the message's, or what it needs. */
SELDOM static int dequeue_slow(cq_queue *queue, void *buffer, size_t room, size_t *size)
{
    struct run run;
    size_t found = 0;
    int result = consume_claim(queue, 1, limit_room(room), &run, &found);

    if (likely(result == CQ_OK))
        result = copy_message(queue, &run, 0, buffer, room, &found);
    if (size && (result == CQ_OK || result == CQ_ETOOSMALL))
        *size = found;
    return result;
}

/* After SEEN_NOTHING. */
__attribute__((noinline)) static int dequeue_nothing(cq_queue *queue, void *buffer, size_t room, size_t *size,
                                                     uint64_t ticket)
{
    return claim_nothing(queue, ticket) ? CQ_EMPTY : dequeue_slow(queue, buffer, room, size);
}

/* The seldom rest of a message that was received. */
SELDOM static int received(cq_queue *queue, struct place place)
{
    struct run run = fast_run(queue, place);
    wake_side(queue, SIDE_PRODUCERS, 1);
    node_recycle(queue, run.node, run.sequence);
    return CQ_OK;
}

/* Copy the message out of its slot, which then is DONE. */
ALWAYS_INLINE int receive_from(cq_queue *queue, void *buffer, size_t found, struct place place)
{
    TRACE(dequeue, queue, place.slot, found);
    fast_copy(buffer, slot_payload(queue, place.slot), found);
    bool in_head = fast_done(queue, place);
    /* wake:A, as in wake_side. Only now: a short copy delays nobody. */
    uint32_t seen = atomic_load_explicit(side_word(queue, SIDE_PRODUCERS), memory_order_seq_cst);
    return likely(in_head && !(seen & WAKE_BITS)) ? CQ_OK : received(queue, place);
}

/* Apart, as send_long. */
__attribute__((noinline)) static int receive_long(cq_queue *queue, void *buffer, size_t found, struct place place)
{
    wake_side(queue, SIDE_PRODUCERS, 1); /* now: there is room */
    return receive_from(queue, buffer, found, place);
}

ALWAYS_INLINE int dequeue(cq_queue *queue, void *buffer, size_t room, size_t *size)
{
    struct sight look;
    size_t found;

    if (unlikely(room < queue->geometry.max_message_size))
        return dequeue_slow(queue, buffer, room, size);
    enum seen what = fast_claim_deq(queue, &look);
    if (unlikely(what == SEEN_NOTHING))
        return dequeue_nothing(queue, buffer, room, size, look.place.ticket);
    if (unlikely(what == SEEN_OTHER))
        return dequeue_slow(queue, buffer, room, size);
    if (unlikely(slot_size(queue, look.place.slot, look.word, &found) != CQ_OK))
        return CQ_ECORRUPT;
    if (size)
        *size = found;
    return found > SHORT_BYTES ? receive_long(queue, buffer, found, look.place)
                               : receive_from(queue, buffer, found, look.place);
}

struct incoming {
    void *buffer;
    size_t room, size;
};

static int try_dequeue(cq_queue *queue, void *context)
{
    struct incoming *in = context;
    return dequeue(queue, in->buffer, in->room, &in->size);
}

static int check_incoming(const cq_queue *queue, const void *buffer, size_t buffer_size)
{
    int result = handle_writable(queue);
    return result == CQ_OK && !buffer && buffer_size > 0 ? CQ_EINVAL : result;
}

/* On a handle that is not the usual one. */
SELDOM static int dequeue_otherwise(cq_queue *queue, void *buffer, size_t buffer_size, size_t *size)
{
    int result = check_incoming(queue, buffer, buffer_size);
    return result == CQ_OK ? sync_after(queue, dequeue_slow(queue, buffer, buffer_size, size)) : result;
}

int cq_dequeue(cq_queue *queue, void *buffer, size_t buffer_size, size_t *size)
{
    if (unlikely(!handle_plain(queue)))
        return dequeue_otherwise(queue, buffer, buffer_size, size);
    return likely(buffer || buffer_size == 0) ? dequeue(queue, buffer, buffer_size, size) : CQ_EINVAL;
}

static int dequeue_waiting(cq_queue *queue, void *buffer, size_t buffer_size, size_t *size, int64_t timeout_ns)
{
    struct incoming in = {buffer, buffer_size, 0};
    int result = wait_until(queue, SIDE_CONSUMERS, timeout_ns, try_dequeue, &in);

    if (size && (result == CQ_OK || result == CQ_ETOOSMALL))
        *size = in.size;
    return result;
}

int cq_dequeue_wait(cq_queue *queue, void *buffer, size_t buffer_size, size_t *size, int64_t timeout_ns)
{
    int result = check_incoming(queue, buffer, buffer_size);

    if (result != CQ_OK)
        return result;
    result = dequeue_waiting(queue, buffer, buffer_size, size, timeout_ns);
    return handle_plain(queue) ? result : sync_after(queue, result);
}

/* Is there no message behind a run that was claimed at the front? The slot there is untouched, so the queue was empty.
   A claim would find the same, and take the line from under the hands of a producer that streams. False if it cannot
   be told: the node may have gone. */
static bool is_last(cq_queue *queue, const struct run *run)
{
    struct seat *seat = pin_node(queue, SIDE_CONSUMERS, run->node);
    uint32_t next = run->index + run->count;
    bool last = seat && run->deliveries == 0 && next < queue->geometry.slots_per_node &&
                word_sequence(slot_load(queue, node_at(queue, run->node), next)) != run->sequence;

    pin_end(queue, seat);
    return last;
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
        size_t want = count - *done;
        result = consume_claim(queue, want, room, &run, &size);
        for (uint32_t i = 0; result == CQ_OK && i < run.count; ++i) {
            result = copy_message(queue, &run, i, to, room, &size);
            if (result == CQ_OK) {
                messages[(*done)++] = (cq_slice){to, size};
                to += size;
                room -= size;
            }
        }
        if (result == CQ_OK && run.count < want && is_last(queue, &run))
            break;
    }
    if (!handle_plain(queue))
        result = sync_batch(queue, result, *done);
    if (*done > 0 && (result == CQ_EMPTY || result == CQ_ETOOSMALL))
        return CQ_OK;
    if (result == CQ_ETOOSMALL)
        messages[0] = (cq_slice){NULL, size};
    return result;
}
