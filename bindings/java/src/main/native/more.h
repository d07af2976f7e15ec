/*
 * more.h - what goes along with the bytes of a message: headers, when it was enqueued, the source that it came from.
 *
 * Headers are one array here, as cq_header_add writes them; Headers.java makes a map of it. It must not know who may
 * use a handle and until when.
 */
#ifndef CQUEUE_JAVA_MORE_H
#define CQUEUE_JAVA_MORE_H

#include <jni.h>

#include "cqueue.h"

/* cq_enqueue_message, or cq_enqueue_from if `source` is not NULL; neither waits. */
int more_enqueue(JNIEnv *jenv, cq_queue *queue, jbyteArray message, jbyteArray headers, const char *source,
                 uint64_t number);

/* The headers of a message that is held; NULL: the result is in result[0]. */
jbyteArray more_headers(JNIEnv *jenv, cq_queue *queue, cq_message *message, jintArray result);

/* cq_set_headers. */
int more_set_headers(JNIEnv *jenv, cq_queue *queue, cq_message *message, jbyteArray headers);

/* cq_enqueue_time, into when[0]. */
int more_enqueue_time(JNIEnv *jenv, cq_queue *queue, cq_message *message, jlongArray when);

#endif
