/*
 * wait.c - the calls that wait: in the queue, without the GIL and without looking up now and then.
 *
 * It owns what ends a wait: what was waited for, the time, a signal whose handler raises, cancel() and close(). How signals do
 * so is signals.c's, closing is handle.c's; the wrapper that calls these keeps the handle open meanwhile.
 */
#include "native.h"

#include <time.h>

/* Guarding a wait against signals costs a few microseconds: one that is over by then does without. */
#define UNGUARDED_NS 2000000
/* Where it cannot be guarded, for want of a thread or descriptors, it looks up so often. */
#define SLICE_NS 50000000

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int64_t wait_deadline(int64_t timeout_ns)
{
    int64_t start = timeout_ns > 0 ? now() : 0;
    return timeout_ns < 0 || timeout_ns > INT64_MAX - start ? INT64_MAX : start + timeout_ns;
}

int64_t wait_left(int64_t deadline)
{
    if (deadline == INT64_MAX)
        return -1;
    int64_t time = deadline > 0 ? now() : 0;
    return deadline > time ? deadline - time : 0;
}

/* Longer than who answers needs to wake up: out of a sleep in the queue, or by a descriptor out of an event loop's. */
#define SPIN_NS 25000
#define SPIN_OF_LOOP_NS 80000

/* It timed out: a wait goes on. Memory for a message may be there later, as room may, and the only consumer be gone. */
static bool is_in_vain(int result) { return result == CQ_TIMEOUT || result == CQ_ENOSPACE || result == CQ_ECONSUMER; }

static int call_freely(struct handle *patient, wait_call *call, void *context, int64_t timeout_ns, bool is_guarded)
{
    cq_queue *queue = patient->queue;
    int result;

    Py_BEGIN_ALLOW_THREADS
    result = call(queue, context, timeout_ns);
    if (is_guarded)
        signals_stop(patient);
    Py_END_ALLOW_THREADS
    return result;
}

/* One wait of the thread that signals are for. CQ_CANCELLED, if a signal or the user ended it or it cannot be guarded. */
static int wait_guarded(struct handle *patient, wait_call *call, void *context, int64_t timeout_ns)
{
    struct guard guard;
    int guarded = signals_guard(patient, &guard);

    if (guarded < 0)
        return RAISED;
    if (!guarded && (timeout_ns < 0 || timeout_ns > SLICE_NS)) {
        int result = call_freely(patient, call, context, SLICE_NS, false);
        return is_in_vain(result) ? CQ_CANCELLED : result;
    }
    int result = call_freely(patient, call, context, timeout_ns, guarded);
    if (guarded)
        signals_unguard(patient, &guard);
    return result;
}

static int sleep_patiently(struct handle *patient, wait_call *call, void *context, int64_t timeout_ns)
{
    bool minds_signals = signals_are_ours(patient->state);
    int64_t deadline = wait_deadline(timeout_ns), left = timeout_ns;

    for (bool first = minds_signals;; first = false, left = wait_left(deadline)) {
        bool is_short = first && (left < 0 || left > UNGUARDED_NS);
        int result = is_short                  ? call_freely(patient, call, context, UNGUARDED_NS, false)
                     : minds_signals && !first ? wait_guarded(patient, call, context, left)
                                               : call_freely(patient, call, context, left, false);
        if (!is_in_vain(result) && result != CQ_CANCELLED)
            return result;
        if (minds_signals && PyErr_CheckSignals() < 0)
            return RAISED;
        if (patient->closed) {
            handle_raise_closed(patient);
            return RAISED;
        }
        if (result == CQ_CANCELLED ? patient->cancelled : !is_short)
            return result;
    }
}

int wait_patiently(struct handle *patient, enum side side, wait_call *call, void *context, bool is_long, int64_t timeout_ns)
{
    bool is_free = is_long || patient->syncs;
    int result = is_free ? call_freely(patient, call, context, 0, false) : call(patient->queue, context, 0);

    if (!is_in_vain(result) || timeout_ns == 0)
        return result;
    /* Where a thread spins or sleeps already, another that spins would only be in its way. */
    if (patient->waiting[side]++ == 0 && result == CQ_TIMEOUT)
        result = spin(patient, side, call, context, SPIN_NS);
    if (is_in_vain(result))
        result = sleep_patiently(patient, call, context, timeout_ns);
    if (patient->waiting[side] > 0) /* a handler may have forked, and this be the child */
        --patient->waiting[side];
    return result;
}

