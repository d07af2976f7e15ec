/*
 * bench.c DIRECTORY SECONDS: what messages of 56 bytes cost in C: nanoseconds a call in one thread, a message in
 * batches of 64, and a round trip between two processes. Printed as three numbers.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cqueue.h"

enum { SIZE = 56, BATCH = 64, BETWEEN = 1000 };

static cq_queue *queues[2];

static void check(int result)
{
    if (result != CQ_OK) {
        fprintf(stderr, "bench.c: %s\n", cq_strerror(result));
        exit(1);
    }
}

static void open_both(const char *directory)
{
    const cq_config config = {
        .struct_size = sizeof config, .capacity = 1024, .max_message_size = SIZE, .directory = directory};
    check(cq_open("c-one", &config, &queues[0]));
    check(cq_open("c-two", &config, &queues[1]));
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static char message[SIZE], buffer[BATCH * SIZE];

static void single(void)
{
    check(cq_enqueue(queues[0], message, SIZE));
    check(cq_dequeue(queues[0], buffer, SIZE, NULL));
}

static void batch(void)
{
    static cq_slice out[BATCH], in[BATCH];
    size_t done;
    for (int i = 0; i < BATCH; ++i)
        out[i] = (cq_slice){message, SIZE};
    check(cq_enqueue_batch(queues[0], out, BATCH, &done));
    check(cq_dequeue_batch(queues[0], buffer, sizeof buffer, in, BATCH, &done));
}

static void round_trip(void)
{
    check(cq_enqueue_wait(queues[0], message, SIZE, -1));
    check(cq_dequeue_wait(queues[1], buffer, SIZE, NULL, -1));
}

static double measure(void (*round)(void), double seconds)
{
    double start = now(), elapsed;
    long rounds = 0;
    do {
        for (int i = 0; i < BETWEEN; ++i)
            round();
        rounds += BETWEEN;
        elapsed = now() - start;
    } while (elapsed < seconds * 1e9);
    return elapsed / (double)rounds;
}

int main(int count, char **words)
{
    if (count != 3)
        return 2;
    double seconds = atof(words[2]);
    pid_t echo = fork();
    open_both(words[1]);
    while (echo == 0) {
        check(cq_dequeue_wait(queues[0], buffer, SIZE, NULL, -1));
        check(cq_enqueue_wait(queues[1], message, SIZE, -1));
    }
    double trip = measure(round_trip, seconds);
    kill(echo, SIGKILL);
    printf("%f %f %f\n", measure(single, seconds) / 2, measure(batch, seconds) / BATCH, trip);
    return 0;
}
