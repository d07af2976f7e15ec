/*
 * contestant.h - what a way of passing messages between processes has to offer to be measured.
 *
 * A contestant is one file in contestants/ (or a program of rust/) that fills in a `struct contestant` and calls
 * bench_main. It knows nothing of workloads and of measuring. All are called through these pointers, so that none has
 * the advantage of being inlined.
 */
#ifndef BENCH_CONTESTANT_H
#define BENCH_CONTESTANT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct plan {
    const char *place; /* a directory of this sample alone, in shared memory; removed afterwards */
    size_t size;       /* bytes of every message */
    size_t capacity;   /* messages, a power of two */
    unsigned producers, consumers;
};

enum role { BOTH, PRODUCER, CONSUMER };

/* A function that a contestant cannot offer is NULL. Either send and receive or the waiting ones are there. */
struct contestant {
    const char *name;
    const char *when_killed;       /* what remains usable if one process is killed: "all", "nothing", ... */
    unsigned producers, consumers; /* how many at most; 0: any number */
    size_t max_size;               /* of a message; 0: no limit that matters here */

    void (*make)(const struct plan *plan, const char *name); /* in one process, before any joins */
    void *(*join)(const struct plan *plan, const char *name, enum role role);
    void (*leave)(void *queue);
    void (*end)(const struct plan *plan, const char *name); /* removes what is not in plan->place */

    /* 1: done. 0: it was full, or empty. Neither waits. */
    int (*send)(void *queue, const void *message, size_t size);
    int (*receive)(void *queue, void *message, size_t size);
    /* Sleep while it is full, or empty. */
    void (*send_wait)(void *queue, const void *message, size_t size);
    void (*receive_wait)(void *queue, void *message, size_t size);
    /* `count` messages, one behind the other. How many were done, perhaps 0. */
    size_t (*send_batch)(void *queue, const void *messages, size_t size, size_t count);
    size_t (*receive_batch)(void *queue, void *messages, size_t size, size_t count);
    /* In place: NULL if it is full, or empty. One at a time. */
    void *(*reserve)(void *queue, size_t size);
    void (*commit)(void *queue, size_t size);
    const void *(*take)(void *queue);
    void (*release)(void *queue);
};

/* The worker's main: worker.c says what the arguments are. */
int bench_main(int argc, char **argv, const struct contestant *contestant);

/* Ends the worker with a report to whoever started it. */
void bench_fail(const char *what) __attribute__((noreturn));

/* `size` zeroed bytes of the file `name` in plan->place, shared by all who map it. The first call makes it. */
void *bench_map(const struct plan *plan, const char *name, size_t size);

#ifdef __cplusplus
}
#endif

#endif
