/*
 * pipe.c - a named pipe of 1 MiB.
 */
#define _GNU_SOURCE
#include "contestant.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void path_of(const struct plan *plan, const char *name, char *path)
{
    snprintf(path, PATH_MAX, "%s/%s", plan->place, name);
}

static void make(const struct plan *plan, const char *name)
{
    char path[PATH_MAX];
    path_of(plan, name, path);
    if (mkfifo(path, 0600) != 0)
        bench_fail("mkfifo");
}

static void *join(const struct plan *plan, const char *name, enum role role)
{
    char path[PATH_MAX];
    int *descriptor = malloc(sizeof *descriptor);
    (void)role;
    path_of(plan, name, path);
    if (!descriptor || (*descriptor = open(path, O_RDWR | O_CLOEXEC)) < 0)
        bench_fail("open");
    fcntl(*descriptor, F_SETPIPE_SZ, 1 << 20); /* where it may not be had, it is smaller */
    return descriptor;
}

static void leave(void *queue)
{
    close(*(int *)queue);
    free(queue);
}

static void send_wait(void *queue, const void *message, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t some = write(*(int *)queue, (const char *)message + done, size - done);
        if (some < 0)
            bench_fail("write");
        done += (size_t)some;
    }
}

static void receive_wait(void *queue, void *message, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t some = read(*(int *)queue, (char *)message + done, size - done);
        if (some < 0)
            bench_fail("read");
        done += (size_t)some;
    }
}

int main(int argc, char **argv)
{
    static const struct contestant self = {.name = "pipe", .when_killed = "all", .producers = 1, .consumers = 1,
                                           .make = make, .join = join, .leave = leave, .send_wait = send_wait,
                                           .receive_wait = receive_wait};
    return bench_main(argc, argv, &self);
}
