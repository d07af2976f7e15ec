/*
 * signals.c - signals end a wait of the thread that runs Python's handlers, at once and without polling.
 *
 * The queue's own waits do not end for a signal. But Python writes a byte to a descriptor for each one (set_wakeup_fd): while
 * that thread waits this is a pipe of ours, and a helper thread, one a process, which sleeps on the other end, cancels the wait
 * of the handle. Whatever else waits on that handle finds that it was not cancelled by its user, and waits on (wait.c).
 *
 * It owns the pipe and the helper, and the cancelling of handles: by the user, or for a signal.
 */
#include "native.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

/* One a process: only one thread runs handlers. `lock` guards all but `ends`, which are there before the helper is. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t armed;
    bool started;
    int ends[2];
    struct handle *waiting; /* whose wait a signal is to end; NULL: none, or it was ended */
    bool fired;
    bool guards;            /* Python writes to our pipe ... */
    int previous;           /* ... in place of this one */
} ours = {.lock = PTHREAD_MUTEX_INITIALIZER, .armed = PTHREAD_COND_INITIALIZER};

static bool is_readable(int timeout_ms)
{
    struct pollfd end = {.fd = ours.ends[0], .events = POLLIN};
    return poll(&end, 1, timeout_ms) > 0;
}

static void *help(void *unused)
{
    pthread_mutex_lock(&ours.lock);
    for (;;) {
        while (!ours.waiting)
            pthread_cond_wait(&ours.armed, &ours.lock);
        pthread_mutex_unlock(&ours.lock);
        is_readable(-1);
        pthread_mutex_lock(&ours.lock);
        if (ours.waiting && is_readable(0)) {
            cq_cancel(ours.waiting->queue);
            ours.waiting = NULL;
            ours.fired = true;
        }
    }
    return unused;
}

static bool start(void)
{
    sigset_t all, before;
    pthread_t helper;

    if (ours.started)
        return true;
    if (pipe2(ours.ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return false;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    ours.started = pthread_create(&helper, NULL, help, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (ours.started) {
        pthread_detach(helper);
    } else {
        close(ours.ends[0]);
        close(ours.ends[1]);
    }
    return ours.started;
}

/* Nobody needs to be told when the pipe is full. (What the one before wanted in this is not to be learned; asyncio wants the
   same.) The one before; -2: an exception is set. */
static int set_wakeup_fd(const struct state *state, int fd)
{
    PyObject *arguments = Py_BuildValue("(i)", fd), *words = Py_BuildValue("{sO}", "warn_on_full_buffer", Py_False);
    PyObject *before = arguments && words ? PyObject_Call(state->set_wakeup_fd, arguments, words) : NULL;
    long previous = before ? PyLong_AsLong(before) : -2;

    Py_XDECREF(before);
    Py_XDECREF(words);
    Py_XDECREF(arguments);
    return (int)previous;
}

bool signals_are_ours(const struct state *state)
{
    return state->set_wakeup_fd && PyThread_get_thread_ident() == state->main_thread;
}

int signals_guard(struct handle *handle, struct guard *guard)
{
    if (!start())
        return 0;
    guard->previous = set_wakeup_fd(handle->state, ours.ends[1]);
    if (guard->previous == -2) { /* Python has another idea of which thread it is */
        PyErr_Clear();
        return 0;
    }
    ours.guards = true;
    if (guard->previous != ours.ends[1])
        ours.previous = guard->previous;
    /* What came before is handled now, what comes later is in the pipe. Handlers may wait themselves, and be guarded. */
    if (PyErr_CheckSignals() < 0) {
        signals_unguard(handle, guard);
        return -1;
    }
    if (!ours.started) { /* a handler forked, and this is the child */
        signals_unguard(handle, guard);
        return 0;
    }
    pthread_mutex_lock(&ours.lock);
    ours.waiting = handle;
    ours.fired = false;
    pthread_cond_signal(&ours.armed);
    pthread_mutex_unlock(&ours.lock);
    return 1;
}

void signals_stop(struct handle *handle)
{
    pthread_mutex_lock(&ours.lock);
    ours.waiting = NULL;
    if (ours.fired && !handle->cancelled && !handle->closed)
        cq_cancel_reset(handle->queue);
    ours.fired = false;
    pthread_mutex_unlock(&ours.lock);
}

/* Whoever was told of signals before is told of those that came meanwhile. */
void signals_unguard(struct handle *handle, struct guard *guard)
{
    char numbers[64];
    ssize_t size;
    PyObject *kind, *value, *trace; /* of an exception that is set already */

    signals_stop(handle);
    PyErr_Fetch(&kind, &value, &trace);
    if (set_wakeup_fd(handle->state, guard->previous) == -2) /* the descriptor is closed by now */
        set_wakeup_fd(handle->state, -1);
    PyErr_Restore(kind, value, trace);
    ours.guards = ours.started && guard->previous == ours.ends[1];
    if (ours.guards) /* the wait of a handler; whoever it interrupted is to see all */
        return;
    while ((size = read(ours.ends[0], numbers, sizeof numbers)) > 0)
        if (guard->previous >= 0 && write(guard->previous, numbers, (size_t)size) < 0)
            break;
}

/* The helper does not exist here, and the pipe is the parent's. */
void signals_after_fork(const struct state *state)
{
    if (!ours.started)
        return;
    if (ours.guards && state->set_wakeup_fd && set_wakeup_fd(state, ours.previous) == -2)
        PyErr_Clear();
    pthread_mutex_init(&ours.lock, NULL);
    pthread_cond_init(&ours.armed, NULL);
    close(ours.ends[0]);
    close(ours.ends[1]);
    ours.ends[0] = ours.ends[1] = -1;
    ours.waiting = NULL;
    ours.started = ours.guards = ours.fired = false;
}

/* Under the lock, because signals_stop must not allow again what the user ends at that moment. */
int handle_cancel(struct handle *handle, bool cancelled)
{
    pthread_mutex_lock(&ours.lock);
    int result = cancelled ? cq_cancel(handle->queue) : cq_cancel_reset(handle->queue);
    if (result == CQ_OK)
        handle->cancelled = cancelled;
    pthread_mutex_unlock(&ours.lock);
    return result;
}
