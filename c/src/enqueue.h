/* enqueue.h - claiming slots to write into, publishing them, giving them up. */
#ifndef CQ_ENQUEUE_H
#define CQ_ENQUEUE_H

#include "run.h"

int enqueue_claim(cq_queue *queue, size_t want, size_t size, bool insist, struct run *run);
int enqueue_publish(cq_queue *queue, const struct run *run, uint32_t index, const void *data, size_t size);
uint32_t enqueue_fill(cq_queue *queue, const struct run *run, const void *data, size_t size);
void enqueue_abandon(cq_queue *queue, const struct run *run, uint32_t from);
void enqueue_append_next(cq_queue *queue, uint64_t sequence, uint32_t node);
int enqueue_messages(cq_queue *queue, const cq_slice *messages, size_t count, size_t *done);

/* After a run was published, and its consumers were told: if it had the last slot of a node, append the next one. */
static inline void enqueue_append_ahead(cq_queue *queue, const struct run *run)
{
    if (unlikely(run->index + run->count == queue->geometry.slots_per_node))
        enqueue_append_next(queue, run->sequence, run->node);
}

#endif
