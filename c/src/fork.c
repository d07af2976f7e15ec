/*
 * fork.c - the handles that this process has open, and what a fork does to them.
 *
 * It owns the list of handles and the lock around it, into which no fork comes: between opening a description and
 * closing it a child would get a copy, and with it our locks. The kernel already takes mapping and handle from a
 * child (os_map, os_map_alive); but emulators and sandboxes answer that they did and do nothing, so it is done here
 * once more. A child made by the bare system call has only what the kernel does. It must not know what a handle is
 * for.
 */
#include "fork.h"

#include "os.h"
#include "seat.h"
#include "region.h"

static _Atomic uint32_t holder; /* a futex word: 0, or the process one of whose threads has the lock */
static struct os_signals signals_before; /* what follows is the holder's alone */
static cq_queue *handles;

static bool take(uint32_t process)
{
    uint32_t seen = atomic_load_explicit(&holder, memory_order_relaxed); /* the exchange decides */
    /* Another process: this is a child of a bare fork, and the thread that had the lock then does not exist here. */
    /* fork:A acquire, pairs with fork:B: the list is as the last holder left it. */
    return seen != process && atomic_compare_exchange_strong_explicit(&holder, &seen, process, memory_order_acquire,
                                                                      memory_order_relaxed);
}

/* Signals are held back while the lock is held: a handler that forks in the thread that has it would wait for ever. */
static void lock(void)
{
    uint32_t process = os_process();
    struct os_signals before;

    os_hold_signals(&before);
    while (!take(process))
        os_sleep(&holder, process, 0, 0);
    signals_before = before;
}

void fork_unlock(void)
{
    struct os_signals before = signals_before;

    atomic_store_explicit(&holder, 0, memory_order_release); /* fork:B, pairs with fork:A */
    os_wake(&holder, 1, 0);
    os_restore_signals(&before);
}

static void begin_child(void)
{
    for (cq_queue *queue = handles; queue; queue = queue->sibling) {
        region_forget(queue);
        queue->listed_at = NULL;
    }
    handles = NULL;
    seat_after_fork();
    fork_unlock();
}

static const struct os_guard guarded_fork = {lock, fork_unlock, begin_child};

/* Waits for other threads that open or close a handle, or fork. */
void fork_lock(void)
{
    os_guard_forks(&guarded_fork);
    lock();
}

/* With the lock held. CQ_ENOMEM: forks cannot be guarded, and a child would keep the handle. */
int fork_remember(cq_queue *queue)
{
    if (os_guard_forks(&guarded_fork) != 0)
        return CQ_ENOMEM;
    queue->sibling = handles;
    queue->listed_at = &handles;
    if (handles)
        handles->listed_at = &queue->sibling;
    handles = queue;
    return CQ_OK;
}

/* With the lock held. Nothing if it is not remembered. */
void fork_forget(cq_queue *queue)
{
    if (!queue->listed_at)
        return;
    *queue->listed_at = queue->sibling;
    if (queue->sibling)
        queue->sibling->listed_at = queue->listed_at;
    queue->listed_at = NULL;
}

/* This process removes the queue itself: its handles go on with what it took the name from. */
void fork_keep_unlinked(uint64_t device, uint64_t inode)
{
    fork_lock();
    for (cq_queue *queue = handles; queue; queue = queue->sibling)
        if (queue->device == device && queue->inode == inode)
            atomic_store_explicit(&queue->keep_unlinked, 1, memory_order_relaxed); /* a wish, orders nothing */
    fork_unlock();
}
