/* heap.c - see heap.h. Offsets and sizes were checked against the arrays by the Java side. */
#include "heap.h"

#include <stdbool.h>
#include <stdlib.h>

enum {
    SLICES = 256, /* of a batch that find room on the stack */
    COPY = 4096   /* bytes of a message that do: copying them costs less than pinning an array does */
};

static outcome outcome_of(int result, size_t number)
{
    return (outcome)((uint64_t)(uint32_t)result << 32 | (uint32_t)number);
}

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

outcome heap_dequeue(JNIEnv *jenv, cq_queue *queue, jbyteArray array, int offset, int room)
{
    signed char few[COPY];
    size_t size = 0;
    int result;

    if (room <= COPY) {
        result = cq_dequeue(queue, few, (size_t)room, &size);
        if (result == CQ_OK)
            (*jenv)->SetByteArrayRegion(jenv, array, offset, (jsize)size, few);
        return outcome_of(result, size);
    }
    signed char *bytes = pin(jenv, array);
    if (!bytes)
        return outcome_of(CQ_ENOMEM, 0);
    result = cq_dequeue(queue, bytes + offset, (size_t)room, &size);
    unpin(jenv, array, bytes, result == CQ_OK);
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
    return NULL;
}

/* Both arrays pinned, and a slice for each message. */
struct batch {
    jbyteArray array;
    jintArray ends_array;
    signed char *bytes;
    jint *ends;
    cq_slice few[SLICES], *slices;
};

static void batch_end(JNIEnv *jenv, struct batch *batch, bool changed)
{
    if (batch->ends)
        unpin(jenv, batch->ends_array, batch->ends, changed);
    if (batch->bytes)
        unpin(jenv, batch->array, batch->bytes, changed);
    if (batch->slices != batch->few)
        free(batch->slices);
}

static bool batch_begin(JNIEnv *jenv, struct batch *batch, jbyteArray array, jintArray ends, int count)
{
    batch->array = array;
    batch->ends_array = ends;
    batch->bytes = NULL;
    batch->ends = NULL;
    batch->slices = count <= SLICES ? batch->few : malloc((size_t)count * sizeof *batch->slices);
    if (batch->slices)
        batch->bytes = pin(jenv, array);
    if (batch->bytes)
        batch->ends = pin(jenv, ends);
    if (batch->ends)
        return true;
    batch_end(jenv, batch, false);
    return false;
}

outcome heap_enqueue_batch(JNIEnv *jenv, cq_queue *queue, jbyteArray array, jintArray ends, int first, int count)
{
    struct batch batch;
    size_t done = 0;

    jint length = (*jenv)->GetArrayLength(jenv, array);
    if (!batch_begin(jenv, &batch, array, ends, count))
        return outcome_of(CQ_ENOMEM, 0);
    int result = CQ_OK;
    jint begin = first > 0 ? batch.ends[first - 1] : 0;
    for (int i = 0; i < count; ++i) {
        jint end = batch.ends[first + i];
        if (begin < 0 || end < begin || end > length) {
            result = CQ_EINVAL; /* another thread is changing the batch */
            break;
        }
        batch.slices[i] = (cq_slice){batch.bytes + begin, (size_t)(end - begin)};
        begin = end;
    }
    if (result == CQ_OK)
        result = cq_enqueue_batch(queue, batch.slices, (size_t)count, &done);
    batch_end(jenv, &batch, false);
    return outcome_of(result, done);
}

outcome heap_dequeue_batch(JNIEnv *jenv, cq_queue *queue, jbyteArray array, jintArray ends, int count)
{
    struct batch batch;
    size_t done = 0, room = (size_t)(*jenv)->GetArrayLength(jenv, array);
    jint end = 0;

    if (!batch_begin(jenv, &batch, array, ends, count))
        return outcome_of(CQ_ENOMEM, 0);
    int result = cq_dequeue_batch(queue, batch.bytes, room, batch.slices, (size_t)count, &done);
    for (size_t i = 0; i < done; ++i)
        batch.ends[i] = end += (jint)batch.slices[i].size;
    if (result == CQ_ETOOSMALL)
        done = batch.slices[0].size;
    batch_end(jenv, &batch, result != CQ_ETOOSMALL);
    return outcome_of(result, done);
}
