/*
 * calls.c - the calls that a generated wrapper cannot make by itself: those that wait, and those of many messages.
 *
 * It owns when the GIL is let go: while waiting and for long copies. Not for the rest, which is over sooner than another
 * thread could start: letting it go costs a put or get 230 ns in place of 190, and more if somebody else has it then.
 * Closing is handle.c's; the wrapper that calls these keeps the handle open meanwhile.
 */
#include "native.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The queue's own waits do not end for a signal: the thread that runs Python's handlers looks this often. */
#define SLICE_NS 50000000

/* ---- waiting --------------------------------------------------------------------------------------- */

/* Its arguments apart from the queue and the time are in `context`. */
typedef int wait_call(cq_queue *queue, void *context, int64_t timeout_ns);

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Where Python runs the handlers of signals. */
static unsigned long main_thread;

bool calls_init(void)
{
    PyObject *threading = PyImport_ImportModule("threading");
    PyObject *thread = threading ? PyObject_CallMethod(threading, "main_thread", NULL) : NULL;
    PyObject *ident = thread ? PyObject_GetAttrString(thread, "ident") : NULL;

    main_thread = ident ? PyLong_AsUnsignedLong(ident) : 0;
    Py_XDECREF(ident);
    Py_XDECREF(thread);
    Py_XDECREF(threading);
    return !PyErr_Occurred();
}

void calls_after_fork(void) { main_thread = PyThread_get_thread_ident(); }

static int call_freely(struct handle *patient, wait_call *call, void *context, int64_t timeout_ns)
{
    cq_queue *queue = patient->queue;
    int result;

    Py_BEGIN_ALLOW_THREADS
    result = call(queue, context, timeout_ns);
    Py_END_ALLOW_THREADS
    return result;
}

static int wait_patiently(struct handle *patient, wait_call *call, void *context, bool is_long, int64_t timeout_ns)
{
    int result = is_long ? call_freely(patient, call, context, 0) : call(patient->queue, context, 0);

    if (result != CQ_TIMEOUT || timeout_ns == 0)
        return result;
    int64_t slice = PyThread_get_thread_ident() == main_thread ? SLICE_NS : INT64_MAX;
    int64_t start = now(), deadline = timeout_ns < 0 || timeout_ns > INT64_MAX - start ? INT64_MAX : start + timeout_ns;
    for (int64_t time = start;; time = now()) {
        bool is_last = deadline - time <= slice;
        result = call_freely(patient, call, context, !is_last ? slice : deadline > time ? deadline - time : 0);
        if (result == CQ_TIMEOUT && PyErr_CheckSignals() < 0)
            return RAISED;
        if (patient->closed && (result == CQ_TIMEOUT || result == CQ_CANCELLED)) {
            handle_raise_closed(patient);
            return RAISED;
        }
        if (result != CQ_TIMEOUT || is_last)
            return result;
    }
}

static int call_enqueue(cq_queue *queue, void *context, int64_t timeout_ns)
{
    const cq_slice *message = context;
    return cq_enqueue_wait(queue, message->data, message->size, timeout_ns);
}

int enqueue_patiently(struct handle *patient, const void *data, size_t size, int64_t timeout_ns)
{
    cq_slice message = {(void *)(uintptr_t)data, size};
    return wait_patiently(patient, call_enqueue, &message, size >= NATIVE_LONG_COPY, timeout_ns);
}

struct incoming {
    void *buffer;
    size_t room, *size;
};

static int call_dequeue(cq_queue *queue, void *context, int64_t timeout_ns)
{
    struct incoming *in = context;
    return cq_dequeue_wait(queue, in->buffer, in->room, in->size, timeout_ns);
}

int dequeue_patiently(struct handle *patient, void *buffer, size_t buffer_size, size_t *size, int64_t timeout_ns)
{
    struct incoming in = {buffer, buffer_size, size};
    return wait_patiently(patient, call_dequeue, &in, buffer_size >= NATIVE_LONG_COPY, timeout_ns);
}

static int call_take(cq_queue *queue, void *context, int64_t timeout_ns)
{
    return cq_take_wait(queue, context, timeout_ns);
}

int take_patiently(struct handle *patient, cq_message *message, int64_t timeout_ns)
{
    return wait_patiently(patient, call_take, message, false, timeout_ns);
}

