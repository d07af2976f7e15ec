/*
 * handle.c - the base class of the queues: one open handle that may be closed at any time, by any thread.
 *
 * It owns the rule that cq_close comes last: close() forbids new calls and ends those that wait, and whoever leaves last (a
 * call in another thread, a view of a message) closes; and that a forked child opens its own at the first use. It must not
 * know what the calls do.
 */
#include "native.h"

static void unlink_handle(struct handle *handle)
{
    *handle->link = handle->next;
    if (handle->next)
        handle->next->link = handle->link;
}

static void close_freely(cq_queue *queue)
{
    Py_BEGIN_ALLOW_THREADS /* it may have to wait for its helper thread */
    cq_close(queue);
    Py_END_ALLOW_THREADS
}

static void close_for_good(struct handle *handle)
{
    cq_queue *queue = handle->queue;

    handle->queue = NULL;
    while (handle->loans)
        loan_forget(handle->loans);
    unlink_handle(handle);
    close_freely(queue);
}

void handle_raise_closed(struct handle *handle)
{
    PyObject *error = PyObject_CallMethod((PyObject *)handle, "_closed_error", NULL);

    if (error)
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    Py_XDECREF(error);
}

void handle_raise(struct handle *handle, int result, size_t size)
{
    PyObject *code = PyLong_FromLong(result), *asked = PyLong_FromSize_t(size);
    PyObject *none = code && asked ? PyObject_CallMethodObjArgs((PyObject *)handle, handle->state->check, code, asked, NULL)
                                   : NULL;

    if (none)
        PyErr_Format(PyExc_SystemError, "a call failed with result %d", result);
    Py_XDECREF(none);
    Py_XDECREF(asked);
    Py_XDECREF(code);
}

/* In a forked child. What has no way to open itself again goes on, and is refused by the queue. */
static bool open_again(struct handle *handle)
{
    PyObject *method = PyObject_GetAttrString((PyObject *)handle, "_open_in_child"), *none;

    if (!method) {
        PyErr_Clear();
        return true;
    }
    none = PyObject_CallNoArgs(method);
    Py_XDECREF(none);
    Py_DECREF(method);
    return none != NULL;
}

bool handle_enter_checked(struct handle *handle)
{
    if (handle->forked && !handle->closed && !open_again(handle))
        return false;
    if (!handle->queue || handle->closed) {
        handle_raise_closed(handle);
        return false;
    }
    ++handle->uses;
    return true;
}

struct handle *handle_enter(PyObject *module, PyObject *object)
{
    struct handle *handle = (struct handle *)object;

    if (PyObject_TypeCheck(object, module_state(module)->handle_type))
        return handle_enter_checked(handle) ? handle : NULL;
    PyErr_SetString(PyExc_TypeError, "a Handle is required");
    return NULL;
}

void handle_leave(struct handle *handle)
{
    if (--handle->uses == 0 && handle->closed && handle->queue)
        close_for_good(handle);
}

void handle_saw_size(struct handle *handle, size_t size)
{
    handle->alike = size != handle->usual_size || size >= NATIVE_LONG_COPY ? 0 : handle->alike + (handle->alike < INT_MAX);
    handle->usual_size = size;
}

void handle_set_syncs(struct handle *handle, bool syncs) { handle->syncs = syncs; }

bool handle_is_blank(PyObject *module, PyObject *object)
{
    struct handle *handle = (struct handle *)object;

    if (PyObject_TypeCheck(object, module_state(module)->handle_type) && (!handle->queue || handle->forked))
        return true;
    PyErr_SetString(PyExc_TypeError, "a Handle that is not open is required");
    return false;
}

void handle_adopt(PyObject *module, PyObject *object, cq_queue *queue)
{
    struct handle *handle = (struct handle *)object;
    cq_queue *old = handle->queue; /* the parent's, or another thread was faster while this one opened */

    if (old && !handle->forked) {
        close_freely(queue);
        return;
    }
    if (old)
        unlink_handle(handle);
    handle->queue = queue;
    handle->state = module_state(module);
    handle->closed = handle->cancelled = handle->forked = false;
    handle->next = handle->state->open_handles;
    handle->link = &handle->state->open_handles;
    if (handle->next)
        handle->next->link = &handle->next;
    handle->state->open_handles = handle;
    /* Else a call that was under way when the process forked may go on with it, in this thread: it is left alone. */
    if (old && handle->uses == 0)
        cq_close(old);
}

bool handle_close(PyObject *module, PyObject *object)
{
    struct handle *handle = (struct handle *)object;
    struct loan *next;

    if (!PyObject_TypeCheck(object, module_state(module)->handle_type)) {
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
        next = loan_next(loan);
        loan_settle(loan);
    }
    handle_leave(handle);
    return true;
}

void handle_after_fork(struct handle *handle)
{
    handle->forked = true;
    handle->waiting[SIDE_MESSAGES] = handle->waiting[SIDE_ROOM] = 0;
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

static PyObject *get_cancelled(PyObject *self, void *unused)
{
    (void)unused;
    return PyBool_FromLong(((struct handle *)self)->cancelled);
}

static PyObject *get_forked(PyObject *self, void *unused)
{
    (void)unused;
    return PyBool_FromLong(((struct handle *)self)->forked);
}

static PyGetSetDef getters[] = {{"closed", get_closed, NULL, "Whether close() was called.", NULL},
                                {"cancelled", get_cancelled, NULL, "Whether waits end at once, by cancel().", NULL},
                                {"forked", get_forked, NULL, "Whether the parent opened it, and this process did not use it.", NULL},
                                {NULL}};

static PyMethodDef methods[] = {
    {"take", (PyCFunction)(void (*)(void))take_method, METH_FASTCALL | METH_KEYWORDS,
     "take($self, /, block=True, timeout=None)\n--\n\n"
     "Take the oldest message in place, ours until it is released: `with q.take() as m: use(m.data)`."},
    {NULL}};

static PyType_Slot slots[] = {{Py_tp_methods, methods},
                              {Py_tp_dealloc, dealloc},
                              {Py_tp_getset, getters},
                              {0, NULL}};

PyType_Spec handle_spec = {"cqueue_shm._raw.Handle", sizeof(struct handle), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                           slots};
