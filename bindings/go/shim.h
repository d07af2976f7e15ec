/*
 * shim.h - cqueue.h as Go can call it at the lowest price.
 *
 * A handle is passed as a number and bytes as uint8_t, because Go checks at run time every pointer that may lead to
 * more pointers. A batch is one flat piece of memory and a list of sizes, because memory of Go's that has pointers in
 * it must not be shown to C. Nothing here blocks but go_wait: a blocked call keeps a thread of the operating system.
 */
#ifndef CQUEUE_SHIM_H
#define CQUEUE_SHIM_H

#include "cqueue.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static inline cq_queue *go_queue(uintptr_t handle) { return (cq_queue *)handle; }

static inline int go_open(const char *name, const cq_config *config, uintptr_t *handle)
{
    cq_queue *queue;
    int result = cq_open(name, config, &queue);
    *handle = (uintptr_t)queue;
    return result;
}

/* ---- calls that are under way, see calls.c ---------------------------------------------------------- */

#define GO_CLOSED (1 << 16)           /* a result beside the library's */
#define GO_CLOSING ((int64_t)1 << 61) /* in the handle's count of users */

struct go_thread {
    _Alignas(128) _Atomic uintptr_t in; /* the handle that the thread is using; written by it alone, and all the time */
    _Atomic int taken;
    struct go_thread *next;
};

extern __thread struct go_thread *go_me __attribute__((visibility("hidden")));
extern int go_needs_fence __attribute__((visibility("hidden")));
struct go_thread *go_register(void) __attribute__((visibility("hidden")));
int go_quiesce(uintptr_t handle) __attribute__((visibility("hidden")));

