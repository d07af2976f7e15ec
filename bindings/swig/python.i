/*
 * python.i - how the C interface looks in Python, below the handwritten classes.
 *
 * It owns the mapping of C types to Python's. A handle is an object that guards itself (native/handle.c), so every function
 * that takes a cq_queue is safe against close() by this file alone; so is every one that takes a cq_message against views
 * (native/loan.c). Results stay numbers: which exception one is, is errors.py's. Strings are checked for hidden ends.
 */
%include <stdint.i>

%{
#include "native.h"
%}

/* ---- handles and loans -------------------------------------------------------------------------------------- */

%typemap(in) cq_queue *queue (struct handle *handle = NULL) {
  handle = handle_enter($input);
  if (!handle)
    SWIG_fail;
  $1 = handle->queue;
}
%typemap(in) struct handle * (struct handle *handle = NULL) {
  handle = handle_enter($input);
  if (!handle)
    SWIG_fail;
  $1 = handle;
}
%typemap(freearg) cq_queue *queue, struct handle * "if (handle$argnum) handle_leave(handle$argnum);"

/* cq_open fills in an object that is not open yet. */
%typemap(in) cq_queue **queue (cq_queue *opened = NULL) {
  if (!handle_is_blank($input))
    SWIG_fail;
  $1 = &opened;
}
%typemap(argout) cq_queue **queue "if (opened$argnum) handle_adopt($input, opened$argnum);"

%typemap(in) cq_message *message (struct loan *loan = NULL) {
  loan = loan_enter($input);
  if (!loan)
    SWIG_fail;
  $1 = &loan->message;
}
%typemap(freearg) cq_message *message "if (loan$argnum) loan_leave(loan$argnum);"

/* ---- bytes -------------------------------------------------------------------------------------------------- */

/* Any contiguous bytes-like object, held until the call is over. */
%typemap(in) (const void *data, size_t size) (struct content content = {0}) {
  if (!content_get(&content, $input))
    SWIG_fail;
  $1 = (void *)(uintptr_t)content.data;
  $2 = content.size;
}
%typemap(freearg) (const void *data, size_t size) "content_put(&content$argnum);"

/* A writable one, and how much of it was filled or is needed: (result, size). */
%typemap(in) (void *buffer, size_t buffer_size, size_t *size) (Py_buffer view = {0}, size_t size = 0) {
  if (PyObject_GetBuffer($input, &view, PyBUF_WRITABLE) < 0)
    SWIG_fail;
  $1 = view.buf;
  $2 = (size_t)view.len;
  $3 = &size;
}
%typemap(argout) (void *buffer, size_t buffer_size, size_t *size) { %append_output(PyLong_FromSize_t(size$argnum)); }
%typemap(freearg) (void *buffer, size_t buffer_size, size_t *size) "if (view$argnum.obj) PyBuffer_Release(&view$argnum);"

/* ---- strings ------------------------------------------------------------------------------------------------ */

%typemap(in) const char *name {
  Py_ssize_t length = 0;
  if (!PyUnicode_Check($input))
    PyErr_SetString(PyExc_TypeError, "a queue's name is a str");
  else
    $1 = (char *)(uintptr_t)PyUnicode_AsUTF8AndSize($input, &length);
  if ($1 && strlen($1) != (size_t)length)
    PyErr_SetString(PyExc_ValueError, "embedded null character");
  if (PyErr_Occurred())
    SWIG_fail;
}
%typemap(freearg) const char *name ""

/* The struct borrows it: whoever sets it keeps the bytes object. */
%typemap(in) const char *directory {
  if (PyBytes_AsStringAndSize($input, &$1, NULL) < 0)
    SWIG_fail;
}
%typemap(memberin) const char *directory "$1 = $input;"
%typemap(freearg) const char *directory ""
%warnfilter(451) cq_config::directory;

%typemap(in, numinputs=0) (char *text, size_t text_size) (char text[8192]) {
  $1 = text;
  $2 = sizeof text;
}
%typemap(argout) (char *text, size_t text_size) {
  Py_DECREF($result);
  $result = PyUnicode_DecodeFSDefault($1);
}

/* ---- numbers and structs ------------------------------------------------------------------------------------ */

