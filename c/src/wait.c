/*
 * wait.c - sleeping until somebody publishes or makes room, and waking those who sleep.
 *
 * It owns the futex word of each side: generation | WATCH | SLEEP. Nobody counts sleepers, so a dead one leaves at most a
 * stale bit and costs one idle wake. It must not know what is waited for: `attempt` is a full try of the operation.
 *
 * Somebody must look around while all sleep: for the dead, for a wake that a dead one did not give, for the file's name. That
 * is one thread of the whole queue, the lookout, which wakes once an interval. Its other candidates, one thread a handle,
 * rest: the more there are the longer, so that together they wake as often as one. header.lookout says who it is and
 * header.turn whether looks are made; a candidate that wakes and finds nobody, or no looks, is the lookout from then on. All
 * other threads sleep until they are woken.
 */
#include "internal.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SLEEP 1u
#define WATCH 2u
#define GENERATION 4u
static_assert((SLEEP | WATCH) == WAIT_BITS, "what wait_wake looks for");

/* Bit sets of FUTEX_WAIT_BITSET, so that a wake for one kind is never used up by another. */
#define SLEEPERS 1u
#define WATCHERS 2u
#define RESTERS 4u
#define OF_HANDLE(owner) (1u << (8 + (owner) % 24)) /* the threads of a handle, and of those that share its bit */

#define SPINS 64                          /* tries before sleeping: about what a sleep and a wake cost */
#define TICK INT64_C(5000000)             /* how far the coarse clock may be behind */
#define BETWEEN_PIECES INT64_C(1000000)   /* of a sweep that a sleeper goes on with */
#define REST_MOST INT64_C(3000000000)     /* a resting lookout's longest sleep */
#define OTHERS_SLEEP INT64_C(30000000000) /* of a thread that is not its handle's candidate */

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t wait_clock(void) { return read_clock(CLOCK_MONOTONIC); }

/* A few milliseconds coarse, and cheap enough for every call that finds nothing. */
int64_t wait_clock_coarse(void) { return read_clock(CLOCK_MONOTONIC_COARSE); }

void wait_yield(void) { sched_yield(); }

/* 0: woken. Else why not (EAGAIN: the word changed, ETIMEDOUT, EINTR). Not a cancellation point. */
static int futex_wait(_Atomic uint32_t *word, uint32_t expected, int64_t deadline, uint32_t bits)
{
    struct timespec until = {.tv_sec = deadline / 1000000000, .tv_nsec = deadline % 1000000000};
    return syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected, &until, NULL, bits) == 0 ? 0 : errno;
}

static size_t futex_wake(_Atomic uint32_t *word, size_t count, uint32_t bits)
{
    int before = errno;
    long woken = syscall(SYS_futex, word, FUTEX_WAKE_BITSET, count < INT_MAX ? (int)count : INT_MAX, NULL, NULL, bits);
    errno = before;
    return woken > 0 ? (size_t)woken : 0;
}

/* ---- waking ----------------------------------------------------------------------------------------- */

/* Wake `count` of one kind; `seen` is what the side's word was. Returns what it is now. */
static uint32_t wake_kind(_Atomic uint32_t *word, uint32_t seen, uint32_t flag, uint32_t kind, size_t count)
{
    if (!(seen & flag) || futex_wake(word, count, kind) >= count)
        return seen;
    /* Fewer slept than were told: nobody needs the flag any more, except who came to sleep in between. Clear it for this very
       word only, and wake these. */
    uint32_t cleared = (seen & ~flag & WAIT_BITS) | ((seen & ~WAIT_BITS) + GENERATION);
    bool same = atomic_compare_exchange_strong_explicit(word, &seen, cleared, memory_order_seq_cst, memory_order_relaxed);
    /* If it is another word for somebody else's sake, then who was on the way to sleep on the old one either sleeps by now,
       and is woken here, or will not. */
    futex_wake(word, same ? INT_MAX : count, kind);
    return same ? cleared : seen;
}

/* wait_wake saw `seen` in the side's word, with one of the bits: wake `count` sleepers, and as many watchers. */
void wait_wake_bits(cq_queue *queue, enum side side, uint32_t seen, size_t count)
{
    _Atomic uint32_t *word = side_word(queue, side);

    seen = wake_kind(word, seen, WATCH, WATCHERS, count);
    wake_kind(word, seen, SLEEP, SLEEPERS, count);
}

