/*
 * module.c - the module itself: its definition, and the state that each import of it has.
 *
 * It owns that interpreters share nothing. It must not know what the classes do.
 */
#include "native.h"

/* Python 3.12's, which the limited API of 3.11 does not name: the module may be in several interpreters, each with its GIL. */
#define SLOT_MULTIPLE_INTERPRETERS 3
#define PER_INTERPRETER_GIL_SUPPORTED ((void *)2)
#define PYTHON_3_12 0x030c0000

struct state *module_state(PyObject *module) { return PyModule_GetState(module); }

static int traverse(PyObject *module, visitproc visit, void *arg)
{
    struct state *state = module_state(module);

    Py_VISIT(state->handle_type);
    Py_VISIT(state->single_type);
    Py_VISIT(state->message_type);
    Py_VISIT(state->reservation_type);
    Py_VISIT(state->set_wakeup_fd);
    return 0;
}

static int clear(PyObject *module)
{
    struct state *state = module_state(module);

    if (state->spare)
        PyObject_GC_Del(state->spare);
    state->spare = NULL;
    Py_CLEAR(state->handle_type);
    Py_CLEAR(state->single_type);
    Py_CLEAR(state->message_type);
    Py_CLEAR(state->reservation_type);
    Py_CLEAR(state->set_wakeup_fd);
    Py_CLEAR(state->release);
    Py_CLEAR(state->check);
    Py_CLEAR(state->put);
    Py_CLEAR(state->get);
    Py_CLEAR(state->take);
    return 0;
}

static void free_state(void *module) { clear(module); }

PyObject *module_define(PyModuleDef *definition)
{
    static PyModuleDef_Slot slots[3];

    /* Two interpreters may come here at once: they write the same. */
    slots[0] = definition->m_slots[0]; /* SWIG's function, which calls module_fill */
    if (Py_Version >= PYTHON_3_12)
        slots[1] = (PyModuleDef_Slot){SLOT_MULTIPLE_INTERPRETERS, PER_INTERPRETER_GIL_SUPPORTED};
    definition->m_slots = slots;
    definition->m_size = sizeof(struct state);
    definition->m_traverse = traverse;
    definition->m_clear = clear;
    definition->m_free = free_state;
    return PyModuleDef_Init(definition);
}

/* Only the main interpreter has a thread that runs the handlers of signals. */
static bool find_main_thread(struct state *state)
{
    if (PyInterpreterState_GetID(PyInterpreterState_Get()) != 0)
        return true;
    PyObject *threading = PyImport_ImportModule("threading"), *signals = PyImport_ImportModule("signal");
    PyObject *thread = threading ? PyObject_CallMethod(threading, "main_thread", NULL) : NULL;
    PyObject *ident = thread ? PyObject_GetAttrString(thread, "ident") : NULL;

    state->main_thread = ident ? PyLong_AsUnsignedLong(ident) : 0;
    state->set_wakeup_fd = signals ? PyObject_GetAttrString(signals, "set_wakeup_fd") : NULL;
    Py_XDECREF(ident);
    Py_XDECREF(thread);
    Py_XDECREF(signals);
    Py_XDECREF(threading);
    return !PyErr_Occurred();
}

static PyTypeObject *add_type(PyObject *module, PyType_Spec *spec, PyTypeObject *base)
{
    PyTypeObject *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, (PyObject *)base);

    if (type && PyModule_AddType(module, type) < 0)
        Py_CLEAR(type);
    return type;
}

bool module_fill(PyObject *module)
{
    struct state *state = module_state(module);

    return (state->release = PyUnicode_InternFromString("release")) &&
           (state->check = PyUnicode_InternFromString("_check")) &&
           (state->put = PyUnicode_InternFromString("_put")) && (state->get = PyUnicode_InternFromString("_get")) &&
           (state->take = PyUnicode_InternFromString("_take")) && find_main_thread(state) &&
           (state->handle_type = add_type(module, &handle_spec, NULL)) &&
           (state->single_type = add_type(module, &single_spec, state->handle_type)) &&
           (state->message_type = add_type(module, &message_spec, NULL)) &&
           (state->reservation_type = add_type(module, &reservation_spec, NULL));
}

void module_after_fork(PyObject *module)
{
    struct state *state = module_state(module);

    state->main_thread = PyThread_get_thread_ident();
    signals_after_fork(state);
    for (struct handle *handle = state->open_handles; handle; handle = handle->next)
        handle_after_fork(handle);
}
