/*
 * loan.c - a message in the region that is held, the views that lead there, and its end.
 *
 * It owns the rule that no view outlives what it shows. A memoryview made here is released with its message; what was made
 * of it (a slice, an array) cannot be. So a message that is released or given back while there is such a thing is so when the
 * last of them goes; and a reservation is not sent before, since it could still be written.
 */
#include "loan.h"

#include <sys/mman.h>
#include <unistd.h>

static void unlink_loan(struct loan *loan)
{
    if (!loan->link)
        return;
    *loan->link = loan->next;
    if (loan->next)
        loan->next->link = loan->link;
    loan->link = NULL;
}

void loan_link(struct loan *loan)
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
    PyObject *view = loan->is_entered || !loan->view ? loan->view : PyWeakref_GetObject(loan->view);
    return view && view != Py_None ? Py_NewRef(view) : NULL;
}

void loan_release_view(struct loan *loan)
{
    PyObject *view = live_view(loan);
    bool is_ours_alone = loan->is_entered && view && Py_REFCNT(view) == 2; /* so it just goes */

    Py_CLEAR(loan->view);
    loan->is_entered = false;
    if (view && !is_ours_alone) {
        PyObject *kind, *value, *trace; /* of an exception that is set already */
        PyErr_Fetch(&kind, &value, &trace);
        PyObject *done = PyObject_CallMethodObjArgs(view, loan->handle->state->release, NULL);
        Py_XDECREF(done);
        PyErr_Restore(kind, value, trace);
    }
    Py_XDECREF(view);
}

/* ---- the end ---------------------------------------------------------------------------------------- */

void loan_forget(struct loan *loan)
{
    loan->message.data = NULL;
    unlink_loan(loan);
}

static int end_in_queue(cq_queue *queue, bool reserved, enum fate fate, cq_message *message)
{
    return reserved           ? cq_abort(queue, message)
           : fate == RELEASED ? cq_release(queue, message)
                              : cq_return(queue, message);
}

/* Do what was decided. What was reserved is `RELEASED` by sending it, which is commit()'s. */
static int settle(struct loan *loan)
{
    struct handle *handle = loan->handle;
    cq_message message = loan->message;
    enum fate fate = loan->reserved ? GIVEN_BACK : loan->fate;
    int result;

    loan_forget(loan); /* whatever they say: there is nobody else who could do it */
    if (!handle->syncs || loan->reserved)
        return end_in_queue(handle->queue, loan->reserved, fate, &message);
    ++handle->uses;
    Py_BEGIN_ALLOW_THREADS /* it waits for the disk */
    result = end_in_queue(handle->queue, false, fate, &message);
    Py_END_ALLOW_THREADS
    handle_leave(handle);
    return result;
}

void loan_settle(struct loan *loan)
{
    if (!loan->link)
        return;
    if (loan->view)
        loan_release_view(loan);
    if (loan->exports == 0 && loan->link)
        settle(loan);
}

bool loan_is_held(struct loan *loan)
{
    return loan->message.data && loan->fate == UNDECIDED && !loan->handle->closed && !loan->handle->forked;
}

/* For a call that ends a loan. False: an exception is set. */
bool loan_may_end(struct loan *loan)
{
    if (loan_is_held(loan))
        return true;
    if (loan->fate == FORKED)
        handle_raise(loan->handle, CQ_EFORK, 0);
    else if (loan->handle->closed)
        handle_raise_closed(loan->handle);
    else
        handle_raise(loan->handle, CQ_ENOTHELD, 0);
    return false;
}

PyObject *loan_end(struct loan *loan, enum fate fate)
{
    if (!loan_may_end(loan))
        return NULL;
    loan->fate = fate;
    if (loan->view)
        loan_release_view(loan);
    int result = loan->exports > 0 || !loan->link ? CQ_OK : settle(loan);
    if (result == CQ_OK)
        return Py_NewRef(Py_None);
    handle_raise(loan->handle, result, 0);
    return NULL;
}

