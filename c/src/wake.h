/* wake.h - waking the threads that sleep on a side's word. */
#ifndef CQ_WAKE_H
#define CQ_WAKE_H

#include "handle.h"

/* Of a side's word; the rest counts generations. */
#define WAKE_SLEEP 1u /* a thread sleeps */
#define WAKE_WATCH 2u /* or watches, for the descriptor of an event loop */
#define WAKE_BITS (WAKE_SLEEP | WAKE_WATCH)
#define WAKE_GENERATION 4u

/* Kinds of os_sleep, so that a wake for one kind is never used up by another. */
#define SLEEPERS 1u
#define WATCHERS 2u
#define RESTERS 4u
#define STANDBYS 8u /* that wait to be the only consumer */
#define OF_HANDLE(owner) (1u << (8 + (owner) % 24)) /* the threads of a handle, and of those that share its bit */

static inline _Atomic uint32_t *side_word(cq_queue *queue, enum side side)
{
    return side == SIDE_CONSUMERS ? &queue->header->consumers.word : &queue->header->producers.word;
}

void wake_bits(cq_queue *queue, enum side side, uint32_t seen, size_t count);
size_t wake_surely(cq_queue *queue, enum side side, size_t count, uint32_t kinds);
void wake_another(cq_queue *queue, enum side side);

/* `count` messages were published, or as many slots came free: wake as many. No system call if nobody sleeps. */
static inline void wake_side(cq_queue *queue, enum side side, size_t count)
{
    /* wake:A, meets sleep:A: either this load sees the sleeper's bit, or its try sees what was published. */
    uint32_t seen = atomic_load_explicit(side_word(queue, side), memory_order_seq_cst);
    if (unlikely(seen & WAKE_BITS))
        wake_bits(queue, side, seen, count);
}

#endif
