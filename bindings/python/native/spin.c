/*
 * spin.c - trying for a moment before sleeping: what another process sends may come sooner than a sleep and a wake take.
 *
 * It owns whether that is worth it: if it was lately. It must not know what is tried.
 */
#include "native.h"

#define PATIENCE 8    /* so often in a row it may be in vain ... */
#define SELDOM 64     /* ... until only one wait in so many tries it */

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb");
#endif
}

int spin(struct handle *handle, enum side side, wait_call *call, void *context, int64_t duration_ns)
{
    struct spinning *spinning = &handle->spinning[side];
    cq_queue *queue = handle->queue;
    int result = CQ_TIMEOUT;

    if (spinning->in_vain >= PATIENCE && ++spinning->skipped < SELDOM)
        return result;
    spinning->skipped = 0;
    Py_BEGIN_ALLOW_THREADS
    for (int64_t end = wait_deadline(duration_ns); result == CQ_TIMEOUT && wait_left(end) > 0;) {
        relax();
        result = call(queue, context, 0);
    }
    Py_END_ALLOW_THREADS
    spinning->in_vain = result != CQ_TIMEOUT ? 0 : spinning->in_vain < PATIENCE ? spinning->in_vain + 1 : PATIENCE;
    return result;
}
