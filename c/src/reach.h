/* reach.h - which nodes of the region this process may touch. */
#ifndef CQ_REACH_H
#define CQ_REACH_H

#include "handle.h"

void reach_bytes(const cq_queue *queue, uint64_t begin, uint64_t end);
void reach_begin(cq_queue *queue);
void reach_more(const cq_queue *queue, uint64_t node);
void reach_dues(const cq_queue *queue);

/* Before anything of the node is touched, or given memory. Relaxed: a number, which is raised after the kernel was
   told; whoever reads an older one tells it again. */
static inline void reach_node(const cq_queue *queue, uint64_t node)
{
    if (unlikely(node >= atomic_load_explicit(&queue->reached, memory_order_relaxed)))
        reach_more(queue, node);
}

/* The same before anything of the table of dues is touched. */
static inline void reach_due(const cq_queue *queue)
{
    if (!atomic_load_explicit(&queue->dues_reached, memory_order_relaxed))
        reach_dues(queue);
}

#endif