/* Is there, or may there be, what the callers of this side want? */
bool wait_is_served(cq_queue *queue, enum side side)
{
    if (side == SIDE_PRODUCERS)
        return enqueue_has_room(queue);
    return orphan_is_dirty(orphan_version(queue)) || dequeue_has_message(queue);
}

/*
 * Somebody sleeps although there is something for him: the waker died before it woke him, or who was woken does not act.
 * Wake one, next time two, and so on. Called with each look. True: somebody sleeps, or may.
 */
bool wait_nudge(cq_queue *queue)
{
    uint32_t nudges = atomic_load_explicit(&queue->lookout.nudges, memory_order_relaxed); /* a hint */
    bool nudged = false, asleep = false;

    for (enum side side = SIDE_CONSUMERS; side <= SIDE_PRODUCERS; ++side) {
        uint32_t seen = atomic_load_explicit(side_word(queue, side), memory_order_seq_cst); /* as K1 */
        asleep |= (seen & WAIT_BITS) != 0;
        if (!(seen & WAIT_BITS) || !wait_is_served(queue, side))
            continue;
        wait_wake_bits(queue, side, seen, (size_t)1 << (nudges < 16 ? nudges : 16));
        nudged = true;
    }
    atomic_store_explicit(&queue->lookout.nudges, nudged ? nudges + 1 : 0, memory_order_relaxed);
    return asleep;
}

/* Wake, and have those look again who are on the way to sleep: who read the word before this does not sleep on what it is now;
   who reads it afterwards sees what the caller changed before. */
static size_t wake_surely(cq_queue *queue, enum side side, size_t count, uint32_t bits)
{
    atomic_fetch_add_explicit(side_word(queue, side), GENERATION, memory_order_seq_cst);
    return futex_wake(side_word(queue, side), count, bits);
}

/* Who was woken does not act: somebody else should. */
void wait_pass_on(cq_queue *queue, enum side side)
{
    futex_wake(side_word(queue, side), 1, SLEEPERS);
    futex_wake(side_word(queue, side), 1, WATCHERS);
}

/* ---- sleeping --------------------------------------------------------------------------------------- */

static uint64_t load_turn(const cq_queue *queue)
{
    return atomic_load_explicit(&queue->header->turn, memory_order_relaxed); /* a number, orders nothing */
}

/* Only the thread that has taken the lookout's place in its handle. How long to sleep. */
static int64_t lookout_slice(const cq_queue *queue)
{
    int64_t interval = participant_interval(queue);

    if (!queue->lookout.resting)
        return interval + TICK; /* so that the look is due by the coarse clock too, when this is over */
    int64_t rest = interval * atomic_load_explicit(&queue->header->sleepers, memory_order_relaxed); /* a hint */
    return rest < interval ? interval : rest < REST_MOST ? rest : REST_MOST;
}

/* Only that thread. Is another handle the lookout, and were looks made in the `slept` nanoseconds since `turn`? Then rest. */
static void judge_lookout(cq_queue *queue, uint64_t turn, int64_t slept)
{
    uint32_t lookout = atomic_load_explicit(&queue->header->lookout, memory_order_relaxed); /* a hint, as all of this */
    int64_t looks = (int64_t)(load_turn(queue) - turn);

    queue->lookout.resting = lookout != 0 && lookout != queue->owner && looks > 0 &&
                             looks * (participant_interval(queue) + 2 * TICK) * 4 >= slept * 3;
    if (!queue->lookout.resting)
        atomic_store_explicit(&queue->header->lookout, queue->owner, memory_order_relaxed);
}

/* Sleep on the side's word while it is `expected`, until `deadline` or until it is time to look around. 0: woken; else as
   futex_wait. */
