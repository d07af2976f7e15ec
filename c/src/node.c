/*
 * node.c - nodes: taking free ones, putting back, recycling, growing; settling those in use.
 *
 * It owns node.state, the only truth about a node: FREE -> TAKEN(owner) -> LINKED [-> SETTLED] -> FREE; and without
 * memory FREE -> BARE(owner) -> BARE -> BARE(owner) -> TAKEN(owner). A free one is found by hint.h, which may be wrong
 * for a while either way, and which node_sweep puts right. It must not know what a message is, nor how a node gets
 * memory: it says which needs some.
 */
#include "node.h"

#include "hint.h"
#include "pin.h"
#include "wake.h"

/* How much one call looks through for free nodes, in slots. */
#define LOOK_BEFORE_GROWING 2048u
#define LOOK_BEFORE_REFUSING 8192u
#define REFUSALS 64u /* with nothing changed, until all is looked through again */

static uint64_t node_state(const cq_queue *queue, uint64_t node, memory_order order)
{
    return atomic_load_explicit(&queue->states[node], order);
}

/* With memory, or without. */
static bool is_free(uint64_t state)
{
    return ticket_index(state) == NODE_FREE || (ticket_index(state) == NODE_BARE && word_owner(state) == 0);
}

/* Nodes that have memory: bounded, whatever the region says. */
uint64_t node_touched(const cq_queue *queue)
{
    /* node_touched:A, pairs with grow:A: the nodes below have memory. */
    uint64_t touched = atomic_load_explicit(&queue->header->touched, memory_order_acquire);
    return touched < queue->geometry.node_count ? touched : queue->geometry.node_count;
}

/* Is a free node with memory known? A hint. */
bool node_is_at_hand(const cq_queue *queue)
{
    uint64_t touched = node_touched(queue), lowest = hint_lowest(queue, touched);
    return lowest < touched && ticket_index(node_state(queue, lowest, memory_order_relaxed)) == NODE_FREE;
}

/* Is the life `sequence` of a node behind head? Read tail, then head, *after* whatever made sure that the node was in
   the list once: then sequence <= tail, and a distance behind tail says it, wrapped or not. */
static bool node_behind_head(cq_queue *queue, uint64_t sequence)
{
    /* recycle:B, pairs with help_tail:D and swing_head:A. */
    uint64_t tail = word_sequence(atomic_load_explicit(&queue->header->tail, memory_order_acquire));
    uint64_t head = word_sequence(atomic_load_explicit(&queue->header->head, memory_order_acquire));
    return sequence_distance(tail, sequence) > sequence_distance(tail, head);
}

/* TAKEN or listed (`expected`) -> FREE, BARE(owner) -> BARE, if it is that still. */
bool node_free(cq_queue *queue, uint32_t node, uint64_t expected)
{
    uint32_t phase = ticket_index(expected) == NODE_BARE ? NODE_BARE : NODE_FREE;
    /* node_free:A release, pairs with node_take:A: the next life comes after all readers and writers of this one. */
    if (!atomic_compare_exchange_strong_explicit(&queue->states[node], &expected,
                                                 ticket_word(word_sequence(expected), phase, 0), memory_order_seq_cst,
                                                 memory_order_relaxed))
        return false;
    hint_set(queue, node);
    wake_side(queue, SIDE_PRODUCERS, 1);
    return true;
}

/* Free the node if it is listed in the life `sequence`, behind head, and all its slots are DONE. True if it was. Adds
   to *looked how many slots it took to know. */
static bool recycle(cq_queue *queue, uint32_t node, uint64_t sequence, uint32_t *looked)
{
    uint32_t slots = queue->geometry.slots_per_node;
    struct layout_node *at = node_at(queue, node);
    uint64_t done = slot_word(sequence, 0, SLOT_DONE, 0);

    /* The node is pinned. Again if another process calls it SETTLED meanwhile, which happens once in a life. */
    for (int attempt = 0; attempt < 2; ++attempt) {
        /* node_state:A, pairs with help_tail:C and settle:B. */
        uint64_t state = node_state(queue, node, memory_order_acquire);
        if (word_sequence(state) != sequence || !node_is_listed(state))
            return false;
        /* Relaxed, both: most that stay do so for the same slot as last time, and whatever the hint is, a slot that is
           not DONE will do. */
        uint32_t pinned = atomic_load_explicit(&at->pinned, memory_order_relaxed);
        ++*looked;
        if (pinned < slots && atomic_load_explicit(&slot_at(queue, at, pinned)->state, memory_order_relaxed) != done)
            return false;
        for (uint32_t i = slots; i-- > 0; ++*looked) /* the last slots are the last to be done */
            /* recycle:A, pairs with finish:A: its reader and its late writer are done. */
            if (atomic_load_explicit(&slot_at(queue, at, i)->state, memory_order_acquire) != done) {
                atomic_store_explicit(&at->pinned, i, memory_order_relaxed);
                return false;
            }
        if (!node_behind_head(queue, sequence))
            return false;
        if (node_free(queue, node, state))
            return true;
    }
    return false;
}

