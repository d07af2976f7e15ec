/* queue.h - the list, recording, holes. */
#ifndef CQ_QUEUE_H
#define CQ_QUEUE_H

#include "ends.h"
#include "node.h"

void queue_record_enq(cq_queue *queue, struct layout_node *node, uint64_t ticket);
void queue_record_deq(cq_queue *queue, struct layout_node *node, uint64_t ticket);
int queue_append(cq_queue *queue, const struct end *tail, struct growth *growth);
int queue_help_tail(cq_queue *queue, uint64_t tail, uint64_t next);
int queue_swing_head(cq_queue *queue, uint64_t head, uint64_t next);
void queue_skip_holes(cq_queue *queue, struct layout_node *node, uint64_t deq);
void queue_announce_hole(cq_queue *queue, uint32_t number, uint64_t sequence, uint32_t index);
uint64_t queue_count_holes(cq_queue *queue, const struct end *head);

#endif
