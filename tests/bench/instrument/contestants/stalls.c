/*
 * stalls.c - a contestant that accepts ten messages and is never ready for another one.
 */
#include "contestant.h"

#include <stdatomic.h>

static void *join(const struct plan *plan, const char *name, enum role role)
{
    (void)role;
    return bench_map(plan, name, 4096);
}
static void make(const struct plan *plan, const char *name) { join(plan, name, BOTH); }
static void leave(void *queue) { (void)queue; }
static int send(void *queue, const void *message, size_t size)
{
    (void)message, (void)size;
    return atomic_fetch_add((_Atomic int *)queue, 1) < 10;
}
static int receive(void *queue, void *message, size_t size)
{
    (void)queue, (void)message, (void)size;
    return 0;
}

int main(int argc, char **argv)
{
    static const struct contestant self = {.name = "stalls", .when_killed = "nothing", .make = make, .join = join,
                                           .leave = leave, .send = send, .receive = receive};
    return bench_main(argc, argv, &self);
}
