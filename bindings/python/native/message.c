/*
 * message.c - Message and Reservation, as Python sees them.
 *
 * It owns their methods and what they say. It must not know how a loan ends: loan.c does.
 */
#include "loan.h"

static PyObject *get_held(PyObject *self, void *unused)
{
    (void)unused;
    return PyBool_FromLong(loan_is_held((struct loan *)self));
}

static PyObject *get_queue(PyObject *self, void *unused)
{
    (void)unused;
    return Py_NewRef((PyObject *)((struct loan *)self)->handle);
}

static PyObject *get_deliveries(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromUnsignedLong(((struct loan *)self)->message.deliveries);
}

static PyObject *get_size(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromSize_t(((struct loan *)self)->message.size);
}

static PyObject *get_position(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromUnsignedLongLong(((struct loan *)self)->message.position);
}

static PyObject *represent(PyObject *self)
{
    struct loan *loan = (struct loan *)self;
    PyObject *name = PyObject_GetAttrString((PyObject *)loan->handle, "name"), *text = NULL;

    if (name && loan->reserved)
        text = PyUnicode_FromFormat("<Reservation of %zu bytes in %R, held: %s>", loan->message.size, name,
                                    loan_is_held(loan) ? "True" : "False");
    else if (name)
        text = PyUnicode_FromFormat("<Message of %R at %llu, delivery %u, held: %s>", name,
                                    (unsigned long long)loan->message.position, (unsigned)loan->message.deliveries,
                                    loan_is_held(loan) ? "True" : "False");
    Py_XDECREF(name);
    return text;
}

/* ---- Message ----------------------------------------------------------------------------------------- */

static PyObject *message_release(PyObject *self, PyObject *unused)
{
    (void)unused;
    return loan_end((struct loan *)self, RELEASED);
}

static PyObject *message_give_back(PyObject *self, PyObject *arguments, PyObject *words)
{
    static char *names[] = {"delay", "to_tail", NULL};
    struct loan *loan = (struct loan *)self;
    double delay = 0;
    int to_tail = 0;

    if (!PyArg_ParseTupleAndKeywords(arguments, words, "|d$p:give_back", names, &delay, &to_tail))
        return NULL;
    if (!(delay >= 0) || (delay > 0 && to_tail)) {
        PyErr_SetString(PyExc_ValueError, to_tail ? "a message goes to the tail, or comes after a delay"
                                                  : "'delay' must be a non-negative number of seconds");
        return NULL;
    }
    if (to_tail)
        return loan_return_after(loan, CQ_TO_TAIL);
    if (delay > 0)
        return loan_return_after(loan, delay < 9e9 ? (int64_t)(delay * 1e9) : INT64_MAX);
    return loan_end(loan, GIVEN_BACK);
}

/* An exception that leaves the block is never replaced by one of ours. */
static PyObject *message_exit(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    struct loan *loan = (struct loan *)self;
    bool is_well = count < 1 || arguments[0] == Py_None;

    if (!loan_is_held(loan))
        return Py_NewRef(Py_None);
    if (is_well)
        return loan_end(loan, RELEASED);
    loan->fate = GIVEN_BACK;
    loan_settle(loan);
    return Py_NewRef(Py_None);
}

static PyObject *message_tobytes(PyObject *self, PyObject *unused)
{
    struct loan *loan = (struct loan *)self;

    (void)unused;
    return loan_check_held(loan) ? PyBytes_FromStringAndSize(loan->message.data, (Py_ssize_t)loan->message.size) : NULL;
}

static PyGetSetDef message_getters[] = {
    {"queue", get_queue, NULL, "The queue that the message is of.", NULL},
    {"data", loan_get_data, NULL, "A memoryview of the message, dead once it is released or given back.", NULL},
    {"held", get_held, NULL, "Whether the message is (still) held.", NULL},
    {"size", get_size, NULL, "Bytes.", NULL},
    {"deliveries", get_deliveries, NULL, "1 the first time the message is delivered, 2 the second, ..., at most 255.", NULL},
    {"position", get_position, NULL, "Identifies the message, also when it is delivered again.", NULL},
    {"headers", loan_get_headers, NULL, "Its headers: a dict of str to bytes.", NULL},
    {"enqueue_time", loan_get_enqueue_time, NULL,
     "When it was put: nanoseconds since 1970-01-01 UTC. None, if the queue was not created with enqueue_times.", NULL},
    {NULL}};

static PyMethodDef message_methods[] = {
    {"release", message_release, METH_NOARGS,
     "Done with it: it is gone, and `data` is dead. Where something made of `data` is still there, once that is gone."},
    {"give_back", (PyCFunction)(void (*)(void))message_give_back, METH_VARARGS | METH_KEYWORDS,
     "give_back(delay=0, *, to_tail=False): not done with it. It is delivered again, before newer messages, with one\n"
     "delivery more; or after `delay` seconds; or, to_tail, behind all that wait now."},
    {"tobytes", message_tobytes, METH_NOARGS, "A copy of the message."},
    {"__enter__", loan_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)(void (*)(void))message_exit, METH_FASTCALL,
     "Release it, or give it back if an exception leaves the block."},
    {NULL}};