/* While something still looks at it, it is read and not delivered: so not before that has gone. */
PyObject *loan_return_after(struct loan *loan, int64_t delay_ns)
{
    struct handle *handle = loan->handle;
    int result;

    if (!loan_may_end(loan))
        return NULL;
    loan_release_view(loan);
    if (loan->exports > 0) {
        PyErr_SetString(PyExc_BufferError, "something made of the message's data (a slice of it, an array) still looks at it: "
                                           "release or delete it first");
        return NULL;
    }
    cq_message message = loan->message;
    loan->fate = GIVEN_BACK; /* nobody's to end meanwhile */
    ++handle->uses;
    Py_BEGIN_ALLOW_THREADS
    result = cq_return_after(handle->queue, &message, delay_ns);
    Py_END_ALLOW_THREADS
    if (message.data)
        loan->fate = UNDECIDED; /* there was no memory to note the time */
    else
        loan_forget(loan);
    handle_leave(handle);
    if (result == CQ_OK)
        return Py_NewRef(Py_None);
    handle_raise(handle, result, 0);
    return NULL;
}

/* What is still looked at gets memory of its own in place of the region's, which the kernel did not pass on. */
void loan_after_fork(struct loan *loan)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = (uintptr_t)loan->message.data & ~(page - 1),
              end = (uintptr_t)loan->message.data + loan->message.size;

    loan_release_view(loan);
    for (; loan->exports > 0 && begin < end; begin += page)
        mmap((void *)begin, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    loan->fate = FORKED;
    loan_forget(loan);
}

/* ---- what both classes have -------------------------------------------------------------------------- */

/* A queue with an attribute that is its own message is a cycle; clearing the attribute breaks it. */
int loan_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((struct loan *)self)->handle);
    Py_VISIT(((struct loan *)self)->view);
    return 0;
}

/* No view is left, each of them has a reference. */
void loan_dealloc(PyObject *self)
{
    struct loan *loan = (struct loan *)self;
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    loan_settle(loan);
    Py_CLEAR(loan->view);
    struct handle *handle = loan->handle;
    if (!handle->state->spare)
        handle->state->spare = loan;
    else
        PyObject_GC_Del(self);
    Py_DECREF((PyObject *)handle);
    Py_DECREF(type); /* the state is there until here: the type keeps the module */
}

bool loan_check_held(struct loan *loan)
{
    if (loan_is_held(loan))
        return true;
    if (loan->handle->closed)
        handle_raise_closed(loan->handle);
    else
        PyErr_SetString(PyExc_ValueError, "the message is not held any more");
    return false;
}

int loan_get_buffer(PyObject *self, Py_buffer *view, int flags)
{
    struct loan *loan = (struct loan *)self;

    view->obj = NULL;
    if (!loan_check_held(loan) || PyBuffer_FillInfo(view, self, loan->message.data, (Py_ssize_t)loan->message.size,
                                                    !loan->reserved, flags) < 0)
        return -1;
    ++loan->exports;
    ++loan->handle->uses;
    return 0;
}

void loan_release_buffer(PyObject *self, Py_buffer *view)
{
    struct loan *loan = (struct loan *)self;

    (void)view;
    if (--loan->exports == 0 && loan->link && (loan->handle->closed || loan->fate != UNDECIDED))
        settle(loan);
    handle_leave(loan->handle);
}

PyObject *loan_get_data(PyObject *self, void *unused)
{
    struct loan *loan = (struct loan *)self;
    PyObject *view;

    (void)unused;
    if (!loan_check_held(loan))
        return NULL;
    if ((view = live_view(loan)))
        return view;
    Py_CLEAR(loan->view);
    view = PyMemoryView_FromObject(self);
    if (view && !(loan->view = loan->is_entered ? Py_NewRef(view) : PyWeakref_NewRef(view, NULL)))
        Py_CLEAR(view);
    return view;
}

/* Until the block ends, and the loan with it, it keeps its view itself: a weak reference would cost a fifth of a copy. */
PyObject *loan_enter(PyObject *self, PyObject *unused)
{
    struct loan *loan = (struct loan *)self;

    (void)unused;
    if (!loan->is_entered) {
        PyObject *view = live_view(loan);
        Py_CLEAR(loan->view);
        loan->view = view;
        loan->is_entered = true;
    }
    return Py_NewRef(self);
}
