/*
 * watch.c - a descriptor for event loops: an eventfd, and one helper thread a handle and side that keeps it true.
 *
 * It owns the state of the descriptor: ARMED (unreadable, the helper sleeps on the side's futex), RAISED (readable, the
 * helper sleeps until it is re-armed), BUSY (somebody makes the descriptor agree with the queue). The helper raises, calls
 * that come back empty-handed clear; both probe after announcing themselves, so that no message falls in between. A
 * call that finds nothing while BUSY turns it into AGAIN: whoever is busy looks once more, or an event loop that is told
 * of changes only (EPOLLET) would keep a descriptor that is up for nothing and never hear of it again.
 */
#include "internal.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

enum state { ARMED, RAISED, BUSY, AGAIN, STOPPED };

struct watch {
    cq_queue *queue;
    enum side side;
    _Atomic uint32_t state; /* a futex word of this process */
    int fd;
    pthread_t helper;
};

static bool probe(cq_queue *queue, enum side side)
{
    return side == SIDE_PRODUCERS ? enqueue_has_room(queue) : orphan_is_dirty(orphan_version(queue)) || dequeue_has_message(queue);
}

/* Neither can fail (reading 0 is EAGAIN, and fine). syscall: not cancellation points, or the state would stay BUSY for ever. */
static void raise_fd(const struct watch *watch)
{
    uint64_t one = 1;
    while (syscall(SYS_write, watch->fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

static void clear_fd(const struct watch *watch)
{
    uint64_t count;
    while (syscall(SYS_read, watch->fd, &count, sizeof count) < 0 && errno == EINTR)
        ;
}

static bool change_state(struct watch *watch, uint32_t from, uint32_t to)
{
    /* B1 release, pairs with B2: the state tells what was done to the descriptor before. */
    return atomic_compare_exchange_strong_explicit(&watch->state, &from, to, memory_order_seq_cst,
                                                   memory_order_relaxed);
}

static void wake_helper(struct watch *watch)
{
    syscall(SYS_futex, &watch->state, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/* Make the descriptor agree with the queue; the caller made the state BUSY. True: it is up. */
static bool settle_fd(struct watch *watch)
{
    for (;;) {
        clear_fd(watch);
        bool has = probe(watch->queue, watch->side);
        if (has)
            raise_fd(watch);
        if (change_state(watch, BUSY, has ? RAISED : ARMED)) {
            if (!has)
                wake_helper(watch);
            return has;
        }
        if (!change_state(watch, AGAIN, BUSY))
            return has; /* STOPPED */
    }
}

static void *help(void *context)
{
    struct watch *watch = context;

    for (;;) {
        uint32_t state = atomic_load_explicit(&watch->state, memory_order_seq_cst); /* B2 */
        if (state == STOPPED)
            return NULL;
        if (state != ARMED) {
            syscall(SYS_futex, &watch->state, FUTEX_WAIT_PRIVATE, state, NULL, NULL, 0);
            continue;
        }
        uint32_t word = wait_announce_watch(watch->queue, watch->side);
        if (!probe(watch->queue, watch->side)) {
            if (wait_for_watch(watch->queue, watch->side, word))
                participant_look(watch->queue);
            continue;
        }
        if (change_state(watch, ARMED, BUSY))
            settle_fd(watch);
    }
}

static int start(cq_queue *queue, enum side side, struct watch **made)
{
    sigset_t all, before;
    struct watch *watch = malloc(sizeof *watch);

    if (!watch)
        return CQ_ENOMEM;
    *watch = (struct watch){.queue = queue, .side = side, .state = ARMED};
    watch->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (watch->fd < 0) {
        int result = result_of_errno(errno);
        free(watch);
        return result;
    }
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&watch->helper, NULL, help, watch);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        close(watch->fd);
        free(watch);
        return error == EAGAIN ? CQ_ELIMIT : CQ_ESYSTEM;
    }
    *made = watch;
    return CQ_OK;
}

static void stop(struct watch *watch)
{
    int before;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before); /* joining is a cancellation point */
    atomic_store_explicit(&watch->state, STOPPED, memory_order_seq_cst); /* B1 */
    wake_helper(watch);
    wait_nudge_watches(watch->queue, watch->side); /* or it notices within a slice */
    pthread_join(watch->helper, NULL);
    close(watch->fd);
    pthread_setcancelstate(before, NULL);
    free(watch);
}

int watch_open(cq_queue *queue, enum side side, int *fd)
{
    struct watch *watch = atomic_load_explicit(&queue->watches[side], memory_order_acquire), *made;

    if (!watch) {
        int result = start(queue, side, &made);
        if (result != CQ_OK)
            return result;
        /* Release, pairs with the acquire loads: the watch is complete. Failure: another thread was faster. */
        if (atomic_compare_exchange_strong_explicit(&queue->watches[side], &watch, made, memory_order_acq_rel,
                                                    memory_order_acquire))
            watch = made;
        else
            stop(made);
    }
    *fd = watch->fd;
    return CQ_OK;
}

/* A call is about to report that there is nothing: make the descriptor say so too. True: something came meanwhile, the
   descriptor is up again and a try is worth it. */
bool watch_clear(cq_queue *queue, enum side side)
{
    struct watch *watch = atomic_load_explicit(&queue->watches[side], memory_order_acquire);

    while (watch) {
        uint32_t state = atomic_load_explicit(&watch->state, memory_order_seq_cst); /* B2 */
        if (state == RAISED && change_state(watch, RAISED, BUSY))
            return settle_fd(watch);
        if (state == ARMED || state == AGAIN || state == STOPPED || (state == BUSY && change_state(watch, BUSY, AGAIN)))
            return false;
    }
    return false;
}

/* In a forked child the helpers do not exist. */
void watch_close(cq_queue *queue, bool forked)
{
    for (int side = 0; side < 2; ++side) {
        struct watch *watch = atomic_load_explicit(&queue->watches[side], memory_order_acquire);
        if (watch && forked) {
            close(watch->fd);
            free(watch);
        } else if (watch)
            stop(watch);
    }
}
