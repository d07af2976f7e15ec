/*
 * claim.c - claims from wherever there is something: orphans, then the list; and the last look around before a call
 * reports that there is nothing.
 *
 * It owns the order of these steps. A caller that only polls passes here each time, and so finds the dead as one
 * that sleeps does. It must not know how a claim works (enqueue.c, dequeue.c, orphan.c) nor how the dead are found
 * (lookout.c).
 */
#include "claim.h"

#include "dequeue.h"
#include "enqueue.h"
#include "fast.h"
#include "lookout.h"
#include "os.h"
#include "orphan.h"
#include "participant.h"
#include "trace.h"
#include "trim.h"
#include "watch.h"

#include <errno.h>

#define TRIES 4 /* of one call, after it found nothing */
#define STREAM 16u /* messages in a row that say that a producer streams */
#define HEAD_START 32u     /* pauses */
#define MOST_HEAD_START 32u /* for a batch */

ALWAYS_INLINE bool look_again(cq_queue *queue, enum side side, int result, uint32_t *tries)
{
    if (result != CQ_EMPTY && result != CQ_FULL && result != CQ_ENOSPACE && result != CQ_ECONSUMER)
        return false;
    int error = errno; /* a signal handler may be calling */
    bool again = lookout_look(queue) && ++*tries < TRIES;
    if (!again) {
        watch_clear(queue, side); /* the descriptor for event loops says so too */
        if (side == SIDE_CONSUMERS)
            TRACE(empty, queue);
        else
            TRACE(full, queue, result);
    }
    errno = error;
    return again;
}

/* A claim came back with `result`. True: it found nothing, but something was put right meanwhile. */
bool claim_again(cq_queue *queue, enum side side, int result, uint32_t *tries)
{
    return look_again(queue, side, result, tries);
}

/*
 * Nothing is there. A consumer at the heels of producers that stream takes the line from under their hands with each
 * look, and slows them down to its own pace. So after a row of messages the first look in vain lets them get ahead,
 * farther where it wants a whole batch. True: it did, look again.
 */
static bool let_ahead(cq_queue *queue, size_t want)
{
    /* Relaxed: a guess. */
    uint64_t now = atomic_load_explicit(&queue->last_deq, memory_order_relaxed);
    uint64_t before = atomic_load_explicit(&queue->empty_at, memory_order_relaxed);

    if (now == before)
        return false;
    atomic_store_explicit(&queue->empty_at, now, memory_order_relaxed);
    if (now - before < ticket_word(0, STREAM, 0))
        return false;
    size_t pauses = want * 2 < MOST_HEAD_START ? want * 2 : MOST_HEAD_START;
    for (size_t i = pauses < HEAD_START ? HEAD_START : pauses; i > 0; --i)
        cpu_relax();
    return true;
}

/* One slot to write `size` bytes into. `insist` as in enqueue_claim. */
int claim_room(cq_queue *queue, size_t size, bool insist, struct run *run)
{
    uint32_t tries = 0;
    int result;

    do
        result = enqueue_claim(queue, 1, size, insist, run);
    while (unlikely(result != CQ_OK) && claim_again(queue, SIDE_PRODUCERS, result, &tries));
    return result;
}

/* There may be orphans. As claim_messages, once; *version becomes that of the search. Where the list is empty, what was
   given back to the tail is due. */
SELDOM static int claim_dirty(cq_queue *queue, size_t want, size_t room, struct run *run, size_t *needed,
                              uint64_t *version)
{
    struct terms terms = {.date = os_clock(OS_DATE_COARSE)};

    for (;; terms.last = true) {
        int result = orphan_claim(queue, &terms, room, run, needed, version);
        if (result == CQ_EMPTY)
            result = dequeue_claim(queue, want, room, run, needed);
        if (result != CQ_EMPTY)
            return result;
        if (!orphan_is_dirty(*version) || terms.tail == 0 || terms.last)
            break;
    }
    /* Relaxed: a hint, for those that sleep (wait.c). */
    atomic_store_explicit(&queue->next_due, (uint64_t)(orphan_is_dirty(*version) ? terms.until : INT64_MAX),
                          memory_order_relaxed);
    return CQ_EMPTY;
}

/* Orphans first, then the list. Empty means: the list was empty *and then* no orphan had been announced since. */
int claim_messages(cq_queue *queue, size_t want, size_t room, struct run *run, size_t *needed)
{
    uint32_t tries = 0;

    participant_active(queue);
    if (unlikely(trim_is_pending(queue)))
        trim_go_on(queue);
    for (uint32_t attempt = 0; attempt < RETRY_LIMIT; ++attempt) {
        uint64_t version = orphan_version(queue);
        int result = unlikely(orphan_is_dirty(version)) ? claim_dirty(queue, want, room, run, needed, &version)
                                                        : dequeue_claim(queue, want, room, run, needed);
        if (result != CQ_EMPTY)
            return result;
        if (orphan_version(queue) != version || let_ahead(queue, want))
            continue;
        if (!claim_again(queue, SIDE_CONSUMERS, result, &tries))
            return CQ_EMPTY;
    }
    return CQ_ECORRUPT;
}

/* The usual way found the slot behind `ticket` untouched. True: the queue was empty, and that is to be reported. False:
   look again, the slow way. */
bool claim_nothing(cq_queue *queue, uint64_t ticket)
{
    uint32_t tries = 0;

    return fast_is_empty(queue, ticket) && !let_ahead(queue, 1) &&
           !look_again(queue, SIDE_CONSUMERS, CQ_EMPTY, &tries);
}
