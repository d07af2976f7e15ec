/*
 * calls.c - the calls that a generated wrapper cannot make by itself: those of messages that become objects, one or many.
 *
 * It owns when the GIL is let go for a copy: when it is long. The rest is over sooner than another thread could start:
 * letting it go costs a put or get 230 ns in place of 190, and more if somebody else has it then. Waiting is wait.c's; the
 * wrapper that calls these keeps the handle open meanwhile.
 */
#include "native.h"

#include <stdlib.h>
#include <string.h>

/* Taken in place, because only then its size is known: copied once, and given back when there is no memory for it. */
PyObject *dequeue_bytes(struct handle *patient, int64_t timeout_ns)
{
    cq_message message = {.struct_size = sizeof message};
    int result = take_patiently(patient, &message, timeout_ns);

    if (result != CQ_OK)
        return result == RAISED ? NULL : PyLong_FromLong(result);
    bool is_long = message.size >= NATIVE_LONG_COPY;
    handle_saw_size(patient, message.size);
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
    if (patient->syncs) {
        Py_BEGIN_ALLOW_THREADS
        result = cq_release(patient->queue, &message);
        Py_END_ALLOW_THREADS
    } else {
        result = cq_release(patient->queue, &message);
    }
    if (result == CQ_EIO)
        return Py_BuildValue("(iN)", result, bytes);
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

/* Writable, although some only read it: so it is no mere bytes object, and stays where it is. */
bool struct_get(Py_buffer *view, PyObject *object, size_t size)
{
    if (PyObject_GetBuffer(object, view, PyBUF_WRITABLE) < 0)
        return false;
    if ((size_t)view->len == size)
        return true;
    PyErr_SetString(PyExc_ValueError, "a struct of another size is required");
    PyBuffer_Release(view);
    return false;
}

/* ---- batches --------------------------------------------------------------------------------------- */

/* After the first, which checks all sizes: so what a call costs does not depend on how many are left. */
#define CHUNK 1024

static int enqueue_freely(cq_queue *queue, const cq_slice *slices, size_t count, bool is_long, size_t *done)
{
    int result;

    *done = 0;
    if (!is_long)
        return cq_enqueue_batch(queue, slices, count, done);
    Py_BEGIN_ALLOW_THREADS
    result = cq_enqueue_batch(queue, slices, count, done);
    Py_END_ALLOW_THREADS
    return result;
}

static bool is_long(const cq_slice *slices, size_t count)
{
    size_t total = 0;

    for (size_t i = 0; i < count && total < NATIVE_LONG_COPY; ++i)
        total += slices[i].size;
    return total >= NATIVE_LONG_COPY;
}

/* Where there is no room the next one waits, the others follow it. */
static int enqueue_all(struct handle *handle, const cq_slice *slices, size_t count, int64_t timeout_ns, size_t *done)
{
    int64_t deadline = wait_deadline(timeout_ns);
    size_t step = count, more;
    int result;

    *done = 0;
    do {
        result = enqueue_freely(handle->queue, slices + *done, step, handle->syncs || is_long(slices + *done, step), &more);
        *done += more;
        if (result == CQ_FULL || result == CQ_ENOSPACE) {
            int64_t left = wait_left(deadline);
            if (left == 0)
                return result;
            result = enqueue_patiently(handle, slices[*done].data, slices[*done].size, left);
            *done += result == CQ_OK || result == CQ_EIO;
        }
        step = count - *done < CHUNK ? count - *done : CHUNK;
    } while (result == CQ_OK && step > 0);
    return result;
}

/* `tuple` keeps the messages, whatever becomes of the iterable that they came from. */
static PyObject *enqueue_tuple(struct handle *handle, PyObject *tuple, struct content *contents, cq_slice *slices,
                               int64_t timeout_ns)
{
    Py_ssize_t count = PyTuple_Size(tuple), got = 0;
    PyObject *answer = NULL;
    size_t done;

    for (; got < count; ++got) {
        if (!content_get(&contents[got], PyTuple_GetItem(tuple, got)))
            goto out;
        slices[got] = (cq_slice){(void *)(uintptr_t)contents[got].data, contents[got].size};
    }
    int result = enqueue_all(handle, slices, (size_t)count, timeout_ns, &done);
    if (result == RAISED) { /* how many went in goes with it, as with all that end a batch */
        PyObject *kind, *value, *trace;
        PyErr_Fetch(&kind, &value, &trace);
        PyErr_NormalizeException(&kind, &value, &trace);
        PyObject *number = PyLong_FromSize_t(done);
        if (!number || PyObject_SetAttrString(value, "done", number) < 0)
            PyErr_Clear();
        Py_XDECREF(number);
        PyErr_Restore(kind, value, trace);
    } else {
        answer = Py_BuildValue("in", result, (Py_ssize_t)done);
    }
out:
    while (got > 0)
        content_put(&contents[--got]);
    return answer;
}

PyObject *enqueue_batch(struct handle *handle, PyObject *messages, int64_t timeout_ns)
{
    PyObject *tuple = PySequence_Tuple(messages), *answer = NULL;
    size_t count = tuple ? (size_t)PyTuple_Size(tuple) : 0;

    if (!tuple)
        return NULL;
    struct content *contents = malloc((count + 1) * sizeof *contents);
    cq_slice *slices = malloc((count + 1) * sizeof *slices);
    if (contents && slices)
        answer = enqueue_tuple(handle, tuple, contents, slices, timeout_ns);
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

static int dequeue_freely(struct handle *handle, void *buffer, size_t room, cq_slice *slices, size_t count, size_t *done)
{
    cq_queue *queue = handle->queue;
    int result;

    *done = 0;
    if (!handle->syncs)
        return cq_dequeue_batch(queue, buffer, room, slices, count, done);
    Py_BEGIN_ALLOW_THREADS
    result = cq_dequeue_batch(queue, buffer, room, slices, count, done);
    Py_END_ALLOW_THREADS
    return result;
}

/* The buffer is as large as a batch of the usual size needs, or as the first message is. */
static PyObject *dequeue_waiting(struct handle *handle, cq_slice *slices, size_t count)
{
    size_t room = NATIVE_LONG_COPY / 4, done;
    PyObject *answer = NULL;
    int result;

    do {
        void *buffer = malloc(room);
        if (!buffer) {
            PyErr_NoMemory();
            break;
        }
        result = dequeue_freely(handle, buffer, room, slices, count, &done);
        if (result == CQ_ETOOSMALL)
            room = slices[0].size;
        else
            answer = result == CQ_OK || (result == CQ_EIO && done > 0) ? to_list(slices, done) : PyLong_FromLong(result);
        if (answer && result == CQ_EIO && done > 0)
            answer = Py_BuildValue("(iN)", result, answer);
        free(buffer);
    } while (result == CQ_ETOOSMALL);
    return answer;
}

/* No more at once than this, whatever is asked for. */
#define BATCH_MOST 4096

PyObject *dequeue_batch(struct handle *handle, size_t count, int64_t timeout_ns)
{
    int64_t deadline = wait_deadline(timeout_ns);
    cq_slice *slices;
    PyObject *answer;

    count = count < BATCH_MOST ? count : BATCH_MOST;
    if (!(slices = malloc(count * sizeof *slices)))
        return PyErr_NoMemory();
    /* Who waited may find that somebody else was faster. */
    while ((answer = dequeue_waiting(handle, slices, count)) && timeout_ns != 0 && PyLong_Check(answer) &&
           PyLong_AsLong(answer) == CQ_EMPTY) {
        Py_DECREF(answer);
        int result = wait_for_message(handle, wait_left(deadline));
        if (result != CQ_OK) {
            answer = result == RAISED ? NULL : PyLong_FromLong(result);
            break;
        }
    }
    free(slices);
    return answer;
}
