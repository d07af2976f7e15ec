/*
 * hint.h - the bitmap of free nodes, with a summary, one bit for 64 words of it: to find the lowest, so that memory
 * follows the backlog.
 *
 * It owns both, and they are hints: a bit may be wrong for a while either way. All accesses are relaxed: they order
 * nothing, taking a node acquires its state. It must not know what the states are.
 */
#ifndef CQ_HINT_H
#define CQ_HINT_H

#include "handle.h"

static inline void hint_set(cq_queue *queue, uint64_t node)
{
    uint64_t word = node / 64;
    atomic_fetch_or_explicit(&queue->bitmap[word], UINT64_C(1) << node % 64, memory_order_relaxed);
    atomic_fetch_or_explicit(&queue->summary[word / 64], UINT64_C(1) << word % 64, memory_order_relaxed);
}

static inline void hint_clear(cq_queue *queue, uint64_t node)
{
    uint64_t word = node / 64, bit = UINT64_C(1) << node % 64;
    if ((atomic_fetch_and_explicit(&queue->bitmap[word], ~bit, memory_order_relaxed) & ~bit) == 0) {
        atomic_fetch_and_explicit(&queue->summary[word / 64], ~(UINT64_C(1) << word % 64), memory_order_relaxed);
        if (atomic_load_explicit(&queue->bitmap[word], memory_order_relaxed) != 0)
            atomic_fetch_or_explicit(&queue->summary[word / 64], UINT64_C(1) << word % 64, memory_order_relaxed);
    }
}

/* The lowest node below `touched` that is said to be free, or `touched`. Nothing beyond is read: it has no memory. */
static inline uint64_t hint_lowest(const cq_queue *queue, uint64_t touched)
{
    for (uint64_t group = 0; group * 4096 < touched; ++group) {
        uint64_t words = atomic_load_explicit(&queue->summary[group], memory_order_relaxed);
        for (; words != 0; words &= words - 1) {
            uint64_t word = group * 64 + (uint64_t)__builtin_ctzll(words);
            uint64_t bits = word * 64 < touched ? atomic_load_explicit(&queue->bitmap[word], memory_order_relaxed) : 0;
            if (bits != 0 && word * 64 + (uint64_t)__builtin_ctzll(bits) < touched)
                return word * 64 + (uint64_t)__builtin_ctzll(bits);
        }
    }
    return touched;
}

#endif
