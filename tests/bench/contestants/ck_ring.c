/*
 * ck_ring.c - Concurrency Kit's ring for any number of producers and consumers.
 *
 * It stalls when a thread is preempted in the middle, as rte_ring does.
 *
 * needs: libck-dev pkg-config
 * flags: ck
 */
#include "contestant.h"

#include <ck_ring.h>
#include <stdbool.h>
#include <string.h>

struct of_8 { char bytes[8]; };
struct of_56 { char bytes[56]; };
struct of_248 { char bytes[248]; };
struct of_4096 { char bytes[4096]; };
CK_RING_PROTOTYPE(of_8, of_8)
CK_RING_PROTOTYPE(of_56, of_56)
CK_RING_PROTOTYPE(of_248, of_248)
CK_RING_PROTOTYPE(of_4096, of_4096)

struct ring {
    ck_ring_t ring;
    _Alignas(128) char slots[];
};

static void *map(const struct plan *plan, const char *name)
{
    return bench_map(plan, name, sizeof(struct ring) + 2 * plan->capacity * plan->size);
}
static void *join(const struct plan *plan, const char *name, enum role role)
{
    (void)role;
    return map(plan, name);
}
static void make(const struct plan *plan, const char *name)
{
    struct ring *ring = map(plan, name);
    ck_ring_init(&ring->ring, 2 * (unsigned)plan->capacity);
}
static void leave(void *queue) { (void)queue; }

static int send(void *queue, const void *message, size_t size)
{
    struct ring *ring = queue;
    void *slots = ring->slots, *from = (void *)(uintptr_t)message;
    switch (size) {
    case 8: return CK_RING_ENQUEUE_MPMC(of_8, &ring->ring, slots, from);
    case 56: return CK_RING_ENQUEUE_MPMC(of_56, &ring->ring, slots, from);
    case 248: return CK_RING_ENQUEUE_MPMC(of_248, &ring->ring, slots, from);
    case 4096: return CK_RING_ENQUEUE_MPMC(of_4096, &ring->ring, slots, from);
    default: bench_fail("ck_ring is not built for this size");
    }
}

static int receive(void *queue, void *message, size_t size)
{
    struct ring *ring = queue;
    void *slots = ring->slots;
    switch (size) {
    case 8: return CK_RING_DEQUEUE_MPMC(of_8, &ring->ring, slots, message);
    case 56: return CK_RING_DEQUEUE_MPMC(of_56, &ring->ring, slots, message);
    case 248: return CK_RING_DEQUEUE_MPMC(of_248, &ring->ring, slots, message);
    case 4096: return CK_RING_DEQUEUE_MPMC(of_4096, &ring->ring, slots, message);
    default: bench_fail("ck_ring is not built for this size");
    }
}

int main(int argc, char **argv)
{
    static const struct contestant self = {.name = "ck_ring", .when_killed = "nothing", .max_size = 4096, .make = make,
                                           .join = join, .leave = leave, .send = send, .receive = receive};
    return bench_main(argc, argv, &self);
}
