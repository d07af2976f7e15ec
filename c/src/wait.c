/*
 * wait.c - sleeping until there is a message, or room.
 *
 * It owns which threads sleep, and for how long. It must not know what is waited for: `attempt` is a full try of the
 * operation.
 *
 * One thread must look around while all sleep: for the dead, for a wake that a dead process did not give, for the
 * file's name. It is one of the whole queue, the lookout, which wakes once an interval. Its other candidates, one
 * thread a handle, rest: the more there are the longer, so that together they wake as often as one. header.lookout
 * names its handle, and header.turn tells whether looks are made; a candidate that wakes and finds no lookout, or no
 * looks, is the lookout from then on. All other threads sleep until they are woken.
 */
#include "wait.h"

#include "lookout.h"
#include "orphan.h"
#include "os.h"
#include "reap.h"
#include "trace.h"
#include "trim.h"
#include "wake.h"

#include <errno.h>

#define SPINS 512                         /* tries before sleeping, at most: about what two wakes cost */
#define WAITS_UNTIL_SPIN 64               /* waits without a spin until one spins again */
#define BETWEEN_PIECES INT64_C(1000000)   /* of a sweep that a sleeper goes on with */
#define REST_MOST INT64_C(3000000000)     /* a resting lookout's longest sleep */
#define OTHERS_SLEEP INT64_C(30000000000) /* of a thread that is not its handle's candidate */

static uint64_t load_turn(const cq_queue *queue)
{
    return atomic_load_explicit(&queue->header->turn, memory_order_relaxed); /* a number, orders nothing */
}

/* Only the thread that has taken the lookout's place in its handle. How long to sleep. */
static int64_t lookout_slice(const cq_queue *queue)
{
    int64_t interval = reap_interval(queue);

    if (!queue->lookout.resting)
        return interval + OS_CLOCK_STEP; /* so that the look is due by the coarse clock too, when it wakes */
    int64_t rest = interval * atomic_load_explicit(&queue->header->sleepers, memory_order_relaxed); /* a hint */
    return rest < interval ? interval : rest < REST_MOST ? rest : REST_MOST;
}

/* Only that thread. Is another handle the lookout, and were looks made in the `slept` nanoseconds since `turn`?
   Then rest. */
static void judge_lookout(cq_queue *queue, uint64_t turn, int64_t slept)
{
    uint32_t lookout = atomic_load_explicit(&queue->header->lookout, memory_order_relaxed); /* a hint, as all of this */
    int64_t looks = (int64_t)(load_turn(queue) - turn);

    queue->lookout.resting = lookout != 0 && lookout != queue->owner && looks > 0 &&
                             looks * (reap_interval(queue) + 2 * OS_CLOCK_STEP) * 4 >= slept * 3;
    if (!queue->lookout.resting)
        atomic_store_explicit(&queue->header->lookout, queue->owner, memory_order_relaxed);
}

/* Sleep on the side's word while it is `expected`, until `deadline` or until it is time to look around. 0: woken;
   else as os_sleep. */
static int sleep_a_slice(cq_queue *queue, enum side side, uint32_t expected, int64_t now, int64_t deadline,
                         uint32_t kinds)
{
    struct lookout *lookout = &queue->lookout;
    uint32_t taken = 0;
    /* lookout:A, both; meets lookout:B. Counted first: a thread that finds the place taken is seen by the one that
       gives it up and then leaves. The thread that takes the place has what the last one left there. */
    atomic_fetch_add_explicit(&lookout->sleeping, 1, memory_order_seq_cst);
    bool mine = atomic_compare_exchange_strong_explicit(&lookout->taken, &taken, 1, memory_order_seq_cst,
                                                        memory_order_seq_cst);
    int64_t slice = mine ? lookout_slice(queue) : OTHERS_SLEEP;
    uint64_t turn = load_turn(queue);

    kinds |= OF_HANDLE(queue->owner) | (mine && lookout->resting ? RESTERS : 0);
    bool is_whole = deadline - now >= slice;
    int why = os_sleep(side_word(queue, side), expected, is_whole ? now + slice : deadline, kinds);
    atomic_fetch_sub_explicit(&lookout->sleeping, 1, memory_order_relaxed); /* a count */
    if (mine) {
        if (why == 0)
            lookout->resting = false;
        else if (why == ETIMEDOUT && is_whole)
            judge_lookout(queue, turn, slice);
        atomic_store_explicit(&lookout->taken, 0, memory_order_seq_cst); /* lookout:B, meets lookout:A */
    }
    return why;
}

/* This thread stops sleeping, and may have been the lookout: let another thread of the handle take its place, which
   would sleep for long else; or another handle, whose candidates notice what these hints miss. */
