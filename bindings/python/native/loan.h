/*
 * loan.h - what a message in the region is, for the files that make loans (take.c), lend them to Python (message.c) and end
 * them (loan.c).
 */
#ifndef CQUEUE_PYTHON_LOAN_H
#define CQUEUE_PYTHON_LOAN_H

#include "native.h"

enum fate { UNDECIDED, RELEASED, GIVEN_BACK, FORKED };

struct loan {
    PyObject_HEAD
    struct handle *handle;
    cq_message message;
    PyObject *view;              /* the memoryview handed out, or a weak reference to it, or NULL */
    Py_ssize_t exports;          /* views (and what was made of them) that lead to the message */
    struct loan *next, **link;   /* of the handle's; linked while held */
    enum fate fate;
    bool reserved;               /* by cq_reserve, else by cq_take */
    bool is_entered;             /* by a `with`, which will end it: so `view` is no weak reference */
};

/* The handle holds it, from now on until it has ended. */
void loan_link(struct loan *loan);

bool loan_is_held(struct loan *loan);
/* The same, but an exception is set if not: for a look, or for a call that ends it. */
bool loan_check_held(struct loan *loan);
bool loan_may_end(struct loan *loan);

/* Give it back for later: `delay_ns` as cq_return_after has it. */
PyObject *loan_return_after(struct loan *loan, int64_t delay_ns);
/* Release it or give it back, now or when nothing looks at it any more. None, or NULL: an exception is set. */
PyObject *loan_end(struct loan *loan, enum fate fate);
/* Make the memoryview raise ValueError from now on. It refuses while something else was made of it: `exports` tells. */
void loan_release_view(struct loan *loan);

/* What the classes have of this. */
void loan_dealloc(PyObject *self);
int loan_traverse(PyObject *self, visitproc visit, void *arg);
int loan_get_buffer(PyObject *self, Py_buffer *view, int flags);
void loan_release_buffer(PyObject *self, Py_buffer *view);
PyObject *loan_get_data(PyObject *self, void *unused);
PyObject *loan_enter(PyObject *self, PyObject *unused);

/* ---- headers.c */

PyObject *loan_get_headers(PyObject *self, void *unused);
int loan_set_headers(PyObject *self, PyObject *mapping, void *unused);
PyObject *loan_get_enqueue_time(PyObject *self, void *unused);

#endif
