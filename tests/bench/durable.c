/*
 * durable.c - what durable queues cost, and the disk alone. Prints one line of figures; tests/bench/disk runs it, in
 * turns with others.
 *
 * durable raw DIRECTORY SECONDS
 *     fdatasyncs of 100 bytes a second, one behind the other in a filled file
 * durable sync DIRECTORY SECONDS PRODUCERS
 *     messages of 56 bytes a second, each on the disk before its call returns
 * durable turns DIRECTORY SECONDS
 *     both in one process, each for 20 ms in its turn: fdatasyncs a second, synced messages a second
 * durable beside DIRECTORY SECONDS SYNCS
 *     one enqueue each 20 us without sync: p50, p99.9 and the longest, in us. SYNCS: so many other processes enqueue
 *     with sync; -1: another one makes fdatasyncs and has no queue
 * durable wakes DIRECTORY SECONDS PROCESSES MICROSECONDS
 *     no queue and no disk: each of the processes needs a nap of so long that began after it came, they share them and
 *     sleep meanwhile. How many were served a second: no group of so many can do more on this machine
 * durable open DIRECTORY MESSAGES
 *     bytes on the disk for each message of 56 bytes; seconds to open the queue again when its region is gone
 */
#define _GNU_SOURCE
#include "cqueue.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BYTES 56
#define MOST 64

static char name[64], directory[4096];
static struct shared {
    volatile int go, stop;
    _Atomic uint32_t word;
    _Atomic uint64_t begun, done;
    volatile uint64_t counts[MOST][16]; /* a line each */
} *shared;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int check(int result, const char *what)
{
    if (result >= 0)
        return result;
    fprintf(stderr, "%s: %s\n", what, cq_strerror(result));
    exit(1);
}
#define CHECK(call) check((call), #call)

static cq_queue *open_queue(uint32_t flags)
{
    cq_config config = {.struct_size = sizeof config, .flags = CQ_DURABLE | flags, .capacity = 2000000,
                        .max_message_size = BYTES, .durable_directory = directory};
    cq_queue *queue;
    CHECK(cq_open(name, &config, &queue));
    return queue;
}

static void nap(double time)
{
    struct timespec t = {(time_t)time, (long)((time - (double)(time_t)time) * 1e9)};
    nanosleep(&t, NULL);
}

/* One file, and fdatasyncs of 100 bytes in it. */
struct raw {
    int file;
    off_t at, filled;
};

static void begin_raw(struct raw *raw)
{
    char path[4200];
    snprintf(path, sizeof path, "%s.raw%d", directory, (int)getpid());
    *raw = (struct raw){.file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600)};
    unlink(path);
}

/* For so long: how many, a second. What fills the file is outside of what is measured, as nearly as it can be. */
static double run_raw(struct raw *raw, double seconds, volatile int *stop)
{
    static char zeros[1 << 20];
    char record[100] = {1};
    uint64_t count = 0;
    double begin = now();

    for (; now() - begin < seconds && !*stop; ++count) {
        if (raw->at + (off_t)sizeof record > raw->filled) {
            double paused = now();
            if (pwrite(raw->file, zeros, sizeof zeros, raw->filled) != sizeof zeros || fdatasync(raw->file) != 0)
                exit(1);
            raw->filled += (off_t)sizeof zeros;
            begin += now() - paused;
        }
        if (pwrite(raw->file, record, sizeof record, raw->at) != sizeof record || fdatasync(raw->file) != 0)
            exit(1);
        raw->at += (off_t)sizeof record;
    }
    return (double)count / (now() - begin);
}

/* Children that do `work` until they are told to stop. */
static void start(int count, void (*work)(int))
{
    for (int i = 0; i < count; ++i)
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            work(i);
            _exit(0);
        }
}

static void produce(int self)
{
    cq_queue *queue = open_queue(CQ_SYNC);
    char message[BYTES] = {0};

    while (!shared->go)
        nap(0.0005);
    while (!shared->stop) {
        CHECK(cq_enqueue_wait(queue, message, sizeof message, -1));
        ++shared->counts[self][0];
    }
    cq_close(queue);
}

static void flush_raw(int self)
{
    struct raw raw;

    (void)self;
    begin_raw(&raw);
    while (!shared->stop)
        run_raw(&raw, 1, &shared->stop);
}

static void consume(int self)
{
    cq_queue *queue = open_queue(0);
    char message[BYTES];

    (void)self;
    while (!shared->stop)
        cq_dequeue_wait(queue, message, sizeof message, NULL, 50000000);
    cq_close(queue);
}

static double total(int producers)
{
    double all = 0;
    for (int i = 0; i < producers; ++i)
        all += (double)shared->counts[i][0];
    return all;
}

static void synced(double seconds, int producers)
{
    start(producers, produce);
    start(1, consume);
    nap(0.2);
    shared->go = 1;
    nap(seconds / 5);
    double before = total(producers), begin = now();
    nap(seconds);
    printf("%.1f\n", (total(producers) - before) / (now() - begin));
    shared->stop = 1;
    while (wait(NULL) > 0)
        ;
}

