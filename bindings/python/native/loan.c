/*
 * loan.c - the base class of Message and Reservation: a message in the region, and the views that lead there.
 *
 * It owns the rule that no view outlives what it shows. A memoryview made here is released with its message; what was made
 * of it (a slice, an array) cannot be, so then the message stays and ending the loan is refused with BufferError.
 */
#include "native.h"

#include <sys/mman.h>
#include <unistd.h>

PyTypeObject *loan_type;

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

/* The memoryview that was handed out, a new reference, or NULL if it is gone. */
static PyObject *live_view(struct loan *loan)
{
    PyObject *view = loan->view ? PyWeakref_GetObject(loan->view) : NULL;
    return view && view != Py_None ? Py_NewRef(view) : NULL;
}

/* Make the memoryview raise ValueError from now on. It refuses while something else was made of it. */
static void release_view(struct loan *loan)
{
    PyObject *view = live_view(loan);

    if (view) {
        PyObject *done = PyObject_CallMethod(view, "release", NULL);
        if (!done)
            PyErr_Clear(); /* `exports` tells */
        Py_XDECREF(done);
        Py_DECREF(view);
    }
    Py_CLEAR(loan->view);
}

struct loan *loan_enter(PyObject *object)
{
    struct loan *loan = (struct loan *)object;

    if (!PyObject_TypeCheck(object, loan_type)) {
        PyErr_SetString(PyExc_TypeError, "a Loan is required");
        return NULL;
    }
    release_view(loan);
    if (loan->exports > 0) {
        PyErr_SetString(PyExc_BufferError, "something made of the message's data (a slice of it, an array) is still there: "
                                           "release or delete it first, the message stays held until then");
        return NULL;
    }
    return loan;
}

void loan_forget(struct loan *loan)
{
    loan->message.data = NULL;
    unlink_loan(loan);
}

void loan_leave(struct loan *loan)
{
    if (!loan->handle->queue || !loan->message.data)
        loan_forget(loan);
    else if (!loan->link)
        link_loan(loan);
}

void loan_settle(struct loan *loan)
{
    if (!loan->link)
        return;
    release_view(loan);
    if (loan->exports > 0)
        return;
    if (loan->reserved)
        cq_abort(loan->handle->queue, &loan->message);
    else
        cq_return(loan->handle->queue, &loan->message);
    loan_forget(loan); /* whatever they said: there is nobody else who could do it */
}

/* What is still looked at gets memory of its own in place of the region's, which the kernel did not pass on. */
void loan_after_fork(struct loan *loan)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = (uintptr_t)loan->message.data & ~(page - 1),
              end = (uintptr_t)loan->message.data + loan->message.size;

    release_view(loan);
    for (; loan->exports > 0 && begin < end; begin += page)
        mmap((void *)begin, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    loan_forget(loan);
}

/* ---- the class ------------------------------------------------------------------------------------- */

static PyObject *new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    PyObject *handle;
    struct loan *loan = NULL;
    int reserved;

    (void)keywords;
    if (PyArg_ParseTuple(arguments, "O!p:Loan", handle_type, &handle, &reserved))
        loan = (struct loan *)((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
    if (loan) {
        loan->handle = (struct handle *)Py_NewRef(handle);
        loan->message.struct_size = sizeof loan->message;
        loan->reserved = reserved;
    }
    return (PyObject *)loan;
}

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
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static bool is_held(struct loan *loan) { return loan->message.data && !loan->handle->closed; }

static bool check_held(struct loan *loan)
{
    if (loan->handle->closed)
        handle_raise_closed(loan->handle);
    else if (!loan->message.data)
        PyErr_SetString(PyExc_ValueError, "the message is not held any more");
    return is_held(loan);
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
    if (--loan->exports == 0 && loan->handle->closed)
        loan_settle(loan);
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

static PyGetSetDef getters[] = {
    {"queue", get_queue, NULL, "The queue that the message is of.", NULL},
    {"data", get_data, NULL, "A memoryview of the message, dead once the message is not held any more.", NULL},
    {"held", get_held, NULL, "Whether the message is (still) held.", NULL},
    {"size", get_size, NULL, "Bytes.", NULL},
    {"deliveries", get_deliveries, NULL, "1 the first time the message is delivered, 2 the second, ..., at most 255.", NULL},
    {"position", get_position, NULL, "Identifies the message, also when it is delivered again.", NULL},
    {NULL}};

static PyType_Slot slots[] = {{Py_tp_new, new},
                              {Py_tp_dealloc, dealloc},
                              {Py_tp_traverse, traverse},
                              {Py_tp_getset, getters},
                              {Py_bf_getbuffer, get_buffer},
                              {Py_bf_releasebuffer, release_buffer},
                              {0, NULL}};

PyType_Spec loan_spec = {"cqueue_shm._raw.Loan", sizeof(struct loan), 0,
                         Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};