static void leave_lookout(cq_queue *queue, enum side side)
{
    enum side other = side == SIDE_CONSUMERS ? SIDE_PRODUCERS : SIDE_CONSUMERS;
    uint32_t heir = 0;

    /* lookout:B, both; meets lookout:A. */
    if (atomic_load_explicit(&queue->lookout.taken, memory_order_seq_cst))
        return;
    if (atomic_load_explicit(&queue->lookout.sleeping, memory_order_seq_cst) > 0)
        heir = OF_HANDLE(queue->owner);
    else if (atomic_load_explicit(&queue->header->lookout, memory_order_relaxed) == queue->owner) {
        atomic_store_explicit(&queue->header->lookout, 0, memory_order_relaxed);
        if (atomic_load_explicit(&queue->header->sleepers, memory_order_relaxed) > 1)
            heir = RESTERS;
    }
    if (heir && wake_surely(queue, side, 1, heir) == 0)
        wake_surely(queue, other, 1, heir);
}

/* Count this thread among the sleepers of its participant, for people to see. A caller that waits piece by piece,
   to look at other things in between, has been waiting since the first: a wait that begins soon after one timed out
   goes on with it. */
static void count_sleeper(cq_queue *queue, enum side side, bool sleeps, int64_t now)
{
    struct layout_participant *me = &queue->participants[queue->owner];
    enum side other = side == SIDE_CONSUMERS ? SIDE_PRODUCERS : SIDE_CONSUMERS;

    /* Relaxed all: counts, and a time that goes with them. */
    if (sleeps && (atomic_load_explicit(&me->waiting[side], memory_order_relaxed) |
                   atomic_load_explicit(&me->waiting[other], memory_order_relaxed)) == 0 &&
        now >= atomic_load_explicit(&queue->goes_on_until, memory_order_relaxed))
        atomic_store_explicit(&me->since, os_clock(OS_DATE_COARSE), memory_order_relaxed);
    atomic_fetch_add_explicit(&me->waiting[side], sleeps ? 1u : 0u - 1u, memory_order_relaxed);
}

/* For count_sleeper. Relaxed: only for people. */
static void remember_end(cq_queue *queue, int result)
{
    int64_t until = result == CQ_TIMEOUT ? os_clock(OS_CLOCK) + LOOK_INTERVAL_NS : 0;

    if (until != atomic_load_explicit(&queue->goes_on_until, memory_order_relaxed))
        atomic_store_explicit(&queue->goes_on_until, until, memory_order_relaxed);
}

static bool is_worth_waiting(int result)
{
    return result == CQ_EMPTY || result == CQ_FULL || result == CQ_ENOSPACE || result == CQ_ECONSUMER;
}

/* What a wait that timed out says, whose last try came to `result`. */
static int timed_out(int result)
{
    return result == CQ_ENOSPACE || result == CQ_ECONSUMER ? result : CQ_TIMEOUT;
}

/* How long until a message is due that waits for its time, as far as this handle knows. */
static int64_t until_due(const cq_queue *queue, enum side side)
{
    int64_t due = (int64_t)atomic_load_explicit(&queue->next_due, memory_order_relaxed); /* a hint */

    if (side != SIDE_CONSUMERS || due == INT64_MAX || !orphan_is_dirty(orphan_version(queue)))
        return INT64_MAX;
    due -= os_clock(OS_DATE_COARSE);
    return due > 0 ? due + OS_CLOCK_STEP : OS_CLOCK_STEP; /* so that it is due by the coarse clock, too */
}

/* `looks`: whether or not there is a mark. */
static bool is_stale(cq_queue *queue, bool looks)
{
    /* Relaxed: a wish, and a hint. */
    return !atomic_load_explicit(&queue->keep_unlinked, memory_order_relaxed) &&
           (looks || atomic_load_explicit(&queue->header->removed, memory_order_relaxed)) && lookout_see_removal(queue);
}

static int sleep_until(cq_queue *queue, enum side side, int64_t deadline, wait_try *attempt, void *context)
{
    _Atomic uint32_t *word = side_word(queue, side);
    int why = EAGAIN, result; /* it stopped sleeping */

    for (;;) {
        /* sleep:A, meets wake:A: the waker sees the bit, or the try sees what there is. */
        uint32_t expected = atomic_fetch_or_explicit(word, WAKE_SLEEP, memory_order_seq_cst) | WAKE_SLEEP;
        fence(memory_order_seq_cst); /* sleep:B, after sleep:A: the bit is visible before the try looks */
        result = attempt(queue, context); /* looks around too, if a look is due */
        if (!is_worth_waiting(result))
            break;
        /* sleep:C, after sleep:A; meets cancel:A. */
        if (atomic_load_explicit(&queue->cancelled, memory_order_seq_cst)) {
            result = CQ_CANCELLED;
            break;
        }
        if (is_stale(queue, why == ETIMEDOUT)) {
            result = CQ_STALE;
            break;
        }
        int64_t now = os_clock(OS_CLOCK);
        if (now >= deadline) {
            result = timed_out(result);
            break;
        }
        /* A sweep, or giving memory back, goes on soon; and nobody tells when another file gives memory back. */
        int64_t most = reap_is_pending(queue) || trim_is_pending(queue) ? BETWEEN_PIECES
                       : result == CQ_ENOSPACE       ? LOOK_INTERVAL_NS
                                                     : INT64_MAX;
        int64_t due = until_due(queue, side);
        most = due < most ? due : most;
        int64_t until = deadline - now > most ? now + most : deadline;
        /* Who is not the consumer is not woken for messages, which the consumer would miss. */
        why = sleep_a_slice(queue, side, expected, now, until, result == CQ_ECONSUMER ? STANDBYS : SLEEPERS);
    }
    /* Leaving woken but unserved: that wake belongs to another thread. */
    if (why == 0 && result != CQ_OK)
        os_wake(word, 1, SLEEPERS);
    leave_lookout(queue, side);
    return result;
}

