/*
 * reach.c - which nodes of the region this process may touch: those that were needed so far, and as many again.
 *
 * It owns the protection of the mapping. A process that locks all of its memory (mlockall) has the kernel touch each
 * page that it may touch itself, and most of a region is holes. It must not know what a node is for.
 */
#include "reach.h"

#include "os.h"

#define FIRST_BYTES (UINT64_C(1) << 20) /* of nodes, with which a handle begins */

static enum os_map use_of(const cq_queue *queue) { return queue->may_write ? OS_MAP_WRITE : OS_MAP_READ; }

/* Where the node begins, or a page in it. */
static uint64_t page_of(const cq_queue *queue, uint64_t node)
{
    const struct geometry *g = &queue->geometry;
    return node < g->node_count ? round_up(g->nodes_offset + node * g->node_stride, os_page_size()) : g->file_size;
}

/* The mapping is new, and nobody else has the handle. Where the kernel refuses, all of it is reached. */
void reach_begin(cq_queue *queue)
{
    const struct geometry *g = &queue->geometry;
    uint64_t first = FIRST_BYTES / g->node_stride + 1, page = os_page_size();
    uint64_t dues = round_up(g->dues_offset, page), states = g->states_offset / page * page;

    first = first < g->node_count ? first : g->node_count;
    if (page_of(queue, first) < g->file_size &&
        os_protect(queue->base + page_of(queue, first), g->file_size - page_of(queue, first), OS_MAP_TRY) != 0)
        first = g->node_count;
    bool hidden = dues < states && os_protect(queue->base + dues, states - dues, OS_MAP_TRY) == 0;
    atomic_store_explicit(&queue->reached, first, memory_order_relaxed);
    atomic_store_explicit(&queue->dues_reached, !hidden, memory_order_relaxed);
}

/* Up to this node, and on. */
void reach_more(const cq_queue *queue, uint64_t node)
{
    const struct geometry *g = &queue->geometry;
    cq_queue *own = (cq_queue *)(uintptr_t)queue; /* no handle is const */
    uint64_t reached = atomic_load_explicit(&queue->reached, memory_order_relaxed), begin = g->nodes_offset;

    node = node + 1 > 2 * reached ? node + 1 : 2 * reached;
    node = node < g->node_count ? node : g->node_count;
    begin -= begin % os_page_size();
    if (os_protect(queue->base + begin, page_of(queue, node) - begin, use_of(queue)) == 0)
        atomic_store_explicit(&own->reached, node, memory_order_relaxed);
}

/* The table of dues, which few queues need. */
void reach_dues(const cq_queue *queue)
{
    const struct geometry *g = &queue->geometry;
    cq_queue *own = (cq_queue *)(uintptr_t)queue;
    uint64_t begin = g->dues_offset - g->dues_offset % os_page_size();

    if (os_protect(queue->base + begin, g->states_offset - begin, use_of(queue)) == 0)
        atomic_store_explicit(&own->dues_reached, true, memory_order_relaxed);
}

/* This part of the region is going to be given memory. */
void reach_bytes(const cq_queue *queue, uint64_t begin, uint64_t end)
{
    const struct geometry *g = &queue->geometry;

    if (end > g->nodes_offset)
        reach_node(queue, (end - 1 - g->nodes_offset) / g->node_stride);
    if (begin < g->states_offset && end > g->dues_offset)
        reach_due(queue);
}