/* Taken in place, because only then its size is known: copied once, and given back when there is no memory for it. */
PyObject *dequeue_bytes(struct handle *patient, int64_t timeout_ns)
{
    cq_message message = {.struct_size = sizeof message};
    int result = take_patiently(patient, &message, timeout_ns);

    if (result != CQ_OK)
        return result == RAISED ? NULL : PyLong_FromLong(result);
    bool is_long = message.size >= NATIVE_LONG_COPY;
    PyObject *bytes = PyBytes_FromStringAndSize(is_long ? NULL : message.data, (Py_ssize_t)message.size);
    if (!bytes) {
        cq_return(patient->queue, &message);
        return NULL;
    }
    if (is_long) {
        void *to = PyBytes_AsString(bytes);
        Py_BEGIN_ALLOW_THREADS
        memcpy(to, message.data, message.size);
        Py_END_ALLOW_THREADS
    }
    result = cq_release(patient->queue, &message);
    if (result != CQ_OK) {
        Py_DECREF(bytes);
        return PyLong_FromLong(result);
    }
    return bytes;
}

/* ---- what bytes-like objects hold ------------------------------------------------------------------ */

bool content_get(struct content *content, PyObject *object)
{
    if (PyBytes_Check(object)) {
        content->data = PyBytes_AsString(object);
        content->size = (size_t)PyBytes_Size(object);
        content->view.obj = NULL;
        return true;
    }
    if (PyObject_GetBuffer(object, &content->view, PyBUF_SIMPLE) < 0)
        return false;
    content->data = content->view.buf;
    content->size = (size_t)content->view.len;
    return true;
}

void content_put(struct content *content)
{
    if (content->view.obj)
        PyBuffer_Release(&content->view);
}

/* ---- batches --------------------------------------------------------------------------------------- */

/* `tuple` keeps the messages, whatever becomes of the iterable that they came from. */
static PyObject *enqueue_tuple(struct handle *handle, PyObject *tuple, struct content *contents, cq_slice *slices)
{
    Py_ssize_t count = PyTuple_Size(tuple), got = 0;
    cq_queue *queue = handle->queue;
    PyObject *answer = NULL;
    size_t total = 0, done = 0;
    int result;

    for (; got < count; ++got) {
        if (!content_get(&contents[got], PyTuple_GetItem(tuple, got)))
            goto out;
        slices[got] = (cq_slice){(void *)(uintptr_t)contents[got].data, contents[got].size};
        total += contents[got].size;
    }
    if (total < NATIVE_LONG_COPY) {
        result = cq_enqueue_batch(queue, slices, (size_t)count, &done);
    } else {
        Py_BEGIN_ALLOW_THREADS
        result = cq_enqueue_batch(queue, slices, (size_t)count, &done);
        Py_END_ALLOW_THREADS
    }
    answer = Py_BuildValue("in", result, (Py_ssize_t)done);
out:
    while (got > 0)
        content_put(&contents[--got]);
    return answer;
}

PyObject *enqueue_batch(struct handle *handle, PyObject *messages)
{
    PyObject *tuple = PySequence_Tuple(messages), *answer = NULL;
    size_t count = tuple ? (size_t)PyTuple_Size(tuple) : 0;

    if (!tuple)
        return NULL;
    struct content *contents = malloc((count + 1) * sizeof *contents);
    cq_slice *slices = malloc((count + 1) * sizeof *slices);
    if (contents && slices)
        answer = enqueue_tuple(handle, tuple, contents, slices);
    else
        PyErr_NoMemory();
    free(slices);
    free(contents);
    Py_DECREF(tuple);
    return answer;
}

static PyObject *to_list(const cq_slice *slices, size_t count)
{
    PyObject *list = PyList_New((Py_ssize_t)count);

    for (size_t i = 0; list && i < count; ++i) {
        PyObject *bytes = PyBytes_FromStringAndSize(slices[i].data, (Py_ssize_t)slices[i].size);
        if (!bytes || PyList_SetItem(list, (Py_ssize_t)i, bytes) < 0)
            Py_CLEAR(list);
    }
    return list;
}

/* The buffer is as large as a batch of the usual size needs, or as the first message is. */
PyObject *dequeue_batch(struct handle *handle, size_t count)
{
    size_t room = NATIVE_LONG_COPY / 4, done;
    cq_slice *slices = count > 0 && count <= SIZE_MAX / sizeof *slices ? malloc(count * sizeof *slices) : NULL;
    PyObject *answer = NULL;
    int result;

    if (!slices)
        return PyErr_NoMemory();
    do {
        void *buffer = malloc(room);
        if (!buffer) {
            PyErr_NoMemory();
            break;
        }
        result = cq_dequeue_batch(handle->queue, buffer, room, slices, count, &done);
        if (result == CQ_ETOOSMALL)
            room = slices[0].size;
        else
            answer = result == CQ_OK ? to_list(slices, done) : PyLong_FromLong(result);
        free(buffer);
    } while (result == CQ_ETOOSMALL);
    free(slices);
    return answer;
}
