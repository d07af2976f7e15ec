/*
 * python.i - how the C interface looks in Python, below the handwritten classes.
 *
 * It owns the mapping of C types to Python's. A handle is an object that guards itself (native/handle.c), so every function
 * that takes a cq_queue is safe against close() by this file alone. Messages in place are objects, too (native/message.c).
 * Results stay numbers: which exception one is, is errors.py's. Strings are checked for hidden ends.
 */
%include <stdint.i>

%{
#include "native.h"

/* SWIG's own objects are used nowhere (a struct is a bytearray), and would be shared by all interpreters: they are not made. */
#undef SWIG_GetModule
#undef SWIG_SetModule
#define SWIG_GetModule(clientdata) ((void)(clientdata), &swig_module)
#define SWIG_SetModule(clientdata, pointer) ((void)0)
#define SWIG_runtime_data_module() ((void)0)
#define SWIG_This() ((void)0)
#define SWIG_Python_TypeCache() ((void)0)
#define SwigPyPacked_Type() ((void)0)
#define SwigVarLink_Type() ((void)0)
#define SwigPyObject_Type() ((void)0)
#define PyModuleDef_Init module_define
%}
%init %{
  if (!module_fill(m))
    return -1;
%}

/* ---- handles ------------------------------------------------------------------------------------------------ */

%typemap(in, numinputs=0) PyObject *module "$1 = self;"
%typemap(in) cq_queue *queue (struct handle *handle = NULL) {
  handle = handle_enter(self, $input);
  if (!handle)
    SWIG_fail;
  $1 = handle->queue;
}
%typemap(in) struct handle * (struct handle *handle = NULL) {
  handle = handle_enter(self, $input);
  if (!handle)
    SWIG_fail;
  $1 = handle;
}
%typemap(freearg) cq_queue *queue, struct handle * "if (handle$argnum) handle_leave(handle$argnum);"

/* cq_open fills in an object that is not open yet. */
%typemap(in) cq_queue **queue (cq_queue *opened = NULL) {
  if (!handle_is_blank(self, $input))
    SWIG_fail;
  $1 = &opened;
}
%typemap(argout) cq_queue **queue "if (opened$argnum) handle_adopt(self, $input, opened$argnum);"

/* ---- bytes -------------------------------------------------------------------------------------------------- */

/* Any contiguous bytes-like object, held until the call is over. */
%typemap(in) (const void *data, size_t size) (struct content content = {0}) {
  if (!content_get(&content, $input))
    SWIG_fail;
  $1 = (void *)(uintptr_t)content.data;
  $2 = content.size;
}
%typemap(freearg) (const void *data, size_t size) "content_put(&content$argnum);"
%apply (const void *data, size_t size) { (const void *headers, size_t headers_size) };

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
%apply const char *name { const char *source };

/* The struct borrows it: whoever sets it keeps the bytes object. */
%typemap(in) const char *directory {
  if (PyBytes_AsStringAndSize($input, &$1, NULL) < 0)
    SWIG_fail;
}
%typemap(memberin) const char *directory "$1 = $input;"
%typemap(freearg) const char *directory ""
%apply const char *directory { const char *durable_directory, const char *dead_letter };
%warnfilter(451) cq_config::directory;
%warnfilter(451) cq_config::durable_directory;
%warnfilter(451) cq_config::dead_letter;
%immutable cq_stats::dead_letter;

%typemap(in, numinputs=0) (char *text, size_t text_size) (char text[8192]) {
  $1 = text;
  $2 = sizeof text;
}
%typemap(in, numinputs=0) (char *path, size_t size) (char path[4096]) {
  path[0] = 0;
  $1 = path;
  $2 = sizeof path;
}
%typemap(argout) (char *path, size_t size) { %append_output(PyUnicode_DecodeFSDefault($1)); }
%typemap(argout) (char *text, size_t text_size) {
  Py_DECREF($result);
  $result = PyUnicode_DecodeFSDefault($1);
}

/* ---- numbers and structs ------------------------------------------------------------------------------------ */

%typemap(in, numinputs=0) int *fd (int number = -1) "$1 = &number;"
%typemap(argout) int *fd { %append_output(PyLong_FromLong(number$argnum)); }
%typemap(in, numinputs=0) uint64_t *length (uint64_t number = 0) "$1 = &number;"
%typemap(argout) uint64_t *length { %append_output(PyLong_FromUnsignedLongLong(number$argnum)); }
%apply uint64_t *length { uint64_t *bytes, uint64_t *number };

