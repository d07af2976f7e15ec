/*
 * quick.c - the methods that are called most often: take(), and put() and get() of queues of bytes.
 *
 * It owns what is tried first: what is over at once, with the GIL held. All else (other arguments, waiting, errors, syncing) is
 * handle.py's and queue.py's: _take(), _put() and _get(), which are called with the same arguments.
 */
#include "native.h"

/* Messages in a row that had the same size, after which the next one's is guessed. */
#define ALIKE 4

/* ---- what Python does ---------------------------------------------------------------------------------- */

enum method { PUT, GET, TAKE };

/* It takes the reference to `arguments`. */
static PyObject *call_slowly(PyObject *self, enum method which, PyObject *arguments, PyObject *words)
{
    const struct state *state = ((struct handle *)self)->state;
    PyObject *method = NULL;

    if (!state)
        handle_raise_closed((struct handle *)self); /* it was never open */
    else if (arguments)
        method = PyObject_GetAttr(self, which == PUT ? state->put : which == GET ? state->get : state->take);
    PyObject *answer = method ? PyObject_Call(method, arguments, words) : NULL;

    Py_XDECREF(method);
    Py_XDECREF(arguments);
    return answer;
}

/* The arguments of METH_FASTCALL, as a tuple and a dict. */
static PyObject *pass_on(PyObject *self, enum method which, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    Py_ssize_t named = names ? PyTuple_Size(names) : 0;
    PyObject *tuple = PyTuple_New(count), *words = named ? PyDict_New() : NULL, *answer = NULL;
    bool is_made = tuple && (!named || words);

    for (Py_ssize_t i = 0; is_made && i < count; ++i)
        PyTuple_SetItem(tuple, i, Py_NewRef(arguments[i]));
    for (Py_ssize_t i = 0; is_made && i < named; ++i)
        is_made = PyDict_SetItem(words, PyTuple_GetItem(names, i), arguments[count + i]) == 0;
    if (is_made)
        answer = call_slowly(self, which, tuple, words);
    else
        Py_XDECREF(tuple);
    Py_XDECREF(words);
    return answer;
}

/* ---- put ----------------------------------------------------------------------------------------------- */

/* Whether the message is in the queue. Whatever kept it out will tell queue.py, too. */
static bool put_at_once(struct handle *handle, PyObject *item)
{
    char *data;
    Py_ssize_t size;

    return PyBytes_Check(item) && handle_is_quick(handle) && PyBytes_AsStringAndSize(item, &data, &size) == 0 &&
           size < NATIVE_LONG_COPY && cq_enqueue(handle->queue, data, (size_t)size) == CQ_OK;
}

static PyObject *put(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    if (count == 1 && !names && put_at_once((struct handle *)self, arguments[0]))
        return Py_NewRef(Py_None);
    return pass_on(self, PUT, arguments, count, names);
}

static PyObject *put_nowait(PyObject *self, PyObject *item)
{
    if (put_at_once((struct handle *)self, item))
        return Py_NewRef(Py_None);
    return call_slowly(self, PUT, PyTuple_Pack(2, item, Py_False), NULL);
}

/* ---- get ----------------------------------------------------------------------------------------------- */

/* Bytes that were made too long. It cannot fail, since the message is in nothing else any more. */
static PyObject *shorten(PyObject *bytes, size_t size)
{
    char *data = PyBytes_AsString(bytes);
    PyObject *exact = PyBytes_FromStringAndSize(data, (Py_ssize_t)size);

    if (exact) {
        Py_DECREF(bytes);
        return exact;
    }
    PyErr_Clear();
    Py_SET_SIZE(bytes, (Py_ssize_t)size); /* as a resize does, where nobody else has seen it */
    data[size] = 0;
    return bytes;
}

/* The message, if there is one and its size was guessed; else NULL, and it is where it was. */
static PyObject *get_at_once(struct handle *handle)
{
    PyObject *bytes;
    size_t size;

    if (handle->alike < ALIKE || !handle_is_quick(handle))
        return NULL;
    bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)handle->usual_size);
    if (!bytes) {
        PyErr_Clear();
        return NULL;
    }
    if (cq_dequeue(handle->queue, PyBytes_AsString(bytes), handle->usual_size, &size) != CQ_OK) {
        Py_DECREF(bytes);
        return NULL;
    }
    if (size == handle->usual_size)
        return bytes;
    handle_saw_size(handle, size);
    return shorten(bytes, size);
}

static PyObject *get(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    PyObject *bytes = count == 0 && !names ? get_at_once((struct handle *)self) : NULL;

    return bytes ? bytes : pass_on(self, GET, arguments, count, names);
}

static PyObject *get_nowait(PyObject *self, PyObject *unused)
{
    PyObject *bytes = get_at_once((struct handle *)self);

    (void)unused;
    return bytes ? bytes : call_slowly(self, GET, PyTuple_Pack(1, Py_False), NULL);
}

/* ---- take ---------------------------------------------------------------------------------------------- */

PyObject *take_method(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    struct handle *handle = (struct handle *)self;
    PyObject *message = count == 0 && !names && handle_is_quick(handle) ? take_at_once(handle) : NULL;

    return message ? message : pass_on(self, TAKE, arguments, count, names);
}

#define FAST(function) ((PyCFunction)(void (*)(void))(function))

static PyMethodDef methods[] = {
    {"put", FAST(put), METH_FASTCALL | METH_KEYWORDS,
     "put($self, /, item, block=True, timeout=None, *, headers=None)\n--\n\n"
     "Append a message. While the queue is full wait for `timeout` seconds (None: for ever), then raise Full.\n\n"
     "headers: a mapping of str to str or bytes, of a queue with max_headers."},
    {"put_nowait", put_nowait, METH_O, "put_nowait($self, item, /)\n--\n\nput(item, block=False)."},
    {"get", FAST(get), METH_FASTCALL | METH_KEYWORDS,
     "get($self, /, block=True, timeout=None)\n--\n\n"
     "Remove the oldest message. While there is none wait for `timeout` seconds (None: for ever), then Empty."},
    {"get_nowait", get_nowait, METH_NOARGS, "get_nowait($self, /)\n--\n\nget(block=False)."},
    {NULL}};

static PyType_Slot slots[] = {{Py_tp_methods, methods}, {0, NULL}};

PyType_Spec single_spec = {"cqueue_shm._raw.Single", sizeof(struct handle), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
