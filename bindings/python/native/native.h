/*
 * native.h - what the generated wrappers (bindings/swig/python.i) call: the classes, and the calls that wait.
 *
 * Everything here runs with the GIL held, so its counts and lists need no lock. Only the limited API of CPython 3.11 is
 * used: that is the first with the buffer protocol. Nothing that Python sees is static: each import of the module, in this
 * interpreter or another, has a `state` of its own.
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

/* ---- module.c -------------------------------------------------------------------------------------- */

struct handle;

/* What belongs to one import of the module. */
struct state {
    PyTypeObject *handle_type, *single_type, *message_type, *reservation_type;
    PyObject *release, *check, *put, *get, *take; /* names of methods */
    PyObject *set_wakeup_fd;     /* of the signal module; NULL: no thread of this interpreter runs handlers of signals */
    unsigned long main_thread;   /* the thread that does */
    struct handle *open_handles;
    struct loan *spare; /* the memory of a message that is gone, for the next one; NULL: none */
};

/* Takes the place of PyModuleDef_Init in SWIG's function: gives the module its state, and every interpreter a module. */
PyObject *module_define(PyModuleDef *definition);
/* Fill the state in and the classes into the module. False: an exception is set. */
bool module_fill(PyObject *module);
struct state *module_state(PyObject *module);
/* In a forked child: the regions are not there, so nothing may lead to them; and there is only one thread. */
void module_after_fork(PyObject *module);

/* ---- handle.c -------------------------------------------------------------------------------------- */

struct loan;

enum side { SIDE_MESSAGES, SIDE_ROOM };

/* Whether spinning is worth it: spin.c. */
struct spinning {
    int in_vain, skipped;
};

/* The base class of the queues: an open handle, and who stands in the way of closing it. */
struct handle {
    PyObject_HEAD
    cq_queue *queue;   /* NULL: not opened, or closed for good */
    struct state *state;
    bool closed;       /* close() was called; whoever uses it last closes it for good */
    bool cancelled;    /* cancel() was called, and not reset_cancel() */
    bool forked;       /* opened by the parent of this process: to be opened again at the first use */
    bool syncs;        /* CQ_SYNC: any call may wait for the disk, so others run meanwhile */
    Py_ssize_t uses;   /* calls under way, and views of messages */
    Py_ssize_t waiting[2]; /* threads that wait, on each side */
    struct spinning spinning[2];
    size_t usual_size; /* of the message that was got last ... */
    int alike;         /* ... and how many before it had that, as far as that matters */
    struct loan *loans;
    struct handle *next, **link; /* the open ones of this import */
};

extern PyType_Spec handle_spec;

/* Begin a call on a handle: it stays open until handle_leave. NULL: an exception is set (it is closed). */
struct handle *handle_enter(PyObject *module, PyObject *object);
bool handle_enter_checked(struct handle *handle); /* of which it is known that it is one */
void handle_leave(struct handle *handle);
/* Whether a call that neither waits nor lets the GIL go may just be made. */
static inline bool handle_is_quick(const struct handle *handle)
{
    return handle->queue && !handle->closed && !handle->forked && !handle->syncs;
}
/* Raise the exception for a call on a closed one, or for a result of the queue's. */
void handle_raise_closed(struct handle *handle);
void handle_raise(struct handle *handle, int result, size_t size);
/* Let an object hold a queue that was just opened. */
bool handle_is_blank(PyObject *module, PyObject *object);
void handle_adopt(PyObject *module, PyObject *object, cq_queue *queue);
/* Forbid further calls; what is held goes back. False: an exception is set. */
bool handle_close(PyObject *module, PyObject *object);
/* End all waits on this handle, or allow them again. A result of the queue's. */
int handle_cancel(struct handle *handle, bool cancelled);
void handle_after_fork(struct handle *handle);
/* A message of this size was got. */
void handle_saw_size(struct handle *handle, size_t size);
/* Whether it was opened with CQ_SYNC. */
void handle_set_syncs(struct handle *handle, bool syncs);

/* ---- loan.c ---------------------------------------------------------------------------------------- */

/* Give it back or abort it, or do what was decided, unless something still looks at it. */
void loan_settle(struct loan *loan);
/* The memory is gone. */
void loan_forget(struct loan *loan);
void loan_after_fork(struct loan *loan);
struct loan *loan_next(struct loan *loan);

/* ---- message.c ------------------------------------------------------------------------------------- */

extern PyType_Spec message_spec, reservation_spec;

/* ---- take.c ---------------------------------------------------------------------------------------- */