%typemap(in, numinputs=0) int *fd (int number = -1) "$1 = &number;"
%typemap(argout) int *fd { %append_output(PyLong_FromLong(number$argnum)); }
%typemap(in, numinputs=0) uint64_t *length (uint64_t number = 0) "$1 = &number;"
%typemap(argout) uint64_t *length { %append_output(PyLong_FromUnsignedLongLong(number$argnum)); }

%typemap(check) const cq_config *config, cq_stats *stats, cq_recovery *recovery "if ($1) $1->struct_size = sizeof *$1;"

/* ---- visitors are callables: visitor(position, deliveries, bytes), visitor(cq_participant) ------------------------- */

%{
static int answer(PyObject *more)
{
  int stop = more ? PyObject_IsTrue(more) : 1; /* -1 stops too: an exception is set */
  Py_XDECREF(more);
  return stop;
}

static int visit_message(const cq_message *message, void *context)
{
  return answer(PyObject_CallFunction(context, "KIy#", (unsigned long long)message->position,
                                      (unsigned int)message->deliveries, (char *)message->data,
                                      (Py_ssize_t)message->size));
}

/* The object leads to what is gone when the visitor returns: it is queue.py's alone. */
static int visit_participant(const cq_participant *participant, void *context)
{
  PyObject *shown = SWIG_NewPointerObj((void *)(uintptr_t)participant, SWIGTYPE_p_cq_participant, 0);
  int stop = shown ? answer(PyObject_CallFunctionObjArgs(context, shown, NULL)) : 1;
  Py_XDECREF(shown);
  return stop;
}
%}
%define VISITOR(FUNCTION, TYPE, VISIT)
%typemap(in) (TYPE *visitor, void *context) {
  $1 = VISIT;
  $2 = $input;
}
%exception FUNCTION {
  $action
  if (PyErr_Occurred())
    SWIG_fail;
}
%enddef
VISITOR(cq_walk, cq_visitor, visit_message)
VISITOR(cq_participants, cq_participant_visitor, visit_participant)
%nodefaultctor cq_participant;
%nodefaultdtor cq_participant;
%immutable cq_participant::command;

/* ---- who waits, and for what ----------------------------------------------------------------------------------- */

/* These ask the file system. */
%define FREELY(FUNCTION)
%exception FUNCTION {
  Py_BEGIN_ALLOW_THREADS
  $action
  Py_END_ALLOW_THREADS
}
%enddef
FREELY(cq_open)
FREELY(cq_unlink)
FREELY(cq_stat)
FREELY(cq_recover)
FREELY(cq_explain)

%ignore cq_close;         /* handle_close */
%ignore cq_message;       /* Loan */
%ignore cq_slice;
%ignore cq_enqueue_batch; /* enqueue_batch, dequeue_batch: of Python's lists */
%ignore cq_dequeue_batch;
%ignore cq_enqueue_wait;  /* ..._patiently: end for signals and for close() */
%ignore cq_dequeue_wait;
%ignore cq_take_wait;
%ignore cq_wait;
%ignore cq_wait_room;

%exception enqueue_patiently { $action if (result == RAISED) SWIG_fail; }
%exception dequeue_patiently { $action if (result == RAISED) SWIG_fail; }
%exception take_patiently { $action if (result == RAISED) SWIG_fail; }
int enqueue_patiently(struct handle *patient, const void *data, size_t size, int64_t timeout_ns);
int dequeue_patiently(struct handle *patient, void *buffer, size_t buffer_size, size_t *size, int64_t timeout_ns);
int take_patiently(struct handle *patient, cq_message *message, int64_t timeout_ns);
PyObject *dequeue_bytes(struct handle *patient, int64_t timeout_ns);
PyObject *enqueue_batch(struct handle *handle, PyObject *messages);
PyObject *dequeue_batch(struct handle *handle, size_t count);

%typemap(out) bool {
  if (!$1)
    SWIG_fail;
  $result = Py_NewRef(Py_None);
}
bool handle_close(PyObject *object);
void handle_after_fork(void);

%init %{
  handle_type = (PyTypeObject *)PyType_FromSpec(&handle_spec);
  loan_type = handle_type ? (PyTypeObject *)PyType_FromSpec(&loan_spec) : NULL;
  if (!loan_type || !calls_init() || PyModule_AddType(m, handle_type) < 0 || PyModule_AddType(m, loan_type) < 0)
    return -1;
%}
