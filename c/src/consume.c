/*
 * consume.c - claims of messages as callers want them: by the only consumer where there is one, without those that are
 * too old or were delivered too often.
 *
 * It owns what becomes of a message at that moment. Plain queues pay a branch, and nothing in the usual way
 * (fast.h). It must not know where messages are found (claim.c), nor how one gets to dead_letter (letter.c).
 */
#include "consume.h"

#include "fast.h"
#include "lease.h"
#include "letter.h"
#include "os.h"
#include "participant.h"
#include "reap.h"

/* Become the only consumer, or be it: CQ_OK. */
static int admit(cq_queue *queue)
{
    _Atomic uint64_t *lease = &queue->header->consumer;
    uint32_t tries = 0;

    do {
        uint32_t holder = lease_holder(lease);
        participant_active(queue);
        if (holder == queue->owner || (holder == 0 && lease_take(queue, lease)))
            return CQ_OK;
        if (lease_is_stray(queue, lease))
            return CQ_ECORRUPT;
        reap_suspect(queue, holder);
    } while (lease_may_consume(queue) || claim_again(queue, SIDE_CONSUMERS, CQ_ECONSUMER, &tries));
    return CQ_ECONSUMER;
}

/* A message that was claimed is too old: it goes, or becomes an orphan that is to go to dead_letter. */
static void drop_expired(cq_queue *queue, const struct run *run)
{
    struct layout_slot *slot = run_slot(queue, run, 0);

    if (queue->header->dead_letter[0] == '\0') {
        atomic_fetch_add_explicit(&queue->header->expired, 1, memory_order_relaxed); /* a count */
        fast_finish(queue, run, 0);
        return;
    }
    uint64_t word = atomic_load_explicit(&slot->state, memory_order_relaxed); /* ours */
    uint32_t deliveries = run->deliveries > 1 ? run->deliveries - 1 : 1;
    /* finish:A release, pairs with orphan_claim:C. A store will do, as in fast_finish. */
    atomic_store_explicit(&slot->state, slot_word(run->sequence, deliveries, SLOT_ORPHAN | slot_short(word), 0),
                          memory_order_release);
    orphan_made(queue, run->node);
    orphan_announce(queue);
}

/* As claim_messages, in a queue that is no plain one. */
int consume_special(cq_queue *queue, size_t want, size_t room, struct run *run, size_t *needed)
{
    bool exclusive = queue->geometry.features & FEATURE_EXCLUSIVE, ages = queue->geometry.time_to_live != 0;
    int result = exclusive ? admit(queue) : CQ_OK;

    for (uint32_t attempt = 0; result == CQ_OK && attempt < RETRY_LIMIT; ++attempt) {
        result = claim_messages(queue, ages ? 1 : want, room, run, needed);
        if (result == RESULT_SPENT) {
            letter_move(queue, run);
            result = CQ_OK;
            continue;
        }
        if (result != CQ_OK || !ages ||
            !slot_is_expired(queue, run_slot(queue, run, 0), os_clock(OS_DATE_COARSE)))
            return result;
        drop_expired(queue, run);
    }
    return result == CQ_OK ? CQ_ECORRUPT : result;
}