/* For a caller that keeps the node's memory. */
bool node_recycle_kept(cq_queue *queue, uint32_t node, uint64_t sequence)
{
    uint32_t looked = 0;
    return recycle(queue, node, sequence, &looked);
}

bool node_recycle(cq_queue *queue, uint32_t node, uint64_t sequence)
{
    struct seat *seat = pin_node(queue, SIDE_CONSUMERS, node);
    bool freed = node_recycle_kept(queue, node, sequence);

    pin_end(queue, seat);
    return freed;
}

/*
 * LINKED -> SETTLED if each slot is FULL or a hole that names nobody. Such a slot names no producer for the rest of
 * this life, so it does not matter how old the picture is. Consumers change slots only once head is here, and then
 * nobody relies on SETTLED any more. True if it is SETTLED now.
 */
bool node_settle(cq_queue *queue, uint32_t node, uint64_t state)
{
    uint64_t sequence = word_sequence(state);
    uint32_t holes = 0;

    if (ticket_index(state) != NODE_LINKED)
        return ticket_index(state) == NODE_SETTLED;
    for (uint32_t i = queue->geometry.slots_per_node; i-- > 0;) { /* the last slots are the last to be touched */
        uint64_t word = slot_load(queue, node_at(queue, node), i); /* settle:A, pairs with publish:B and finish:A */
        if (word != slot_word(sequence, 0, SLOT_DONE, 0) && !is_full(word, sequence))
            return false;
        holes += !is_full(word, sequence);
    }
    /* settle:B release, pairs with node_state:A: what was seen comes before. Failure: another process was faster. */
    return atomic_compare_exchange_strong_explicit(&queue->states[node], &state,
                                                   ticket_word(sequence, NODE_SETTLED, holes), memory_order_acq_rel,
                                                   memory_order_relaxed);
}

/* ---- finding a free node ----------------------------------------------------------------------------- */

/*
 * Recycle what can be, and make the bitmap right: from *node on, until the budget (in slots) is used up. *node is the
 * one to go on with, 0 after the last. Returns how many free nodes were found.
 */
uint32_t node_sweep(cq_queue *queue, uint64_t *node, uint64_t budget)
{
    uint64_t touched = node_touched(queue), cost = 0;
    /* end_read:A, pairs with swing_head:A. */
    uint64_t head = atomic_load_explicit(&queue->header->head, memory_order_acquire);
    uint32_t found = 0;

    for (; *node < touched; ++*node) {
        /* node_state:A, pairs with help_tail:C and node_free:A. */
        uint64_t state = node_state(queue, *node, memory_order_acquire);
        if (cost / COST_OF_SLOT >= budget)
            return found;
        cost += COST_OF_STATE;
        if (node_is_listed(state) && word_sequence(state) != word_sequence(head) &&
            !is_since(word_sequence(state), head)) {
            uint32_t looked = 0;
            pin_all(queue);
            found += recycle(queue, (uint32_t)*node, word_sequence(state), &looked);
            pin_none(queue);
            cost += COST_OF_NODE + (uint64_t)COST_OF_SLOT * looked;
        } else if (is_free(state)) {
            hint_set(queue, *node);
            ++found;
        }
    }
    *node = 0;
    return found;
}

/* A new life has no holes. Relaxed: append:C comes before any that it will have. A late mark costs a look. */
static void clear_holes(cq_queue *queue, uint64_t node)
{
    if (atomic_load_explicit(&queue->marks[node / MARK_NODES], memory_order_relaxed) & mark_bit(node, MARK_HOLES))
        atomic_fetch_and_explicit(&queue->marks[node / MARK_NODES], ~mark_bit(node, MARK_HOLES), memory_order_relaxed);
}

/* CQ_OK: it is TAKEN. RESULT_MEMORY: it is BARE(owner), and growth says so. RESULT_RETRY: it was not free. */
static int take_if_free(cq_queue *queue, uint64_t node, struct growth *growth)
{
    uint64_t state = node_state(queue, node, memory_order_relaxed); /* the exchange decides */
    if (!is_free(state))
        return RESULT_RETRY;
    bool bare = ticket_index(state) == NODE_BARE;
    /* node_take:A acquire, pairs with node_free:A. append:B comes after it. */
    if (!atomic_compare_exchange_strong_explicit(
            &queue->states[node], &state,
            ticket_word(word_sequence(state), bare ? NODE_BARE : NODE_TAKEN, queue->owner), memory_order_seq_cst,
            memory_order_relaxed))
        return RESULT_RETRY;
    if (bare) {
        growth->node = node;
        growth->bare = true;
        return RESULT_MEMORY;
    }
    clear_holes(queue, node);
    return CQ_OK;
}

