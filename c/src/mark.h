/*
 * mark.h - the marks: which nodes may hold orphans, and which have holes in this life.
 *
 * It owns the words of marks. A mark is set before what it is for is announced, so that none is missed, and taken away
 * from the exact word by which nothing was found. It must not know where orphans and holes come from.
 */
#ifndef CQ_MARK_H
#define CQ_MARK_H

#include "handle.h"

/* The marks of the nodes that share a word with this one. */
static inline uint64_t node_marks(const cq_queue *queue, uint64_t node)
{
    /* marks:A, pairs with mark:A. */
    return atomic_load_explicit(&queue->marks[node / MARK_NODES], memory_order_seq_cst);
}

/* After a slot became ORPHAN and before that is announced; before a hole is announced and made. */
static inline void node_mark(cq_queue *queue, uint64_t node, enum mark mark)
{
    _Atomic uint64_t *word = &queue->marks[node / MARK_NODES];

    /* mark:A release, pairs with marks:A: with the new version comes the ORPHAN. The version first: an unmark:A between
       the two either starts from a word with the old version, and fails, or its process read the new one and scanned
       after it. */
    if (mark == MARK_ORPHANS)
        atomic_fetch_add_explicit(word, MARK_VERSION, memory_order_seq_cst);
    atomic_fetch_or_explicit(word, mark_bit(node, mark), memory_order_seq_cst);
}

/* Take the mark away, if the word is `seen` still: the caller read it before it found nothing in the node. */
static inline bool node_unmark(cq_queue *queue, uint64_t node, uint64_t seen, enum mark mark)
{
    /* unmark:A, after marks:A and the slots: no mark was made in between. */
    return atomic_compare_exchange_strong_explicit(&queue->marks[node / MARK_NODES], &seen,
                                                   seen & ~mark_bit(node, mark), memory_order_seq_cst,
                                                   memory_order_relaxed);
}

#endif
