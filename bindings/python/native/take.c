/*
 * take.c - how messages and reservations are made: by taking the oldest, or several, or by reserving room.
 */
#include "loan.h"

static struct loan *make(struct handle *handle, bool reserved)
{
    PyTypeObject *type = reserved ? handle->state->reservation_type : handle->state->message_type;
    struct loan *loan = (struct loan *)PyType_GenericAlloc(type, 0);

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

/* The same as a method, which is called often: take(block=True, timeout=None). What it means is handle.py's. */
PyObject *take_method(PyObject *self, PyObject *arguments, PyObject *words)
{
    struct handle *handle = (struct handle *)self;
    int64_t timeout_ns = -1;

    if (PyTuple_Size(arguments) > 0 || words) {
        PyObject *method = PyObject_GetAttrString(self, "_patience");
        PyObject *number = method ? PyObject_Call(method, arguments, words) : NULL;
        timeout_ns = number ? PyLong_AsLongLong(number) : 0;
        Py_XDECREF(number);
        Py_XDECREF(method);
        if (PyErr_Occurred())
            return NULL;
    }
    if (!handle_enter_checked(handle))
        return NULL;
    PyObject *message = take(handle, timeout_ns);
    handle_leave(handle);
    if (!message || Py_TYPE(message) == handle->state->message_type)
        return message;
    PyObject *none = PyObject_CallMethod(self, "_fail_to_take", "OO", message, timeout_ns ? Py_True : Py_False);
    Py_XDECREF(none);
    Py_DECREF(message);
    return NULL;
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