/* What the lack of memory is called by a call: that which is not there is the file's, not this process's. */
static int result_of_growth(int result)
{
    if (result == CQ_OK || result == CQ_FULL)
        return result;
    return result == CQ_ENOSPACE || result == CQ_ENOMEM ? CQ_ENOSPACE : CQ_ESYSTEM;
}

/* The word of a node that this handle has taken as it was without memory. Relaxed: it is this call's. */
static uint64_t bare_word(const cq_queue *queue, uint64_t node)
{
    return ticket_word(word_sequence(node_state(queue, node, memory_order_relaxed)), NODE_BARE, queue->owner);
}

/* The caller has given the bare node memory: BARE(owner) -> TAKEN(owner). Or it could not: put it back. */
static int clothe(cq_queue *queue, struct growth *growth)
{
    uint64_t node = growth->node, bare = bare_word(queue, node);
    int result = result_of_growth(growth->result);

    if (result != CQ_OK) {
        node_drop(queue, growth);
        return result;
    }
    growth->node = NO_NODE;
    growth->bare = false;
    clear_holes(queue, node);
    atomic_fetch_add_explicit(&queue->header->regrets, 1, memory_order_relaxed); /* a hint */
    /* clothe:A release, pairs with help_tail:A: TAKEN says that there is memory. Only this call changes it. */
    return atomic_compare_exchange_strong_explicit(&queue->states[node], &bare,
                                                   ticket_word(word_sequence(bare), NODE_TAKEN, queue->owner),
                                                   memory_order_acq_rel, memory_order_relaxed)
               ? CQ_OK
               : CQ_ECORRUPT;
}

/* The owner's word -> a free one. Only the owner changes it. */
static void put_back(cq_queue *queue, uint64_t node, uint64_t mine, uint64_t after)
{
    /* node_free:A release, pairs with node_take:A. */
    if (atomic_compare_exchange_strong_explicit(&queue->states[node], &mine, after, memory_order_seq_cst,
                                                memory_order_relaxed))
        hint_set(queue, node);
}

/* Put a node back that was TAKEN by this handle: nobody is to be woken. */
void node_untake(cq_queue *queue, uint32_t node)
{
    uint64_t sequence = word_sequence(node_state(queue, node, memory_order_relaxed)); /* it is this call's */
    put_back(queue, node, ticket_word(sequence, NODE_TAKEN, queue->owner),
             ticket_word(sequence, NODE_FREE, 0));
}

/* Put back what was taken without memory, whether or not it was given some. */
void node_drop(cq_queue *queue, struct growth *growth)
{
    if (growth->bare)
        node_free(queue, (uint32_t)growth->node, bare_word(queue, growth->node));
    growth->bare = false;
    growth->node = NO_NODE;
}

/* Take one more node, which the caller has given memory, unless another process is faster. CQ_OK, CQ_FULL,
   CQ_ENOSPACE, CQ_ESYSTEM, RESULT_RETRY; RESULT_MEMORY: growth->node needs some first. */
static int grow(cq_queue *queue, uint64_t touched, struct growth *growth)
{
    if (touched == queue->geometry.node_count)
        return CQ_FULL;
    if (growth->node != touched) {
        growth->node = touched;
        return RESULT_MEMORY;
    }
    growth->node = NO_NODE;
    if (growth->result != CQ_OK)
        return result_of_growth(growth->result);
    /* grow:A release, pairs with node_touched:A: the memory is there. Failure: another process did the same. */
    uint64_t expected = touched;
    bool raised = atomic_compare_exchange_strong_explicit(&queue->header->touched, &expected, touched + 1,
                                                          memory_order_acq_rel, memory_order_relaxed);
    return raised ? take_if_free(queue, touched, growth) : RESULT_RETRY;
}

/* Do most of the touched nodes neither lie in the list nor count as free? Then hints went astray, or many nodes are
   behind head: look before touching another. */
static bool many_astray(cq_queue *queue, uint64_t touched)
{
    /* end_read:A, pairs with swing_head:A and help_tail:D. A guess, which may be off. */
    uint64_t head = word_sequence(atomic_load_explicit(&queue->header->head, memory_order_acquire));
    uint64_t tail = word_sequence(atomic_load_explicit(&queue->header->tail, memory_order_acquire));
    uint64_t listed = sequence_distance(tail, head) + 1;
    return touched > listed && touched - listed > touched / 2;
}

/* Look through some nodes for free ones, going on where this handle was last. Its fields are hints: relaxed. */
static uint32_t look_on(cq_queue *queue, uint64_t budget, bool *round)
{
    uint64_t next = atomic_load_explicit(&queue->swept_next, memory_order_relaxed);
    uint32_t found = node_sweep(queue, &next, budget);

    atomic_store_explicit(&queue->swept_next, next, memory_order_relaxed);
    *round = next == 0;
    return found;
}

