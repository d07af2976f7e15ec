/*
 * futex.c - a mailbox of one message whose receiver sleeps on a futex: what a wake costs at least.
 */
#define _GNU_SOURCE
#include "contestant.h"

#include <linux/futex.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct box {
    _Alignas(64) _Atomic uint32_t full; /* 1: a message is there */
    _Alignas(64) char message[];
};

static void *join(const struct plan *plan, const char *name, enum role role)
{
    (void)role;
    return bench_map(plan, name, sizeof(struct box) + plan->size);
}

static void make(const struct plan *plan, const char *name) { join(plan, name, BOTH); }
static void leave(void *queue) { (void)queue; }

static void set(struct box *box, uint32_t full)
{
    atomic_store_explicit(&box->full, full, memory_order_release);
    syscall(SYS_futex, &box->full, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void await(struct box *box, uint32_t full)
{
    while (atomic_load_explicit(&box->full, memory_order_acquire) != full)
        syscall(SYS_futex, &box->full, FUTEX_WAIT, 1 - full, NULL, NULL, 0);
}

static void send_wait(void *queue, const void *message, size_t size)
{
    struct box *box = queue;
    await(box, 0);
    memcpy(box->message, message, size);
    set(box, 1);
}

static void receive_wait(void *queue, void *message, size_t size)
{
    struct box *box = queue;
    await(box, 1);
    memcpy(message, box->message, size);
    atomic_store_explicit(&box->full, 0, memory_order_release); /* the sender rests before the next one */
    syscall(SYS_futex, &box->full, FUTEX_WAKE, 1, NULL, NULL, 0);
}

int main(int argc, char **argv)
{
    static const struct contestant self = {
        .name = "bare futex", .when_killed = "nothing", .producers = 1, .consumers = 1, .make = make, .join = join,
        .leave = leave, .send_wait = send_wait, .receive_wait = receive_wait};
    return bench_main(argc, argv, &self);
}
