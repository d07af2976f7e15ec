/*
 * self.c - what the queue costs, in round trips of one cache line between two cores.
 *
 * Two processes, a producer and a consumer, each pinned to a core. Every round measures the line's round trip before and
 * after, so that a machine whose cores move about in between is seen (such rounds are dropped), and every figure is a
 * ratio to it. Prints medians with the spread; judges nothing.
 *
 *   self [rounds [messages]]
 */
#define _GNU_SOURCE
#include "cqueue.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LINE 128
#define TRIPS 30000
#define MAX_ROUNDS 100

struct shared {
    _Alignas(LINE) _Atomic uint64_t ping;
    _Alignas(LINE) _Atomic uint64_t pong;
    _Alignas(LINE) _Atomic int ready;
    _Atomic int go;
};
static struct shared *shared;

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void pin(int processor)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)processor, &set);
    sched_setaffinity(0, sizeof set, &set);
}

static void check(int result, const char *what)
{
    if (result == CQ_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, cq_strerror(result));
    exit(1);
}

/* The time in which a line goes to the other core and back. */
static double line_round_trip(void)
{
    double begin = 0;

    atomic_store(&shared->ping, 0);
    atomic_store(&shared->pong, 0);
    if (fork() == 0) {
        pin(1);
        for (uint64_t i = 1; i <= TRIPS; ++i) {
            while (atomic_load_explicit(&shared->ping, memory_order_acquire) < i)
                ;
            atomic_store_explicit(&shared->pong, i, memory_order_release);
        }
        _exit(0);
    }
    pin(0);
    for (uint64_t i = 1; i <= TRIPS; ++i) {
        if (i == TRIPS / 3)
            begin = now_ns();
        atomic_store_explicit(&shared->ping, i, memory_order_release);
        while (atomic_load_explicit(&shared->pong, memory_order_acquire) < i)
            ;
    }
    double took = now_ns() - begin;
    wait(NULL);
    return took / (TRIPS - TRIPS / 3 + 1);
}

static cq_queue *open_queue(const char *name, size_t size)
{
    cq_config config = {.struct_size = sizeof config, .capacity = 4096, .max_message_size = size};
    cq_queue *queue;
    check(cq_open(name, &config, &queue), "cq_open");
    return queue;
}

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

/* Between polls: a pause, as a caller who has nothing else to do would; now and then the processor to somebody else. */
static void pause_polling(unsigned *polls)
{
    if (++*polls % 256 == 0)
        sched_yield();
    else
        relax();
}

static void produce(cq_queue *queue, size_t size, uint64_t count)
{
    unsigned char message[64] = {0};
    for (uint64_t i = 1; i <= count; ++i) {
        memcpy(message, &i, sizeof i);
        for (unsigned polls = 0; cq_enqueue(queue, message, size) == CQ_FULL;)
            pause_polling(&polls);
    }
}

static void consume(cq_queue *queue, size_t size, uint64_t count)
{
    unsigned char message[64];
    uint64_t number;
    for (uint64_t i = 1; i <= count; ++i) {
        for (unsigned polls = 0; cq_dequeue(queue, message, size, NULL) == CQ_EMPTY;)
            pause_polling(&polls);
        memcpy(&number, message, sizeof number);
        if (number != i)
            check(CQ_ECORRUPT, "order");
    }
}

/* Nanoseconds a message, one way. */
static double stream(const char *name, size_t size, uint64_t count)
{
    atomic_store(&shared->ready, 0);
    atomic_store(&shared->go, 0);
    pid_t child = fork();
    if (child == 0) {
        pin(1);
        cq_queue *queue = open_queue(name, size);
        atomic_store(&shared->ready, 1);
        while (!atomic_load(&shared->go))
            ;
        consume(queue, size, count);
        cq_close(queue);
        _exit(0);
    }
    pin(0);
    cq_queue *queue = open_queue(name, size);
    while (!atomic_load(&shared->ready))
        ;
    double begin = now_ns();
    atomic_store(&shared->go, 1);
    produce(queue, size, count);
    int status;
    waitpid(child, &status, 0);
    double took = now_ns() - begin;
    check(status == 0 ? CQ_OK : CQ_ECORRUPT, "consumer");
    cq_close(queue);
    return took / (double)count;
}

