//go:build cgo && linux && (amd64 || arm64 || loong64 || mips64le || ppc64le || riscv64)

/*
 * calls.c - which threads of this process are in the library, and on which handle.
 *
 * The shortest calls announce themselves here and not in the handle's count of users, because an atomic addition there
 * and one back cost as much as the call itself, and more when many processors do it. A thread writes the handle into a
 * word of its own, and only then looks whether the handle is being closed. Close says so first, then makes every thread
 * of the process pass a barrier (membarrier), and then looks at all the words: either it sees the thread's, or the
 * thread sees that the handle is being closed. It must know nothing of queues.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "shim.h"

#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As in linux/membarrier.h, which not every C library's headers go together with. */
#define PRIVATE_EXPEDITED 8
#define REGISTER_PRIVATE_EXPEDITED 16

__thread struct go_thread *go_me;
int go_needs_fence = 1;

static _Atomic(struct go_thread *) threads; /* all that there ever were; those of threads that ended are used again */
static pthread_key_t ended;
static int has_key; /* without it the words of threads that ended are not used again */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void end_thread(void *me)
{
    go_me = NULL;
    /* Release, pairs with the acquire in go_register: nothing of this thread comes after. */
    atomic_store_explicit(&((struct go_thread *)me)->taken, 0, memory_order_release);
}

static void begin(void)
{
    has_key = pthread_key_create(&ended, end_thread) == 0;
    go_needs_fence = syscall(SYS_membarrier, REGISTER_PRIVATE_EXPEDITED, 0, 0) != 0;
}

/* NULL: no memory. */
struct go_thread *go_register(void)
{
    pthread_once(&once, begin);
    /* Acquire, pairs with the release below: what `next` points to is complete. */
    struct go_thread *thread = atomic_load_explicit(&threads, memory_order_acquire);
    int no = 0;
    while (thread && !atomic_compare_exchange_strong_explicit(&thread->taken, &no, 1, memory_order_acquire,
                                                              memory_order_relaxed)) {
        thread = thread->next;
        no = 0;
    }
    if (!thread) {
        if (!(thread = aligned_alloc(_Alignof(struct go_thread), sizeof *thread)))
            return NULL;
        atomic_init(&thread->in, 0);
        atomic_init(&thread->taken, 1);
        thread->next = atomic_load_explicit(&threads, memory_order_relaxed); /* the exchange compares it */
        /* seq_cst, before the fence of go_enter: Close, which looks at the list after its own, sees the thread. */
        while (!atomic_compare_exchange_weak_explicit(&threads, &thread->next, thread, memory_order_seq_cst,
                                                      memory_order_relaxed))
            ;
    }
    if (has_key)
        pthread_setspecific(ended, thread);
    return go_me = thread;
}

/* Nobody comes any more: wait for those who are in. 0: there is no telling, because the process has been forbidden the
   barrier since (seccomp). */
int go_quiesce(uintptr_t handle)
{
    pthread_once(&once, begin);
    atomic_thread_fence(memory_order_seq_cst); /* pairs with go_enter's, where that is one */
    if (!go_needs_fence && syscall(SYS_membarrier, PRIVATE_EXPEDITED, 0, 0) != 0)
        return 0;
    struct go_thread *thread = atomic_load_explicit(&threads, memory_order_acquire);
    for (; thread; thread = thread->next)
        /* Acquire, pairs with the release in go_leave: what the call did comes before the handle goes. */
        while (atomic_load_explicit(&thread->in, memory_order_acquire) == handle)
            sched_yield();
    return 1;
}
