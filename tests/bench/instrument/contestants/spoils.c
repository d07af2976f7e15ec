/*
 * spoils.c - a mailbox of one message that is good but for one thing, which CQ_SPOIL names: it loses, doubles, tears or
 * spoils the hundredth message.
 */
#include "contestant.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct box {
    _Atomic int full;
    int number;
    char message[];
};

static const char *fault(void)
{
    const char *name = getenv("CQ_SPOIL");
    return name ? name : "";
}

static void *join(const struct plan *plan, const char *name, enum role role)
{
    (void)role;
    return bench_map(plan, name, sizeof(struct box) + plan->size);
}
static void make(const struct plan *plan, const char *name) { join(plan, name, BOTH); }
static void leave(void *queue) { (void)queue; }

static int send(void *queue, const void *message, size_t size)
{
    struct box *box = queue;
    if (atomic_load_explicit(&box->full, memory_order_acquire))
        return 0;
    memcpy(box->message, message, size);
    atomic_store_explicit(&box->full, 1, memory_order_release);
    return 1;
}

static int receive(void *queue, void *message, size_t size)
{
    struct box *box = queue;
    if (!atomic_load_explicit(&box->full, memory_order_acquire))
        return 0;
    memcpy(message, box->message, size);
    int hundredth = ++box->number == 100;
    if (hundredth && strcmp(fault(), "tears") == 0)
        memset((char *)message + size - 8, 0, 8);
    if (box->number == 1 && strcmp(fault(), "spoils") == 0) /* all bytes of the first one are looked at */
        ((char *)message)[size / 2] ^= 1;
    if (hundredth && strcmp(fault(), "doubles") == 0)
        return 1; /* and leaves it there */
    atomic_store_explicit(&box->full, 0, memory_order_release);
    if (hundredth && strcmp(fault(), "loses") == 0)
        return 0;
    return 1;
}

int main(int argc, char **argv)
{
    static const struct contestant self = {.name = "spoils", .when_killed = "nothing", .make = make, .join = join,
                                           .leave = leave, .send = send, .receive = receive};
    return bench_main(argc, argv, &self);
}
