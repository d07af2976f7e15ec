/*
 * sync.c - when a queue is put on the disk, and by whom: many callers share one flush.
 *
 * It owns the tickets of flushes, and who waits for which. A caller needs a flush that began after its call. While one
 * is under way it waits for that to end, but not for longer than flushes usually take: its process may be stopped, and
 * nobody depends on it, the caller flushes itself then. It must not know what is written (flush.c).
 */
#include "sync.h"

#include "collect.h"
#include "flush.h"
#include "node.h"
#include "os.h"
#include "wake.h"

#include <errno.h>

#define PATIENT_LEAST INT64_C(3000000)  /* with a flush that others have begun ... */
#define PATIENT_MOST INT64_C(1000000000)
#define PATIENCE_FLUSHES 4               /* ... or as many times as long as one took last */
#define GATHER_SHARE 4                   /* of what a flush takes, until it begins with fewer callers than the last */
#define GATHER_LEAST INT64_C(20000)
#define SLICE INT64_C(50000000)          /* of a sleep: whether the wait was cancelled is looked at in between */
#define ARRIVED_BITS 16u

/* ---- one flush --------------------------------------------------------------------------------------- */

/* Sleepers look again: a flush is done, or has failed. */
static void wake_all(cq_queue *queue)
{
    atomic_fetch_add_explicit(&queue->header->flush_word, 1, memory_order_seq_cst); /* flushed:A, meets flushed:B */
    os_wake(&queue->header->flush_word, SIZE_MAX, SLEEPERS);
}

/* What the segment takes of the disk by now, for cq_stat and collect.c. All relaxed: counts. */
static void count_bytes(cq_queue *queue)
{
    struct segment *segment = &queue->durable->segment;
    uint64_t bytes = segment->filled - segment->counted;

    atomic_fetch_add_explicit(&queue->header->segments, segment->counted == 0, memory_order_relaxed);
    atomic_fetch_add_explicit(&queue->header->disk_bytes, bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&queue->header->generation_bytes, bytes, memory_order_relaxed);
    segment->counted = segment->filled;
}

/* Write and flush. An error number, 0, or -1 as flush_write. */
static int write_flush(cq_queue *queue, struct flush *flush, uint64_t generation)
{
    struct segment *segment = &queue->durable->segment;
    bool usable = segment_is_ours(segment) && segment->head.generation == generation && segment->end <= SEGMENT_MOST;
    int error = usable ? 0 : segment_begin(segment, generation);

    if (error == 0) {
        error = flush_write(queue, flush);
        count_bytes(queue);
    }
    return error;
}

/* How many callers have come since the flush `begun` began, and not since a later one. Relaxed: a guess. */
static uint32_t arrived_since(const struct layout_header *header, uint64_t begun)
{
    uint64_t word = atomic_load_explicit(&header->gathered, memory_order_relaxed);
    bool same = word >> ARRIVED_BITS == (begun << ARRIVED_BITS) >> ARRIVED_BITS;
    return same ? (uint32_t)word & ((1u << ARRIVED_BITS) - 1) : 0;
}

/* The flush of this ticket, for `served` callers, by this thread alone in the handle. CQ_OK, an error; RESULT_RETRY: it
   was for nothing, because another process has ended the segment's generation meanwhile, or another thread closed or
   replaced the descriptor. */
