/*
 * feed.c - messages with more than bytes: headers, and a place in the source that they come from.
 *
 * It owns the checks of what callers pass, and the turns of a handle's threads at feeding: a handle has one proposal
 * at a time (source.c). It must not know how a proposal is decided.
 */
#include "claim.h"
#include "config.h"
#include "enqueue.h"
#include "headers.h"
#include "lookout.h"
#include "memory.h"
#include "os.h"
#include "participant.h"
#include "reap.h"
#include "region.h"
#include "slot.h"
#include "source.h"
#include "sync.h"
#include "trace.h"
#include "wait.h"
#include "wake.h"

#include <string.h>

#define OUTGOING_FIRST 40u

struct letter {
    const cq_outgoing *message;
    uint32_t source;
    uint64_t number; /* 0: it comes from nowhere */
};

static int check_outgoing(cq_queue *queue, const cq_outgoing *message)
{
    int result = handle_writable(queue);

    if (result == CQ_OK && (!message || !struct_fits(message, OUTGOING_FIRST, sizeof *message) ||
                            message->reserved != 0 || (!message->data && message->size > 0)))
        result = CQ_EINVAL;
    if (result == CQ_OK && message->size > queue->geometry.max_message_size)
        result = CQ_ETOOBIG;
    return result == CQ_OK ? headers_check(queue, message->headers, message->headers_size) : result;
}

/* Write the message into the claimed slot, and publish it. RESULT_VOIDED, CQ_DUPLICATE: the slot is to be given
   up. */
static int publish_outgoing(cq_queue *queue, const struct letter *letter, const struct run *run)
{
    const cq_outgoing *message = letter->message;

    if (message->headers_size > 0)
        slot_set_headers(queue, run_slot(queue, run, 0), message->headers, message->headers_size);
    if (letter->number == 0) {
        int result = enqueue_publish(queue, run, 0, message->data ? message->data : "", message->size);
        if (result == CQ_OK)
            wake_side(queue, SIDE_CONSUMERS, 1);
        return result;
    }
    uint32_t full = enqueue_fill(queue, run, message->data, message->size);
    if (slot_has_feed(queue))
        *slot_feed(queue, slot_payload(queue, run_slot(queue, run, 0))) =
            (struct layout_feed){link_word(run->sequence, letter->source), letter->number};
    int result = source_propose(queue, letter->source, run, full, letter->number);
    if (result == CQ_OK) {
        run_remember(queue, &queue->last_enq, run);
        TRACE(enqueue, queue, run->slots, message->size);
    }
    return result;
}

static int try_letter(cq_queue *queue, void *context)
{
    const struct letter *letter = context;
    bool insist = true;
    struct run run;
    int result;

    do {
        if (letter->number != 0 && source_number(queue, letter->source) >= letter->number)
            return CQ_DUPLICATE;
        if ((result = claim_room(queue, letter->message->size, insist, &run)) != CQ_OK)
            return result;
        result = publish_outgoing(queue, letter, &run);
        if (result == RESULT_VOIDED || result == CQ_DUPLICATE)
            enqueue_abandon(queue, &run, 0);
        if (result == RESULT_VOIDED)
            atomic_fetch_add_explicit(&queue->voids, 1, memory_order_relaxed); /* see dequeue_patience */
        insist = false;
    } while (result == RESULT_VOIDED);
    return result;
}

int cq_enqueue_message(cq_queue *queue, const cq_outgoing *message, int64_t timeout_ns)
{
    struct letter letter = {message, 0, 0};
    int result = check_outgoing(queue, message);
    return result == CQ_OK ? sync_after(queue, wait_until(queue, SIDE_PRODUCERS, timeout_ns, try_letter, &letter))
                           : result;
}

/* ---- sources ----------------------------------------------------------------------------------------- */

/* Of the handle's threads one feeds at a time. They are stopped together: nobody waits for a stopped process. */
static void begin_feeding(cq_queue *queue)
{
    while (!cache_enter(&queue->feeding))
        os_yield();
}
static void end_feeding(cq_queue *queue) { cache_leave(&queue->feeding); }

static int check_source(const cq_queue *queue, const char *source)
{
    int result = handle_usable(queue);
    size_t length = result == CQ_OK && source ? strnlen(source, LAYOUT_NAME + 1) : 0;
    return result == CQ_OK && (length == 0 || length > LAYOUT_NAME) ? CQ_EINVAL : result;
}

