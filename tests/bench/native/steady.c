/*
 * steady.c - messages at a steady rate, and how long each takes from when it was due.
 *
 * From when it was due, not from when it was sent: a producer that is held up, by a full queue or by the system, does
 * not hide how late its messages are (no coordinated omission). Knows nothing of contestants.
 */
#include "worker.h"

void pace(struct worker *worker)
{
    void *queue = worker->by->join(&worker->plan, "there", PRODUCER);
    uint64_t message[8192] = {0};
    unsigned polls = 0;

    bench_ready();
    uint64_t begin = now_ns() + 200000;
    for (uint64_t i = 1; i <= worker->count; ++i) {
        uint64_t due = begin + i * worker->interval;
        while (now_ns() < due)
            relax();
        message[0] = message_id(0, i);
        message[1] = due;
        while (!worker->by->send(queue, message, worker->plan.size))
            back_off(&polls, worker->pauses);
    }
    report("\"begin\": %lu, \"end\": %lu, \"count\": %lu", begin, now_ns(), worker->count);
    worker->by->leave(queue);
}

void observe(struct worker *worker)
{
    void *queue = worker->by->join(&worker->plan, "there", CONSUMER);
    uint32_t *took = bench_map(&worker->plan, "took", worker->count * sizeof *took);
    uint64_t message[8192];
    unsigned polls = 0;

    memset(took, 1, worker->count * sizeof *took); /* its memory is there before it counts */
    bench_ready();
    for (uint64_t i = 1; i <= worker->count; ++i) {
        while (!worker->by->receive(queue, message, worker->plan.size))
            back_off(&polls, worker->pauses);
        uint64_t late = now_ns() - message[1];
        took[i - 1] = late < UINT32_MAX ? (uint32_t)late : UINT32_MAX;
        if (message[0] != message_id(0, i))
            bench_fail("wrong contents: a message came twice, out of order, or was never sent");
    }
    report("\"end\": %lu, \"count\": %lu", now_ns(), worker->count);
    worker->by->leave(queue);
}
