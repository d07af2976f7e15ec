/* trim.h - giving memory back. */
#ifndef CQ_TRIM_H
#define CQ_TRIM_H

#include "handle.h"

void trim_begin(cq_queue *queue);
void trim_go_on(cq_queue *queue);
bool trim_for(cq_queue *queue);
uint64_t trim_all(cq_queue *queue);

/* Is something begun that this handle should go on with soon? */
static inline bool trim_is_pending(const cq_queue *queue)
{
    return atomic_load_explicit(&queue->trim.pending, memory_order_relaxed) != 0; /* a hint */
}

#endif
