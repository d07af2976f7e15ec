/*
 * orphan.c - messages to be delivered again: found by position, lowest first, before newer ones.
 *
 * It owns header.orphans, version | dirty: the version is raised after an orphan was made or seen, and a complete scan that
 * finds none marks that very version clean. Killed in between, it stays dirty. It must not know why a message is here
 * (its consumer died, or gave it back).
 */
#include "internal.h"


/* Say that there are orphans. After the slot became ORPHAN, before the maker does anything else. */
void orphan_announce(cq_queue *queue)
{
    uint64_t version = atomic_load_explicit(&queue->header->orphans, memory_order_relaxed); /* the exchange decides */
    /* O1 release, pairs with O2: who sees this version finds the ORPHAN slot and a head not before it. */
    for (uint32_t attempt = 0; attempt < RETRY_LIMIT; ++attempt)
        if (atomic_compare_exchange_weak_explicit(&queue->header->orphans, &version, (version + 2) | ORPHANS_DIRTY,
                                                  memory_order_seq_cst, memory_order_relaxed))
            break;
    wait_wake(queue, SIDE_CONSUMERS, 1);
}


/*
 * Find the orphan furthest behind the link `reference` but nearer than *distance positions; UINT64_MAX to begin with.
 * Updates *distance, *run (with deliveries so far) and *word. False: there is none. Nodes ahead of head hold none.
 */
bool orphan_next(cq_queue *queue, uint64_t reference, uint64_t *distance, struct run *run, uint64_t *word)
{
    uint32_t slots = queue->geometry.slots_per_node;
    uint64_t touched = node_touched(queue);
    uint64_t front = ticket_word(word_sequence(reference), slots, 0), best = 0;

    for (uint64_t n = 0; n < touched; ++n) {
        uint64_t state = atomic_load_explicit(&queue->states[n], memory_order_acquire); /* T3 */
        uint64_t first = position_distance(front, ticket_word(word_sequence(state), 0, 0), slots);
        if (ticket_index(state) != NODE_LINKED || first >= POSITION_BEHIND || first <= best ||
            first - slots >= *distance)
            continue;
        for (uint32_t i = 0; i < slots; ++i) {
            uint64_t found = slot_load(queue, node_at(queue, (uint32_t)n), i);
            if (word_sequence(found) != word_sequence(state) || slot_phase(found) != SLOT_ORPHAN ||
                first - i <= best || first - i >= *distance)
                continue;
            best = first - i;
            *word = found;
            *run = run_of(queue, word_sequence(state), (uint32_t)n, i, 1);
            run->deliveries = slot_deliveries(found);
        }
    }
    if (best > 0)
        *distance = best;
    return best > 0;
}

/*
 * Claim the oldest orphan. CQ_OK; CQ_EMPTY: there was none, and *version is a clean version of then: nothing was made
 * since if it is the same later. CQ_ETOOSMALL with *needed, or an error.
 */
int orphan_claim(cq_queue *queue, size_t room, struct run *run, size_t *needed, uint64_t *version)
{
    for (uint32_t attempt = 0; attempt < RETRY_LIMIT; ++attempt) {
        *version = orphan_version(queue);
        if (!orphan_is_dirty(*version))
            return CQ_EMPTY;
        uint64_t distance = UINT64_MAX, word;
        uint64_t reference = atomic_load_explicit(&queue->header->head, memory_order_acquire); /* after O2 */
        if (!orphan_next(queue, reference, &distance, run, &word)) {
            /* O3: only this version; a newer one keeps its mark. */
            atomic_compare_exchange_strong_explicit(&queue->header->orphans, version, *version & ~ORPHANS_DIRTY,
                                                    memory_order_seq_cst, memory_order_relaxed);
            continue;
        }
        struct layout_slot *slot = run_slot(queue, run, 0);
        size_t size = 0;
        int result = room == SIZE_MAX ? CQ_OK : slot_peek(queue, slot, word, &size, NULL, 0);
        if (result != CQ_OK || (room != SIZE_MAX && size > room)) {
            if (atomic_load_explicit(&slot->state, memory_order_acquire) != word)
                continue;
            *needed = size;
            return result != CQ_OK ? result : CQ_ETOOSMALL;
        }
        run->deliveries += run->deliveries < 0xff;
        /* O4 acquire, pairs with the release that made it ORPHAN: its last reader is done. */
        if (atomic_compare_exchange_strong_explicit(
                &slot->state, &word,
                slot_word(run->sequence, run->deliveries, SLOT_READING | slot_short(word), queue->owner),
                memory_order_seq_cst, memory_order_relaxed)) {
            atomic_fetch_add_explicit(&queue->header->redelivered, 1, memory_order_relaxed); /* a count */
            return CQ_OK;
        }
    }
    return CQ_ECORRUPT;
}
