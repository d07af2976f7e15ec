/*
 * bench.c - what a message costs in C, one thread at both ends of the queue, and what a call costs that does nothing.
 * Prints a line of JSON; the other languages' workers print the same.
 */
#define _GNU_SOURCE
#include "bench.h"
#include "payload.h"

#include <cqueue.h>

#include <time.h>

enum { SIZE = 56, CAPACITY = 1024, UNWATCHED = 1000 /* calls between two looks at the clock */ };

static void check(int result)
{
    if (result == CQ_OK)
        return;
    fprintf(stderr, "bench: %s\n", cq_strerror(result));
    exit(1);
}

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void single(cq_queue *queue)
{
    unsigned char message[SIZE] = {0};
    size_t size;

    check(cq_enqueue(queue, message, sizeof message));
    check(cq_dequeue(queue, message, sizeof message, &size));
}

static void batch(cq_queue *queue)
{
    static unsigned char memory[PAYLOAD_MANY * SIZE];
    static cq_slice messages[PAYLOAD_MANY];
    size_t done;

    for (size_t i = 0; i < PAYLOAD_MANY; ++i)
        messages[i] = (cq_slice){memory + i * SIZE, SIZE};
    check(cq_enqueue_batch(queue, messages, PAYLOAD_MANY, &done));
    check(cq_dequeue_batch(queue, memory, sizeof memory, messages, PAYLOAD_MANY, &done));
}

static void empty(cq_queue *queue)
{
    (void)queue;
    if (cq_abi_version() != CQ_ABI_VERSION)
        exit(1);
}

/* Nanoseconds a call of `step`, called again and again for so long. */
static inline __attribute__((always_inline)) double measure(void (*step)(cq_queue *queue), cq_queue *queue,
                                                             double seconds)
{
    double begin = now_ns(), took;
    uint64_t calls = 0;

    do {
        for (int i = 0; i < UNWATCHED; ++i)
            step(queue);
        calls += UNWATCHED;
        took = now_ns() - begin;
    } while (took < seconds * 1e9);
    return took / (double)calls;
}

void bench_run(const struct options *options)
{
    cq_config config = {.struct_size = sizeof config, .flags = CQ_EXCLUSIVE, .capacity = CAPACITY,
                        .max_message_size = SIZE, .directory = options->directory};
    double seconds = strtod(options->seconds, NULL);
    cq_queue *queue;

    check(cq_open(options->name, &config, &queue));
    double single_ns = measure(single, queue, seconds) / 2;
    double batch_ns = measure(batch, queue, seconds) / PAYLOAD_MANY;
    double empty_ns = measure(empty, queue, seconds);
    cq_close(queue);
    check(cq_unlink(options->name, &config));
    printf("{\"language\":\"c\",\"single_ns\":%.2f,\"batch_ns\":%.2f,\"empty_ns\":%.2f}\n", single_ns, batch_ns, empty_ns);
}
