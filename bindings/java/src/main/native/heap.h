/*
 * heap.h - Java's byte arrays in and out of a queue.
 *
 * It owns how an array's bytes are reached: through a copy if they are few, else pinned. Nothing here
 * waits, because a pinned array may stop the garbage collector. It must not know who may use a handle and until when:
 * Handle.java does.
 */
#ifndef CQUEUE_JAVA_HEAP_H
#define CQUEUE_JAVA_HEAP_H

#include <jni.h>

#include "cqueue.h"
#include "outcome.h"

/* cq_enqueue of array[offset, offset + size). A plain result. */
int heap_enqueue(JNIEnv *jenv, cq_queue *queue, jbyteArray array, int offset, int size);

/* cq_dequeue into array[offset, offset + room). */
outcome heap_dequeue(JNIEnv *jenv, cq_queue *queue, jbyteArray array, int offset, int room);

/* The same to memory outside of the heap. */
outcome direct_dequeue(cq_queue *queue, void *memory, int room);

/* heap_dequeue into an array of the message's size: `guess` if it has that, else a new one. NULL: the result is in
   result[0], or there was no memory. With CQ_EIO there both. */
jbyteArray heap_receive(JNIEnv *jenv, cq_queue *queue, jbyteArray guess, int guessed, jintArray result);

#endif
