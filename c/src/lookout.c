/*
 * lookout.c - what a look is for: the dead, wakes that were not given, the file's name, memory that nobody needs.
 *
 * It owns the order of these. Each finds what a process that died in the middle of a call left undone. It must not
 * know how the dead are found (reap.c), nor what the caller wants.
 */
#include "lookout.h"

#include "os.h"
#include "probe.h"
#include "reap.h"
#include "region.h"
#include "trim.h"
#include "wake.h"

/*
 * A thread sleeps although there is something for it: the waker died before the wake, or the thread that was woken
 * does not act. Wake one, next time two, and so on. True: a thread sleeps, or may.
 */
static bool nudge(cq_queue *queue)
{
    uint32_t nudges = atomic_load_explicit(&queue->lookout.nudges, memory_order_relaxed); /* a hint */
    bool nudged = false, asleep = false;

    for (enum side side = SIDE_CONSUMERS; side <= SIDE_PRODUCERS; ++side) {
        uint32_t seen = atomic_load_explicit(side_word(queue, side), memory_order_seq_cst); /* wake:A, meets sleep:A */
        asleep |= (seen & WAKE_BITS) != 0;
        if (!(seen & WAKE_BITS) || !probe_side(queue, side))
            continue;
        wake_bits(queue, side, seen, (size_t)1 << (nudges < 16 ? nudges : 16));
        nudged = true;
    }
    atomic_store_explicit(&queue->lookout.nudges, nudged ? nudges + 1 : 0, memory_order_relaxed);
    return asleep;
}

/*
 * Was the region removed? The first to see it leaves a mark for the sleepers, and lets them look. Called with each
 * look, by handles that wait on as well: they may be the only ones that look.
 */
bool lookout_see_removal(cq_queue *queue)
{
    if (!region_is_removed(queue))
        return false;
    /* Relaxed: a hint, the file says what is true. */
    if (!atomic_exchange_explicit(&queue->header->removed, 1, memory_order_relaxed))
        for (enum side side = SIDE_CONSUMERS; side <= SIDE_PRODUCERS; ++side)
            wake_surely(queue, side, SIZE_MAX, SLEEPERS);
    return true;
}

/*
 * Look around if a look is due, or go on with the sweep that this handle began. For every call that has nothing
 * better to do: it is about to report that there is nothing, or woke up. Bounded, async-signal-safe. True:
 * something was put right, and a try is worth it.
 */
bool lookout_look(cq_queue *queue)
{
    enum reap_look look;
    bool found = reap_look(queue, &look);

    if (look == REAP_LOOKED)
        trim_begin(queue);
    trim_go_on(queue);
    if ((look == REAP_LOOKED || look == REAP_BLIND) && nudge(queue) && look == REAP_LOOKED)
        lookout_see_removal(queue);
    return found;
}
