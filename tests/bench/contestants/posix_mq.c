/*
 * posix_mq.c - a POSIX message queue of 10 messages, the most that is allowed without privileges.
 */
#define _GNU_SOURCE
#include "contestant.h"

#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void name_of(const struct plan *plan, const char *name, char *full, size_t size)
{
    snprintf(full, size, "%s-%s", plan->place, name);
    for (char *at = full + 1; (at = strchr(at, '/'));)
        *at = '-';
}

static void make(const struct plan *plan, const char *name)
{
    struct mq_attr attributes = {.mq_maxmsg = 10, .mq_msgsize = (long)plan->size};
    char full[256];
    name_of(plan, name, full, sizeof full);
    mqd_t queue = mq_open(full, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600, &attributes);
    if (queue == (mqd_t)-1)
        bench_fail("mq_open");
    mq_close(queue);
}

static void end(const struct plan *plan, const char *name)
{
    char full[256];
    name_of(plan, name, full, sizeof full);
    mq_unlink(full);
}

static void *join(const struct plan *plan, const char *name, enum role role)
{
    mqd_t *queue = malloc(sizeof *queue);
    char full[256];
    (void)role;
    name_of(plan, name, full, sizeof full);
    if (!queue || (*queue = mq_open(full, O_RDWR | O_CLOEXEC)) == (mqd_t)-1)
        bench_fail("mq_open");
    return queue;
}

static void leave(void *queue)
{
    mq_close(*(mqd_t *)queue);
    free(queue);
}

static void send_wait(void *queue, const void *message, size_t size)
{
    if (mq_send(*(mqd_t *)queue, message, size, 0) != 0)
        bench_fail("mq_send");
}

static void receive_wait(void *queue, void *message, size_t size)
{
    if (mq_receive(*(mqd_t *)queue, message, size, NULL) != (ssize_t)size)
        bench_fail("mq_receive");
}

int main(int argc, char **argv)
{
    static const struct contestant self = {.name = "POSIX message queue", .when_killed = "all", .max_size = 8192,
                                           .make = make, .join = join, .leave = leave, .end = end,
                                           .send_wait = send_wait, .receive_wait = receive_wait};
    return bench_main(argc, argv, &self);
}
