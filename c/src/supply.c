/*
 * supply.c - memory for the next node, and for the next message in a slot.
 *
 * It owns what is tried where there is none: giving free nodes' memory back, and asking again. It must not know how the
 * kernel is asked (memory.c), nor which nodes are free (node.c).
 */
#include "supply.h"

#include "ends.h"
#include "memory.h"
#include "slot.h"
#include "trim.h"

static bool is_lack(int result) { return result == CQ_FULL || result == CQ_ENOSPACE || result == CQ_ENOMEM; }

/* What node_take has asked for. */
void supply_node(cq_queue *queue, struct growth *growth)
{
    growth->result = memory_allocate_node(queue, NULL, &queue->geometry, growth->node);
    if (is_lack(growth->result) && trim_for(queue))
        growth->result = memory_allocate_node(queue, NULL, &queue->geometry, growth->node);
}

/* A node was appended. How many are in use: a hint, for trim.c. Relaxed all. */
void supply_note(cq_queue *queue)
{
    uint64_t head = word_sequence(atomic_load_explicit(&queue->header->head, memory_order_relaxed));
    uint64_t tail = word_sequence(atomic_load_explicit(&queue->header->tail, memory_order_relaxed));
    uint64_t nodes = sequence_distance(tail, head) + 1;

    if (nodes > atomic_load_explicit(&queue->header->needed, memory_order_relaxed))
        atomic_store_explicit(&queue->header->needed, nodes, memory_order_relaxed);
}

/* Could a node be had now? It stays free, with memory. */
bool supply_has_node(cq_queue *queue)
{
    struct growth growth = NO_GROWTH;
    uint32_t node;
    int result;

    while ((result = node_take(queue, &growth, &node)) == RESULT_MEMORY)
        supply_node(queue, &growth);
    if (result == CQ_OK)
        node_untake(queue, node);
    return result == CQ_OK;
}

/*
 * Memory for a message of `size` bytes in the slot at `tail`, which nobody had claimed when that was read. Who then
 * claims it with tail's exact ticket knows that the node lived that life all the time, so that the memory is there:
 * only that one raises the mark. CQ_OK, CQ_FULL (the region's limit), CQ_ENOSPACE, CQ_ESYSTEM.
 */
int supply_slot(cq_queue *queue, const struct end *tail, size_t size)
{
    uint32_t index = ticket_index(tail->ticket);
    int result = memory_allocate_slot(queue, link_node(tail->link), index, size);

    if (is_lack(result) && trim_for(queue))
        result = memory_allocate_slot(queue, link_node(tail->link), index, size);
    if (result == CQ_OK || result == CQ_FULL)
        return result;
    return is_lack(result) ? CQ_ENOSPACE : CQ_ESYSTEM;
}
