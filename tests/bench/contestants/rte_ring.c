/*
 * rte_ring.c - DPDK's ring for any number of producers and consumers, in a mapping of our own, without huge pages.
 *
 * It stalls when a thread is preempted between moving the head and the tail: the others of its side spin until it runs.
 *
 * needs: libdpdk-dev pkg-config
 * flags: libdpdk
 */
#include "contestant.h"

#include <rte_ring.h>
#include <rte_ring_elem.h>

#include <stdlib.h>

/* rte_ring_enqueue_elem wants the size of an element with each call; it is the message's, which is a multiple of 4. */

static void *map(const struct plan *plan, const char *name)
{
    ssize_t size = rte_ring_get_memsize_elem((unsigned)plan->size, (unsigned)plan->capacity * 2);
    if (size < 0)
        bench_fail("rte_ring does not take this size or capacity");
    return bench_map(plan, name, (size_t)size);
}

static void *join(const struct plan *plan, const char *name, enum role role)
{
    (void)role;
    return map(plan, name);
}

static void make(const struct plan *plan, const char *name)
{
    if (rte_ring_init(map(plan, name), "bench", (unsigned)plan->capacity * 2, 0) != 0)
        bench_fail("rte_ring_init");
}

static void leave(void *queue) { (void)queue; }

static int send(void *queue, const void *message, size_t size)
{
    return rte_ring_mp_enqueue_elem(queue, (void *)(uintptr_t)message, (unsigned)size) == 0;
}
static int receive(void *queue, void *message, size_t size)
{
    return rte_ring_mc_dequeue_elem(queue, message, (unsigned)size) == 0;
}
static size_t send_batch(void *queue, const void *messages, size_t size, size_t count)
{
    return rte_ring_mp_enqueue_burst_elem(queue, messages, (unsigned)size, (unsigned)count, NULL);
}
static size_t receive_batch(void *queue, void *messages, size_t size, size_t count)
{
    return rte_ring_mc_dequeue_burst_elem(queue, messages, (unsigned)size, (unsigned)count, NULL);
}

int main(int argc, char **argv)
{
    static const struct contestant self = {
        .name = "rte_ring", .when_killed = "nothing", .make = make, .join = join, .leave = leave, .send = send,
        .receive = receive, .send_batch = send_batch, .receive_batch = receive_batch};
    return bench_main(argc, argv, &self);
}
