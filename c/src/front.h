/* front.h - what stands where the list begins. */
#ifndef CQ_FRONT_H
#define CQ_FRONT_H

#include "ends.h"

struct front {
    uint64_t head, deq, word; /* word: of the slot at deq */
    struct layout_node *node;
};

int front_pass_node(cq_queue *queue, const struct end *head);
int front_find_later(cq_queue *queue, struct layout_node *node, uint64_t from, uint64_t *later);
uint32_t front_blocker(const cq_queue *queue);

/* CQ_OK: there is a slot at the front. CQ_EMPTY: all of the last node is claimed. RESULT_RETRY, RESULT_LOOK: it is
   moving. `seat` as for end_read. */
ALWAYS_INLINE int front_find(cq_queue *queue, struct seat *seat, struct front *front)
{
    struct end head;
    int result = end_read(queue, SIDE_CONSUMERS, memory_order_acquire, seat, &head);

    if (unlikely(result != CQ_OK))
        return result;
    *front = (struct front){head.link, head.ticket, 0, head.node};
    if (unlikely(ticket_index(head.ticket) == queue->geometry.slots_per_node))
        return front_pass_node(queue, &head);
    front->word = slot_load(queue, head.node, ticket_index(head.ticket));
    return CQ_OK;
}

#endif
