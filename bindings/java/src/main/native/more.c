/* more.c - see more.h. Arrays are copied: what is put may wait for the disk, and a pinned array must not. */
#include "more.h"

#include <stdbool.h>
#include <stdlib.h>

/* Of an array, or of NULL. False: there is no memory. */
static bool copy(JNIEnv *jenv, jbyteArray array, cq_slice *bytes)
{
    bytes->size = array ? (size_t)(*jenv)->GetArrayLength(jenv, array) : 0;
    bytes->data = bytes->size ? malloc(bytes->size) : NULL;
    if (bytes->data)
        (*jenv)->GetByteArrayRegion(jenv, array, 0, (jsize)bytes->size, bytes->data);
    return bytes->data || !bytes->size;
}

int more_enqueue(JNIEnv *jenv, cq_queue *queue, jbyteArray message, jbyteArray headers, const char *source,
                 uint64_t number)
{
    cq_slice bytes, more = {0};
    int result = CQ_ENOMEM;

    if (copy(jenv, message, &bytes) && copy(jenv, headers, &more)) {
        cq_outgoing out = {.struct_size = sizeof out,
                           .data = bytes.data,
                           .size = bytes.size,
                           .headers = more.data,
                           .headers_size = more.size};
        result = source ? cq_enqueue_from(queue, &out, source, number) : cq_enqueue_message(queue, &out, 0);
    }
    free(more.data);
    free(bytes.data);
    return result;
}

jbyteArray more_headers(JNIEnv *jenv, cq_queue *queue, cq_message *message, jintArray result)
{
    cq_slice headers = {0};
    jint status = cq_headers(queue, message, &headers);

    if (status != CQ_OK) {
        (*jenv)->SetIntArrayRegion(jenv, result, 0, 1, &status);
        return NULL;
    }
    jbyteArray array = (*jenv)->NewByteArray(jenv, (jsize)headers.size);
    if (array && headers.size)
        (*jenv)->SetByteArrayRegion(jenv, array, 0, (jsize)headers.size, headers.data);
    return array;
}

int more_set_headers(JNIEnv *jenv, cq_queue *queue, cq_message *message, jbyteArray headers)
{
    cq_slice more;
    int result = copy(jenv, headers, &more) ? cq_set_headers(queue, message, more.data, more.size) : CQ_ENOMEM;

    free(more.data);
    return result;
}

int more_enqueue_time(JNIEnv *jenv, cq_queue *queue, cq_message *message, jlongArray when)
{
    int64_t time = 0;
    int result = cq_enqueue_time(queue, message, &time);
    jlong value = time;

    (*jenv)->SetLongArrayRegion(jenv, when, 0, 1, &value);
    return result;
}
