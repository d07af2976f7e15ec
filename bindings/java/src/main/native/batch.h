/*
 * batch.h - the messages of a Java batch in and out of a queue.
 *
 * It owns the layout of a batch's memory, as Batch.java has it too: where each message ends, `most` ints, and behind
 * these `room` bytes of messages, one behind the other, the first at 0.
 */
#ifndef CQUEUE_JAVA_BATCH_H
#define CQUEUE_JAVA_BATCH_H

#include "cqueue.h"
#include "outcome.h"

/* cq_enqueue_batch of `count` messages from message `first` on. */
outcome batch_enqueue(cq_queue *queue, void *memory, int most, int room, int first, int count);

/* cq_dequeue_batch of as many as there is room for. */
outcome batch_dequeue(cq_queue *queue, void *memory, int most, int room);

#endif
