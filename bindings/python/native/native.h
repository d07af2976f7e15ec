/*
 * native.h - what the generated wrappers (bindings/swig/python.i) call: the two base classes and the calls that wait.
 *
 * Everything here runs with the GIL held, so its counts and lists need no lock. Only the limited API of CPython 3.11 is
 * used: that is the first with the buffer protocol.
 */
#ifndef CQUEUE_PYTHON_NATIVE_H
#define CQUEUE_PYTHON_NATIVE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <limits.h>
#include <stdbool.h>

#include "cqueue.h"

/* Bytes from which a copy is long enough for other threads to run meanwhile. */
#define NATIVE_LONG_COPY (256 * 1024)

/* ---- handle.c -------------------------------------------------------------------------------------- */

struct loan;

/* The base class of Queue: an open handle, and who stands in the way of closing it. */
struct handle {
    PyObject_HEAD
    cq_queue *queue;   /* NULL: not opened, or closed for good */
    bool closed;       /* close() was called; whoever uses it last closes it for good */
    Py_ssize_t uses;   /* calls under way, and views of messages */
    struct loan *loans;
    struct handle *next, **link; /* the open ones of this process */
};

extern PyType_Spec handle_spec;
extern PyTypeObject *handle_type;

/* Begin a call on a handle: it stays open until handle_leave. NULL: an exception is set (it is closed). */
struct handle *handle_enter(PyObject *object);
void handle_leave(struct handle *handle);
/* Raise the exception for a call on a closed one. */
void handle_raise_closed(struct handle *handle);
/* Let an object hold a queue that was just opened. */
bool handle_is_blank(PyObject *object);
void handle_adopt(PyObject *object, cq_queue *queue);
/* Forbid further calls; what is held goes back. False: an exception is set. */
bool handle_close(PyObject *object);
/* In a forked child: the regions are not there, so nothing may lead to them. */
void handle_after_fork(void);

/* ---- loan.c ---------------------------------------------------------------------------------------- */

/* The base class of Message and Reservation: what cq_take or cq_reserve lent, and the memory behind its views. */
struct loan {
    PyObject_HEAD
    struct handle *handle;
    cq_message message;
    PyObject *view;              /* a weak reference to the memoryview handed out, or NULL */
    Py_ssize_t exports;          /* views (and what was made of them) that lead to the message */
    struct loan *next, **link;   /* of the handle's; linked while held */
    bool reserved;               /* for cq_reserve, else for cq_take */
};

extern PyType_Spec loan_spec;
extern PyTypeObject *loan_type;

/* Begin and end a call that lends or takes back: no view leads to the message in between. NULL: an exception is set. */
struct loan *loan_enter(PyObject *object);
void loan_leave(struct loan *loan);
/* Give it back or abort it, unless something still looks at it. */
void loan_settle(struct loan *loan);
/* The memory is gone. */
void loan_forget(struct loan *loan);
void loan_after_fork(struct loan *loan);

/* ---- calls.c --------------------------------------------------------------------------------------- */

/* What a bytes-like object holds, for as long as a call lasts. */
struct content {
    const void *data;
    size_t size;
    Py_buffer view; /* obj NULL: it is a bytes object, which nobody can change */
};

bool content_get(struct content *content, PyObject *object);
void content_put(struct content *content);

/* Find out which thread signals are for. False: an exception is set. */
bool calls_init(void);
/* In a forked child it is the only one. */
void calls_after_fork(void);

/* cq_enqueue_wait, cq_dequeue_wait and cq_take_wait for a language with signals and with close() at any time. A result of
   the queue's, or RAISED: an exception is set. */
#define RAISED INT_MIN
int enqueue_patiently(struct handle *patient, const void *data, size_t size, int64_t timeout_ns);
int dequeue_patiently(struct handle *patient, void *buffer, size_t buffer_size, size_t *size, int64_t timeout_ns);
int take_patiently(struct handle *patient, cq_message *message, int64_t timeout_ns);

/* The oldest message as bytes, or the result (an int) when there is none. */
PyObject *dequeue_bytes(struct handle *patient, int64_t timeout_ns);

/* cq_enqueue_batch of an iterable of bytes-like objects: (result, done). */
PyObject *enqueue_batch(struct handle *handle, PyObject *messages);

/* cq_dequeue_batch: a list of bytes, or the result when there is none. */
PyObject *dequeue_batch(struct handle *handle, size_t count);

#endif
