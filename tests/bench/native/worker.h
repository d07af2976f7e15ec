/*
 * worker.h - what the workloads share: the arguments, the steps that all processes of a sample take together, how to
 * wait between polls, and what a message looks like.
 */
#ifndef BENCH_WORKER_H
#define BENCH_WORKER_H

#define _GNU_SOURCE
#include "contestant.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

struct worker {
    const struct contestant *by;
    struct plan plan;
    const char *mode;  /* "poll", "wait" or "place" */
    unsigned index;    /* among the producers, or the consumers */
    unsigned pauses;   /* between two polls */
    size_t batch;      /* messages a call */
    uint64_t count;    /* messages of this process, or of all consumers */
    uint64_t interval; /* nanoseconds between two messages that are due */
    _Atomic uint64_t *received; /* of all consumers together */
};

/* Each role is a function of its own that prints its figures with report(). */
void produce(struct worker *), consume(struct worker *), alone(struct worker *);        /* stream.c */
void ping(struct worker *), pong(struct worker *), ring(struct worker *), wake(struct worker *); /* trip.c */
void pace(struct worker *), observe(struct worker *);                                   /* steady.c */
void idle(struct worker *), backlog(struct worker *), reopen(struct worker *), many(struct worker *); /* room.c */

/* Says that this process is ready and waits until all are. */
void bench_ready(void);
/* One line of JSON, the body of an object. */
void report(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Bytes that the files in plan->place occupy. */
uint64_t bench_memory(const struct plan *plan);

static inline uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

/* Between polls: some pauses; now and then the processor to somebody else. True when it gave the processor away. */
static inline int back_off(unsigned *polls, unsigned pauses)
{
    if ((*polls += pauses) >= 1024) {
        *polls = 0;
        sched_yield();
        return 1;
    }
    for (unsigned i = 0; i < pauses; ++i)
        relax();
    return 0;
}

/* ---- messages: who sent it and its number among the sender's, at both ends; between them bytes that are known ---- */

#define NUMBER_BITS 40

static inline uint64_t message_id(unsigned producer, uint64_t number)
{
    return (uint64_t)producer << NUMBER_BITS | number;
}

static inline void stamp(void *message, size_t size, uint64_t id)
{
    memcpy(message, &id, sizeof id);
    if (size >= 2 * sizeof id)
        memcpy((char *)message + size - sizeof id, &id, sizeof id);
}

/* What one consumer has seen. */
struct seen {
    uint64_t last[64]; /* number of the last message of each producer */
    uint64_t count, sum;
};

void fill_in(void *message, size_t size);
void check_middle(const void *message, size_t size);

/* Order of each producer, both ends; all bytes of one message in 1,024. */
static inline void check(struct seen *seen, const void *message, size_t size, int all_bytes)
{
    uint64_t id, tail;
    memcpy(&id, message, sizeof id);
    uint64_t number = id & ((UINT64_C(1) << NUMBER_BITS) - 1), producer = id >> NUMBER_BITS;
    if (producer >= 64 || number <= seen->last[producer])
        bench_fail("wrong contents: a message came twice, out of order, or was never sent");
    seen->last[producer] = number;
    if (size >= 2 * sizeof id) {
        memcpy(&tail, (const char *)message + size - sizeof id, sizeof tail);
        if (tail != id)
            bench_fail("wrong contents: a message is torn");
    }
    seen->sum += id;
    if (++seen->count % 1024 == 1 && all_bytes)
        check_middle(message, size);
}

#endif
