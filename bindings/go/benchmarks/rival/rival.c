/*
 * rival.c - what the library itself takes for what the Go benchmarks measure:
 * rival single|batch|loan|walk N, pong N, ping N [MICROSECONDS to be busy before each].
 *
 * Prints nanoseconds for each message, of processor time but for ping. The queue is `bench` in the directory $CQ_BENCH.
 */
#include "cqueue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SIZE 56
#define MANY 64

static cq_queue *open_queue(const char *name)
{
    cq_queue *queue;
    cq_config config = {.struct_size = sizeof config, .capacity = 1024, .max_message_size = SIZE,
                        .directory = getenv("CQ_BENCH")};
    int result = cq_open(name, &config, &queue);
    if (result != CQ_OK) {
        fprintf(stderr, "rival: %s\n", cq_strerror(result));
        exit(1);
    }
    return queue;
}

static void check(int result)
{
    if (result != CQ_OK) {
        fprintf(stderr, "rival: %s\n", cq_strerror(result));
        exit(1);
    }
}

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int see(const cq_message *message, void *context)
{
    *(size_t *)context += message->size;
    return 0;
}

int main(int count, char **arguments)
{
    const char *what = count > 1 ? arguments[1] : "";
    long n = count > 2 ? atol(arguments[2]) : 0;
    char buffer[SIZE * MANY] = {0};
    cq_slice slices[MANY];
    size_t size, seen = 0;
    double begin;

    if (strcmp(what, "ping") == 0 || strcmp(what, "pong") == 0) { /* ping times the way there and back */
        int first = what[1] == 'i';
        cq_queue *to = open_queue(first ? "there" : "back"), *from = open_queue(first ? "back" : "there");
        long pause = count > 3 ? atol(arguments[3]) * 1000 : 0;
        for (long i = 0; i < n; ++i) {
            begin = now(CLOCK_MONOTONIC);
            while (now(CLOCK_MONOTONIC) - begin < (double)pause)
                ;
            begin = now(CLOCK_MONOTONIC);
            if (first)
                check(cq_enqueue_wait(to, buffer, SIZE, -1));
            check(cq_dequeue_wait(from, buffer, SIZE, &size, -1));
            if (!first)
                check(cq_enqueue_wait(to, buffer, SIZE, -1));
            else
                printf("%.0f\n", now(CLOCK_MONOTONIC) - begin);
        }
        return 0;
    }
    cq_queue *queue = open_queue("rival");
    cq_message message = {.struct_size = sizeof message};
    begin = now(CLOCK_PROCESS_CPUTIME_ID);
    if (strcmp(what, "single") == 0)
        for (long i = 0; i < n; ++i) {
            check(cq_enqueue(queue, buffer, SIZE));
            check(cq_dequeue(queue, buffer, SIZE, &size));
        }
    else if (strcmp(what, "batch") == 0) {
        for (long i = 0; i < n; i += MANY) {
            for (int k = 0; k < MANY; ++k)
                slices[k] = (cq_slice){buffer + k * SIZE, SIZE};
            check(cq_enqueue_batch(queue, slices, MANY, &size));
            check(cq_dequeue_batch(queue, buffer, sizeof buffer, slices, MANY, &size));
        }
    } else if (strcmp(what, "loan") == 0)
        for (long i = 0; i < n; ++i) {
            check(cq_reserve(queue, SIZE, &message));
            memcpy(message.data, buffer, SIZE);
            check(cq_commit(queue, &message, SIZE));
            check(cq_take(queue, &message));
            check(cq_release(queue, &message));
        }
    else if (strcmp(what, "walk") == 0) {
        for (int i = 0; i < 1000; ++i)
            check(cq_enqueue(queue, buffer, SIZE));
        begin = now(CLOCK_PROCESS_CPUTIME_ID);
        for (long i = 0; i < n; i += 1000)
            check(cq_walk(queue, see, &seen));
    } else
        return 2;
    printf("%.1f\n", (now(CLOCK_PROCESS_CPUTIME_ID) - begin) / (double)n);
    while (cq_dequeue(queue, buffer, SIZE, &size) == CQ_OK)
        ;
    return 0;
}
