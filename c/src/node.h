/* node.h - free nodes, and what is known of the others. */
#ifndef CQ_NODE_H
#define CQ_NODE_H

#include "mark.h"
#include "run.h"

/* Memory for one more node: which it was asked for, and what came of that. An answer is good for one attempt. `bare`:
   the node is the caller's, which puts it back by node_drop if it does not ask again. */
struct growth {
    uint64_t node; /* NO_NODE: none */
    int result;
    bool bare, refused;
};
#define NO_NODE UINT64_MAX
#define NO_GROWTH {NO_NODE, CQ_OK, false, false}

/* Budgets of what goes through many nodes are in slots looked at. A state word counts as an eighth of one, and going to
   a node as four: its lines are far from the last one's. */
enum { COST_OF_STATE = 1, COST_OF_NODE = 32, COST_OF_SLOT = 8 };

uint64_t node_touched(const cq_queue *queue);
bool node_is_at_hand(const cq_queue *queue);
int node_take(cq_queue *queue, struct growth *growth, uint32_t *node);
void node_untake(cq_queue *queue, uint32_t node);
void node_drop(cq_queue *queue, struct growth *growth);
bool node_strip(cq_queue *queue, uint64_t node, uint64_t *before);
void node_put_back(cq_queue *queue, uint64_t node, uint64_t before, bool bare);
bool node_free(cq_queue *queue, uint32_t node, uint64_t expected);
bool node_recycle(cq_queue *queue, uint32_t node, uint64_t sequence);
bool node_recycle_kept(cq_queue *queue, uint32_t node, uint64_t sequence);
uint32_t node_sweep(cq_queue *queue, uint64_t *node, uint64_t budget);
bool node_settle(cq_queue *queue, uint32_t node, uint64_t state);

/* Did the life `sequence` of a node begin after the one that `link` names? By distance on the ring. */
static inline bool is_since(uint64_t sequence, uint64_t link)
{
    return sequence_distance(sequence, word_sequence(link)) - 1 < SEQUENCE_MAX / 2 - 1;
}

/* Is the node that a link names in the list, in the life that it names? For a caller that has pinned all before: then
   it has memory until that ends. */
static inline bool node_lives(const cq_queue *queue, uint64_t link)
{
    /* node_state:A, pairs with help_tail:C, settle:B and node_free:A. */
    uint64_t state = atomic_load_explicit(&queue->states[link_node(link)], memory_order_acquire);
    return node_is_listed(state) && word_sequence(state) == word_sequence(link);
}

#endif