/* Is there a free node after all, before another gets memory? Once a round was in vain, not until half as many more are
   touched: nodes that are held cost a little for each that is added, and nothing for a message. */
static bool free_before_growing(cq_queue *queue, uint64_t touched)
{
    bool round;

    if (touched < atomic_load_explicit(&queue->swept_enough, memory_order_relaxed) || !many_astray(queue, touched))
        return false;
    bool found = look_on(queue, LOOK_BEFORE_GROWING, &round) > 0;
    if (round && !found)
        atomic_store_explicit(&queue->swept_enough, touched + touched / 2 + 1, memory_order_relaxed);
    return found;
}

/*
 * The same before a refusal: all of them, as long as that does not take too long. A node is missed both by its last
 * reader and by the process that swings head away from it only if one of them was stopped or killed on the way:
 * while head stays, looking once is enough but for these, and they are looked for again now and then.
 */
static bool free_before_refusing(cq_queue *queue)
{
    uint64_t head = atomic_load_explicit(&queue->header->head, memory_order_relaxed);
    bool round, begun = atomic_load_explicit(&queue->swept_next, memory_order_relaxed) == 0;

    if (head == atomic_load_explicit(&queue->swept_head, memory_order_relaxed) &&
        atomic_fetch_add_explicit(&queue->refusals, 1, memory_order_relaxed) % REFUSALS != REFUSALS - 1)
        return false;
    bool found = look_on(queue, LOOK_BEFORE_REFUSING, &round) > 0;
    if (!found && round && !begun)
        found = look_on(queue, LOOK_BEFORE_REFUSING, &round) > 0;
    if (!found && round)
        atomic_store_explicit(&queue->swept_head, head, memory_order_relaxed);
    return found;
}

/* Take a free node, the lowest that is known. CQ_OK, CQ_FULL (there is none), CQ_ENOSPACE, CQ_ESYSTEM;
   RESULT_MEMORY: give growth->node memory, say in growth->result what came of it, and ask again. */
int node_take(cq_queue *queue, struct growth *growth, uint32_t *node)
{
    bool looked = false, refusing = false;

    for (uint32_t attempt = 0; attempt < RETRY_LIMIT; ++attempt) {
        uint64_t touched = node_touched(queue);
        uint64_t lowest = growth->bare ? growth->node : hint_lowest(queue, touched);
        if (!growth->bare && lowest < touched) {
            int taken = take_if_free(queue, lowest, growth);
            hint_clear(queue, lowest);
            /* node_state:A, pairs with node_free:A. */
            if (is_free(node_state(queue, lowest, memory_order_acquire)))
                hint_set(queue, lowest); /* freed between the two: the bit just cleared was the new one */
            if (taken == CQ_OK)
                *node = (uint32_t)lowest;
            if (taken != RESULT_RETRY)
                return taken;
            continue;
        }
        if (!growth->bare && !looked && touched < queue->geometry.node_count && growth->node != touched) {
            looked = true;
            if (free_before_growing(queue, touched))
                continue;
        }
        *node = (uint32_t)lowest; /* the bare one, or the one at `touched` */
        int result = growth->bare ? clothe(queue, growth) : grow(queue, touched, growth);
        if (result != CQ_OK && result != RESULT_RETRY && result != RESULT_MEMORY && !refusing && !growth->refused) {
            refusing = growth->refused = true;
            if (free_before_refusing(queue))
                continue;
        }
        if (result != RESULT_RETRY)
            return result;
    }
    return CQ_ECORRUPT;
}

/* ---- giving memory back ------------------------------------------------------------------------------ */

/* Take a free node to give its memory back, with or without. *before: the word for node_put_back. */
bool node_strip(cq_queue *queue, uint64_t node, uint64_t *before)
{
    *before = node_state(queue, node, memory_order_relaxed); /* the exchange decides */
    uint64_t expected = *before;
    /* node_take:A acquire, pairs with node_free:A: all that the last life's readers and writers did came before; and so
       did the names of those that may come back to it. */
    return is_free(*before) &&
           atomic_compare_exchange_strong_explicit(&queue->states[node], &expected,
                                                   ticket_word(word_sequence(*before), NODE_BARE, queue->owner),
                                                   memory_order_seq_cst, memory_order_relaxed);
}

/* It is free again: without memory if it has lost some, else as it was. */
void node_put_back(cq_queue *queue, uint64_t node, uint64_t before, bool bare)
{
    put_back(queue, node, ticket_word(word_sequence(before), NODE_BARE, queue->owner),
             bare ? ticket_word(word_sequence(before), NODE_BARE, 0) : before);
}
