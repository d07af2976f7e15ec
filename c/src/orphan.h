/* orphan.h - messages to be delivered again. */
#ifndef CQ_ORPHAN_H
#define CQ_ORPHAN_H

#include "run.h"

#define ORPHANS_DIRTY UINT64_C(1)

static inline uint64_t orphan_version(const cq_queue *queue)
{
    /* orphan_version:A, pairs with orphan_announce:A. */
    return atomic_load_explicit(&queue->header->orphans, memory_order_seq_cst);
}

static inline bool orphan_is_dirty(uint64_t version) { return version & ORPHANS_DIRTY; }

/* When an orphan may be delivered: it may wait for a time, or for the front to come to a place. */
struct terms {
    int64_t date;
    bool last;      /* the list is empty: what was given back to the tail is due */
    uint64_t front; /* where the list begins, see orphan.c */
    int64_t until;  /* out: when the next of those that were passed by is due; INT64_MAX */
    uint64_t tail;  /* out: at which front; 0 */
};

uint32_t orphan_nodes(cq_queue *queue, uint64_t reference, uint64_t nearer, uint64_t *links, uint32_t room);
bool orphan_in_node(cq_queue *queue, uint64_t link, uint32_t index, struct run *run, uint64_t *word);
int orphan_claim(cq_queue *queue, struct terms *terms, size_t room, struct run *run, size_t *needed, uint64_t *version);
bool orphan_waits(cq_queue *queue, struct terms *terms);
bool orphan_is_spent(const cq_queue *queue, const struct run *run, uint64_t word, int64_t date);
_Atomic uint64_t *orphan_due(const cq_queue *queue, const struct run *run);
void orphan_made(cq_queue *queue, uint32_t node);
void orphan_announce(cq_queue *queue);

#endif
