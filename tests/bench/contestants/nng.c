/*
 * nng.c - nng's PUSH and PULL over a Unix socket. The consumer listens.
 *
 * needs: libnng-dev
 * link: -lnng
 * cannot: backlog reopen many
 */
#define _GNU_SOURCE
#include "contestant.h"

#include <nng/nng.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct ends {
    nng_socket in, out;
    enum role role;
};

static void check(int result)
{
    if (result != 0)
        bench_fail(nng_strerror(result));
}

static void make(const struct plan *plan, const char *name) { (void)plan, (void)name; }

static void *join(const struct plan *plan, const char *name, enum role role)
{
    char address[256];
    struct ends *ends = malloc(sizeof *ends);
    if (!ends)
        bench_fail("no memory");
    ends->role = role;
    snprintf(address, sizeof address, "ipc://%s/%s", plan->place, name);
    if (role != PRODUCER) {
        check(nng_pull0_open(&ends->in));
        check(nng_listen(ends->in, address, NULL, 0));
    }
    if (role != CONSUMER) {
        check(nng_push0_open(&ends->out));
        while (nng_dial(ends->out, address, NULL, 0) != 0)
            usleep(100); /* until the consumer listens */
    }
    return ends;
}

static void leave(void *queue)
{
    struct ends *ends = queue;
    if (ends->role != PRODUCER)
        nng_close(ends->in);
    if (ends->role != CONSUMER)
        nng_close(ends->out);
    free(ends);
}

static int some(int result)
{
    if (result != NNG_EAGAIN)
        check(result);
    return result == 0;
}
static int send(void *queue, const void *message, size_t size)
{
    return some(nng_send(((struct ends *)queue)->out, (void *)(uintptr_t)message, size, NNG_FLAG_NONBLOCK));
}
static int receive(void *queue, void *message, size_t size)
{
    return some(nng_recv(((struct ends *)queue)->in, message, &size, NNG_FLAG_NONBLOCK));
}
static void send_wait(void *queue, const void *message, size_t size)
{
    check(nng_send(((struct ends *)queue)->out, (void *)(uintptr_t)message, size, 0));
}
static void receive_wait(void *queue, void *message, size_t size)
{
    check(nng_recv(((struct ends *)queue)->in, message, &size, 0));
}

int main(int argc, char **argv)
{
    static const struct contestant self = {
        .name = "nng", .when_killed = "all", .producers = 1, .consumers = 1, .make = make, .join = join, .leave = leave,
        .send = send, .receive = receive, .send_wait = send_wait, .receive_wait = receive_wait};
    return bench_main(argc, argv, &self);
}