static int sleep_a_slice(cq_queue *queue, enum side side, uint32_t expected, int64_t now, int64_t deadline, uint32_t bits)
{
    struct lookout *lookout = &queue->lookout;
    uint32_t taken = 0;
    /* seq_cst both, counted first: who finds the place taken is seen by who gives it up and then leaves. Acquire pairs with
       the release below: what belongs to the lookout of this handle. */
    atomic_fetch_add_explicit(&lookout->sleeping, 1, memory_order_seq_cst);
    bool mine = atomic_compare_exchange_strong_explicit(&lookout->taken, &taken, 1, memory_order_seq_cst, memory_order_seq_cst);
    int64_t slice = mine ? lookout_slice(queue) : OTHERS_SLEEP;
    uint64_t turn = load_turn(queue);

    bits |= OF_HANDLE(queue->owner) | (mine && lookout->resting ? RESTERS : 0);
    bool is_whole = deadline - now >= slice;
    int why = futex_wait(side_word(queue, side), expected, is_whole ? now + slice : deadline, bits);
    atomic_fetch_sub_explicit(&lookout->sleeping, 1, memory_order_relaxed); /* a count */
    if (mine) {
        if (why == 0)
            lookout->resting = false;
        else if (why == ETIMEDOUT && is_whole)
            judge_lookout(queue, turn, slice);
        atomic_store_explicit(&lookout->taken, 0, memory_order_seq_cst);
    }
    return why;
}

/* This thread stops sleeping, and may have been the lookout: let another thread of the handle take its place, which would
   sleep for long else; or another handle, whose candidates notice what these hints miss. */