/* CQ_OK: the handle stays until go_leave. */
static inline int go_enter(uintptr_t handle, const int64_t *users)
{
    struct go_thread *me = go_me ? go_me : go_register();
    if (!me)
        return CQ_ENOMEM;
    /* Relaxed, and the compiler keeps the order: the barrier of go_quiesce, or the fence, does the rest. */
    atomic_store_explicit(&me->in, handle, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    if (go_needs_fence)
        atomic_thread_fence(memory_order_seq_cst);
    if (!(__atomic_load_n(users, __ATOMIC_RELAXED) & GO_CLOSING)) /* orders nothing by itself, see above */
        return CQ_OK;
    atomic_store_explicit(&me->in, 0, memory_order_relaxed); /* nothing was done with the handle */
    return GO_CLOSED;
}

/* Release, pairs with the acquire in go_quiesce: what was done with the handle comes before. */
static inline void go_leave(void) { atomic_store_explicit(&go_me->in, 0, memory_order_release); }

/* A handle that somebody may still be using stays until the process ends: better than a crash. */
static inline int go_close(uintptr_t handle) { return go_quiesce(handle) ? cq_close(go_queue(handle)) : CQ_OK; }

static inline int go_enqueue(uintptr_t handle, const int64_t *users, const uint8_t *data, size_t size)
{
    int result = go_enter(handle, users);
    if (result == CQ_OK) {
        result = cq_enqueue(go_queue(handle), data, size);
        go_leave();
    }
    return result;
}

static inline int go_dequeue(uintptr_t handle, const int64_t *users, uint8_t *buffer, size_t room, size_t *size)
{
    int result = go_enter(handle, users);
    if (result == CQ_OK) {
        result = cq_dequeue(go_queue(handle), buffer, room, size);
        go_leave();
    }
    return result;
}

/* ---- batches ---------------------------------------------------------------------------------------- */

#define GO_FEW 128 /* slices kept on the stack: messages that go to the library at a time */

static inline int go_enqueue_batch(uintptr_t handle, const int64_t *users, const uint8_t *data, const size_t *sizes,
                                   size_t count, size_t *done)
{
    cq_slice few[GO_FEW], *slices = count <= GO_FEW ? few : malloc(count * sizeof *slices);
    *done = 0;
    if (!slices)
        return CQ_ENOMEM;
    for (size_t i = 0; i < count; ++i) { /* one call, because all are refused if one is too big */
        slices[i] = (cq_slice){(void *)(uintptr_t)data, sizes[i]};
        data += sizes[i];
    }
    int result = go_enter(handle, users);
    if (result == CQ_OK) {
        result = cq_enqueue_batch(go_queue(handle), slices, count, done);
        go_leave();
    }
    if (slices != few)
        free(slices);
    return result;
}

/* What a batch was given: how many messages, and the bytes that they have in all. */
struct go_came {
    size_t messages, bytes;
};

/* The messages lie in the buffer one behind the other. CQ_ETOOSMALL: sizes[0] is what the first one needs. */
static inline int go_dequeue_batch(uintptr_t handle, const int64_t *users, uint8_t *buffer, size_t room, size_t *sizes,
                                   size_t count, struct go_came *all)
{
    cq_slice few[GO_FEW];
    size_t done = 0, bytes = 0; /* which nothing that is written below can be, as the compiler sees it */
    int result = go_enter(handle, users);

    *all = (struct go_came){0, 0};
    if (result != CQ_OK)
        return result;
    for (;;) {
        size_t asked = count - done < GO_FEW ? count - done : GO_FEW, came;
        result = cq_dequeue_batch(go_queue(handle), buffer + bytes, room - bytes, few, asked, &came);
        for (size_t i = 0; i < came; ++i)
            bytes += sizes[done + i] = few[i].size;
        done += came;
        if (came < asked || done == count)
            break;
    }
    go_leave();
    if (result == CQ_ETOOSMALL && done == 0)
        sizes[0] = few[0].size;
    *all = (struct go_came){done, bytes};
    return done ? CQ_OK : result;
}

/* ---- loans ------------------------------------------------------------------------------------------ */

/* Memory of Go's that holds a cq_message is shown as numbers: Go looks at every pointer in what it shows to C. */
static inline cq_message *go_message(uint64_t *lent)
{
    cq_message *message = (cq_message *)lent;
    message->struct_size = sizeof *message;
    return message;
}

static inline int go_reserve(uintptr_t handle, size_t size, uint64_t *lent)
{
    return cq_reserve(go_queue(handle), size, go_message(lent));
}

static inline int go_commit(uintptr_t handle, uint64_t *lent, size_t size)
{
    return cq_commit(go_queue(handle), go_message(lent), size);
}

static inline int go_abort(uintptr_t handle, uint64_t *lent) { return cq_abort(go_queue(handle), go_message(lent)); }
static inline int go_release(uintptr_t handle, uint64_t *lent)
{
    return cq_release(go_queue(handle), go_message(lent));
}
static inline int go_return(uintptr_t handle, uint64_t *lent) { return cq_return(go_queue(handle), go_message(lent)); }

static inline int go_return_after(uintptr_t handle, uint64_t *lent, int64_t delay)
{
    return cq_return_after(go_queue(handle), go_message(lent), delay);
}

static inline int go_take(uintptr_t handle, uint64_t *lent) { return cq_take(go_queue(handle), go_message(lent)); }

#define GO_LENT (sizeof(cq_message) / sizeof(uint64_t))

/* Up to `count` of the oldest messages; *done: how many. CQ_OK: one at least. */
static inline int go_take_all(uintptr_t handle, uint64_t *lents, size_t count, size_t *done)
{
    int result = CQ_OK;
    for (*done = 0; *done < count && result == CQ_OK; *done += result == CQ_OK)
        result = go_take(handle, lents + *done * GO_LENT);
    return *done ? CQ_OK : result;
}

/* Release them, or give them back, until there is an error; *done: how many. */
static inline int go_end_all(uintptr_t handle, uint64_t *lents, size_t count, int releases, size_t *done)
{
    int result = CQ_OK;
    for (*done = 0; *done < count && result == CQ_OK; *done += result == CQ_OK) {
        uint64_t *lent = lents + *done * GO_LENT;
        result = releases ? go_release(handle, lent) : go_return(handle, lent);
    }
    return result;
}

/* ---- with more than bytes --------------------------------------------------------------------------- */

/* source: NULL for none, else it ends with a 0. Never waits. */
static inline int go_enqueue_with(uintptr_t handle, const uint8_t *data, size_t size, const uint8_t *headers,
                                  size_t headers_size, const uint8_t *source, uint64_t number)
{
    cq_outgoing message = {.struct_size = sizeof message, .data = data, .size = size, .headers = headers,
                           .headers_size = headers_size};
    if (source)
        return cq_enqueue_from(go_queue(handle), &message, (const char *)source, number);
    int result = cq_enqueue_message(go_queue(handle), &message, 0);
    return result == CQ_TIMEOUT ? CQ_FULL : result;
}

static inline int go_source(uintptr_t handle, const uint8_t *source, uint64_t *number)
{
    return cq_source(go_queue(handle), (const char *)source, number);
}
static inline int go_raise_source(uintptr_t handle, const uint8_t *source, uint64_t number)
{
    return cq_raise_source(go_queue(handle), (const char *)source, number);
}

/* Where go_sources puts what it is shown: of each the number (8 bytes), the name and a 0. */
struct go_names {
    uint8_t *memory;
    size_t room, used;
};

static inline int go_names_add(const char *name, uint64_t number, void *context)
{
    struct go_names *names = context;
    size_t size = sizeof number + strlen(name) + 1;
    if (size > names->room - names->used)
        return 1;
    memcpy(names->memory + names->used, &number, sizeof number);
    memcpy(names->memory + names->used + sizeof number, name, size - sizeof number);
    names->used += size;
    return 0;
}

static inline int go_sources(uintptr_t handle, uint8_t *memory, size_t room, size_t *used)
{
    struct go_names names = {memory, room, 0};
    int result = cq_sources(go_queue(handle), go_names_add, &names);
    *used = names.used;
    return result;
}

/* In place. */
static inline int go_headers(uintptr_t handle, uint64_t *lent, uintptr_t *address, size_t *size)
{
    cq_slice headers = {NULL, 0};
    int result = cq_headers(go_queue(handle), go_message(lent), &headers);
    *address = (uintptr_t)headers.data;
    *size = headers.size;
    return result;
}
static inline int go_set_headers(uintptr_t handle, uint64_t *lent, const uint8_t *headers, size_t size)
{
    return cq_set_headers(go_queue(handle), go_message(lent), headers, size);
}
static inline int go_enqueue_time(uintptr_t handle, uint64_t *lent, int64_t *when)
{
    return cq_enqueue_time(go_queue(handle), go_message(lent), when);
}

/* ---- surviving power cuts --------------------------------------------------------------------------- */

/* Blocks, and keeps a thread of the operating system, until the disk is done or go_cancel ends the wait for others. */
static inline int go_sync(uintptr_t handle) { return cq_sync(go_queue(handle), -1); }
static inline int go_durable_directory(uintptr_t handle, uint8_t *path, size_t size)
{
    return cq_durable_directory(go_queue(handle), (char *)path, size);
}

/* ---- waiting ---------------------------------------------------------------------------------------- */

/* Blocks, and keeps a thread of the operating system, until there may be a message (or room), or go_cancel ends it. */
static inline int go_wait(uintptr_t handle, int consumers)
{
    return consumers ? cq_wait(go_queue(handle), -1) : cq_wait_room(go_queue(handle), -1);
}

/* go_wait said that there is something, and nobody here tries. */
static inline int go_pass_on(uintptr_t handle, int consumers)
{
    return consumers ? cq_wait_pass_on(go_queue(handle)) : cq_wait_room_pass_on(go_queue(handle));
}

static inline int go_cancel(uintptr_t handle) { return cq_cancel(go_queue(handle)); }
static inline int go_cancel_reset(uintptr_t handle) { return cq_cancel_reset(go_queue(handle)); }

/* ---- looking on ------------------------------------------------------------------------------------- */

static inline int go_trim(uintptr_t handle, uint64_t *bytes) { return cq_trim(go_queue(handle), bytes); }
static inline int go_length(uintptr_t handle, uint64_t *length) { return cq_length(go_queue(handle), length); }

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

/* ---- walking ---------------------------------------------------------------------------------------- */

/*
 * Messages are copied into a chunk of memory, and Go gets one call for each chunk: head, bytes, headers, and so on, padded
 * to 8 bytes together. The first chunks are small, because many walks end early.
 */
struct go_head {
    uint64_t size, position, deliveries, headers_size;
    int64_t when; /* 0: the queue has no times */
};

struct go_chunk {
    cq_queue *queue;
    uint8_t *memory;
    size_t room, used, full; /* full: hand it over beyond this many bytes */
    uintptr_t context;
};

#define GO_CHUNK_FIRST 1024
#define GO_CHUNK_MOST ((size_t)256 << 10)

/* Go's. Nonzero: stop. */
int goVisit(uint8_t *memory, size_t used, uintptr_t context);

static inline int go_hand_over(struct go_chunk *chunk)
{
    int stop = chunk->used ? goVisit(chunk->memory, chunk->used, chunk->context) : 0;
    chunk->used = 0;
    chunk->full = chunk->full * 4 < GO_CHUNK_MOST ? chunk->full * 4 : GO_CHUNK_MOST;
    return stop;
}

/* Out of memory, the walk ends: that is no CQ_OK, see go_walk. */
static inline int go_visit(const cq_message *message, void *context)
{
    struct go_chunk *chunk = context;
    struct go_head head = {message->size, message->position, message->deliveries, 0, 0};
    cq_slice headers = {NULL, 0};
    if (cq_headers(chunk->queue, message, &headers) == CQ_OK)
        head.headers_size = headers.size;
    if (cq_enqueue_time(chunk->queue, message, &head.when) != CQ_OK)
        head.when = 0;
    size_t needed = sizeof head + ((message->size + headers.size + 7) & ~(size_t)7);

    if (chunk->used + needed > chunk->full && go_hand_over(chunk))
        return 1;
    if (chunk->used + needed > chunk->room) {
        size_t room = needed > chunk->full ? needed : chunk->full;
        uint8_t *memory = realloc(chunk->memory, room);
        if (!memory) {
            chunk->full = 0;
            return 1;
        }
        chunk->memory = memory;
        chunk->room = room;
    }
    memcpy(chunk->memory + chunk->used, &head, sizeof head);
    if (message->size)
        memcpy(chunk->memory + chunk->used + sizeof head, message->data, message->size);
    if (headers.size)
        memcpy(chunk->memory + chunk->used + sizeof head + message->size, headers.data, headers.size);
    chunk->used += needed;
    return 0;
}

static inline int go_walk(uintptr_t handle, uintptr_t context)
{
    struct go_chunk chunk = {.queue = go_queue(handle), .full = GO_CHUNK_FIRST, .context = context};
    int result = cq_walk(go_queue(handle), go_visit, &chunk);
    if (result == CQ_OK && !chunk.full)
        result = CQ_ENOMEM;
    if (result == CQ_OK)
        go_hand_over(&chunk);
    free(chunk.memory);
    return result;
}

#endif
