/*
 * watch.c - a descriptor for event loops: an os_event, and one helper thread a handle and side that raises it.
 *
 * It owns the state of the descriptor. Only the helper raises, calls that find nothing lower it:
 *
 *   ARMED    it is down. The helper looks at the queue, or sleeps on the side's futex -> RAISING
 *   RAISING  the helper is about to raise it, or has -> RAISED by the helper, AGAIN by a call that finds nothing
 *   RAISED   it is up, the helper sleeps -> ARMED by a call that finds nothing and has lowered it
 *   AGAIN    it may be up for a moment yet, for nothing; the helper lowers it and looks again -> ARMED
 *
 * Whatever the helper is doing when it loses the processor, a call that finds nothing leaves the descriptor down
 * when it returns; and each new message after that is a rising edge (EPOLLET), because the helper looks only while
 * it is ARMED.
 */
#include "watch.h"

#include "lease.h"
#include "lookout.h"
#include "os.h"
#include "probe.h"
#include "region.h"
#include "wait.h"
#include "wake.h"

#include <errno.h>
#include <stdlib.h>

enum state { ARMED, RAISING, RAISED, AGAIN, STOPPED };
#define STATE_MASK 7u
#define ROUND 8u /* the rest of the word tells one RAISING from the next */

struct watch {
    cq_queue *queue;
    enum side side;
    _Atomic uint32_t state; /* a futex word of this process: round | enum state */
    _Atomic int fd;         /* a number, which may be anybody's */
    struct os_thread helper;
};

/* ---- the descriptor -------------------------------------------------------------------------------- */

/* No two watches of a process are at one address. */
static uint64_t key_of(const struct watch *watch) { return (uintptr_t)watch; }

/* Nothing if it is not ours any more: the next cq_fd makes a new one. */
static void set_fd(const struct watch *watch, bool up)
{
    os_event_set(atomic_load_explicit(&watch->fd, memory_order_relaxed), key_of(watch), up); /* which says what it is */
}

/* This has to do with no file. */
static int make_fd(const struct watch *watch, int *fd)
{
    int result = result_of_refusal(os_event_create(key_of(watch), fd));
    return result == CQ_EFILESYSTEM ? CQ_ESYSTEM : result;
}

/* ---- its state ------------------------------------------------------------------------------------- */

static bool change_state(struct watch *watch, uint32_t from, uint32_t to)
{
    /* watch:A release, pairs with watch:B: the state tells what was done to the descriptor before. */
    return atomic_compare_exchange_strong_explicit(&watch->state, &from, to, memory_order_seq_cst,
                                                   memory_order_relaxed);
}

static uint32_t load_state(const struct watch *watch)
{
    return atomic_load_explicit(&watch->state, memory_order_seq_cst); /* watch:B, pairs with watch:A */
}

static void wake_helper(struct watch *watch) { os_wake(&watch->state, SIZE_MAX, 0); }

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
            os_sleep(&watch->state, word, 0, 0);
            continue;
        }
        uint32_t seen = wait_announce_watch(watch->queue, watch->side);
        bool may = watch->side == SIDE_PRODUCERS || lease_may_consume(watch->queue);
        if (!may || !probe_side(watch->queue, watch->side)) {
            lookout_look(watch->queue);
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
    struct watch *watch = malloc(sizeof *watch);
    int fd;

    if (!watch)
        return CQ_ENOMEM;
    *watch = (struct watch){.queue = queue, .side = side, .state = ARMED};
    int result = make_fd(watch, &fd);
    if (result != CQ_OK)
        goto fail;
    atomic_init(&watch->fd, fd);
    int error = os_start_thread(&watch->helper, help, watch);
    if (error) {
        result = error == EAGAIN ? CQ_EPROCESS : CQ_ESYSTEM;
        goto fail;
    }
    *made = watch;
    return CQ_OK;

fail:
    os_event_close(fd, key_of(watch));
    free(watch);
    return result;
}

static void stop(struct watch *watch)
{
    int before = os_hold_cancellation();

    atomic_store_explicit(&watch->state, STOPPED, memory_order_seq_cst); /* watch:A, pairs with watch:B */
    wake_helper(watch);
    wait_interrupt(watch->queue, watch->side);
    os_join_thread(watch->helper);
    wake_another(watch->queue, watch->side); /* it may have been woken for a message that it does not tell of */
    os_event_close(atomic_load_explicit(&watch->fd, memory_order_relaxed), key_of(watch));
    os_restore_cancellation(before);
    free(watch);
}

/* The descriptor was closed behind the library's back: a new one for the same watch. */
static int renew_fd(struct watch *watch, int lost)
{
    int fd, result = make_fd(watch, &fd);

    /* Relaxed: a number, of which the kernel says what it is. */
    if (result == CQ_OK && atomic_compare_exchange_strong_explicit(&watch->fd, &lost, fd, memory_order_relaxed,
                                                                   memory_order_relaxed)) {
        lower(watch); /* as it is: if the helper had raised the lost one, it is to raise this one */
        return CQ_OK;
    }
    os_event_close(fd, key_of(watch)); /* another thread was faster */
    return result;
}

int watch_open(cq_queue *queue, enum side side, int *fd)
{
    /* watch:C, pairs with the exchange below, which installs it. */
    struct watch *watch = atomic_load_explicit(&queue->watches[side], memory_order_acquire), *made;
    int result = CQ_OK;

    if (!watch) {
        if ((result = start(queue, side, &made)) != CQ_OK)
            return result;
        /* Release, pairs with watch:C: the watch is complete. Failure: another thread was faster. */
        if (atomic_compare_exchange_strong_explicit(&queue->watches[side], &watch, made, memory_order_acq_rel,
                                                    memory_order_acquire))
            watch = made;
        else
            stop(made);
    }
    int found = atomic_load_explicit(&watch->fd, memory_order_relaxed);
    if (!os_event_is(found, key_of(watch)))
        result = renew_fd(watch, found);
    *fd = atomic_load_explicit(&watch->fd, memory_order_relaxed);
    return result;
}

/* A call is about to report that there is nothing: make the descriptor say so too. */
void watch_clear(cq_queue *queue, enum side side)
{
    /* watch:C, pairs with the exchange in watch_open. */
    struct watch *watch = atomic_load_explicit(&queue->watches[side], memory_order_acquire);
    if (watch)
        lower(watch);
}

/* In a forked child the helpers do not exist. */
void watch_close(cq_queue *queue, bool forked)
{
    for (int side = 0; side < 2; ++side) {
        /* watch:C, pairs with the exchange in watch_open. */
        struct watch *watch = atomic_load_explicit(&queue->watches[side], memory_order_acquire);
        if (watch && forked) {
            os_event_close(atomic_load_explicit(&watch->fd, memory_order_relaxed), key_of(watch));
            free(watch);
        } else if (watch)
            stop(watch);
    }
}
