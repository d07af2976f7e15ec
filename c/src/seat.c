/*
 * seat.c - which thread has which seat. See seat.h.
 *
 * The kernel says whether a thread is gone; so nothing is to be done when one ends, and none that ended is waited for.
 */
#include "seat.h"

#include "os.h"

__thread struct sitter seat_thread SEAT_NEAR = {SEAT_OF_NOBODY, 0, 0, 0};

#define LOOKS 1024u /* calls of a thread without a seat, until it looks again whether one is free */

static _Atomic uint32_t users[LAYOUT_SEATS]; /* the threads that have them, as the kernel calls them; 0: none */
static _Atomic uint32_t process;             /* of these; another one is a child of a bare fork */

/* A seat whose thread is gone may be had. Its names stay until they are given again. */
static bool take_seat(uint32_t index, uint32_t thread, bool same)
{
    /* seat:A acquire, pairs with seat:B: the seats are as the last user left them. */
    uint32_t user = atomic_load_explicit(&users[index], memory_order_acquire);

    return (user == 0 || (same && !os_has_thread(user))) &&
           atomic_compare_exchange_strong_explicit(&users[index], &user, thread, memory_order_acq_rel,
                                                   memory_order_relaxed); /* seat:B */
}

/* A thread whose seat is nobody's. True: it had none, and now has one. */
SELDOM bool seat_find(struct sitter *me)
{
    /* With a seat this is a signal handler on top of its use, or a call in another one; or it looked before. */
    if (me->own != 0 || me->looking || me->misses++ % LOOKS != 0)
        return false;
    me->looking = 1;
    atomic_signal_fence(memory_order_seq_cst);
    uint32_t own = os_process(), known = 0, thread = os_thread(), index = 0;
    /* Relaxed: it is the same for all threads that could take a seat from each other. */
    bool same = atomic_compare_exchange_strong_explicit(&process, &known, own, memory_order_relaxed,
                                                        memory_order_relaxed) || known == own;
    while (index < LAYOUT_SEATS && !take_seat(index, thread, same))
        ++index;
    if (index < LAYOUT_SEATS) {
        me->own = SEAT_OF_NOBODY + (index + 1) * sizeof(struct seat);
        atomic_signal_fence(memory_order_seq_cst);
        me->seat = me->own;
    }
    atomic_signal_fence(memory_order_seq_cst);
    me->looking = 0;
    return index < LAYOUT_SEATS;
}

/* In the child, whose only thread this is. It keeps its seat. */
void seat_after_fork(void)
{
    uintptr_t seat = seat_me()->own;
    uint32_t index = seat == 0 ? 0 : (uint32_t)((seat - SEAT_OF_NOBODY) / sizeof(struct seat));

    /* Relaxed all: it is alone. */
    for (uint32_t i = 0; i < LAYOUT_SEATS; ++i)
        atomic_store_explicit(&users[i], i + 1 == index ? os_thread() : 0, memory_order_relaxed);
    atomic_store_explicit(&process, index > 0 ? os_process() : 0, memory_order_relaxed);
}
