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
uint32_t orphan_nodes(cq_queue *queue, uint64_t reference, uint64_t nearer, uint64_t *links, uint32_t room);
bool orphan_in_node(cq_queue *queue, uint64_t link, uint32_t index, struct run *run, uint64_t *word);
int orphan_claim(cq_queue *queue, size_t room, struct run *run, size_t *needed, uint64_t *version);
void orphan_made(cq_queue *queue, uint32_t node);
void orphan_announce(cq_queue *queue);

#endif