/*
 * Tries in a row before sleeping, while the last result is CQ_EMPTY or CQ_FULL. Half as many after each spin that was
 * in vain, none in the end, and from the beginning again after so many waits: where the other side answers quickly this
 * saves the sleep and the wake; where it does not, or needs this processor, it costs next to nothing.
 */
static int spin(cq_queue *queue, enum side side, wait_try *attempt, void *context, int result)
{
    /* Relaxed: a guess. */
    uint32_t misses = atomic_load_explicit(&queue->spin_misses[side], memory_order_relaxed);
    uint32_t spins = misses < 32 ? (uint32_t)SPINS >> misses : 0;

    for (uint32_t i = 0; i < spins && (result == CQ_EMPTY || result == CQ_FULL); ++i) {
        cpu_relax();
        result = attempt(queue, context);
    }
    misses = is_worth_waiting(result) ? (misses + 1) % WAITS_UNTIL_SPIN : 0;
    atomic_store_explicit(&queue->spin_misses[side], misses, memory_order_relaxed);
    return result;
}

/* Try, and sleep between tries while there is nothing, or no room, and there is time. */
int wait_until(cq_queue *queue, enum side side, int64_t timeout_ns, wait_try *attempt, void *context)
{
    int result = attempt(queue, context);

    /* Where threads of this handle sleep already, spinning has just been tried. */
    if (is_worth_waiting(result) && timeout_ns != 0 &&
        atomic_load_explicit(&queue->lookout.sleeping, memory_order_relaxed) == 0)
        result = spin(queue, side, attempt, context, result);
    if (!is_worth_waiting(result)) {
        remember_end(queue, result);
        return result;
    }
    if (timeout_ns == 0)
        return timed_out(result);
    int64_t now = os_clock(OS_CLOCK);
    int64_t deadline = timeout_ns < 0 || timeout_ns > INT64_MAX - now ? INT64_MAX : now + timeout_ns;
    count_sleeper(queue, side, true, now);
    TRACE(wait_begin, queue, side, timeout_ns);
    result = sleep_until(queue, side, deadline, attempt, context);
    TRACE(wait_end, queue, side, result);
    count_sleeper(queue, side, false, now);
    remember_end(queue, result);
    return result;
}

/* Let all threads of this handle that sleep on this side look again at what the caller changed before. */
void wait_interrupt(cq_queue *queue, enum side side) { wake_surely(queue, side, SIZE_MAX, OF_HANDLE(queue->owner)); }

/* End the waits of this handle, or allow them again. Async-signal-safe. */
void wait_cancel(cq_queue *queue, bool cancelled)
{
    /* cancel:A, meets sleep:C: a sleeper sees the wish, or the new generation ends its sleep. */
    atomic_store_explicit(&queue->cancelled, cancelled, memory_order_seq_cst);
    for (enum side side = SIDE_CONSUMERS; side <= SIDE_PRODUCERS && cancelled; ++side)
        wait_interrupt(queue, side);
}

/* ---- for watch.c ----------------------------------------------------------------------------------- */

/* Ask for a wake of the watchers. The caller probes afterwards, and then may sleep on the word returned. */
uint32_t wait_announce_watch(cq_queue *queue, enum side side)
{
    /* sleep:A, meets wake:A. */
    uint32_t word = atomic_fetch_or_explicit(side_word(queue, side), WAKE_WATCH, memory_order_seq_cst);
    fence(memory_order_seq_cst); /* sleep:B, after sleep:A */
    return word | WAKE_WATCH;
}

/* Sleep until a watcher is due, or until it is time to look around. */
void wait_for_watch(cq_queue *queue, enum side side, uint32_t word)
{
    sleep_a_slice(queue, side, word, os_clock(OS_CLOCK), INT64_MAX, WATCHERS);
}

/* A watcher does not look around for a while. */
void wait_leave_watch(cq_queue *queue, enum side side) { leave_lookout(queue, side); }
