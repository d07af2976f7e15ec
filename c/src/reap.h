/* reap.h - finding the dead, and sweeping for them. */
#ifndef CQ_REAP_H
#define CQ_REAP_H

#include "handle.h"

#define LOOK_INTERVAL_NS 80000000 /* between two looks for the dead: 100 ms is promised */

/* What came of a look. REAP_WENT_ON: only with the sweep that was begun. REAP_BLIND: there was no way to ask. */
enum reap_look { REAP_NOT_DUE, REAP_LOOKED, REAP_WENT_ON, REAP_BLIND };

bool reap_look(cq_queue *queue, enum reap_look *look);
int reap_all(cq_queue *queue, cq_recovery *recovery);
void reap_for_id(cq_queue *queue, int lock_fd);
void reap_suspect(cq_queue *queue, uint32_t owner);
void reap_leave(cq_queue *queue);
int64_t reap_interval(const cq_queue *queue);

/* Is a sweep begun that the next call should go on with? */
static inline bool reap_is_pending(const cq_queue *queue)
{
    return atomic_load_explicit(&queue->reap.pending, memory_order_relaxed); /* a hint: begin_reaping decides */
}

#endif