/* The oldest messages, or room for one, in place. Objects, or the result (an int) when there is none. NULL: an exception. */
PyObject *take(struct handle *handle, int64_t timeout_ns);
PyObject *take_batch(struct handle *handle, size_t count, int64_t timeout_ns);
PyObject *reserve(struct handle *handle, size_t size, int64_t timeout_ns);
/* Without waiting, on a quick handle: NULL without an exception, if there is none or whatever else. */
PyObject *take_at_once(struct handle *handle);

/* ---- quick.c --------------------------------------------------------------------------------------- */

extern PyType_Spec single_spec;
/* The method of handles. */
PyObject *take_method(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names);

/* ---- signals.c ------------------------------------------------------------------------------------- */

/* Signals that come during a wait of the thread that runs their handlers end it, as cancelling would. */
struct guard {
    int previous; /* the descriptor that Python told of signals */
};

/* Whether this is that thread. */
bool signals_are_ours(const struct state *state);
/* 1: it is guarded now. 0: it cannot be. Negative: an exception is set, by a handler. */
int signals_guard(struct handle *handle, struct guard *guard);
/* As soon as the wait is over, with or without the GIL; allows the handle's waits again. Then, with the GIL, the rest. */
void signals_stop(struct handle *handle);
void signals_unguard(struct handle *handle, struct guard *guard);
void signals_after_fork(const struct state *state);

/* ---- wait.c ---------------------------------------------------------------------------------------- */

/* cq_..._wait for a language with signals and with close() at any time. A result of the queue's, or RAISED: an exception is
   set. */
#define RAISED INT_MIN
/* One of them. Its arguments apart from the queue and the time are in `context`. */
typedef int wait_call(cq_queue *queue, void *context, int64_t timeout_ns);
int enqueue_patiently(struct handle *patient, const void *data, size_t size, int64_t timeout_ns);
int dequeue_patiently(struct handle *patient, void *buffer, size_t buffer_size, size_t *size, int64_t timeout_ns);
int take_patiently(struct handle *patient, cq_message *message, int64_t timeout_ns);
int reserve_patiently(struct handle *patient, size_t size, cq_message *message, int64_t timeout_ns);
int wait_for_message(struct handle *patient, int64_t timeout_ns);
int wait_for_room(struct handle *patient, int64_t timeout_ns);

/* cq_sync: signals and close() end the waiting for the flushes of others. */
int sync_patiently(struct handle *patient, int64_t timeout_ns);

/* Whether there is a message, or room: for a moment, or a look. CQ_OK, CQ_TIMEOUT, or an error. */
int spin_for_message(struct handle *patient);
int spin_for_room(struct handle *patient);

/* A time-out that several calls share: what is left of it. */
int64_t wait_deadline(int64_t timeout_ns);
int64_t wait_left(int64_t deadline);

/* A call that waits on one side: tried, then spun, then slept for. */
int wait_patiently(struct handle *patient, enum side side, wait_call *call, void *context, bool is_long, int64_t timeout_ns);

/* ---- headers.c ------------------------------------------------------------------------------------- */

/* A mapping of str to str or bytes as the queue's format has it: bytes. */
PyObject *pack_headers(struct handle *handle, PyObject *mapping);

/* cq_enqueue_message; or, if `source` is not empty, cq_enqueue_from. */
int enqueue_message(struct handle *patient, const void *data, size_t size, const void *headers, size_t headers_size,
                    const char *source, uint64_t number, int64_t timeout_ns);

/* ---- spin.c ---------------------------------------------------------------------------------------- */

/* Make a call that does not wait again and again, for a while, where that is worth it. Its result, or CQ_TIMEOUT. */
int spin(struct handle *handle, enum side side, wait_call *call, void *context, int64_t duration_ns);

/* ---- calls.c --------------------------------------------------------------------------------------- */

/* What a bytes-like object holds, for as long as a call lasts. */
struct content {
    const void *data;
    size_t size;
    Py_buffer view; /* obj NULL: it is a bytes object, which nobody can change */
};

bool content_get(struct content *content, PyObject *object);
void content_put(struct content *content);

/* A struct of cqueue.h, which Python keeps in a bytearray, for as long as a call lasts. */
bool struct_get(Py_buffer *view, PyObject *object, size_t size);

/* The oldest message as bytes, or the result (an int) when there is none; or (CQ_EIO, bytes): it is removed, and may come back
   after a power cut. A batch in the same way. */
PyObject *dequeue_bytes(struct handle *patient, int64_t timeout_ns);

/* cq_enqueue_batch of an iterable of bytes-like objects, waiting whenever there is no room: (result, done). */
PyObject *enqueue_batch(struct handle *handle, PyObject *messages, int64_t timeout_ns);

/* cq_dequeue_batch, waiting for the first: a list of bytes, or the result when there is none. */
PyObject *dequeue_batch(struct handle *handle, size_t count, int64_t timeout_ns);

#endif
