/*
 * headers.c - headers of messages as dicts, and messages that are put with more than their bytes.
 *
 * It owns how a mapping of str to str or bytes becomes the queue's format and back. It must not know when a message is held:
 * loan.c does.
 */
#include "loan.h"

#include <string.h>

/* The bytes of a value, a str or bytes-like object. False: an exception is set. */
static bool value_get(struct content *content, PyObject *value)
{
    Py_ssize_t size;

    if (!PyUnicode_Check(value))
        return content_get(content, value);
    content->view.obj = NULL;
    content->data = PyUnicode_AsUTF8AndSize(value, &size);
    content->size = (size_t)size;
    return content->data != NULL;
}

/* The key as C has it, which ends at a 0. NULL: an exception is set. */
static const char *key_get(PyObject *key)
{
    Py_ssize_t size;
    const char *text;

    if (!PyUnicode_Check(key)) {
        PyErr_SetString(PyExc_TypeError, "a header's key is a str");
        return NULL;
    }
    text = PyUnicode_AsUTF8AndSize(key, &size);
    if (text && strlen(text) != (size_t)size) {
        PyErr_SetString(PyExc_ValueError, "embedded null character");
        return NULL;
    }
    return text;
}

static bool add(struct handle *handle, char **headers, size_t *size, PyObject *item)
{
    struct content value = {0};
    const char *key = key_get(PyTuple_GetItem(item, 0));
    bool added = false;

    if (!key || !value_get(&value, PyTuple_GetItem(item, 1)))
        return false;
    size_t room = *size + strlen(key) + value.size + 3;
    char *larger = PyMem_Realloc(*headers, room);
    if (larger) {
        *headers = larger;
        int result = cq_header_add(larger, room, size, key, value.data, value.size);
        added = result == CQ_OK;
        if (!added)
            handle_raise(handle, result, room);
    } else {
        PyErr_NoMemory();
    }
    content_put(&value);
    return added;
}

PyObject *pack_headers(struct handle *handle, PyObject *mapping)
{
    PyObject *items = PyMapping_Items(mapping), *packed = NULL;
    char *headers = NULL;
    size_t size = 0;
    bool good = items != NULL;

    if (!items && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();
        PyErr_Format(PyExc_TypeError, "headers are a mapping of str to str or bytes, and not %R", mapping);
    }
    for (Py_ssize_t i = 0; good && i < PyList_Size(items); ++i)
        good = add(handle, &headers, &size, PyList_GetItem(items, i));
    if (good)
        packed = PyBytes_FromStringAndSize(headers ? headers : "", (Py_ssize_t)size);
    PyMem_Free(headers);
    Py_XDECREF(items);
    return packed;
}

/* A dict. NULL: an exception is set. */
static PyObject *unpack(struct handle *handle, cq_slice packed)
{
    PyObject *dict = PyDict_New();
    cq_header header;
    size_t offset = 0;
    int result = CQ_OK;

    while (dict && (result = cq_header_next(packed.data, packed.size, &offset, &header)) == CQ_OK) {
        PyObject *key = PyUnicode_DecodeUTF8(header.key, (Py_ssize_t)header.key_size, "replace");
        PyObject *value = PyBytes_FromStringAndSize(header.value, (Py_ssize_t)header.value_size);
        if (!key || !value || PyDict_SetItem(dict, key, value) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(key);
        Py_XDECREF(value);
    }
    if (dict && result != CQ_EMPTY) {
        Py_CLEAR(dict);
        handle_raise(handle, result, 0);
    }
    return dict;
}

/* A queue without headers has messages with none. */
PyObject *loan_get_headers(PyObject *self, void *unused)
{
    struct loan *loan = (struct loan *)self;
    cq_slice packed = {NULL, 0};

    (void)unused;
    if (!loan_check_held(loan))
        return NULL;
    int result = cq_headers(loan->handle->queue, &loan->message, &packed);
    if (result != CQ_OK && result != CQ_EFEATURE) {
        handle_raise(loan->handle, result, 0);
        return NULL;
    }
    return unpack(loan->handle, packed);
}

int loan_set_headers(PyObject *self, PyObject *mapping, void *unused)
{
    struct loan *loan = (struct loan *)self;
    int result;

    (void)unused;
    if (!mapping) {
        PyErr_SetString(PyExc_AttributeError, "headers cannot be deleted: set them to {}");
        return -1;
    }
    if (!loan_check_held(loan))
        return -1;
    PyObject *packed = pack_headers(loan->handle, mapping);
    if (!packed)
        return -1;
    /* Packing may have run code of the mapping's: it may be held no more. */
    size_t size = (size_t)PyBytes_Size(packed);
    result = loan_check_held(loan) ? cq_set_headers(loan->handle->queue, &loan->message, PyBytes_AsString(packed), size)
                                   : RAISED;
    Py_DECREF(packed);
    if (result != CQ_OK && result != RAISED)
        Py_XDECREF(PyObject_CallMethod((PyObject *)loan->handle, "_fail_headers", "in", result, (Py_ssize_t)size));
    return result == CQ_OK ? 0 : -1;
}

/* None, if the queue has no times. */
PyObject *loan_get_enqueue_time(PyObject *self, void *unused)
{
    struct loan *loan = (struct loan *)self;
    int64_t when;

    (void)unused;
    if (!loan_check_held(loan))
        return NULL;
    int result = cq_enqueue_time(loan->handle->queue, &loan->message, &when);
    if (result == CQ_EFEATURE)
        return Py_NewRef(Py_None);
    if (result == CQ_OK)
        return PyLong_FromLongLong(when);
    handle_raise(loan->handle, result, 0);
    return NULL;
}

struct addressed {
    cq_outgoing message;
    const char *source;
    uint64_t number;
};

static int call_enqueue_message(cq_queue *queue, void *context, int64_t timeout_ns)
{
    const struct addressed *out = context;
    return out->source[0] ? cq_enqueue_from_wait(queue, &out->message, out->source, out->number, timeout_ns)
                          : cq_enqueue_message(queue, &out->message, timeout_ns);
}

int enqueue_message(struct handle *patient, const void *data, size_t size, const void *headers, size_t headers_size,
                    const char *source, uint64_t number, int64_t timeout_ns)
{
    struct addressed out = {{.struct_size = sizeof out.message,
                             .data = data,
                             .size = size,
                             .headers = headers,
                             .headers_size = headers_size},
                            source,
                            number};
    return wait_patiently(patient, SIDE_ROOM, call_enqueue_message, &out, size >= NATIVE_LONG_COPY, timeout_ns);
}