/* Nanoseconds for a message there and one back. */
static double round_trip(const char *there, const char *back, size_t size, uint64_t count)
{
    double begin = 0;
    pid_t child = fork();
    int first = child == 0;

    pin(first ? 1 : 0);
    cq_queue *in = open_queue(first ? there : back, size), *out = open_queue(first ? back : there, size);
    if (first) {
        for (uint64_t i = 0; i < count; ++i) {
            unsigned char message[64];
            for (unsigned polls = 0; cq_dequeue(in, message, size, NULL) == CQ_EMPTY;)
                pause_polling(&polls);
            for (unsigned polls = 0; cq_enqueue(out, message, size) == CQ_FULL;)
                pause_polling(&polls);
        }
        cq_close(in);
        cq_close(out);
        _exit(0);
    }
    unsigned char message[64] = {0};
    for (uint64_t i = 0; i < count; ++i) {
        if (i == count / 5)
            begin = now_ns();
        for (unsigned polls = 0; cq_enqueue(out, message, size) == CQ_FULL;)
            pause_polling(&polls);
        for (unsigned polls = 0; cq_dequeue(in, message, size, NULL) == CQ_EMPTY;)
            pause_polling(&polls);
    }
    double took = now_ns() - begin;
    waitpid(child, NULL, 0);
    cq_close(in);
    cq_close(out);
    return took / (double)(count - count / 5);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void report(size_t size, int rounds, uint64_t messages)
{
    double rate[MAX_ROUNDS], trip[MAX_ROUNDS], line[MAX_ROUNDS];
    int kept = 0;
    char there[64], back[64];

    snprintf(there, sizeof there, "bench-self-%d-there", (int)getpid());
    snprintf(back, sizeof back, "bench-self-%d-back", (int)getpid());
    for (int round = 0; round < rounds; ++round) {
        cq_close(open_queue(there, size));
        cq_close(open_queue(back, size));
        double before = line_round_trip();
        double one_way = stream(there, size, messages);
        double both_ways = round_trip(there, back, size, 50000);
        double after = line_round_trip();
        cq_unlink(there, NULL);
        cq_unlink(back, NULL);
        if (before > 1.25 * after || after > 1.25 * before)
            continue;
        line[kept] = (before + after) / 2;
        rate[kept] = line[kept] / one_way;
        trip[kept] = both_ways / line[kept];
        ++kept;
    }
    if (kept == 0) {
        printf("%2zu bytes: the machine was never steady, %d rounds dropped\n", size, rounds);
        return;
    }
    qsort(rate, (size_t)kept, sizeof *rate, compare);
    qsort(trip, (size_t)kept, sizeof *trip, compare);
    qsort(line, (size_t)kept, sizeof *line, compare);
    printf("%2zu bytes: %5.2f messages a line round trip (%.2f to %.2f), a message round trip %.2f lines (%.2f to %.2f), "
           "line %.0f ns, %.1f M messages/s, %d of %d rounds\n",
           size, rate[kept / 2], rate[0], rate[kept - 1], trip[kept / 2], trip[0], trip[kept - 1], line[kept / 2],
           rate[kept / 2] / line[kept / 2] * 1e3, kept, rounds);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 9;
    uint64_t messages = argc > 2 ? strtoull(argv[2], NULL, 10) : 2000000;

    if (rounds < 1 || rounds > MAX_ROUNDS || messages < 1) {
        fprintf(stderr, "usage: self [rounds, 1 to %d [messages]]\n", MAX_ROUNDS);
        return 2;
    }
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
        fprintf(stderr, "needs two processors\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 1;
    report(8, rounds, messages);
    report(56, rounds, messages);
    return 0;
}
