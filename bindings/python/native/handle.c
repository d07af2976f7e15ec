/*
 * handle.c - the base class of Queue: one open handle that may be closed at any time, by any thread.
 *
 * It owns the rule that cq_close comes last: close() forbids new calls and ends those that wait, and whoever leaves last (a
 * call in another thread, a view of a message) closes. It must not know what the calls do.
 */
#include "native.h"

PyTypeObject *handle_type;

static struct handle *open_handles;

static void close_for_good(struct handle *handle)
{
    cq_queue *queue = handle->queue;

    handle->queue = NULL;
    while (handle->loans)
        loan_forget(handle->loans);
    *handle->link = handle->next;
    if (handle->next)
        handle->next->link = handle->link;
    Py_BEGIN_ALLOW_THREADS /* it may have to wait for its helper thread */
    cq_close(queue);
    Py_END_ALLOW_THREADS
}

void handle_raise_closed(struct handle *handle)
{
    PyObject *errors = PyImport_ImportModule("cqueue_shm.errors");
    PyObject *error = errors ? PyObject_CallMethod(errors, "closed", "O", handle) : NULL;

    if (error)
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    Py_XDECREF(error);
    Py_XDECREF(errors);
}

struct handle *handle_enter(PyObject *object)
{
    struct handle *handle = (struct handle *)object;

    if (!PyObject_TypeCheck(object, handle_type)) {
        PyErr_SetString(PyExc_TypeError, "a Handle is required");
        return NULL;
    }
    if (!handle->queue || handle->closed) {
        handle_raise_closed(handle);
        return NULL;
    }
    ++handle->uses;
    return handle;
}

void handle_leave(struct handle *handle)
{
    if (--handle->uses == 0 && handle->closed && handle->queue)
        close_for_good(handle);
}

bool handle_is_blank(PyObject *object)
{
    if (!PyObject_TypeCheck(object, handle_type) || ((struct handle *)object)->queue) {
        PyErr_SetString(PyExc_TypeError, "a Handle that is not open is required");
        return false;
    }
    return true;
}

void handle_adopt(PyObject *object, cq_queue *queue)
{
    struct handle *handle = (struct handle *)object;

    handle->queue = queue;
    handle->closed = false;
    handle->next = open_handles;
    handle->link = &open_handles;
    if (open_handles)
        open_handles->link = &handle->next;
    open_handles = handle;
}

bool handle_close(PyObject *object)
{
    struct handle *handle = (struct handle *)object;
    struct loan *next;

    if (!PyObject_TypeCheck(object, handle_type)) {
        PyErr_SetString(PyExc_TypeError, "a Handle is required");
        return false;
    }
    if (!handle->queue || handle->closed)
        return true;
    handle->closed = true;
    if (handle->uses > 0)
        cq_cancel(handle->queue);
    ++handle->uses;
    for (struct loan *loan = handle->loans; loan; loan = next) {
        next = loan->next;
        loan_settle(loan);
    }
    handle_leave(handle);
    return true;
}

void handle_after_fork(void)
{
    calls_after_fork();
    for (struct handle *handle = open_handles; handle; handle = handle->next)
        while (handle->loans)
            loan_after_fork(handle->loans);
}

/* The fork may have come in the middle of a call of another thread, so `uses` means nothing here: no reference is left. */
static void dealloc(PyObject *self)
{
    struct handle *handle = (struct handle *)self;
    PyTypeObject *type = Py_TYPE(self);

    if (handle->queue)
        close_for_good(handle);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyObject *get_closed(PyObject *self, void *unused)
{
    (void)unused;
    return PyBool_FromLong(!((struct handle *)self)->queue || ((struct handle *)self)->closed);
}

static PyGetSetDef getters[] = {{"closed", get_closed, NULL, "Whether close() was called.", NULL}, {NULL}};

static PyType_Slot slots[] = {{Py_tp_dealloc, dealloc}, {Py_tp_getset, getters}, {0, NULL}};

PyType_Spec handle_spec = {"cqueue_shm._raw.Handle", sizeof(struct handle), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                           slots};
