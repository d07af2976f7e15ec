/*
 * pin.h - what keeps a node's memory for calls that have claimed nothing in it: names and pins.
 *
 * It owns `names` and `pins` of the participants' entries. A free node loses its memory
 * (trim.c) only if nobody is seen here who may touch it. It must not know what is looked for there.
 *
 *   - Each thread of a handle has a seat there, and with it two names: of the nodes at which it looks, and goes on the
 *     usual way (fast.h), one for each side of the list. A name stays until the thread gets to another node. So it
 *     costs a fence for each node, and nothing for a message. One call of a thread at a time uses them: a signal
 *     handler on top of one, and threads beyond the number of seats, do without.
 *   - These, and every part of a call that may go to any node, pin: meanwhile no node loses its memory.
 */
#ifndef CQ_PIN_H
#define CQ_PIN_H

#include "seat.h"

void pin_name(const cq_queue *queue, struct seat *seat, enum side side, uint32_t node);

/* Until pin_none no node loses its memory. Before the look that says which node is to be touched. May be nested. A
   read-only handle can leave no word. */
static inline void pin_all(const cq_queue *queue)
{
    if (queue->owner == 0)
        return;
    atomic_fetch_add_explicit(&queue->participants[queue->owner].pins, 1, memory_order_seq_cst); /* pin:A */
    fence(memory_order_seq_cst); /* pin:B, before the look; meets strip:A */
}
static inline void pin_none(const cq_queue *queue)
{
    if (queue->owner != 0) /* pin:C release, pairs with pin:D: what was touched was touched before. */
        atomic_fetch_sub_explicit(&queue->participants[queue->owner].pins, 1, memory_order_release);
}

/* The usual way: from here to pin_leave the thread's names stay, because its seat is gone for everybody else: a signal
   handler on top of it finds nobody's, where all is 0, and leaves that as it was. So no atomic access is needed. */
ALWAYS_INLINE struct seat *pin_enter(cq_queue *queue, struct sitter *me)
{
    struct seat *seat = (struct seat *)(void *)((unsigned char *)queue + me->seat);

    me->seat = SEAT_OF_NOBODY;
    atomic_signal_fence(memory_order_seq_cst);
    return seat;
}
ALWAYS_INLINE void pin_leave(const cq_queue *queue, struct sitter *me, const struct seat *seat)
{
    atomic_signal_fence(memory_order_seq_cst);
    me->seat = (uintptr_t)((const unsigned char *)seat - (const unsigned char *)queue);
}

/* Before a call looks at an end of the list: the thread's seat, or NULL, with all pinned. Not on a read-only handle. */
static inline struct seat *pin_begin(cq_queue *queue)
{
    struct sitter *me = seat_me();

    if (likely(me->seat != SEAT_OF_NOBODY) || seat_find(me))
        return pin_enter(queue, me);
    pin_all(queue);
    return NULL;
}
static inline void pin_end(cq_queue *queue, const struct seat *seat)
{
    if (likely(seat))
        pin_leave(queue, seat_me(), seat);
    else
        pin_none(queue);
}

/* Has the thread named this node, so that it has memory? Relaxed: its own. */
static inline bool pin_is_named(const struct seat *seat, enum side side, uint32_t node)
{
    return atomic_load_explicit(&seat->named[side], memory_order_relaxed) == node + 1;
}

/* Before a call touches a slot of this node, if that is the caller's: as pin_begin. */
static inline struct seat *pin_node(cq_queue *queue, enum side side, uint32_t node)
{
    struct sitter *me = seat_me();
    struct seat *seat = pin_enter(queue, me);

    if (likely(pin_is_named(seat, side, node)))
        return seat;
    pin_leave(queue, me, seat);
    pin_all(queue);
    return NULL;
}

/* Name the node that is looked at. False: it is named only now, and may have lost its memory before; look again whether
   it still is the one. */
static inline bool pin_look_at(const cq_queue *queue, struct seat *seat, enum side side, uint32_t node)
{
    if (likely(pin_is_named(seat, side, node)))
        return true;
    pin_name(queue, seat, side, node);
    return false;
}

#endif
