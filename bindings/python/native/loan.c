/*
 * loan.c - Message and Reservation: a message in the region, and the views that lead there.
 *
 * It owns the rule that no view outlives what it shows. A memoryview made here is released with its message; what was made
 * of it (a slice, an array) cannot be. So a message that is released or given back while there is such a thing is so when the
 * last of them goes; and a reservation is not sent before, since it could still be written.
 */
#include "native.h"

#include <sys/mman.h>
#include <unistd.h>

enum fate { UNDECIDED, RELEASED, GIVEN_BACK, FORKED };

struct loan {
    PyObject_HEAD
    struct handle *handle;
    cq_message message;
    PyObject *view;              /* a weak reference to the memoryview handed out, or NULL */
    Py_ssize_t exports;          /* views (and what was made of them) that lead to the message */
    struct loan *next, **link;   /* of the handle's; linked while held */
    enum fate fate;
    bool reserved;               /* by cq_reserve, else by cq_take */
};

static void unlink_loan(struct loan *loan)
{
    if (!loan->link)
        return;
    *loan->link = loan->next;
    if (loan->next)
        loan->next->link = loan->link;
    loan->link = NULL;
}

static void link_loan(struct loan *loan)
{
    struct loan **first = &loan->handle->loans;

    loan->next = *first;
    loan->link = first;
    if (*first)
        (*first)->link = &loan->next;
    *first = loan;
}

struct loan *loan_next(struct loan *loan) { return loan->next; }

/* ---- views ------------------------------------------------------------------------------------------ */

/* The memoryview that was handed out, a new reference, or NULL if it is gone. */
static PyObject *live_view(struct loan *loan)
{
    PyObject *view = loan->view ? PyWeakref_GetObject(loan->view) : NULL;
    return view && view != Py_None ? Py_NewRef(view) : NULL;
}

/* Make the memoryview raise ValueError from now on. It refuses while something else was made of it: `exports` tells. */
static void release_view(struct loan *loan)
{
    PyObject *view = live_view(loan);

    if (view) {
        PyObject *kind, *value, *trace; /* of an exception that is set already */
        PyErr_Fetch(&kind, &value, &trace);
        PyObject *done = PyObject_CallMethodObjArgs(view, loan->handle->state->release, NULL);
        Py_XDECREF(done);
        Py_DECREF(view);
        PyErr_Restore(kind, value, trace);
    }
    Py_CLEAR(loan->view);
}

/* ---- the end ---------------------------------------------------------------------------------------- */

void loan_forget(struct loan *loan)
{
    loan->message.data = NULL;
    unlink_loan(loan);
}

/* Do what was decided. What was reserved is `RELEASED` by sending it, which is commit()'s. */
static int settle(struct loan *loan)
{
    cq_queue *queue = loan->handle->queue;
    int result = loan->reserved             ? cq_abort(queue, &loan->message)
                 : loan->fate == RELEASED ? cq_release(queue, &loan->message)
                                            : cq_return(queue, &loan->message);
    loan_forget(loan); /* whatever they said: there is nobody else who could do it */
    return result;
}

void loan_settle(struct loan *loan)
{
    if (!loan->link)
        return;
    if (loan->view)
        release_view(loan);
    if (loan->exports == 0 && loan->link)
        settle(loan);
}

static bool is_held(struct loan *loan)
{
    return loan->message.data && loan->fate == UNDECIDED && !loan->handle->closed && !loan->handle->forked;
}

/* For a call that ends a loan. False: an exception is set. */
static bool may_end(struct loan *loan)
{
    if (is_held(loan))
        return true;
    if (loan->fate == FORKED)
        handle_raise(loan->handle, CQ_EFORK, 0);
    else if (loan->handle->closed)
        handle_raise_closed(loan->handle);
    else
        handle_raise(loan->handle, CQ_ENOTHELD, 0);
    return false;
}

static PyObject *end(struct loan *loan, enum fate fate)
{
    if (!may_end(loan))
        return NULL;
    loan->fate = fate;
    if (loan->view)
        release_view(loan);
    int result = loan->exports > 0 || !loan->link ? CQ_OK : settle(loan);
    if (result == CQ_OK)
        return Py_NewRef(Py_None);
    handle_raise(loan->handle, result, 0);
    return NULL;
}

/* What is still looked at gets memory of its own in place of the region's, which the kernel did not pass on. */
void loan_after_fork(struct loan *loan)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = (uintptr_t)loan->message.data & ~(page - 1),
              end = (uintptr_t)loan->message.data + loan->message.size;

    release_view(loan);
    for (; loan->exports > 0 && begin < end; begin += page)
        mmap((void *)begin, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    loan->fate = FORKED;
    loan_forget(loan);
}