static int call_enqueue(cq_queue *queue, void *context, int64_t timeout_ns)
{
    const cq_slice *message = context;
    return cq_enqueue_wait(queue, message->data, message->size, timeout_ns);
}

int enqueue_patiently(struct handle *patient, const void *data, size_t size, int64_t timeout_ns)
{
    cq_slice message = {(void *)(uintptr_t)data, size};
    return wait_patiently(patient, SIDE_ROOM, call_enqueue, &message, size >= NATIVE_LONG_COPY, timeout_ns);
}

struct incoming {
    void *buffer;
    size_t room, *size;
};

static int call_dequeue(cq_queue *queue, void *context, int64_t timeout_ns)
{
    struct incoming *in = context;
    return cq_dequeue_wait(queue, in->buffer, in->room, in->size, timeout_ns);
}

int dequeue_patiently(struct handle *patient, void *buffer, size_t buffer_size, size_t *size, int64_t timeout_ns)
{
    struct incoming in = {buffer, buffer_size, size};
    return wait_patiently(patient, SIDE_MESSAGES, call_dequeue, &in, buffer_size >= NATIVE_LONG_COPY, timeout_ns);
}

static int call_take(cq_queue *queue, void *context, int64_t timeout_ns)
{
    return cq_take_wait(queue, context, timeout_ns);
}

int take_patiently(struct handle *patient, cq_message *message, int64_t timeout_ns)
{
    return wait_patiently(patient, SIDE_MESSAGES, call_take, message, false, timeout_ns);
}

static int call_wait(cq_queue *queue, void *context, int64_t timeout_ns)
{
    (void)context;
    return cq_wait(queue, timeout_ns);
}

static int spin_or_look(struct handle *patient, enum side side, wait_call *call)
{
    int result = call(patient->queue, NULL, 0);
    return result == CQ_TIMEOUT ? spin(patient, side, call, NULL, SPIN_OF_LOOP_NS) : result;
}

int wait_for_message(struct handle *patient, int64_t timeout_ns)
{
    return wait_patiently(patient, SIDE_MESSAGES, call_wait, NULL, false, timeout_ns);
}

int spin_for_message(struct handle *patient) { return spin_or_look(patient, SIDE_MESSAGES, call_wait); }

static int call_wait_room(cq_queue *queue, void *context, int64_t timeout_ns)
{
    (void)context;
    return cq_wait_room(queue, timeout_ns);
}

int wait_for_room(struct handle *patient, int64_t timeout_ns)
{
    return wait_patiently(patient, SIDE_ROOM, call_wait_room, NULL, false, timeout_ns);
}

int spin_for_room(struct handle *patient) { return spin_or_look(patient, SIDE_ROOM, call_wait_room); }

/* There is no cq_reserve that waits: whoever saw room may be late. */
int reserve_patiently(struct handle *patient, size_t size, cq_message *message, int64_t timeout_ns)
{
    int64_t deadline = wait_deadline(timeout_ns);

    for (;;) {
        int result = cq_reserve(patient->queue, size, message);
        if ((result != CQ_FULL && result != CQ_ENOSPACE) || timeout_ns == 0)
            return result;
        result = wait_for_room(patient, wait_left(deadline));
        if (result != CQ_OK)
            return result;
    }
}

/* What ended it, apart from the time and cq_cancel, goes to `context`. */
static int call_sync(cq_queue *queue, void *context, int64_t timeout_ns)
{
    int result = cq_sync(queue, timeout_ns);

    if (result == CQ_TIMEOUT || result == CQ_CANCELLED)
        return result;
    *(int *)context = result;
    return CQ_OK;
}

int sync_patiently(struct handle *patient, int64_t timeout_ns)
{
    bool minds_signals = timeout_ns != 0 && signals_are_ours(patient->state);
    int64_t deadline = wait_deadline(timeout_ns), left = timeout_ns;
    int ended = CQ_OK, result;

    for (;; left = wait_left(deadline)) {
        result = minds_signals ? wait_guarded(patient, call_sync, &ended, left)
                               : call_freely(patient, call_sync, &ended, left, false);
        if (result != CQ_CANCELLED)
            return result == CQ_OK ? ended : result;
        if (minds_signals && PyErr_CheckSignals() < 0)
            return RAISED;
        if (patient->closed) {
            handle_raise_closed(patient);
            return RAISED;
        }
        if (patient->cancelled)
            return result;
    }
}
