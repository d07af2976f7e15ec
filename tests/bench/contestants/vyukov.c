/*
 * vyukov.c - the bounded ring of Dmitry Vyukov: a number in each slot says whose turn it is.
 *
 * One compare-exchange a message. A process that is killed between claiming and filling a slot stops everybody.
 */
#include "contestant.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct slot {
    _Atomic uint64_t turn;
    char message[];
};

struct ring {
    _Alignas(128) _Atomic uint64_t head;
    _Alignas(128) _Atomic uint64_t tail;
    _Alignas(128) char slots[];
};

struct handle {
    struct ring *ring;
    uint64_t mask;
    size_t stride;
};

static struct slot *slot_at(const struct handle *handle, uint64_t position)
{
    return (struct slot *)(handle->ring->slots + (position & handle->mask) * handle->stride);
}

static void *join(const struct plan *plan, const char *name, enum role role)
{
    struct handle *handle = malloc(sizeof *handle);
    (void)role;
    if (!handle)
        bench_fail("no memory");
    handle->mask = plan->capacity - 1;
    handle->stride = sizeof(struct slot) + (plan->size + 7) / 8 * 8;
    handle->ring = bench_map(plan, name, sizeof(struct ring) + plan->capacity * handle->stride);
    return handle;
}

static void leave(void *queue) { free(queue); }

static void make(const struct plan *plan, const char *name)
{
    struct handle *handle = join(plan, name, BOTH);
    for (uint64_t i = 0; i < plan->capacity; ++i)
        atomic_store_explicit(&slot_at(handle, i)->turn, i, memory_order_release);
    leave(handle);
}

static int send(void *queue, const void *message, size_t size)
{
    struct handle *handle = queue;
    uint64_t position = atomic_load_explicit(&handle->ring->tail, memory_order_relaxed);
    for (;;) {
        struct slot *slot = slot_at(handle, position);
        int64_t ahead = (int64_t)(atomic_load_explicit(&slot->turn, memory_order_acquire) - position);
        if (ahead == 0) {
            if (atomic_compare_exchange_weak_explicit(&handle->ring->tail, &position, position + 1,
                                                      memory_order_relaxed, memory_order_relaxed)) {
                memcpy(slot->message, message, size);
                atomic_store_explicit(&slot->turn, position + 1, memory_order_release);
                return 1;
            }
        } else if (ahead < 0) {
            return 0;
        } else {
            position = atomic_load_explicit(&handle->ring->tail, memory_order_relaxed);
        }
    }
}

static int receive(void *queue, void *message, size_t size)
{
    struct handle *handle = queue;
    uint64_t position = atomic_load_explicit(&handle->ring->head, memory_order_relaxed);
    for (;;) {
        struct slot *slot = slot_at(handle, position);
        int64_t ahead = (int64_t)(atomic_load_explicit(&slot->turn, memory_order_acquire) - (position + 1));
        if (ahead == 0) {
            if (atomic_compare_exchange_weak_explicit(&handle->ring->head, &position, position + 1,
                                                      memory_order_relaxed, memory_order_relaxed)) {
                memcpy(message, slot->message, size);
                atomic_store_explicit(&slot->turn, position + handle->mask + 1, memory_order_release);
                return 1;
            }
        } else if (ahead < 0) {
            return 0;
        } else {
            position = atomic_load_explicit(&handle->ring->head, memory_order_relaxed);
        }
    }
}

int main(int argc, char **argv)
{
    static const struct contestant self = {.name = "Vyukov ring", .when_killed = "nothing", .make = make, .join = join,
                                           .leave = leave, .send = send, .receive = receive};
    return bench_main(argc, argv, &self);
}
