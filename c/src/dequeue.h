/* dequeue.h - claiming messages, and what is in their way. */
#ifndef CQ_DEQUEUE_H
#define CQ_DEQUEUE_H

#include "run.h"

int dequeue_claim(cq_queue *queue, size_t want, size_t room, struct run *run, size_t *needed);
uint32_t dequeue_patience(const cq_queue *queue, size_t size);
int dequeue_make_room(cq_queue *queue);

#endif