static void turns(double seconds)
{
    cq_queue *queue = open_queue(CQ_SYNC);
    char message[BYTES] = {0};
    struct raw raw;
    double flushes = 0, raw_time = 0, synced_time = 0;
    uint64_t count = 0;

    begin_raw(&raw);
    start(1, consume);
    nap(0.1);
    for (double begin = now(); now() - begin < seconds;) {
        double turn = now();
        flushes += run_raw(&raw, 0.02, &shared->stop) * 0.02;
        raw_time += 0.02;
        for (turn = now(); now() - turn < 0.02; ++count)
            CHECK(cq_enqueue_wait(queue, message, sizeof message, -1));
        synced_time += now() - turn;
    }
    printf("%.1f %.1f\n", flushes / raw_time, (double)count / synced_time);
    shared->stop = 1;
    while (wait(NULL) > 0)
        ;
    cq_close(queue);
}

static long nap_ns;

/* As c/src/sync.c, without all that is not sleeping and waking. */
static void share_naps(int self)
{
    while (!shared->stop) {
        uint64_t need = atomic_load(&shared->begun) + 1;
        for (;;) {
            uint32_t word = atomic_load(&shared->word);
            uint64_t done = atomic_load(&shared->done), begun = atomic_load(&shared->begun);
            struct timespec most = {0, 50000000}, time = {0, nap_ns};
            if (done >= need || shared->stop)
                break;
            if (begun > done)
                syscall(SYS_futex, &shared->word, FUTEX_WAIT, word, &most, NULL, 0);
            else if (atomic_compare_exchange_strong(&shared->begun, &begun, begun + 1)) {
                nanosleep(&time, NULL);
                atomic_store(&shared->done, begun + 1);
                atomic_fetch_add(&shared->word, 1);
                syscall(SYS_futex, &shared->word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
            }
        }
        ++shared->counts[self][0];
    }
}

static void wakes(double seconds, int processes)
{
    start(processes, share_naps);
    nap(seconds / 5);
    double before = total(processes), begin = now();
    nap(seconds);
    printf("%.1f\n", (total(processes) - before) / (now() - begin));
    shared->stop = 1;
    while (wait(NULL) > 0)
        ;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void beside(double seconds, int syncs)
{
    size_t most = (size_t)(seconds * 50000) + 1, count = 0;
    double *times = malloc(most * sizeof *times), begin;
    char message[BYTES] = {0};
    cq_queue *queue = open_queue(0);

    start(syncs < 0 ? 1 : syncs, syncs < 0 ? flush_raw : produce);
    start(1, consume);
    shared->go = 1;
    nap(0.3);
    for (begin = now(); now() - begin < seconds && count < most;) {
        double before = now();
        CHECK(cq_enqueue(queue, message, sizeof message));
        times[count++] = (now() - before) * 1e6;
        while (now() - before < 20e-6)
            ;
    }
    qsort(times, count, sizeof *times, by_size);
    printf("%.2f %.2f %.1f\n", times[count / 2], times[count - 1 - count / 1000], times[count - 1]);
    shared->stop = 1;
    while (wait(NULL) > 0)
        ;
    free(times);
    cq_close(queue);
}

static void opening(uint64_t messages)
{
    char message[BYTES] = {0};
    cq_queue *queue = open_queue(0);
    cq_stats stats = {.struct_size = sizeof stats};

    for (uint64_t i = 0; i < messages; ++i) {
        memcpy(message, &i, sizeof i);
        CHECK(cq_enqueue(queue, message, sizeof message));
    }
    CHECK(cq_sync(queue, -1));
    CHECK(cq_stat(queue, &stats));
    double bytes = (double)stats.disk_bytes / (double)messages;
    cq_close(queue);
    CHECK(cq_unlink(name, NULL));
    double begin = now();
    queue = open_queue(0);
    double taken = now() - begin;
    CHECK(cq_stat(queue, &stats));
    if (stats.recovered != messages)
        exit(1);
    printf("%.1f %.3f\n", bytes, taken);
    cq_close(queue);
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "see the head of durable.c\n");
        return 2;
    }
    double number = strtod(argv[3], NULL);
    int count = argc > 4 ? atoi(argv[4]) : 0;
    snprintf(name, sizeof name, "bench-durable-%d", (int)getpid());
    snprintf(directory, sizeof directory, "%s/%s", argv[2], name);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (strcmp(argv[1], "raw") == 0) {
        struct raw file;
        begin_raw(&file);
        printf("%.1f\n", run_raw(&file, number, &shared->stop));
    } else if (strcmp(argv[1], "sync") == 0 && count > 0 && count <= MOST)
        synced(number, count);
    else if (strcmp(argv[1], "turns") == 0)
        turns(number);
    else if (strcmp(argv[1], "beside") == 0 && count >= -1 && count <= MOST)
        beside(number, count);
    else if (strcmp(argv[1], "wakes") == 0 && count > 0 && count <= MOST && argc > 5) {
        nap_ns = strtol(argv[5], NULL, 10) * 1000;
        wakes(number, count);
    } else if (strcmp(argv[1], "open") == 0)
        opening((uint64_t)number);
    else
        return 2;
    cq_unlink(name, NULL);
    char remove[4200];
    snprintf(remove, sizeof remove, "rm -rf '%s'", directory);
    return system(remove);
}