static int flush_as(cq_queue *queue, uint64_t ticket, uint32_t served)
{
    struct layout_header *header = queue->header;
    struct flush flush = {.ticket = ticket};
    int64_t begun = os_clock(OS_CLOCK);
    uint64_t generation = collect_begin(queue, &flush);
    int error = write_flush(queue, &flush, generation), result = error == -1 ? CQ_ECORRUPT : CQ_OK;

    if (error == EBADF || (error == 0 && !flush_conclude(queue, &flush)))
        result = RESULT_RETRY;
    else if (error > 0)
        result = home_result(error);
    if (result == CQ_OK) {
        /* Relaxed: hints, and what people look at. */
        atomic_store_explicit(&header->flush_time, os_clock(OS_CLOCK) - begun, memory_order_relaxed);
        atomic_store_explicit(&header->disk_error, 0, memory_order_relaxed);
        /* Who came meanwhile was not served, and who was served is only coming back. */
        atomic_store_explicit(&header->expected, served + arrived_since(header, ticket), memory_order_relaxed);
    } else {
        if (result == CQ_ENOSPACE && segment_is_ours(&queue->durable->segment))
            segment_rewind(&queue->durable->segment);
        else
            segment_leave(&queue->durable->segment);
        if (result < 0)
            atomic_store_explicit(&header->disk_error, result, memory_order_relaxed);
        uint64_t failed = atomic_load_explicit(&header->flush_failed, memory_order_relaxed);
        while (failed < ticket && /* a hint: nobody waits for this one */
               !atomic_compare_exchange_weak_explicit(&header->flush_failed, &failed, ticket, memory_order_relaxed,
                                                      memory_order_relaxed))
            ;
    }
    wake_all(queue);
    if (result == CQ_OK)
        collect_end(queue, &flush);
    return result;
}

/* ---- who flushes ------------------------------------------------------------------------------------- */

/* A caller and what it waits for. */
struct waiter {
    uint64_t need; /* this flush, or a later one */
    int64_t deadline, patience;
    bool cancels, waits;
    bool impatient;  /* with the flush that is under way */
    bool gathered;   /* has given others time to join */
    uint32_t arrived; /* how many have come since the last flush began, with this one */
};

/* Count the callers since the last flush began. All relaxed: a guess. */
static uint32_t arrive(cq_queue *queue, uint64_t begun)
{
    _Atomic uint64_t *word = &queue->header->gathered;
    uint64_t seen = atomic_load_explicit(word, memory_order_relaxed), now;

    do {
        bool same = seen >> ARRIVED_BITS == (begun << ARRIVED_BITS) >> ARRIVED_BITS;
        now = (same ? seen : begun << ARRIVED_BITS) + 1;
    } while (!atomic_compare_exchange_weak_explicit(word, &seen, now, memory_order_relaxed, memory_order_relaxed));
    return (uint32_t)now & ((1u << ARRIVED_BITS) - 1);
}

/* Sleep until a flush ends, `most` at most. Not if one has since `word` was read. CQ_OK, CQ_TIMEOUT: the deadline is
   over; CQ_CANCELLED. */
static int sleep_for(cq_queue *queue, const struct waiter *waiter, uint32_t word, int64_t most)
{
    int64_t now = os_clock(OS_CLOCK), until = now + (most < SLICE ? most : SLICE);

    /* cancel:A, meets its store in wait.c: at most a slice late. */
    if (waiter->cancels && atomic_load_explicit(&queue->cancelled, memory_order_seq_cst))
        return CQ_CANCELLED;
    if (now >= waiter->deadline)
        return CQ_TIMEOUT;
    os_sleep(&queue->header->flush_word, word, until < waiter->deadline ? until : waiter->deadline, SLEEPERS);
    return CQ_OK;
}

/* Begin the flush after `begun`, if nobody else has. RESULT_RETRY: somebody has, or another thread of this handle is at
   it, or it was for nothing. */
static int try_flush(cq_queue *queue, uint64_t begun)
{
    struct layout_header *header = queue->header;
    struct durable *durable = queue->durable;
    int result = RESULT_RETRY;

    if (!cache_enter(&durable->busy))
        return RESULT_LOOK;
    /* flush:A, before the scan's loads; meets flush:B: a caller that needs this flush has done before what it wants on
       the disk. */
    if (atomic_compare_exchange_strong_explicit(&header->flush_begun, &begun, begun + 1, memory_order_seq_cst,
                                                memory_order_relaxed)) {
        uint32_t served = arrived_since(header, begun);
        int before = os_hold_cancellation();
        result = flush_as(queue, begun + 1, served);
        os_restore_cancellation(before);
    }
    cache_leave(&durable->busy);
    return result;
}

