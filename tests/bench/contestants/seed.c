/*
 * seed.c - the queue of Michael and Scott with a list of free nodes, one message a node: what cqueue once began with.
 *
 * Links and the ends are a node's number with a count beside it, so that an old one is told from a new one (ABA). A
 * process that is killed loses the node that it held.
 */
#include "contestant.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct node {
    _Atomic uint64_t next; /* number in the lower half, count in the upper */
    char message[];
};

struct list {
    _Alignas(128) _Atomic uint64_t head;
    _Alignas(128) _Atomic uint64_t tail;
    _Alignas(128) _Atomic uint64_t free;
    _Alignas(128) char nodes[];
};

struct handle {
    struct list *list;
    size_t stride;
};

static const uint32_t NOBODY = UINT32_MAX;

static uint32_t number(uint64_t link) { return (uint32_t)link; }
static uint64_t next_link(uint64_t old, uint32_t to) { return ((old >> 32) + 1) << 32 | to; }

static struct node *node_at(const struct handle *handle, uint32_t number)
{
    return (struct node *)(handle->list->nodes + number * handle->stride);
}

static uint64_t load(_Atomic uint64_t *link) { return atomic_load_explicit(link, memory_order_acquire); }
static int exchange(_Atomic uint64_t *link, uint64_t old, uint32_t to)
{
    return atomic_compare_exchange_strong_explicit(link, &old, next_link(old, to), memory_order_acq_rel,
                                                   memory_order_acquire);
}

static uint32_t allocate(struct handle *handle)
{
    for (;;) {
        uint64_t first = load(&handle->list->free);
        if (number(first) == NOBODY)
            return NOBODY;
        if (exchange(&handle->list->free, first, number(load(&node_at(handle, number(first))->next))))
            return number(first);
    }
}

static void set_next(struct node *node, uint32_t to)
{
    atomic_store_explicit(&node->next, next_link(atomic_load_explicit(&node->next, memory_order_relaxed), to),
                          memory_order_release);
}

static void give_back(struct handle *handle, uint32_t node)
{
    for (;;) {
        uint64_t first = load(&handle->list->free);
        set_next(node_at(handle, node), number(first));
        if (exchange(&handle->list->free, first, node))
            return;
    }
}

static void *join(const struct plan *plan, const char *name, enum role role)
{
    struct handle *handle = malloc(sizeof *handle);
    (void)role;
    if (!handle)
        bench_fail("no memory");
    handle->stride = sizeof(struct node) + (plan->size + 7) / 8 * 8;
    handle->list = bench_map(plan, name, sizeof(struct list) + (plan->capacity + 1) * handle->stride);
    return handle;
}

static void leave(void *queue) { free(queue); }

static void make(const struct plan *plan, const char *name)
{
    struct handle *handle = join(plan, name, BOTH);
    uint32_t nodes = (uint32_t)plan->capacity + 1;
    for (uint32_t i = 0; i < nodes; ++i)
        set_next(node_at(handle, i), i == 0 || i + 1 == nodes ? NOBODY : i + 1);
    atomic_store(&handle->list->free, nodes > 1 ? 1 : NOBODY);
    leave(handle);
}

static int send(void *queue, const void *message, size_t size)
{
    struct handle *handle = queue;
    uint32_t node = allocate(handle);
    if (node == NOBODY)
        return 0;
    memcpy(node_at(handle, node)->message, message, size);
    set_next(node_at(handle, node), NOBODY);
    for (;;) {
        uint64_t tail = load(&handle->list->tail), next = load(&node_at(handle, number(tail))->next);
        if (tail != load(&handle->list->tail))
            continue;
        if (number(next) != NOBODY) {
            exchange(&handle->list->tail, tail, number(next));
        } else if (exchange(&node_at(handle, number(tail))->next, next, node)) {
            exchange(&handle->list->tail, tail, node);
            return 1;
        }
    }
}

static int receive(void *queue, void *message, size_t size)
{
    struct handle *handle = queue;
    for (;;) {
        uint64_t head = load(&handle->list->head), tail = load(&handle->list->tail);
        uint64_t next = load(&node_at(handle, number(head))->next);
        if (head != load(&handle->list->head))
            continue;
        if (number(next) == NOBODY)
            return 0;
        if (number(head) == number(tail)) {
            exchange(&handle->list->tail, tail, number(next));
            continue;
        }
        memcpy(message, node_at(handle, number(next))->message, size); /* it counts only if nobody was quicker */
        if (exchange(&handle->list->head, head, number(next))) {
            give_back(handle, number(head));
            return 1;
        }
    }
}

int main(int argc, char **argv)
{
    static const struct contestant self = {.name = "Michael and Scott", .when_killed = "all but a node", .make = make,
                                           .join = join, .leave = leave, .send = send, .receive = receive};
    return bench_main(argc, argv, &self);
}