#define MESSAGE_DOC                                                                                                        \
    "A message that was taken and stays ours until release(). Made by take().\n\n"                                         \
    "In a `with` statement it is released at the end, or given back if an exception leaves the block. One that is\n"       \
    "dropped without either, or whose process dies, is delivered again: `deliveries` counts."

static PyType_Slot message_slots[] = {{Py_tp_doc, MESSAGE_DOC},
                                      {Py_tp_dealloc, loan_dealloc},
                                      {Py_tp_traverse, loan_traverse},
                                      {Py_tp_getset, message_getters},
                                      {Py_tp_methods, message_methods},
                                      {Py_tp_repr, represent},
                                      {Py_bf_getbuffer, loan_get_buffer},
                                      {Py_bf_releasebuffer, loan_release_buffer},
                                      {0, NULL}};

#define FLAGS (Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE)

PyType_Spec message_spec = {"cqueue_shm.Message", sizeof(struct loan), 0, FLAGS, message_slots};

/* ---- Reservation ------------------------------------------------------------------------------------- */

static PyObject *commit(struct loan *loan, size_t size)
{
    if (!loan_may_end(loan))
        return NULL;
    loan_release_view(loan);
    if (loan->exports > 0) {
        PyErr_SetString(PyExc_BufferError, "something made of the reservation's data (a slice of it, an array) could still "
                                           "write to it: release or delete it first, nothing is sent before");
        return NULL;
    }
    struct handle *handle = loan->handle;
    int result;
    if (handle->syncs) { /* it waits for the disk, and is nobody's to end meanwhile */
        cq_message message = loan->message;
        loan->fate = RELEASED;
        ++handle->uses;
        Py_BEGIN_ALLOW_THREADS
        result = cq_commit(handle->queue, &message, size);
        Py_END_ALLOW_THREADS
        loan->fate = UNDECIDED;
        loan->message = message;
        if (!message.data)
            loan_forget(loan);
        handle_leave(handle);
    } else {
        result = cq_commit(handle->queue, &loan->message, size);
    }
    if (result != CQ_OK) {
        handle_raise(loan->handle, result, size);
        return NULL;
    }
    loan_forget(loan);
    return Py_NewRef(Py_None);
}

static PyObject *reservation_commit(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    struct loan *loan = (struct loan *)self;
    size_t size = loan->message.size;

    if (count > 1) {
        PyErr_SetString(PyExc_TypeError, "commit() takes one argument, the size");
        return NULL;
    }
    if (count == 1 && arguments[0] != Py_None) {
        PyObject *number = PyNumber_Index(arguments[0]);
        size = number ? PyLong_AsSize_t(number) : 0;
        Py_XDECREF(number);
        if (PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_OverflowError)) {
            PyErr_Clear();
            PyErr_Format(PyExc_ValueError, "'size' must be what was reserved at most, and is %R", arguments[0]);
        }
        if (PyErr_Occurred())
            return NULL;
    }
    return commit(loan, size);
}

static PyObject *reservation_abort(PyObject *self, PyObject *unused)
{
    (void)unused;
    return loan_end((struct loan *)self, GIVEN_BACK);
}

static PyObject *reservation_exit(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    struct loan *loan = (struct loan *)self;

    if (count < 1 || arguments[0] == Py_None)
        return loan_is_held(loan) ? commit(loan, loan->message.size) : Py_NewRef(Py_None);
    return message_exit(self, arguments, count);
}

static PyGetSetDef reservation_getters[] = {
    {"queue", get_queue, NULL, "The queue that the message is for.", NULL},
    {"data", loan_get_data, NULL, "A memoryview to write to, dead once the message is sent or given up.", NULL},
    {"held", get_held, NULL, "Whether it is (still) reserved.", NULL},
    {"headers", loan_get_headers, loan_set_headers, "The headers that it will have: set them before it is sent.", NULL},
    {"size", get_size, NULL, "Bytes.", NULL},
    {NULL}};

static PyMethodDef reservation_methods[] = {
    {"commit", (PyCFunction)(void (*)(void))reservation_commit, METH_FASTCALL,
     "commit($self, size=None, /)\n--\n\n"
     "Send it, the first `size` bytes of it (None: all). Full is rare and leaves it reserved."},
    {"abort", reservation_abort, METH_NOARGS, "Give the room up: nothing is sent."},
    {"__enter__", loan_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)(void (*)(void))reservation_exit, METH_FASTCALL,
     "Commit it, or abort it if an exception leaves the block."},
    {NULL}};

#define RESERVATION_DOC                                                                                                    \
    "Room for a message, to be written in place until commit(). Made by reserve().\n\n"                                    \
    "In a `with` statement it is committed at the end, or aborted if an exception leaves the block. One that is dropped\n" \
    "without either is aborted."

static PyType_Slot reservation_slots[] = {{Py_tp_doc, RESERVATION_DOC},
                                          {Py_tp_dealloc, loan_dealloc},
                                          {Py_tp_traverse, loan_traverse},
                                          {Py_tp_getset, reservation_getters},
                                          {Py_tp_methods, reservation_methods},
                                          {Py_tp_repr, represent},
                                          {Py_bf_getbuffer, loan_get_buffer},
                                          {Py_bf_releasebuffer, loan_release_buffer},
                                          {0, NULL}};

PyType_Spec reservation_spec = {"cqueue_shm.Reservation", sizeof(struct loan), 0, FLAGS, reservation_slots};