/* A struct is a bytearray of sizeof_... bytes; the functions named after its fields read and write them. */
%nodefaultctor;
%nodefaultdtor;
%immutable cq_participant::command;
%immutable cq_stats::id;
%typemap(out) uint8_t id[ANY] "$result = PyBytes_FromStringAndSize((const char *)$1, $1_dim0);"
%define STRUCT_AS(TYPE)
%typemap(in) TYPE * (Py_buffer view = {0}) {
  if (!struct_get(&view, $input, sizeof(TYPE)))
    SWIG_fail;
  $1 = view.buf;
}
%typemap(freearg) TYPE * "if (view$argnum.obj) PyBuffer_Release(&view$argnum);"
%enddef
%define STRUCT(TYPE)
STRUCT_AS(TYPE)
STRUCT_AS(struct TYPE)
STRUCT_AS(const TYPE)
%enddef
STRUCT(cq_config)
STRUCT(cq_stats)
STRUCT(cq_recovery)
STRUCT(cq_participant)
%typemap(check) const cq_config *config, cq_stats *stats, cq_recovery *recovery "$1->struct_size = sizeof *$1;"
%constant size_t sizeof_cq_config = sizeof(cq_config);
%constant size_t sizeof_cq_stats = sizeof(cq_stats);
%constant size_t sizeof_cq_recovery = sizeof(cq_recovery);

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

static int visit_source(const char *name, uint64_t number, void *context)
{
    return answer(PyObject_CallFunction(context, "sK", name, (unsigned long long)number));
}

static int visit_participant(const cq_participant *participant, void *context)
{
  PyObject *shown = PyByteArray_FromStringAndSize((const char *)participant, sizeof *participant);
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
VISITOR(cq_sources, cq_source_visitor, visit_source)
VISITOR(cq_participants, cq_participant_visitor, visit_participant)

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
%ignore cq_cancel;        /* handle_cancel: of the user's, not for a signal */
%ignore cq_cancel_reset;
%ignore cq_slice;
%ignore cq_enqueue_batch; /* enqueue_batch, dequeue_batch: of Python's lists */
%ignore cq_dequeue_batch;
%ignore cq_message;       /* take, take_batch, reserve; the rest are methods of Message and Reservation */
%ignore cq_take;
%ignore cq_release;
%ignore cq_return;
%ignore cq_reserve;
%ignore cq_commit;
%ignore cq_abort;
%ignore cq_enqueue_wait;  /* ..._patiently: end for signals and for close() */
%ignore cq_dequeue_wait;
%ignore cq_take_wait;
%ignore cq_wait;          /* wait_for_message */
%ignore cq_wait_room;     /* wait_for_room, reserve */
%ignore cq_sync;          /* sync_patiently */
%ignore cq_outgoing;      /* enqueue_message */
%ignore cq_enqueue_message;
%ignore cq_enqueue_from;
%ignore cq_enqueue_from_wait;
%ignore cq_header;        /* dicts: pack_headers, and attributes of Message and Reservation */
%ignore cq_headers;
%ignore cq_set_headers;
%ignore cq_header_add;
%ignore cq_header_next;
%ignore cq_header_find;
%ignore cq_enqueue_time;
%ignore cq_return_after;

%exception enqueue_patiently { $action if (result == RAISED) SWIG_fail; }
%exception dequeue_patiently { $action if (result == RAISED) SWIG_fail; }
%exception wait_for_message { $action if (result == RAISED) SWIG_fail; }
%exception sync_patiently { $action if (result == RAISED) SWIG_fail; }
%exception enqueue_message { $action if (result == RAISED) SWIG_fail; }
%exception wait_for_room { $action if (result == RAISED) SWIG_fail; }
int enqueue_patiently(struct handle *patient, const void *data, size_t size, int64_t timeout_ns);
int dequeue_patiently(struct handle *patient, void *buffer, size_t buffer_size, size_t *size, int64_t timeout_ns);
int wait_for_message(struct handle *patient, int64_t timeout_ns);
int wait_for_room(struct handle *patient, int64_t timeout_ns);
PyObject *pack_headers(struct handle *handle, PyObject *mapping);
int enqueue_message(struct handle *patient, const void *data, size_t size, const void *headers, size_t headers_size,
                    const char *source, uint64_t number, int64_t timeout_ns);
int sync_patiently(struct handle *patient, int64_t timeout_ns);
int spin_for_message(struct handle *patient);
int spin_for_room(struct handle *patient);
int64_t wait_deadline(int64_t timeout_ns);
int64_t wait_left(int64_t deadline);
PyObject *dequeue_bytes(struct handle *patient, int64_t timeout_ns);
PyObject *enqueue_batch(struct handle *handle, PyObject *messages, int64_t timeout_ns);
PyObject *dequeue_batch(struct handle *handle, size_t count, int64_t timeout_ns);
PyObject *take(struct handle *handle, int64_t timeout_ns);
PyObject *take_batch(struct handle *handle, size_t count, int64_t timeout_ns);
PyObject *reserve(struct handle *handle, size_t size, int64_t timeout_ns);

int handle_cancel(struct handle *handle, bool cancelled);
%typemap(out) bool {
  if (!$1)
    SWIG_fail;
  $result = Py_NewRef(Py_None);
}
bool handle_close(PyObject *module, PyObject *object);
void handle_set_syncs(struct handle *handle, bool syncs);
void module_after_fork(PyObject *module);
