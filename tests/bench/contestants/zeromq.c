/*
 * zeromq.c - ZeroMQ's PUSH and PULL over a Unix socket. The consumer binds.
 *
 * needs: libzmq3-dev pkg-config
 * flags: libzmq
 * cannot: backlog reopen many
 */
#define _GNU_SOURCE
#include "contestant.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zmq.h>

struct ends {
    void *context, *in, *out;
};

static void *socket_of(struct ends *ends, int kind, const struct plan *plan, const char *name)
{
    char address[256];
    int most = (int)plan->capacity, linger = 0;
    void *made = zmq_socket(ends->context, kind);
    snprintf(address, sizeof address, "ipc://%s/%s", plan->place, name);
    if (!made || zmq_setsockopt(made, ZMQ_SNDHWM, &most, sizeof most) ||
        zmq_setsockopt(made, ZMQ_RCVHWM, &most, sizeof most) ||
        zmq_setsockopt(made, ZMQ_LINGER, &linger, sizeof linger) ||
        (kind == ZMQ_PULL ? zmq_bind(made, address) : zmq_connect(made, address)) != 0)
        bench_fail("zmq_socket, zmq_bind or zmq_connect");
    return made;
}

/* A connection that is refused is tried again after 100 ms, which is nothing to measure; nor is its handshake. */
static void await_listener(const struct plan *plan, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", plan->place, name);
    while (access(path, F_OK) != 0)
        usleep(100);
    usleep(20000);
}

static void make(const struct plan *plan, const char *name) { (void)plan, (void)name; }

static void *join(const struct plan *plan, const char *name, enum role role)
{
    struct ends *ends = calloc(1, sizeof *ends);
    if (!ends || !(ends->context = zmq_ctx_new()))
        bench_fail("zmq_ctx_new");
    if (role != PRODUCER)
        ends->in = socket_of(ends, ZMQ_PULL, plan, name);
    if (role != CONSUMER && role != BOTH)
        await_listener(plan, name);
    if (role != CONSUMER)
        ends->out = socket_of(ends, ZMQ_PUSH, plan, name);
    return ends;
}

static void leave(void *queue)
{
    struct ends *ends = queue;
    if (ends->in)
        zmq_close(ends->in);
    if (ends->out)
        zmq_close(ends->out);
    zmq_ctx_term(ends->context);
    free(ends);
}

static int send(void *queue, const void *message, size_t size)
{
    return zmq_send(((struct ends *)queue)->out, message, size, ZMQ_DONTWAIT) >= 0;
}
static int receive(void *queue, void *message, size_t size)
{
    return zmq_recv(((struct ends *)queue)->in, message, size, ZMQ_DONTWAIT) >= 0;
}
static void send_wait(void *queue, const void *message, size_t size)
{
    if (zmq_send(((struct ends *)queue)->out, message, size, 0) < 0)
        bench_fail("zmq_send");
}
static void receive_wait(void *queue, void *message, size_t size)
{
    if (zmq_recv(((struct ends *)queue)->in, message, size, 0) < 0)
        bench_fail("zmq_recv");
}

int main(int argc, char **argv)
{
    static const struct contestant self = {
        .name = "ZeroMQ", .when_killed = "all", .consumers = 1, .make = make, .join = join, .leave = leave,
        .send = send, .receive = receive, .send_wait = send_wait, .receive_wait = receive_wait};
    return bench_main(argc, argv, &self);
}