static void leave_lookout(cq_queue *queue, enum side side)
{
    enum side other = side == SIDE_CONSUMERS ? SIDE_PRODUCERS : SIDE_CONSUMERS;
    uint32_t heir = 0;

    /* seq_cst both, pair with those in sleep_a_slice. */
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

/* Count this thread among the sleepers of its participant, for people to see. Who waits piece by piece, to look at other things
   in between, has been waiting since the first: a wait that begins soon after one timed out goes on with it. */
static void count_sleeper(cq_queue *queue, enum side side, bool sleeps, int64_t now)
{
    struct layout_participant *me = &queue->participants[queue->owner];
    enum side other = side == SIDE_CONSUMERS ? SIDE_PRODUCERS : SIDE_CONSUMERS;

    /* Relaxed all: counts, and a time that goes with them. */
    if (sleeps && (atomic_load_explicit(&me->waiting[side], memory_order_relaxed) |
                   atomic_load_explicit(&me->waiting[other], memory_order_relaxed)) == 0 &&
        now >= atomic_load_explicit(&queue->goes_on_until, memory_order_relaxed))
        atomic_store_explicit(&me->since, read_clock(CLOCK_REALTIME_COARSE), memory_order_relaxed);
    atomic_fetch_add_explicit(&me->waiting[side], sleeps ? 1u : 0u - 1u, memory_order_relaxed);
}

/* For count_sleeper. Relaxed: only for people. */
static void remember_end(cq_queue *queue, int result)
{
    int64_t until = result == CQ_TIMEOUT ? wait_clock() + LOOK_INTERVAL_NS : 0;

    if (until != atomic_load_explicit(&queue->goes_on_until, memory_order_relaxed))
        atomic_store_explicit(&queue->goes_on_until, until, memory_order_relaxed);
}

static bool is_worth_waiting(int result) { return result == CQ_EMPTY || result == CQ_FULL || result == CQ_ENOSPACE; }

/*
 * Was the region removed? Who sees it first leaves a mark for those who sleep, and lets them look. Called with each look, by
 * handles that wait on as well: they may be the only ones that look.
 */
bool wait_see_removal(cq_queue *queue)
{
    if (!region_is_removed(queue))
        return false;
    if (!atomic_exchange_explicit(&queue->header->removed, 1, memory_order_relaxed)) /* a hint, the file says what is true */
        for (enum side side = SIDE_CONSUMERS; side <= SIDE_PRODUCERS; ++side)
            wake_surely(queue, side, INT_MAX, SLEEPERS);
    return true;
}

/* `looks`: whether or not there is a mark. */
static bool is_stale(cq_queue *queue, bool looks)
{
    /* Relaxed: a wish, and a hint. */
    return !atomic_load_explicit(&queue->keep_unlinked, memory_order_relaxed) &&
           (looks || atomic_load_explicit(&queue->header->removed, memory_order_relaxed)) && wait_see_removal(queue);
}

static int sleep_until(cq_queue *queue, enum side side, int64_t deadline, wait_try *attempt, void *context)
{
    _Atomic uint32_t *word = side_word(queue, side);
    int why = EAGAIN, result; /* it stopped sleeping */

    for (;;) {
        /* K2 seq_cst, then a full fence: the bit is visible before the try looks. */
        uint32_t expected = atomic_fetch_or_explicit(word, SLEEP, memory_order_seq_cst) | SLEEP;
        fence(memory_order_seq_cst);
        result = attempt(queue, context); /* looks around too, if a look is due */
        if (!is_worth_waiting(result))
            break;
        /* seq_cst, after K2: see wait_interrupt. */
        if (atomic_load_explicit(&queue->cancelled, memory_order_seq_cst)) {
            result = CQ_CANCELLED;
            break;
        }
        if (is_stale(queue, why == ETIMEDOUT)) {
            result = CQ_STALE;
            break;
        }
        int64_t now = wait_clock();
        if (now >= deadline) {
            result = result == CQ_ENOSPACE ? result : CQ_TIMEOUT;
            break;
        }
        /* A sweep goes on soon; and nobody tells when another file gives memory back. */
        int64_t most = participant_is_reaping(queue) ? BETWEEN_PIECES
                       : result == CQ_ENOSPACE       ? LOOK_INTERVAL_NS
                                                     : INT64_MAX;
        int64_t until = deadline - now > most ? now + most : deadline;
        why = sleep_a_slice(queue, side, expected, now, until, SLEEPERS);
    }
    /* Leaving woken but unserved: that wake belongs to somebody else. */
    if (why == 0 && result != CQ_OK)
        futex_wake(word, 1, SLEEPERS);
    leave_lookout(queue, side);
    return result;
}

/* Try, and sleep between tries while there is nothing, or no room, and there is time. */
int wait_until(cq_queue *queue, enum side side, int64_t timeout_ns, wait_try *attempt, void *context)
{
    int result = attempt(queue, context);
    /* Where threads of this handle sleep already, spinning has just been tried. */
    int spins = timeout_ns == 0 || atomic_load_explicit(&queue->lookout.sleeping, memory_order_relaxed) > 0 ? 0 : SPINS;

    for (int i = 0; i < spins && (result == CQ_EMPTY || result == CQ_FULL); ++i) {
        cpu_relax();
        result = attempt(queue, context);
    }
    if (!is_worth_waiting(result)) {
        remember_end(queue, result);
        return result;
    }
    if (timeout_ns == 0)
        return result == CQ_ENOSPACE ? result : CQ_TIMEOUT;
    int64_t now = wait_clock();
    int64_t deadline = timeout_ns < 0 || timeout_ns > INT64_MAX - now ? INT64_MAX : now + timeout_ns;
    count_sleeper(queue, side, true, now);
    result = sleep_until(queue, side, deadline, attempt, context);
    count_sleeper(queue, side, false, now);
    remember_end(queue, result);
    return result;
}

/* Let all threads of this handle that sleep on this side look again at what the caller changed before. */
void wait_interrupt(cq_queue *queue, enum side side) { wake_surely(queue, side, INT_MAX, OF_HANDLE(queue->owner)); }

/* End the waits of this handle, or allow them again. Async-signal-safe. */
void wait_cancel(cq_queue *queue, bool cancelled)
{
    atomic_store_explicit(&queue->cancelled, cancelled, memory_order_seq_cst);
    for (enum side side = SIDE_CONSUMERS; side <= SIDE_PRODUCERS && cancelled; ++side)
        wait_interrupt(queue, side);
}

/* ---- for watch.c ----------------------------------------------------------------------------------- */

/* Ask for a wake of the watchers. The caller probes afterwards, and then may sleep on the word returned. */
uint32_t wait_announce_watch(cq_queue *queue, enum side side)
{
    uint32_t word = atomic_fetch_or_explicit(side_word(queue, side), WATCH, memory_order_seq_cst) | WATCH; /* K2 */
    fence(memory_order_seq_cst);
    return word;
}

/* Sleep until a watcher is due, or until it is time to look around. */
void wait_for_watch(cq_queue *queue, enum side side, uint32_t word)
{
    sleep_a_slice(queue, side, word, wait_clock(), INT64_MAX, WATCHERS);
}

/* A watcher does not look around for a while. */
void wait_leave_watch(cq_queue *queue, enum side side) { leave_lookout(queue, side); }
