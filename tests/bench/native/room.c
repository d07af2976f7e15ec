/*
 * room.c - memory and opening: an idle queue, one that fills up, opening and closing, and many queues in one process.
 *
 * Knows nothing of contestants. Memory is that of the files in the sample's directory.
 */
#include "worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void idle(struct worker *worker)
{
    void *queue = worker->by->join(&worker->plan, "there", CONSUMER);
    bench_ready();
    report("\"memory\": %lu", bench_memory(&worker->plan));
    worker->by->leave(queue);
}

/* `count` messages in and out, twice: only the first time meets new memory. The queue's capacity is 2^20. */
void backlog(struct worker *worker)
{
    const struct contestant *by = worker->by;
    void *queue = by->join(&worker->plan, "there", BOTH);
    static char message[65536], received[65536];
    double in[2];
    uint64_t memory = 0;
    struct seen seen = {0};

    fill_in(message, worker->plan.size);
    bench_ready();
    for (unsigned time = 0; time < 2; ++time) {
        uint64_t begin = now_ns();
        for (uint64_t i = 1; i <= worker->count; ++i) {
            stamp(message, worker->plan.size, message_id(time, i));
            if (!by->send(queue, message, worker->plan.size))
                bench_fail("holds fewer messages than its capacity");
        }
        in[time] = (double)(now_ns() - begin) / (double)worker->count;
        memory = time == 0 ? bench_memory(&worker->plan) : memory;
        for (uint64_t i = 1; i <= worker->count; ++i) {
            if (!by->receive(queue, received, worker->plan.size))
                bench_fail("wrong contents: a message is lost");
            check(&seen, received, worker->plan.size, 1);
        }
    }
    report("\"memory\": %lu, \"first\": %.2f, \"again\": %.2f", memory, in[0], in[1]);
    by->leave(queue);
}

/* While another handle keeps it open. */
void reopen(struct worker *worker)
{
    void *open = worker->by->join(&worker->plan, "there", BOTH);
    bench_ready();
    uint64_t begin = now_ns();
    for (uint64_t i = 0; i < worker->count; ++i)
        worker->by->leave(worker->by->join(&worker->plan, "there", BOTH));
    report("\"begin\": %lu, \"end\": %lu, \"count\": %lu", begin, now_ns(), worker->count);
    worker->by->leave(open);
}

static uint64_t resident(void)
{
    unsigned long all, here = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%lu %lu", &all, &here) != 2)
        bench_fail("cannot read /proc/self/statm");
    fclose(file);
    return here * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* `batch` queues in this process, and a message through each in turn. */
void many(struct worker *worker)
{
    const struct contestant *by = worker->by;
    void **queues = malloc(worker->batch * sizeof *queues);
    static char message[65536], received[65536];
    char name[32];
    uint64_t count = 0;

    if (!queues)
        bench_fail("no memory");
    fill_in(message, worker->plan.size);
    bench_ready();
    uint64_t before = resident(), begin = now_ns();
    for (size_t i = 0; i < worker->batch; ++i) {
        snprintf(name, sizeof name, "many-%zu", i);
        by->make(&worker->plan, name);
        queues[i] = by->join(&worker->plan, name, BOTH);
    }
    uint64_t made = now_ns();
    struct seen seen = {0};
    for (; count < worker->count; ++count)
        for (size_t i = 0; i < worker->batch; ++i) {
            stamp(message, worker->plan.size, message_id(0, count * worker->batch + i + 1));
            if (!by->send(queues[i], message, worker->plan.size) ||
                !by->receive(queues[i], received, worker->plan.size))
                bench_fail("wrong contents: a message is lost");
            check(&seen, received, worker->plan.size, 1);
        }
    uint64_t end = now_ns(), memory = bench_memory(&worker->plan), after = resident();
    for (size_t i = 0; i < worker->batch; ++i) {
        snprintf(name, sizeof name, "many-%zu", i);
        by->leave(queues[i]);
        if (by->end)
            by->end(&worker->plan, name);
    }
    report("\"memory\": %lu, \"resident\": %lu, \"open\": %.1f, \"message\": %.2f", memory / worker->batch,
           (after - before) / worker->batch, (double)(made - begin) / (double)worker->batch,
           (double)(end - made) / (double)(worker->count * worker->batch));
}
