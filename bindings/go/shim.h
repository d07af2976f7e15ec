/*
 * shim.h - cqueue.h as Go can call it at the lowest price.
 *
 * A handle is passed as a number and bytes as uint8_t, because Go checks at run time every pointer that may lead to
 * more pointers. A batch is one flat piece of memory and a list of sizes, because memory of Go's that has pointers in
 * it must not be shown to C. Nothing here may block for long: a blocked call keeps a thread of the operating system. With
 * `patience`, in nanoseconds, a call may sleep for so long.
 */
#ifndef CQUEUE_SHIM_H
#define CQUEUE_SHIM_H

#include "cqueue.h"

#include <stdlib.h>

static inline cq_queue *go_queue(uintptr_t handle) { return (cq_queue *)handle; }

static inline int go_open(const char *name, const cq_config *config, uintptr_t *handle)
{
    cq_queue *queue;
    int result = cq_open(name, config, &queue);
    *handle = (uintptr_t)queue;
    return result;
}

static inline int go_close(uintptr_t handle) { return cq_close(go_queue(handle)); }

static inline int go_enqueue(uintptr_t handle, const uint8_t *data, size_t size, int64_t patience)
{
    return patience ? cq_enqueue_wait(go_queue(handle), data, size, patience)
                    : cq_enqueue(go_queue(handle), data, size);
}

static inline int go_dequeue(uintptr_t handle, uint8_t *buffer, size_t room, size_t *size, int64_t patience)
{
    return patience ? cq_dequeue_wait(go_queue(handle), buffer, room, size, patience)
                    : cq_dequeue(go_queue(handle), buffer, room, size);
}

/* ---- batches ---------------------------------------------------------------------------------------- */

#define GO_FEW 128 /* slices kept on the stack */

/* There is no batch that waits: with patience, the first message goes alone. *done counts it and those after it. */
static inline int go_enqueue_batch(uintptr_t handle, const uint8_t *data, const size_t *sizes, size_t count,
                                   int64_t patience, size_t *done)
{
    *done = 0;
    if (patience && count) {
        int result = go_enqueue(handle, data, *sizes, patience);
        if (result == CQ_OK) {
            result = go_enqueue_batch(handle, data + *sizes, sizes + 1, count - 1, 0, done);
            ++*done;
        }
        return result;
    }
    cq_slice few[GO_FEW], *slices = count <= GO_FEW ? few : malloc(count * sizeof *slices);
    if (!slices)
        return CQ_ENOMEM;
    for (size_t i = 0; i < count; ++i) {
        slices[i] = (cq_slice){(void *)(uintptr_t)data, sizes[i]};
        data += sizes[i];
    }
    int result = cq_enqueue_batch(go_queue(handle), slices, count, done);
    if (slices != few)
        free(slices);
    return result;
}

/* The messages lie in the buffer one behind the other. CQ_ETOOSMALL: sizes[0] is what the first one needs. */
static inline int go_dequeue_batch(uintptr_t handle, uint8_t *buffer, size_t room, size_t *sizes, size_t count,
                                   int64_t patience, size_t *done)
{
    *done = 0;
    if (patience) {
        int result = go_dequeue(handle, buffer, room, sizes, patience);
        *done = result == CQ_OK;
        return result;
    }
    cq_slice few[GO_FEW], *slices = count <= GO_FEW ? few : malloc(count * sizeof *slices);
    if (!slices)
        return CQ_ENOMEM;
    int result = cq_dequeue_batch(go_queue(handle), buffer, room, slices, count, done);
    for (size_t i = 0; i < *done; ++i)
        sizes[i] = slices[i].size;
    if (result == CQ_ETOOSMALL)
        sizes[0] = slices[0].size;
    if (slices != few)
        free(slices);
    return result;
}

/* ---- loans ------------------------------------------------------------------------------------------ */

static inline int go_reserve(uintptr_t handle, size_t size, cq_message *message)
{
    message->struct_size = sizeof *message;
    return cq_reserve(go_queue(handle), size, message);
}

static inline int go_commit(uintptr_t handle, cq_message *message, size_t size)
{
    return cq_commit(go_queue(handle), message, size);
}

static inline int go_abort(uintptr_t handle, cq_message *message) { return cq_abort(go_queue(handle), message); }

static inline int go_take(uintptr_t handle, cq_message *message, int64_t patience)
{
    message->struct_size = sizeof *message;
    return patience ? cq_take_wait(go_queue(handle), message, patience) : cq_take(go_queue(handle), message);
}

static inline int go_release(uintptr_t handle, cq_message *message) { return cq_release(go_queue(handle), message); }
static inline int go_return(uintptr_t handle, cq_message *message) { return cq_return(go_queue(handle), message); }

/* ---- looking on ------------------------------------------------------------------------------------- */

static inline int go_stat(uintptr_t handle, cq_stats *stats)
{
    stats->struct_size = sizeof *stats;
    return cq_stat(go_queue(handle), stats);
}

static inline int go_recover(uintptr_t handle, cq_recovery *recovery)
{
    recovery->struct_size = sizeof *recovery;
    return cq_recover(go_queue(handle), recovery);
}

/* Where go_participants puts what it is shown. */
struct go_list {
    cq_participant *items;
    size_t room, count;
};

static inline int go_list_add(const cq_participant *participant, void *context)
{
    struct go_list *list = context;
    if (list->count < list->room)
        list->items[list->count] = *participant;
    ++list->count;
    return 0;
}

/* *count: how many there are; the first `room` of them are in items. */
static inline int go_participants(uintptr_t handle, cq_participant *items, size_t room, size_t *count)
{
    struct go_list list = {items, room, 0};
    int result = cq_participants(go_queue(handle), go_list_add, &list);
    *count = list.count;
    return result;
}

/* consumers: the descriptor that tells of messages, else of room. */
static inline int go_fd(uintptr_t handle, int consumers, int *fd)
{
    return consumers ? cq_fd(go_queue(handle), fd) : cq_room_fd(go_queue(handle), fd);
}

#endif
