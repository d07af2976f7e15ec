/*
 * seqpacket.c - a Unix socket that keeps messages apart (SOCK_SEQPACKET). The consumer listens.
 *
 * cannot: reopen many
 */
#define _GNU_SOURCE
#include "contestant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct ends {
    int listening, in, out;
};

static void make(const struct plan *plan, const char *name) { (void)plan, (void)name; }

static void *join(const struct plan *plan, const char *name, enum role role)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct ends *ends = malloc(sizeof *ends);
    if (!ends)
        bench_fail("no memory");
    *ends = (struct ends){-1, -1, -1};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", plan->place, name);
    if (role != PRODUCER) {
        ends->listening = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        if (bind(ends->listening, (struct sockaddr *)&address, sizeof address) != 0 || listen(ends->listening, 1) != 0)
            bench_fail("bind or listen");
    }
    if (role != CONSUMER) {
        ends->out = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        while (connect(ends->out, (struct sockaddr *)&address, sizeof address) != 0)
            usleep(100); /* until the consumer listens */
    }
    return ends;
}

static void leave(void *queue)
{
    struct ends *ends = queue;
    close(ends->listening);
    close(ends->in);
    close(ends->out);
    free(ends);
}

static void send_wait(void *queue, const void *message, size_t size)
{
    if (send(((struct ends *)queue)->out, message, size, MSG_NOSIGNAL) != (ssize_t)size)
        bench_fail("send");
}

static void receive_wait(void *queue, void *message, size_t size)
{
    struct ends *ends = queue;
    if (ends->in < 0)
        ends->in = accept(ends->listening, NULL, NULL);
    if (recv(ends->in, message, size, 0) != (ssize_t)size)
        bench_fail("recv");
}

int main(int argc, char **argv)
{
    static const struct contestant self = {.name = "Unix socket", .when_killed = "all", .producers = 1, .consumers = 1,
                                           .make = make, .join = join, .leave = leave, .send_wait = send_wait,
                                           .receive_wait = receive_wait};
    return bench_main(argc, argv, &self);
}