/* The source of this name, known from now on. */
static int make_source(cq_queue *queue, const char *name, uint32_t *source)
{
    uint32_t length = (uint32_t)strlen(name);
    int result = CQ_OK;

    if (source_find(queue, name, length, source))
        return CQ_OK;
    if (source_table(queue) == 0) {
        result = memory_allocate_table(queue, LAYOUT_SOURCES_OFFSET, LAYOUT_SUMMARY_OFFSET - LAYOUT_SOURCES_OFFSET);
        if (result != CQ_OK)
            return result;
        source_give_memory(queue);
    }
    participant_active(queue);
    return source_make(queue, name, length, source);
}

/* One try, with the turn of this thread. It is not kept while the thread sleeps. */
static int try_feed(cq_queue *queue, void *context)
{
    begin_feeding(queue);
    int result = try_letter(queue, context);
    end_feeding(queue);
    return result;
}

static int prepare_feed(cq_queue *queue, const cq_outgoing *message, const char *source, uint64_t number,
                   struct letter *letter)
{
    int result = check_outgoing(queue, message);

    if (result == CQ_OK)
        result = number == 0 ? CQ_EINVAL : check_source(queue, source);
    *letter = (struct letter){message, 0, number};
    if (result != CQ_OK)
        return result;
    begin_feeding(queue);
    result = make_source(queue, source, &letter->source);
    end_feeding(queue);
    return result;
}

/* As sync_after. What another handle has enqueued need not be on the disk yet. */
static int sync_feed(cq_queue *queue, int result)
{
    int synced = sync_after(queue, result == CQ_DUPLICATE ? CQ_OK : result);
    return synced == CQ_OK ? result : synced;
}

int cq_enqueue_from(cq_queue *queue, const cq_outgoing *message, const char *source, uint64_t number)
{
    struct letter letter;
    int result = prepare_feed(queue, message, source, number, &letter);
    return result == CQ_OK ? sync_feed(queue, try_feed(queue, &letter)) : result;
}

int cq_enqueue_from_wait(cq_queue *queue, const cq_outgoing *message, const char *source, uint64_t number,
                         int64_t timeout_ns)
{
    struct letter letter;
    int result = prepare_feed(queue, message, source, number, &letter);
    return result == CQ_OK ? sync_feed(queue, wait_until(queue, SIDE_PRODUCERS, timeout_ns, try_feed, &letter))
                           : result;
}

int cq_raise_source(cq_queue *queue, const char *source, uint64_t number)
{
    uint32_t entry;
    int result = handle_writable(queue);

    if (result == CQ_OK)
        result = number == 0 ? CQ_EINVAL : check_source(queue, source);
    if (result != CQ_OK)
        return result;
    begin_feeding(queue);
    if ((result = make_source(queue, source, &entry)) == CQ_OK)
        result = source_raise(queue, entry, number);
    end_feeding(queue);
    return sync_feed(queue, result);
}

/* What the dead had begun is finished before numbers are read. */
static int settle_sources(cq_queue *queue)
{
    int result = queue->owner != 0 && source_table(queue) != 0 ? reap_all(queue, NULL) : CQ_OK;
    return result < 0 ? result : CQ_OK;
}

int cq_source(cq_queue *queue, const char *source, uint64_t *number)
{
    uint32_t entry;
    int result = check_source(queue, source);

    if (result == CQ_OK)
        result = number ? settle_sources(queue) : CQ_EINVAL;
    if (result != CQ_OK)
        return result;
    *number = source_find(queue, source, (uint32_t)strlen(source), &entry) ? source_number(queue, entry) : 0;
    return CQ_OK;
}

int cq_sources(cq_queue *queue, cq_source_visitor *visitor, void *context)
{
    char name[LAYOUT_NAME + 1];
    int result = handle_usable(queue);

    if (result == CQ_OK)
        result = visitor ? settle_sources(queue) : CQ_EINVAL;
    for (uint32_t source = 0; result == CQ_OK && source < LAYOUT_SOURCE_SLOTS; ++source)
        if (source_name(queue, source, name) && visitor(name, source_number(queue, source), context))
            break;
    return result;
}
