/*
 * take.c - how messages and reservations are made: by taking the oldest, or several, or by reserving room.
 */
#include "loan.h"

#include <string.h>

/* The memory of one that is gone, as if it were new. */
static struct loan *renew(struct loan *loan, PyTypeObject *type)
{
    memset((char *)loan + sizeof(PyObject), 0, sizeof *loan - sizeof(PyObject));
    PyObject_Init((PyObject *)loan, type);
    PyObject_GC_Track((PyObject *)loan);
    return loan;
}

static struct loan *make(struct handle *handle, bool reserved)
{
    struct state *state = handle->state;
    PyTypeObject *type = reserved ? state->reservation_type : state->message_type;
    struct loan *spare = state->spare, *loan;

    state->spare = NULL;
    loan = spare ? renew(spare, type) : (struct loan *)PyType_GenericAlloc(type, 0);
    if (loan) {
        loan->handle = (struct handle *)Py_NewRef((PyObject *)handle);
        loan->message.struct_size = sizeof loan->message;
        loan->reserved = reserved;
    }
    return loan;
}

/* The object, or what is said in its place. */
static PyObject *lend(struct loan *loan, int result)
{
    if (result == CQ_OK) {
        loan_link(loan);
        return (PyObject *)loan;
    }
    Py_DECREF((PyObject *)loan);
    return result == RAISED ? NULL : PyLong_FromLong(result);
}

PyObject *take(struct handle *handle, int64_t timeout_ns)
{
    struct loan *loan = make(handle, false);
    return loan ? lend(loan, take_patiently(handle, &loan->message, timeout_ns)) : NULL;
}

PyObject *take_at_once(struct handle *handle)
{
    struct loan *loan = make(handle, false);

    if (!loan) {
        PyErr_Clear();
    } else if (cq_take(handle->queue, &loan->message) == CQ_OK) {
        loan_link(loan);
    } else {
        Py_DECREF((PyObject *)loan);
        loan = NULL;
    }
    return (PyObject *)loan;
}

PyObject *reserve(struct handle *handle, size_t size, int64_t timeout_ns)
{
    struct loan *loan = make(handle, true);
    return loan ? lend(loan, reserve_patiently(handle, size, &loan->message, timeout_ns)) : NULL;
}

/* Those that are in the list when something fails are given back with it. */
PyObject *take_batch(struct handle *handle, size_t count, int64_t timeout_ns)
{
    PyObject *list = PyList_New(0), *first = list ? take(handle, timeout_ns) : NULL, *next = first;

    while (next && Py_TYPE(next) == handle->state->message_type) {
        int failed = PyList_Append(list, next);
        Py_DECREF(next);
        if (failed) {
            next = NULL;
            break;
        }
        next = (size_t)PyList_Size(list) < count ? take(handle, 0) : Py_NewRef(Py_None);
    }
    if (next && PyList_Size(list) > 0) {
        Py_DECREF(next);
        return list;
    }
    Py_XDECREF(list);
    return next;
}
