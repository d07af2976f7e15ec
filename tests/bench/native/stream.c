/*
 * stream.c - messages one way as fast as they go: producers, consumers, and one process that is both.
 *
 * Knows nothing of contestants and of how a sample is put together.
 */
#include "worker.h"

#include <stdlib.h>

/* As many as a call takes, or 0. */
static size_t send_some(struct worker *worker, void *queue, const void *messages, size_t count)
{
    if (worker->batch > 1)
        return worker->by->send_batch(queue, messages, worker->plan.size, count);
    return (size_t)worker->by->send(queue, messages, worker->plan.size);
}

static size_t receive_some(struct worker *worker, void *queue, void *messages, size_t count)
{
    if (worker->batch > 1)
        return worker->by->receive_batch(queue, messages, worker->plan.size, count);
    return (size_t)worker->by->receive(queue, messages, worker->plan.size);
}

/* What is received begins as zeros, so that bytes that were not copied are seen. */
static char *buffer(struct worker *worker, enum role role)
{
    size_t size = (worker->batch * worker->plan.size + 127) / 64 * 64;
    char *messages = aligned_alloc(64, size);
    if (!messages)
        bench_fail("no memory");
    memset(messages, 0, size);
    for (size_t i = 0; role == PRODUCER && i < worker->batch; ++i)
        fill_in(messages + i * worker->plan.size, worker->plan.size);
    return messages;
}

void produce(struct worker *worker)
{
    const struct contestant *by = worker->by;
    void *queue = by->join(&worker->plan, "there", PRODUCER);
    char *messages = buffer(worker, PRODUCER);
    size_t size = worker->plan.size;
    int in_place = strcmp(worker->mode, "place") == 0, waits = strcmp(worker->mode, "wait") == 0;
    unsigned polls = 0;
    uint64_t sum = 0;

    bench_ready();
    uint64_t begin = now_ns();
    for (uint64_t i = 1; i <= worker->count;) {
        size_t count = worker->count - i + 1 < worker->batch ? (size_t)(worker->count - i + 1) : worker->batch;
        for (size_t n = 0; n < count; ++n) {
            uint64_t id = message_id(worker->index, i + n);
            sum += id;
            if (!in_place)
                stamp(messages + n * size, size, id);
        }
        if (in_place) {
            void *place;
            while (!(place = by->reserve(queue, size)))
                back_off(&polls, worker->pauses);
            stamp(place, size, message_id(worker->index, i));
            by->commit(queue, size);
        } else if (waits) {
            by->send_wait(queue, messages, size);
        } else {
            for (size_t done = 0; done < count;) {
                size_t some = send_some(worker, queue, messages + done * size, count - done);
                done += some;
                if (some == 0)
                    back_off(&polls, worker->pauses);
            }
        }
        i += count;
    }
    report("\"begin\": %lu, \"end\": %lu, \"count\": %lu, \"sum\": %lu", begin, now_ns(), worker->count, sum);
    by->leave(queue);
}

/* A lone consumer counts; several find out together that there is nothing more to come. */
void consume(struct worker *worker)
{
    const struct contestant *by = worker->by;
    void *queue = by->join(&worker->plan, "there", CONSUMER);
    char *messages = buffer(worker, CONSUMER);
    size_t size = worker->plan.size;
    int in_place = strcmp(worker->mode, "place") == 0, waits = strcmp(worker->mode, "wait") == 0;
    int several = worker->plan.consumers > 1;
    unsigned polls = 0;
    uint64_t told = 0;
    struct seen seen = {0};

    bench_ready();
    uint64_t begin = now_ns();
    while (seen.count < worker->count) {
        size_t some = 0;
        if (in_place) {
            const void *message = by->take(queue);
            if (message) {
                check(&seen, message, size, 0);
                by->release(queue);
                some = 1;
            }
        } else {
            if (waits) {
                by->receive_wait(queue, messages, size);
                some = 1;
            } else {
                uint64_t left = worker->count - seen.count;
                size_t most = left < worker->batch ? (size_t)left : worker->batch;
                some = receive_some(worker, queue, messages, several ? worker->batch : most);
            }
            for (size_t n = 0; n < some; ++n)
                check(&seen, messages + n * size, size, 1);
        }
        if (some == 0 && back_off(&polls, worker->pauses) && several) {
            atomic_fetch_add_explicit(worker->received, seen.count - told, memory_order_relaxed);
            told = seen.count;
            if (atomic_load_explicit(worker->received, memory_order_relaxed) >= worker->count)
                break;
        }
    }
    uint64_t end = now_ns();
    atomic_fetch_add_explicit(worker->received, seen.count - told, memory_order_relaxed);
    report("\"begin\": %lu, \"end\": %lu, \"count\": %lu, \"sum\": %lu", begin, end, seen.count, seen.sum);
    by->leave(queue);
}

/* In and out again, by one thread. */
void alone(struct worker *worker)
{
    const struct contestant *by = worker->by;
    void *queue = by->join(&worker->plan, "there", BOTH);
    char *messages = buffer(worker, PRODUCER), *received = buffer(worker, CONSUMER);
    size_t size = worker->plan.size;
    struct seen seen = {0};

    bench_ready();
    uint64_t begin = now_ns();
    for (uint64_t i = 1; i <= worker->count; i += worker->batch) {
        size_t done = 0;
        for (size_t n = 0; n < worker->batch; ++n)
            stamp(messages + n * size, size, message_id(0, i + n));
        while (done < worker->batch)
            done += send_some(worker, queue, messages + done * size, worker->batch - done);
        while (done > 0) {
            size_t some = receive_some(worker, queue, received, done);
            for (size_t n = 0; n < some; ++n)
                check(&seen, received + n * size, size, 1);
            done -= some;
        }
    }
    report("\"begin\": %lu, \"end\": %lu, \"count\": %lu", begin, now_ns(), seen.count);
    by->leave(queue);
}
