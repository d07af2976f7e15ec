/*
 * front.c - what stands where the list begins: a message, a claim that is in the way, or nothing.
 *
 * It owns no state. Looking for messages, it does not read the producers' ticket: by PREFIX (queue.c) the slots
 * themselves say where the messages end, and the line that producers fight over stays with them. Only front_blocker
 * reads it, for the owner of a claim in the way. It must not know what is done about such a claim (dequeue.c).
 */
#include "front.h"

#include "queue.h"

/* More unpublished claims in a row than this are given up as if a message were behind them: the search is to end. */
#define LONGEST_ROW 4096u

/* All slots of the first node are claimed: go to the next. As front_find. */
int front_pass_node(cq_queue *queue, const struct end *head)
{
    uint64_t next = atomic_load_explicit(&head->node->next, memory_order_seq_cst); /* front:A, pairs with append:C */

    /* end_read:C, after front:A: `next` was read in this life of the node. */
    if (atomic_load_explicit(&queue->header->head, memory_order_seq_cst) != head->link)
        return RESULT_RETRY;
    if (word_sequence(next) != word_sequence(head->link))
        return CQ_ECORRUPT;
    return link_node(next) == NODE_NIL ? CQ_EMPTY : queue_swing_head(queue, head->link, next);
}

/* Is a message FULL behind the WRITING slot at `from`, and where? Touched slots are a prefix: the first untouched
   one ends the search. CQ_OK: yes. CQ_EMPTY: no, none was when the search began (if deq is still the same).
   RESULT_VOIDED: up to there is none, but the row is too long. */
int front_find_later(cq_queue *queue, struct layout_node *node, uint64_t from, uint64_t *later)
{
    uint64_t sequence = word_sequence(from);
    uint32_t index = ticket_index(from) + 1, row = 0;

    for (uint64_t steps = 0; steps <= queue->geometry.node_count; ++steps) {
        for (; index < queue->geometry.slots_per_node; ++index) {
            uint64_t word = slot_load(queue, node, index);
            if (word_sequence(word) != sequence)
                return CQ_EMPTY;
            if (slot_phase(word) == SLOT_FULL || ++row == LONGEST_ROW) {
                *later = ticket_word(sequence, index, 0);
                return slot_phase(word) == SLOT_FULL ? CQ_OK : RESULT_VOIDED;
            }
        }
        uint64_t next = atomic_load_explicit(&node->next, memory_order_seq_cst); /* front:A, pairs with append:C */
        if (word_sequence(next) != sequence)
            return RESULT_RETRY;
        if (link_node(next) == NODE_NIL)
            return CQ_EMPTY;
        if (link_node(next) >= queue->geometry.node_count)
            return CQ_ECORRUPT;
        node = node_at(queue, link_node(next));
        sequence = sequence_next(sequence);
        index = 0;
    }
    return CQ_ECORRUPT;
}

static uint32_t blocker(const cq_queue *queue)
{
    struct end head;

    if (end_read(queue, SIDE_CONSUMERS, memory_order_acquire, NULL, &head) != CQ_OK ||
        ticket_index(head.ticket) == queue->geometry.slots_per_node)
        return 0;
    /* end_read:B, pairs with claim_enq:A. */
    uint64_t enq = atomic_load_explicit(&head.node->enq, memory_order_acquire);
    uint64_t word = slot_load(queue, head.node, ticket_index(head.ticket));
    if (word_sequence(word) == word_sequence(head.ticket))
        return slot_phase(word) == SLOT_WRITING ? word_owner(word) : 0;
    bool claimed = word_sequence(enq) == word_sequence(head.ticket) && ticket_index(enq) > ticket_index(head.ticket);
    return claimed ? word_owner(enq) : 0;
}

/* The owner of the slot at the front, if it is claimed and not yet published; else 0. A hint. */
uint32_t front_blocker(const cq_queue *queue)
{
    pin_all(queue);
    uint32_t owner = blocker(queue);
    pin_none(queue);
    return owner;
}
