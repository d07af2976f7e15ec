/*
 * pin.c - how a node is named. See pin.h.
 *
 * It must not know what a call does there, nor what is emptied when.
 */
#include "pin.h"

/* With the seat: the node is named from now on, and the one before no more. */
void pin_name(const cq_queue *queue, struct seat *seat, enum side side, uint32_t node)
{
    _Atomic uint32_t *name = &queue->participants[queue->owner].names[seat - queue->seats - 1][side];

    /* Relaxed: this thread's own. First what leads to the node of before, for a signal handler's usual way. */
    if (side == SIDE_PRODUCERS)
        atomic_store_explicit(&seat->enq_limit, 0, memory_order_relaxed);
    else
        atomic_store_explicit(&seat->deq_node, 0, memory_order_relaxed);
    atomic_store_explicit(&seat->named[side], 0, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    atomic_store_explicit(name, node + 1, memory_order_release); /* name:A, pairs with name:C */
    fence(memory_order_seq_cst);                                 /* name:B, before the second look; meets strip:A */
    atomic_store_explicit(&seat->named[side], node + 1, memory_order_relaxed);
}