/* One step towards waiter->need. RESULT_RETRY: another. */
static int step(cq_queue *queue, struct waiter *waiter)
{
    struct layout_header *header = queue->header;
    /* flushed:B, before the words below; meets flushed:A. */
    uint32_t word = atomic_load_explicit(&header->flush_word, memory_order_seq_cst);
    /* done:B, pairs with done:A: what that flush was for is on the disk. */
    uint64_t done = atomic_load_explicit(&header->flush_done, memory_order_seq_cst);
    uint64_t begun = atomic_load_explicit(&header->flush_begun, memory_order_seq_cst);
    uint64_t failed = atomic_load_explicit(&header->flush_failed, memory_order_relaxed); /* a hint */
    int64_t usual = atomic_load_explicit(&header->flush_time, memory_order_relaxed); /* a hint */
    int result;

    if (done >= waiter->need)
        return CQ_OK;
    if (begun > done && begun > failed && !waiter->impatient) { /* one is under way */
        if (!waiter->waits || os_clock(OS_CLOCK) >= waiter->patience) {
            waiter->impatient = true;
            return RESULT_RETRY;
        }
        result = sleep_for(queue, waiter, word, waiter->patience - os_clock(OS_CLOCK));
        return result == CQ_OK ? RESULT_RETRY : result;
    }
    if (!waiter->gathered && usual / GATHER_SHARE > GATHER_LEAST &&
        waiter->arrived < atomic_load_explicit(&header->expected, memory_order_relaxed)) { /* a guess */
        waiter->gathered = true;
        result = sleep_for(queue, waiter, word, usual / GATHER_SHARE);
        return result == CQ_OK ? RESULT_RETRY : result;
    }
    result = try_flush(queue, begun);
    if (result != RESULT_LOOK)
        return result == CQ_OK && begun + 1 < waiter->need ? RESULT_RETRY : result;
    if (!waiter->waits)
        return CQ_TIMEOUT;
    result = sleep_for(queue, waiter, word, SLICE);
    return result == CQ_OK ? RESULT_RETRY : result;
}

/* Have all that happened before on the disk. timeout_ns as in cq_sync. */
int sync_now(cq_queue *queue, int64_t timeout_ns)
{
    bool patient = timeout_ns == SYNC_PATIENT;
    int64_t now = os_clock(OS_CLOCK);
    int64_t usual = atomic_load_explicit(&queue->header->flush_time, memory_order_relaxed); /* a hint */
    int64_t patience = usual < PATIENT_MOST / PATIENCE_FLUSHES ? PATIENCE_FLUSHES * usual : PATIENT_MOST;
    struct waiter waiter = {.cancels = !patient, .waits = timeout_ns != 0};

    patience = patience < PATIENT_LEAST ? PATIENT_LEAST : patience;
    waiter.patience = now + patience;
    waiter.deadline = timeout_ns <= 0 || timeout_ns > INT64_MAX - now ? INT64_MAX : now + timeout_ns;
    /* A store that released a message may still be on its way. */
    fence(memory_order_seq_cst);
    /* flush:B, after all that the caller did; meets flush:A. */
    uint64_t begun = atomic_load_explicit(&queue->header->flush_begun, memory_order_seq_cst);
    waiter.need = begun + 1;
    waiter.arrived = arrive(queue, begun);
    for (;;) {
        int result = step(queue, &waiter);
        if (result != RESULT_RETRY)
            return result;
    }
}

/* Before a node is linked behind `tail`: may its sequence be used? If not it is asked for, which takes a flush. CQ_OK,
   or CQ_ENOSPACE: not now. */
int sync_reserve(cq_queue *queue, uint64_t tail)
{
    for (int attempt = 0; attempt < 3; ++attempt) {
        /* reserved:A, pairs with raise:A: it is on the disk. */
        uint64_t reserved = atomic_load_explicit(&queue->header->reserved_sequence, memory_order_acquire);
        if (is_since(reserved, link_word(sequence_next(word_sequence(tail)), 0)))
            return CQ_OK;
        if (sync_now(queue, 0) != CQ_OK)
            return CQ_ENOSPACE;
    }
    return CQ_ENOSPACE;
}
