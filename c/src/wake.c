/*
 * wake.c - waking the threads that sleep until there is a message, or room.
 *
 * It owns the futex word of each side: generation | WATCH | SLEEP. Nobody counts sleepers, so a dead one leaves at
 * most a stale bit and costs one idle wake. It must not know what they wait for, nor how they sleep (wait.c).
 */
#include "wake.h"

#include "os.h"

/* Wake `count` of one kind; `seen` is what the side's word was. Returns what it is now. */
static uint32_t wake_kind(_Atomic uint32_t *word, uint32_t seen, uint32_t flag, uint32_t kind, size_t count)
{
    if (!(seen & flag) || os_wake(word, count, kind) >= count)
        return seen;
    /* wake:B, after too few were woken; meets sleep:A. Nobody needs the flag any more, except threads that came to
       sleep in between. Clear it for this very word only, and wake these. */
    uint32_t cleared = (seen & ~flag & WAKE_BITS) | ((seen & ~WAKE_BITS) + WAKE_GENERATION);
    bool same = atomic_compare_exchange_strong_explicit(word, &seen, cleared, memory_order_seq_cst,
                                                        memory_order_relaxed);
    /* If another process has changed the word, then a thread on its way to sleep on the old one either sleeps by
       now, and is woken here, or will not. */
    os_wake(word, same ? SIZE_MAX : count, kind);
    return same ? cleared : seen;
}

/* wake_side saw `seen` in the side's word, with one of the bits: wake `count` sleepers, and as many watchers. */
void wake_bits(cq_queue *queue, enum side side, uint32_t seen, size_t count)
{
    _Atomic uint32_t *word = side_word(queue, side);

    seen = wake_kind(word, seen, WAKE_WATCH, WATCHERS, count);
    wake_kind(word, seen, WAKE_SLEEP, SLEEPERS, count);
}

/* Wake, and have threads on their way to sleep look again: one that read the word before this does not sleep on
   what it is now; one that reads it afterwards sees what the caller changed before. */
size_t wake_surely(cq_queue *queue, enum side side, size_t count, uint32_t kinds)
{
    /* cancel:A, meets sleep:C. */
    atomic_fetch_add_explicit(side_word(queue, side), WAKE_GENERATION, memory_order_seq_cst);
    return os_wake(side_word(queue, side), count, kinds);
}

/* The thread that was woken does not act: another should. */
void wake_another(cq_queue *queue, enum side side)
{
    os_wake(side_word(queue, side), 1, SLEEPERS);
    os_wake(side_word(queue, side), 1, WATCHERS);
}