/* ---- what both classes have -------------------------------------------------------------------------- */

/* A queue with an attribute that is its own message is a cycle; clearing the attribute breaks it. */
static int traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((struct loan *)self)->handle);
    return 0;
}

/* No view is left, each of them has a reference. */
static void dealloc(PyObject *self)
{
    struct loan *loan = (struct loan *)self;
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    loan_settle(loan);
    Py_CLEAR(loan->view);
    Py_XDECREF((PyObject *)loan->handle);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static bool check_held(struct loan *loan)
{
    if (is_held(loan))
        return true;
    if (loan->handle->closed)
        handle_raise_closed(loan->handle);
    else
        PyErr_SetString(PyExc_ValueError, "the message is not held any more");
    return false;
}

static int get_buffer(PyObject *self, Py_buffer *view, int flags)
{
    struct loan *loan = (struct loan *)self;

    view->obj = NULL;
    if (!check_held(loan) || PyBuffer_FillInfo(view, self, loan->message.data, (Py_ssize_t)loan->message.size,
                                               !loan->reserved, flags) < 0)
        return -1;
    ++loan->exports;
    ++loan->handle->uses;
    return 0;
}

static void release_buffer(PyObject *self, Py_buffer *view)
{
    struct loan *loan = (struct loan *)self;

    (void)view;
    if (--loan->exports == 0 && loan->link && (loan->handle->closed || loan->fate != UNDECIDED))
        settle(loan);
    handle_leave(loan->handle);
}

static PyObject *get_data(PyObject *self, void *unused)
{
    struct loan *loan = (struct loan *)self;
    PyObject *view;

    (void)unused;
    if (!check_held(loan))
        return NULL;
    if ((view = live_view(loan)))
        return view;
    Py_CLEAR(loan->view);
    view = PyMemoryView_FromObject(self);
    if (view && !(loan->view = PyWeakref_NewRef(view, NULL)))
        Py_CLEAR(view);
    return view;
}

static PyObject *get_held(PyObject *self, void *unused)
{
    (void)unused;
    return PyBool_FromLong(is_held((struct loan *)self));
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

static PyObject *enter(PyObject *self, PyObject *unused)
{
    (void)unused;
    return Py_NewRef(self);
}

static PyObject *represent(PyObject *self)
{
    struct loan *loan = (struct loan *)self;
    PyObject *name = PyObject_GetAttrString((PyObject *)loan->handle, "name"), *text = NULL;

    if (name && loan->reserved)
        text = PyUnicode_FromFormat("<Reservation of %zu bytes in %R, held: %s>", loan->message.size, name,
                                    is_held(loan) ? "True" : "False");
    else if (name)
        text = PyUnicode_FromFormat("<Message of %R at %llu, delivery %u, held: %s>", name,
                                    (unsigned long long)loan->message.position, (unsigned)loan->message.deliveries,
                                    is_held(loan) ? "True" : "False");
    Py_XDECREF(name);
    return text;
}

/* ---- Message ----------------------------------------------------------------------------------------- */

static PyObject *message_release(PyObject *self, PyObject *unused)
{
    (void)unused;
    return end((struct loan *)self, RELEASED);
}

static PyObject *message_give_back(PyObject *self, PyObject *unused)
{
    (void)unused;
    return end((struct loan *)self, GIVEN_BACK);
}

/* An exception that leaves the block is never replaced by one of ours. */
static PyObject *message_exit(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    struct loan *loan = (struct loan *)self;
    bool is_well = count < 1 || arguments[0] == Py_None;

    if (!is_held(loan))
        return Py_NewRef(Py_None);
    if (is_well)
        return end(loan, RELEASED);
    loan->fate = GIVEN_BACK;
    loan_settle(loan);
    return Py_NewRef(Py_None);
}

static PyObject *message_tobytes(PyObject *self, PyObject *unused)
{
    struct loan *loan = (struct loan *)self;

    (void)unused;
    return check_held(loan) ? PyBytes_FromStringAndSize(loan->message.data, (Py_ssize_t)loan->message.size) : NULL;
}

static PyGetSetDef message_getters[] = {
    {"queue", get_queue, NULL, "The queue that the message is of.", NULL},
    {"data", get_data, NULL, "A memoryview of the message, dead once it is released or given back.", NULL},
    {"held", get_held, NULL, "Whether the message is (still) held.", NULL},
    {"size", get_size, NULL, "Bytes.", NULL},
    {"deliveries", get_deliveries, NULL, "1 the first time the message is delivered, 2 the second, ..., at most 255.", NULL},
    {"position", get_position, NULL, "Identifies the message, also when it is delivered again.", NULL},
    {NULL}};

static PyMethodDef message_methods[] = {
    {"release", message_release, METH_NOARGS,
     "Done with it: it is gone, and `data` is dead. Where something made of `data` is still there, once that is gone."},
    {"give_back", message_give_back, METH_NOARGS,
     "Not done with it: it is delivered again, before newer messages, with one delivery more."},
    {"tobytes", message_tobytes, METH_NOARGS, "A copy of the message."},
    {"__enter__", enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)(void (*)(void))message_exit, METH_FASTCALL,
     "Release it, or give it back if an exception leaves the block."},
    {NULL}};

#define MESSAGE_DOC                                                                                                        \
    "A message that was taken and stays ours until release(). Made by take().\n\n"                                         \
    "In a `with` statement it is released at the end, or given back if an exception leaves the block. One that is\n"       \
    "dropped without either, or whose process dies, is delivered again: `deliveries` counts."

static PyType_Slot message_slots[] = {{Py_tp_doc, MESSAGE_DOC},
                                      {Py_tp_dealloc, dealloc},
                                      {Py_tp_traverse, traverse},
                                      {Py_tp_getset, message_getters},
                                      {Py_tp_methods, message_methods},
                                      {Py_tp_repr, represent},
                                      {Py_bf_getbuffer, get_buffer},
                                      {Py_bf_releasebuffer, release_buffer},
                                      {0, NULL}};

#define FLAGS (Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE)

PyType_Spec message_spec = {"cqueue_shm.Message", sizeof(struct loan), 0, FLAGS, message_slots};

/* ---- Reservation ------------------------------------------------------------------------------------- */

static PyObject *commit(struct loan *loan, size_t size)
{
    if (!may_end(loan))
        return NULL;
    release_view(loan);
    if (loan->exports > 0) {
        PyErr_SetString(PyExc_BufferError, "something made of the reservation's data (a slice of it, an array) could still "
                                           "write to it: release or delete it first, nothing is sent before");
        return NULL;
    }
    int result = cq_commit(loan->handle->queue, &loan->message, size);
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
        size = PyLong_AsSize_t(arguments[0]);
        if (PyErr_Occurred())
            return NULL;
    }
    return commit(loan, size);
}

