/*
 * view.h - a second mapping of a queue's region, for the ByteBuffers that Java code sees of messages in place.
 *
 * Java code may keep a ByteBuffer for ever, and what it leads to must be memory for ever, or the virtual machine
 * crashes. But cq_close unmaps the region at once. So buffers lead to this view: before cq_close, fresh private memory
 * takes its place (all zero, what is written stays there), and its addresses are let go when no buffer of it is
 * reachable any more (Views.java). While the view leads to the region it keeps the handle's participant alive, as the
 * region's mapping does: never leave it standing beyond cq_close.
 */
#ifndef CQUEUE_JAVA_VIEW_H
#define CQUEUE_JAVA_VIEW_H

#include <jni.h>

#include "cqueue.h"

/*
 * Map the whole region again in which `data`, of a message that is held, lies. bounds: [0] and [1] receive where the
 * region begins, and its bytes; [2] where the view begins. CQ_OK, CQ_ENOMEM, CQ_ESYSTEM.
 */
int view_open(JNIEnv *jenv, void *data, jlongArray bounds);

/* Cut the view off from the region. CQ_OK, CQ_ENOMEM (it is unchanged). */
int view_detach(void *view, size_t size);

/* Let its addresses go. */
void view_free(void *view, size_t size);

/* A direct buffer on memory. */
jobject view_buffer(JNIEnv *jenv, void *data, size_t size);

/* Where a direct buffer leads: its index 0. */
void *view_address(JNIEnv *jenv, jobject buffer);

#endif
