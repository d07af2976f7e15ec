/*
 * raw.c - a ring for one producer and one consumer, each of which remembers how far the other was: as fast as it gets.
 */
#include "contestant.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct ring {
    _Alignas(128) _Atomic uint64_t head;
    _Alignas(128) _Atomic uint64_t tail;
    _Alignas(128) char slots[];
};

struct handle {
    struct ring *ring;
    uint64_t capacity, mask, head, tail; /* what this process knows of them */
    size_t stride;
};

static char *slot_at(const struct handle *handle, uint64_t position)
{
    return handle->ring->slots + (position & handle->mask) * handle->stride;
}

static void *join(const struct plan *plan, const char *name, enum role role)
{
    struct handle *handle = calloc(1, sizeof *handle);
    (void)role;
    if (!handle)
        bench_fail("no memory");
    handle->capacity = plan->capacity;
    handle->mask = plan->capacity - 1;
    handle->stride = plan->size;
    handle->ring = bench_map(plan, name, sizeof(struct ring) + plan->capacity * handle->stride);
    handle->head = atomic_load_explicit(&handle->ring->head, memory_order_acquire);
    handle->tail = atomic_load_explicit(&handle->ring->tail, memory_order_acquire);
    return handle;
}

static void leave(void *queue) { free(queue); }
static void make(const struct plan *plan, const char *name) { leave(join(plan, name, BOTH)); }

static size_t room(struct handle *handle, size_t most)
{
    if (handle->tail - handle->head + most > handle->capacity)
        handle->head = atomic_load_explicit(&handle->ring->head, memory_order_acquire);
    uint64_t room = handle->capacity - (handle->tail - handle->head);
    return room < most ? (size_t)room : most;
}

static size_t waiting(struct handle *handle, size_t most)
{
    if (handle->tail - handle->head < most)
        handle->tail = atomic_load_explicit(&handle->ring->tail, memory_order_acquire);
    uint64_t waiting = handle->tail - handle->head;
    return waiting < most ? (size_t)waiting : most;
}

static size_t send_batch(void *queue, const void *messages, size_t size, size_t count)
{
    struct handle *handle = queue;
    count = room(handle, count);
    for (size_t i = 0; i < count; ++i)
        memcpy(slot_at(handle, handle->tail + i), (const char *)messages + i * size, size);
    handle->tail += count;
    if (count > 0)
        atomic_store_explicit(&handle->ring->tail, handle->tail, memory_order_release);
    return count;
}

static size_t receive_batch(void *queue, void *messages, size_t size, size_t count)
{
    struct handle *handle = queue;
    count = waiting(handle, count);
    for (size_t i = 0; i < count; ++i)
        memcpy((char *)messages + i * size, slot_at(handle, handle->head + i), size);
    handle->head += count;
    if (count > 0)
        atomic_store_explicit(&handle->ring->head, handle->head, memory_order_release);
    return count;
}

static int send(void *queue, const void *message, size_t size) { return (int)send_batch(queue, message, size, 1); }
static int receive(void *queue, void *message, size_t size) { return (int)receive_batch(queue, message, size, 1); }

static void *reserve(void *queue, size_t size)
{
    (void)size;
    return room(queue, 1) ? slot_at(queue, ((struct handle *)queue)->tail) : NULL;
}

static void commit(void *queue, size_t size)
{
    struct handle *handle = queue;
    (void)size;
    atomic_store_explicit(&handle->ring->tail, ++handle->tail, memory_order_release);
}

static const void *take(void *queue)
{
    return waiting(queue, 1) ? slot_at(queue, ((struct handle *)queue)->head) : NULL;
}

static void release(void *queue)
{
    struct handle *handle = queue;
    atomic_store_explicit(&handle->ring->head, ++handle->head, memory_order_release);
}

int main(int argc, char **argv)
{
    static const struct contestant self = {
        .name = "raw ring", .when_killed = "all", .producers = 1, .consumers = 1, .make = make, .join = join,
        .leave = leave, .send = send, .receive = receive, .send_batch = send_batch, .receive_batch = receive_batch,
        .reserve = reserve, .commit = commit, .take = take, .release = release};
    return bench_main(argc, argv, &self);
}
