/* enqueue.h - claiming slots to write into, publishing them, giving them up. */
#ifndef CQ_ENQUEUE_H
#define CQ_ENQUEUE_H

#include "run.h"

int enqueue_claim(cq_queue *queue, size_t want, size_t size, bool insist, struct run *run);
int enqueue_publish(cq_queue *queue, const struct run *run, uint32_t index, const void *data, size_t size);
uint32_t enqueue_fill(cq_queue *queue, const struct run *run, const void *data, size_t size);
void enqueue_abandon(cq_queue *queue, const struct run *run, uint32_t from);
int enqueue_messages(cq_queue *queue, const cq_slice *messages, size_t count, size_t *done);

#endif
