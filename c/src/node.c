/*
 * node.c - free nodes: taking, putting back, recycling, growing.
 *
 * It owns node.state, the only truth about a node: FREE -> TAKEN(owner) -> LINKED -> FREE. The bitmap of free nodes (with
 * a summary, one bit for 64 words) is a hint to find the lowest one, so that memory follows the backlog: a bit may be
 * wrong for a while either way, and node_sweep puts it right. It must not know what a message is.
 */
#include "internal.h"

static uint64_t node_state(const cq_queue *queue, uint64_t node, memory_order order)
{
    return atomic_load_explicit(&queue->states[node], order);
}

/* The bitmap. All relaxed: hints order nothing, who takes a node acquires its state. */
static void hint_set(cq_queue *queue, uint64_t node)
{
    uint64_t word = node / 64;
    atomic_fetch_or_explicit(&queue->bitmap[word], UINT64_C(1) << node % 64, memory_order_relaxed);
    atomic_fetch_or_explicit(&queue->summary[word / 64], UINT64_C(1) << word % 64, memory_order_relaxed);
}

static void hint_clear(cq_queue *queue, uint64_t node)
{
    uint64_t word = node / 64, bit = UINT64_C(1) << node % 64;
    if ((atomic_fetch_and_explicit(&queue->bitmap[word], ~bit, memory_order_relaxed) & ~bit) == 0) {
        atomic_fetch_and_explicit(&queue->summary[word / 64], ~(UINT64_C(1) << word % 64), memory_order_relaxed);
        if (atomic_load_explicit(&queue->bitmap[word], memory_order_relaxed) != 0)
            atomic_fetch_or_explicit(&queue->summary[word / 64], UINT64_C(1) << word % 64, memory_order_relaxed);
    }
}

/* The lowest node below `touched` that is said to be free, or `touched`. Nothing beyond is read: it has no memory. */
static uint64_t hint_lowest(const cq_queue *queue, uint64_t touched)
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

/* Nodes that have memory: bounded, whatever the region says. */
uint64_t node_touched(const cq_queue *queue)
{
    uint64_t touched = atomic_load_explicit(&queue->header->touched, memory_order_acquire); /* G1 */
    return touched < queue->geometry.node_count ? touched : queue->geometry.node_count;
}

/* Is the life `sequence` of a node behind head? Read tail, then head, *after* whatever made sure that the node was in
   the list once: then sequence <= tail, and a distance behind tail says it, wrapped or not. */
bool node_behind_head(cq_queue *queue, uint64_t sequence)
{
    uint64_t tail = word_sequence(atomic_load_explicit(&queue->header->tail, memory_order_acquire));
    uint64_t head = word_sequence(atomic_load_explicit(&queue->header->head, memory_order_acquire));
    return sequence_distance(tail, sequence) > sequence_distance(tail, head);
}

/* TAKEN or LINKED (`expected`) -> FREE, if it is that still. */
void node_free(cq_queue *queue, uint32_t node, uint64_t expected)
{
    /* C2 release, pairs with N1: whoever takes the node next comes after all its readers and writers. */
    if (atomic_compare_exchange_strong_explicit(&queue->states[node], &expected,
                                                ticket_word(word_sequence(expected), NODE_FREE, 0),
                                                memory_order_seq_cst, memory_order_relaxed)) {
        hint_set(queue, node);
        wait_wake(queue, SIDE_PRODUCERS, 1);
    }
}

/* Free the node if it is LINKED in the life `sequence`, behind head, and all its slots are DONE. True if it was. */
bool node_recycle(cq_queue *queue, uint32_t node, uint64_t sequence)
{
    uint64_t linked = ticket_word(sequence, NODE_LINKED, 0), done = slot_word(sequence, 0, SLOT_DONE, 0);

    if (node_state(queue, node, memory_order_acquire) != linked)
        return false;
    for (uint32_t i = queue->geometry.slots_per_node; i-- > 0;) /* the last slots are the last to be done */
        /* C1 acquire on each, pairs with C0: its reader and its late writer are done. */
        if (atomic_load_explicit(&slot_at(queue, node_at(queue, node), i)->state, memory_order_acquire) != done)
            return false;
    if (!node_behind_head(queue, sequence))
        return false;
    node_free(queue, node, linked);
    return true;
}

