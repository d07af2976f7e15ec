/*
 * cqueue.c - this library.
 */
#include "contestant.h"
#include "cqueue.h"

#include <stdlib.h>

struct handle {
    cq_queue *queue;
    cq_message reserved, taken;
    cq_slice slices[256];
};

static void check(int result)
{
    if (result < 0)
        bench_fail(cq_strerror(result));
}

static void *join(const struct plan *plan, const char *name, enum role role)
{
    cq_config config = {.struct_size = sizeof config, .capacity = plan->capacity, .max_message_size = plan->size,
                        .directory = plan->place};
    struct handle *handle = calloc(1, sizeof *handle);
    (void)role;
    if (!handle)
        bench_fail("no memory");
    handle->reserved.struct_size = handle->taken.struct_size = sizeof(cq_message);
    check(cq_open(name, &config, &handle->queue));
    return handle;
}

static void leave(void *queue)
{
    struct handle *handle = queue;
    cq_close(handle->queue);
    free(handle);
}

static void make(const struct plan *plan, const char *name) { leave(join(plan, name, BOTH)); }

static int send(void *queue, const void *message, size_t size)
{
    int result = cq_enqueue(((struct handle *)queue)->queue, message, size);
    check(result);
    return result == CQ_OK;
}

static int receive(void *queue, void *message, size_t size)
{
    int result = cq_dequeue(((struct handle *)queue)->queue, message, size, NULL);
    check(result);
    return result == CQ_OK;
}

static void send_wait(void *queue, const void *message, size_t size)
{
    check(cq_enqueue_wait(((struct handle *)queue)->queue, message, size, -1));
}

static void receive_wait(void *queue, void *message, size_t size)
{
    check(cq_dequeue_wait(((struct handle *)queue)->queue, message, size, NULL, -1));
}

static size_t send_batch(void *queue, const void *messages, size_t size, size_t count)
{
    struct handle *handle = queue;
    size_t done = 0;
    for (size_t i = 0; i < count; ++i)
        handle->slices[i] = (cq_slice){(char *)messages + i * size, size};
    check(cq_enqueue_batch(handle->queue, handle->slices, count, &done));
    return done;
}

static size_t receive_batch(void *queue, void *messages, size_t size, size_t count)
{
    struct handle *handle = queue;
    size_t done = 0;
    check(cq_dequeue_batch(handle->queue, messages, size * count, handle->slices, count, &done));
    return done;
}

static void *reserve(void *queue, size_t size)
{
    struct handle *handle = queue;
    int result = cq_reserve(handle->queue, size, &handle->reserved);
    check(result);
    return result == CQ_OK ? handle->reserved.data : NULL;
}

static void commit(void *queue, size_t size)
{
    struct handle *handle = queue;
    check(cq_commit(handle->queue, &handle->reserved, size));
}

static const void *take(void *queue)
{
    struct handle *handle = queue;
    int result = cq_take(handle->queue, &handle->taken);
    check(result);
    return result == CQ_OK ? handle->taken.data : NULL;
}

static void release(void *queue)
{
    struct handle *handle = queue;
    check(cq_release(handle->queue, &handle->taken));
}

int main(int argc, char **argv)
{
    static const struct contestant self = {
        .name = "cqueue", .when_killed = "all", .make = make, .join = join, .leave = leave, .send = send,
        .receive = receive, .send_wait = send_wait, .receive_wait = receive_wait, .send_batch = send_batch,
        .receive_batch = receive_batch, .reserve = reserve, .commit = commit, .take = take, .release = release};
    return bench_main(argc, argv, &self);
}
