/* heap.c - see heap.h. Offsets and sizes were checked against the arrays by the Java side. */
#include "heap.h"

#include <stdbool.h>

enum { COPY = 4096 }; /* bytes of a message that find room on the stack: copying them costs less than pinning an array */

static void *pin(JNIEnv *jenv, jarray array) { return (*jenv)->GetPrimitiveArrayCritical(jenv, array, NULL); }

static void unpin(JNIEnv *jenv, jarray array, const void *bytes, bool changed)
{
    (*jenv)->ReleasePrimitiveArrayCritical(jenv, array, (void *)(uintptr_t)bytes, changed ? 0 : JNI_ABORT);
}

int heap_enqueue(JNIEnv *jenv, cq_queue *queue, jbyteArray array, int offset, int size)
{
    signed char few[COPY];

    if (size <= COPY) {
        (*jenv)->GetByteArrayRegion(jenv, array, offset, size, few);
        return cq_enqueue(queue, few, (size_t)size);
    }
    const signed char *bytes = pin(jenv, array);
    if (!bytes)
        return CQ_ENOMEM;
    int result = cq_enqueue(queue, bytes + offset, (size_t)size);
    unpin(jenv, array, bytes, false);
    return result;
}

/* The message was removed, and on a disk that failed it may be nowhere but in our copy. */
static bool is_received(int result) { return result == CQ_OK || result == CQ_EIO; }

outcome heap_dequeue(JNIEnv *jenv, cq_queue *queue, jbyteArray array, int offset, int room)
{
    signed char few[COPY];
    size_t size = 0;
    int result;

    if (room <= COPY) {
        result = cq_dequeue(queue, few, (size_t)room, &size);
        if (is_received(result))
            (*jenv)->SetByteArrayRegion(jenv, array, offset, (jsize)size, few);
        return outcome_of(result, size);
    }
    signed char *bytes = pin(jenv, array);
    if (!bytes)
        return outcome_of(CQ_ENOMEM, 0);
    result = cq_dequeue(queue, bytes + offset, (size_t)room, &size);
    unpin(jenv, array, bytes, is_received(result));
    return outcome_of(result, size);
}

outcome direct_dequeue(cq_queue *queue, void *memory, int room)
{
    size_t size = 0;
    int result = cq_dequeue(queue, memory, (size_t)room, &size);

    return outcome_of(result, size);
}

jbyteArray heap_receive(JNIEnv *jenv, cq_queue *queue, jbyteArray guess, int guessed, jintArray result)
{
    /* In place first, because only then the size is known. Without memory for it, the message is given back. */
    cq_message message = {.struct_size = sizeof message};
    jbyteArray array = NULL;
    jint status = cq_take(queue, &message);

    if (status == CQ_OK) {
        jsize size = (jsize)message.size;
        array = size == guessed ? guess : (*jenv)->NewByteArray(jenv, size);
        if (!array) {
            cq_return(queue, &message);
            return NULL;
        }
        (*jenv)->SetByteArrayRegion(jenv, array, 0, size, message.data);
        status = cq_release(queue, &message);
        if (status == CQ_OK)
            return array;
    }
    (*jenv)->SetIntArrayRegion(jenv, result, 0, 1, &status);
    return status == CQ_EIO ? array : NULL; /* it is gone, as far as the disk lets it */
}
