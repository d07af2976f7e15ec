/*
 * wait.c - sleeping until somebody publishes or makes room, and waking who sleeps.
 *
 * It owns the futex word of each side: generation | WATCH | SLEEP. Nobody counts sleepers, so a dead one leaves at most a
 * stale bit and costs one idle wake. It must not know what is waited for: `attempt` is a full try of the operation.
 */
#include "internal.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SLEEP 1u
#define WATCH 2u
#define GENERATION 4u
static_assert((SLEEP | WATCH) == WAIT_BITS, "what wait_wake looks for");
#define SLEEPERS 1u /* bit sets of FUTEX_WAIT_BITSET: a wake for one kind is never used up by the other */
#define WATCHERS 2u
#define SPINS 64 /* tries before sleeping: about what a sleep and a wake cost */

int64_t wait_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void wait_yield(void) { sched_yield(); }

/* 0: woken. Else why not (EAGAIN: the word changed, ETIMEDOUT, EINTR). Not a cancellation point. */
static int futex_wait(_Atomic uint32_t *word, uint32_t expected, int64_t deadline, uint32_t bits)
{
    struct timespec until = {.tv_sec = deadline / 1000000000, .tv_nsec = deadline % 1000000000};
    return syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected, &until, NULL, bits) == 0 ? 0 : errno;
}

static size_t futex_wake(_Atomic uint32_t *word, size_t count, uint32_t bits)
{
    long woken = syscall(SYS_futex, word, FUTEX_WAKE_BITSET, count < INT_MAX ? (int)count : INT_MAX, NULL, NULL, bits);
    return woken > 0 ? (size_t)woken : 0;
}

static void wake_sleepers(_Atomic uint32_t *word, uint32_t seen, size_t count)
{
    if (futex_wake(word, count, SLEEPERS) >= count)
        return;
    /* Fewer slept than were told: nobody needs SLEEP any more, except who came to sleep in between. Clear it for this very
       word only, and if that worked wake these. */
    if (atomic_compare_exchange_strong_explicit(word, &seen, (seen & WATCH) | ((seen & ~(SLEEP | WATCH)) + GENERATION),
                                                memory_order_seq_cst, memory_order_relaxed))
        futex_wake(word, INT_MAX, SLEEPERS);
}

/* wait_wake saw `seen` in the side's word, with one of the bits. */
void wait_wake_bits(cq_queue *queue, enum side side, uint32_t seen, size_t count)
{
    _Atomic uint32_t *word = side_word(queue, side);

    if (seen & WATCH) {
        seen = atomic_fetch_and_explicit(word, ~WATCH, memory_order_seq_cst) & ~WATCH;
        futex_wake(word, INT_MAX, WATCHERS);
    }
    if (seen & SLEEP)
        wake_sleepers(word, seen, count);
}

/* Count this thread among the sleepers of its participant, for cq_stat. */
static void count_sleeper(cq_queue *queue, enum side side, bool sleeps)
{
    uint32_t one = side == SIDE_CONSUMERS ? 1 : 1u << 16;
    atomic_fetch_add_explicit(&queue->participants[queue->owner].waiting, sleeps ? one : 0 - one,
                              memory_order_relaxed); /* a count */
}

static int sleep_until(cq_queue *queue, enum side side, int64_t deadline, wait_try *attempt, void *context)
{
    _Atomic uint32_t *word = side_word(queue, side);
    bool woken = false;

    for (;;) {
        /* K2 seq_cst, then a full fence: the bit is visible before the try looks. */
        uint32_t expected = atomic_fetch_or_explicit(word, SLEEP, memory_order_seq_cst) | SLEEP;
        fence(memory_order_seq_cst);
        int result = attempt(queue, context);
        int64_t now = wait_clock();
        if ((result == CQ_EMPTY || result == CQ_FULL) && now < deadline) {
            int64_t slice = deadline - now > LOOK_INTERVAL_NS ? now + LOOK_INTERVAL_NS : deadline;
            int why = futex_wait(word, expected, slice, SLEEPERS);
            woken = why == 0;
            /* A waker may have died before waking, a woken sleeper before acting, and an owner of what is in the way
               altogether: look around in each slice. */
            if (why == ETIMEDOUT)
                participant_look(queue);
            continue;
        }
        /* Leaving woken but unserved: that wake belongs to somebody else. */
        if (woken && result != CQ_OK)
            futex_wake(word, 1, SLEEPERS);
        return result == CQ_EMPTY || result == CQ_FULL ? CQ_TIMEOUT : result;
    }
}

/* Try, and sleep between tries while the result is CQ_EMPTY or CQ_FULL and there is time. */
int wait_until(cq_queue *queue, enum side side, int64_t timeout_ns, wait_try *attempt, void *context)
{
    int result = attempt(queue, context);

    for (int i = 0; i < SPINS && timeout_ns != 0 && (result == CQ_EMPTY || result == CQ_FULL); ++i) {
        cpu_relax();
        result = attempt(queue, context);
    }
    if (result != CQ_EMPTY && result != CQ_FULL)
        return result;
    if (timeout_ns == 0)
        return CQ_TIMEOUT;
    int64_t now = wait_clock();
    int64_t deadline = timeout_ns < 0 || timeout_ns > INT64_MAX - now ? INT64_MAX : now + timeout_ns;
    count_sleeper(queue, side, true);
    result = sleep_until(queue, side, deadline, attempt, context);
    count_sleeper(queue, side, false);
    return result;
}

/* ---- for watch.c ----------------------------------------------------------------------------------- */

/* Ask for a wake of the watchers. The caller probes afterwards, and then may sleep on the word returned. */
uint32_t wait_announce_watch(cq_queue *queue, enum side side)
{
    uint32_t word = atomic_fetch_or_explicit(side_word(queue, side), WATCH, memory_order_seq_cst) | WATCH; /* K2 */
    fence(memory_order_seq_cst);
    return word;
}

/* Sleep for a slice, or until a watcher is due. True: the slice went by. */
bool wait_for_watch(cq_queue *queue, enum side side, uint32_t word)
{
    return futex_wait(side_word(queue, side), word, wait_clock() + LOOK_INTERVAL_NS, WATCHERS) == ETIMEDOUT;
}

void wait_nudge_watches(cq_queue *queue, enum side side) { futex_wake(side_word(queue, side), INT_MAX, WATCHERS); }
