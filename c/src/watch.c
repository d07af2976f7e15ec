/*
 * watch.c - a descriptor for event loops: a timer, and one helper thread a handle and side that raises it.
 *
 * The descriptor is a timerfd: readable once its moment came (raised: it is set to one long ago), unreadable when it is
 * set to none. The library only ever *sets* the number, which the kernel refuses for anything but a timer, and only
 * if its period is the one that this watch gave it: so nothing else can be written, read, blocked on or closed when
 * somebody closed the descriptor and the number is another file's. (An eventfd cannot be told from others, and what
 * can is read and written by functions that would also read and write what is not ours.)
 *
 * It owns the state of the descriptor. Only the helper raises, calls that come back empty-handed lower:
 *
 *   ARMED    it is down. The helper looks at the queue, or sleeps on the side's futex -> RAISING
 *   RAISING  the helper is about to raise it, or has -> RAISED by the helper, AGAIN by who comes back empty-handed
 *   RAISED   it is up, the helper sleeps -> ARMED by who comes back empty-handed and has lowered it
 *   AGAIN    it may be up for a moment yet, for nothing; the helper lowers it and looks again -> ARMED
 *
 * Whatever the helper is doing when it loses the processor, who finds nothing has a descriptor that is down when the call
 * returns; and each new message after that is a rising edge (EPOLLET), because the helper looks only while it is ARMED.
 */
#include "internal.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum state { ARMED, RAISING, RAISED, AGAIN, STOPPED };
#define STATE_MASK 7u
#define ROUND 8u /* the rest of the word tells one RAISING from the next */

struct watch {
    cq_queue *queue;
    enum side side;
    _Atomic uint32_t state; /* a futex word of this process: round | enum state */
    _Atomic int fd;         /* a number, which may be anybody's */
    pthread_t helper;
};

/* ---- the descriptor -------------------------------------------------------------------------------- */

/* Some 150 years, which no other timer has: no two watches of a process are at one address. */
static struct timespec period_of(const struct watch *watch)
{
    uint64_t ns = (UINT64_C(1) << 62) + (uintptr_t)watch % (UINT64_C(1) << 61);
    return (struct timespec){.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
}

static bool has_period(const struct itimerspec *timer, struct timespec period)
{
    return timer->it_interval.tv_sec == period.tv_sec && timer->it_interval.tv_nsec == period.tv_nsec;
}

static bool is_ours(const struct watch *watch, int fd)
{
    struct itimerspec found;
    return fd >= 0 && timerfd_gettime(fd, &found) == 0 && has_period(&found, period_of(watch));
}

/* Set the timer, which has the period `expected` still. In the moment since that was looked at the number may have become
   somebody else's timer; that one gets back what it had. No cancellation points, none blocks. */
static bool set_timer(const struct watch *watch, int fd, struct timespec expected, bool up)
{
    struct itimerspec when = {.it_interval = period_of(watch), .it_value = {.tv_sec = 0, .tv_nsec = up ? 1 : 0}}, before;

    if (timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, &before) != 0)
        return false;
    if (has_period(&before, expected))
        return true;
    timerfd_settime(fd, 0, &before, NULL);
    return false;
}

/* Nothing if it is not ours any more: the next cq_fd makes a new one. */
static void set_fd(const struct watch *watch, bool up)
{
    int fd = atomic_load_explicit(&watch->fd, memory_order_relaxed); /* the kernel says what the number is */
    if (is_ours(watch, fd))
        set_timer(watch, fd, period_of(watch), up);
}

static int make_fd(const struct watch *watch, int *fd)
{
    *fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (*fd < 0)
        return result_of_errno(errno);
    return set_timer(watch, *fd, (struct timespec){0}, false) ? CQ_OK : CQ_ESYSTEM;
}

static void close_fd(const struct watch *watch, int fd)
{
    if (is_ours(watch, fd))
        close(fd);
}

/* ---- its state ------------------------------------------------------------------------------------- */

static bool change_state(struct watch *watch, uint32_t from, uint32_t to)
{
    /* B1 release, pairs with B2: the state tells what was done to the descriptor before. */
    return atomic_compare_exchange_strong_explicit(&watch->state, &from, to, memory_order_seq_cst,
                                                   memory_order_relaxed);
}

static uint32_t load_state(const struct watch *watch)
{
    return atomic_load_explicit(&watch->state, memory_order_seq_cst); /* B2 */
}

