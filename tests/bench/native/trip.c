/*
 * trip.c - a message there and one back: by polling, by waiting calls, and when the receiver is surely asleep.
 *
 * Knows nothing of contestants and of how a sample is put together.
 */
#include "worker.h"

static void give(struct worker *worker, void *queue, const void *message)
{
    unsigned polls = 0;
    if (strcmp(worker->mode, "wait") == 0)
        worker->by->send_wait(queue, message, worker->plan.size);
    else
        while (!worker->by->send(queue, message, worker->plan.size))
            back_off(&polls, worker->pauses);
}

static void get(struct worker *worker, void *queue, void *message)
{
    unsigned polls = 0;
    if (strcmp(worker->mode, "wait") == 0)
        worker->by->receive_wait(queue, message, worker->plan.size);
    else
        while (!worker->by->receive(queue, message, worker->plan.size))
            back_off(&polls, worker->pauses);
}

void ping(struct worker *worker)
{
    void *there = worker->by->join(&worker->plan, "there", PRODUCER);
    void *back = worker->by->join(&worker->plan, "back", CONSUMER);
    static char message[65536], answer[65536];
    struct seen seen = {0};
    uint64_t begin = 0, warm_up = worker->count / 5;

    fill_in(message, worker->plan.size);
    bench_ready();
    for (uint64_t i = 1; i <= worker->count; ++i) {
        if (i == warm_up + 1)
            begin = now_ns();
        stamp(message, worker->plan.size, message_id(0, i));
        give(worker, there, message);
        get(worker, back, answer);
        check(&seen, answer, worker->plan.size, 1);
    }
    report("\"begin\": %lu, \"end\": %lu, \"count\": %lu", begin, now_ns(), worker->count - warm_up);
    worker->by->leave(there);
    worker->by->leave(back);
}

void pong(struct worker *worker)
{
    void *there = worker->by->join(&worker->plan, "there", CONSUMER);
    void *back = worker->by->join(&worker->plan, "back", PRODUCER);
    char message[65536];

    bench_ready();
    for (uint64_t i = 1; i <= worker->count; ++i) {
        get(worker, there, message);
        give(worker, back, message);
    }
    report("\"count\": %lu", worker->count);
    worker->by->leave(there);
    worker->by->leave(back);
}

/* A message with the time at which it was sent, after a rest in which the receiver fell asleep. */
void ring(struct worker *worker)
{
    void *queue = worker->by->join(&worker->plan, "there", PRODUCER);
    const struct timespec rest = {0, (long)worker->interval};
    uint64_t message[8192] = {0};

    bench_ready();
    for (uint64_t i = 1; i <= worker->count; ++i) {
        nanosleep(&rest, NULL);
        message[0] = message_id(0, i);
        message[1] = now_ns();
        worker->by->send_wait(queue, message, worker->plan.size);
    }
    report("\"count\": %lu", worker->count);
    worker->by->leave(queue);
}

void wake(struct worker *worker)
{
    void *queue = worker->by->join(&worker->plan, "there", CONSUMER);
    uint32_t *took = bench_map(&worker->plan, "took", worker->count * sizeof *took);
    uint64_t message[8192];

    bench_ready();
    for (uint64_t i = 1; i <= worker->count; ++i) {
        worker->by->receive_wait(queue, message, worker->plan.size);
        took[i - 1] = (uint32_t)(now_ns() - message[1]);
        if (message[0] != message_id(0, i))
            bench_fail("wrong contents: a message came twice, out of order, or was never sent");
    }
    report("\"count\": %lu", worker->count);
    worker->by->leave(queue);
}