/* Recycle what can be, and make the bitmap right. Returns how many nodes are free. */
uint32_t node_sweep(cq_queue *queue)
{
    uint64_t touched = node_touched(queue);
    uint32_t found = 0;

    for (uint64_t node = 0; node < touched; ++node) {
        uint64_t state = node_state(queue, node, memory_order_acquire);
        if (ticket_index(state) == NODE_LINKED)
            found += node_recycle(queue, (uint32_t)node, word_sequence(state));
        else if (ticket_index(state) == NODE_FREE) {
            hint_set(queue, node);
            ++found;
        }
    }
    return found;
}

static bool take_if_free(cq_queue *queue, uint64_t node)
{
    uint64_t state = node_state(queue, node, memory_order_relaxed); /* the exchange decides */
    if (ticket_index(state) != NODE_FREE)
        return false;
    /* N1 acquire, pairs with C2; the append reads tail after it (A1). */
    return atomic_compare_exchange_strong_explicit(&queue->states[node], &state,
                                                   ticket_word(word_sequence(state), NODE_TAKEN, queue->owner),
                                                   memory_order_seq_cst, memory_order_relaxed);
}

/* Give one more node memory and take it if nobody is faster. CQ_OK, CQ_FULL, CQ_ENOSPACE, CQ_ESYSTEM, RESULT_RETRY. */
static int grow(cq_queue *queue, uint64_t touched)
{
    if (touched == queue->geometry.node_count)
        return CQ_FULL;
    int result = region_allocate_node(region_descriptor(queue), &queue->geometry, touched);
    if (result != CQ_OK) /* the memory that is not there is the file's, not this process's */
        return result == CQ_ENOSPACE || result == CQ_ENOMEM ? CQ_ENOSPACE : CQ_ESYSTEM;
    /* G1 release, pairs with node_touched: the memory is there. Failure: somebody else did the same. */
    uint64_t expected = touched;
    bool raised = atomic_compare_exchange_strong_explicit(&queue->header->touched, &expected, touched + 1,
                                                          memory_order_acq_rel, memory_order_relaxed);
    return raised && take_if_free(queue, touched) ? CQ_OK : RESULT_RETRY;
}

/* Do most of the touched nodes neither lie in the list nor count as free? Then hints went astray, or many nodes are
   behind head: look before touching another. */
static bool many_astray(cq_queue *queue, uint64_t touched)
{
    uint64_t head = word_sequence(atomic_load_explicit(&queue->header->head, memory_order_acquire));
    uint64_t tail = word_sequence(atomic_load_explicit(&queue->header->tail, memory_order_acquire));
    uint64_t listed = sequence_distance(tail, head) + 1;
    return touched > listed && touched - listed > touched / 2;
}

/* Take a free node, the lowest that is known. CQ_OK, CQ_FULL (there is none), CQ_ENOSPACE, CQ_ESYSTEM. */
int node_take(cq_queue *queue, uint32_t *node)
{
    bool swept = false;

    for (uint32_t attempt = 0; attempt < RETRY_LIMIT; ++attempt) {
        uint64_t touched = node_touched(queue);
        uint64_t lowest = hint_lowest(queue, touched);
        if (lowest < touched) {
            bool taken = take_if_free(queue, lowest);
            hint_clear(queue, lowest);
            if (ticket_index(node_state(queue, lowest, memory_order_acquire)) == NODE_FREE)
                hint_set(queue, lowest); /* freed between the two: the bit just cleared was the new one */
            if (taken) {
                *node = (uint32_t)lowest;
                return CQ_OK;
            }
            continue;
        }
        if (!swept && (touched == queue->geometry.node_count || many_astray(queue, touched))) {
            swept = true;
            if (node_sweep(queue) > 0)
                continue;
        }
        int result = grow(queue, touched);
        if (result == CQ_OK)
            *node = (uint32_t)touched;
        else if (result < 0 && !swept) {
            swept = true;
            if (node_sweep(queue) > 0)
                continue;
        }
        if (result != RESULT_RETRY)
            return result;
    }
    return CQ_ECORRUPT;
}