static void wake_helper(struct watch *watch)
{
    syscall(SYS_futex, &watch->state, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/* The caller's last look at the queue found nothing: lower the descriptor, and have the helper look from now on. */
static void lower(struct watch *watch)
{
    for (;;) {
        uint32_t word = load_state(watch), round = word & ~STATE_MASK;

        switch (word & STATE_MASK) {
        case RAISING: /* it may be raised before or after it is lowered here: the helper has to do it over */
            change_state(watch, word, round | AGAIN);
            continue;
        case AGAIN:
            set_fd(watch, false);
            if (load_state(watch) == word)
                return;
            continue; /* it may have been raised for good, and lowered here */
        case RAISED:
            set_fd(watch, false);
            if (change_state(watch, word, round | ARMED)) {
                wake_helper(watch);
                return;
            }
            continue; /* the same */
        default: return;
        }
    }
}

static void *help(void *context)
{
    struct watch *watch = context;

    for (;;) {
        uint32_t word = load_state(watch), round = word & ~STATE_MASK;

        if ((word & STATE_MASK) == STOPPED)
            return NULL;
        if ((word & STATE_MASK) == RAISED) {
            syscall(SYS_futex, &watch->state, FUTEX_WAIT_PRIVATE, word, NULL, NULL, 0);
            continue;
        }
        uint32_t seen = wait_announce_watch(watch->queue, watch->side);
        if (!wait_is_served(watch->queue, watch->side)) {
            participant_look(watch->queue);
            if (load_state(watch) == word) /* after `seen` was read: whoever stops it changes that afterwards */
                wait_for_watch(watch->queue, watch->side, seen);
            continue;
        }
        round += ROUND;
        if (!change_state(watch, word, round | RAISING))
            continue;
        wait_leave_watch(watch->queue, watch->side);
        set_fd(watch, true);
        if (!change_state(watch, round | RAISING, round | RAISED)) { /* AGAIN, or STOPPED */
            set_fd(watch, false);
            change_state(watch, round | AGAIN, round | ARMED);
        }
    }
}

/* ---- beginning and end ----------------------------------------------------------------------------- */

static int start(cq_queue *queue, enum side side, struct watch **made)
{
    sigset_t all, before;
    struct watch *watch = malloc(sizeof *watch);
    int fd;

    if (!watch)
        return CQ_ENOMEM;
    *watch = (struct watch){.queue = queue, .side = side, .state = ARMED};
    int result = make_fd(watch, &fd);
    if (result != CQ_OK)
        goto fail;
    atomic_init(&watch->fd, fd);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&watch->helper, NULL, help, watch);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        result = error == EAGAIN ? CQ_EPROCESS : CQ_ESYSTEM;
        goto fail;
    }
    *made = watch;
    return CQ_OK;

fail:
    close_fd(watch, fd);
    free(watch);
    return result;
}

static void stop(struct watch *watch)
{
    int before;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before); /* joining is a cancellation point */
    atomic_store_explicit(&watch->state, STOPPED, memory_order_seq_cst); /* B1 */
    wake_helper(watch);
    wait_interrupt(watch->queue, watch->side);
    pthread_join(watch->helper, NULL);
    wait_pass_on(watch->queue, watch->side); /* it may have been woken for a message that it does not tell of any more */
    close_fd(watch, atomic_load_explicit(&watch->fd, memory_order_relaxed));
    pthread_setcancelstate(before, NULL);
    free(watch);
}

/* Somebody closed the descriptor: a new one for the same watch. */
static int renew_fd(struct watch *watch, int lost)
{
    int fd, result = make_fd(watch, &fd);

    if (result == CQ_OK && atomic_compare_exchange_strong_explicit(&watch->fd, &lost, fd, memory_order_relaxed,
                                                                   memory_order_relaxed)) {
        lower(watch); /* as it is: if the helper had raised the lost one, it is to raise this one */
        return CQ_OK;
    }
    close_fd(watch, fd); /* another thread was faster */
    return result;
}

int watch_open(cq_queue *queue, enum side side, int *fd)
{
    struct watch *watch = atomic_load_explicit(&queue->watches[side], memory_order_acquire), *made;
    int result = CQ_OK;

    if (!watch) {
        if ((result = start(queue, side, &made)) != CQ_OK)
            return result;
        /* Release, pairs with the acquire loads: the watch is complete. Failure: another thread was faster. */
        if (atomic_compare_exchange_strong_explicit(&queue->watches[side], &watch, made, memory_order_acq_rel,
                                                    memory_order_acquire))
            watch = made;
        else
            stop(made);
    }
    int found = atomic_load_explicit(&watch->fd, memory_order_relaxed);
    if (!is_ours(watch, found))
        result = renew_fd(watch, found);
    *fd = atomic_load_explicit(&watch->fd, memory_order_relaxed);
    return result;
}

/* A call is about to report that there is nothing: make the descriptor say so too. */
void watch_clear(cq_queue *queue, enum side side)
{
    struct watch *watch = atomic_load_explicit(&queue->watches[side], memory_order_acquire);
    if (watch)
        lower(watch);
}

/* In a forked child the helpers do not exist. */
void watch_close(cq_queue *queue, bool forked)
{
    for (int side = 0; side < 2; ++side) {
        struct watch *watch = atomic_load_explicit(&queue->watches[side], memory_order_acquire);
        if (watch && forked) {
            close_fd(watch, atomic_load_explicit(&watch->fd, memory_order_relaxed));
            free(watch);
        } else if (watch)
            stop(watch);
    }
}