static PyObject *reservation_abort(PyObject *self, PyObject *unused)
{
    (void)unused;
    return end((struct loan *)self, GIVEN_BACK);
}

static PyObject *reservation_exit(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    struct loan *loan = (struct loan *)self;

    if (count < 1 || arguments[0] == Py_None)
        return is_held(loan) ? commit(loan, loan->message.size) : Py_NewRef(Py_None);
    return message_exit(self, arguments, count);
}

static PyGetSetDef reservation_getters[] = {
    {"queue", get_queue, NULL, "The queue that the message is for.", NULL},
    {"data", get_data, NULL, "A memoryview to write to, dead once the message is sent or given up.", NULL},
    {"held", get_held, NULL, "Whether it is (still) reserved.", NULL},
    {"size", get_size, NULL, "Bytes.", NULL},
    {NULL}};

static PyMethodDef reservation_methods[] = {
    {"commit", (PyCFunction)(void (*)(void))reservation_commit, METH_FASTCALL,
     "commit($self, size=None, /)\n--\n\n"
     "Send it, the first `size` bytes of it (None: all). Full is rare and leaves it reserved."},
    {"abort", reservation_abort, METH_NOARGS, "Give the room up: nothing is sent."},
    {"__enter__", enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)(void (*)(void))reservation_exit, METH_FASTCALL,
     "Commit it, or abort it if an exception leaves the block."},
    {NULL}};

#define RESERVATION_DOC                                                                                                    \
    "Room for a message, to be written in place until commit(). Made by reserve().\n\n"                                    \
    "In a `with` statement it is committed at the end, or aborted if an exception leaves the block. One that is dropped\n" \
    "without either is aborted."

static PyType_Slot reservation_slots[] = {{Py_tp_doc, RESERVATION_DOC},
                                          {Py_tp_dealloc, dealloc},
                                          {Py_tp_traverse, traverse},
                                          {Py_tp_getset, reservation_getters},
                                          {Py_tp_methods, reservation_methods},
                                          {Py_tp_repr, represent},
                                          {Py_bf_getbuffer, get_buffer},
                                          {Py_bf_releasebuffer, release_buffer},
                                          {0, NULL}};

PyType_Spec reservation_spec = {"cqueue_shm.Reservation", sizeof(struct loan), 0, FLAGS, reservation_slots};

/* ---- how they are made -------------------------------------------------------------------------------- */

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
        link_loan(loan);
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
PyObject *loan_take_method(PyObject *self, PyObject *arguments, PyObject *words)
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
