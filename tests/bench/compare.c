/*
 * compare.c - two builds of libcqueue.so in one run: what each workload costs with the one and the other, and the ratio.
 *
 * A machine changes its speed all the time, so nothing is compared but what ran next to each other: each round runs each
 * workload with both, and gives one ratio; the median of these counts, with its quartiles. On a busy machine the fastest
 * runs say more: "fastest" is the ratio of the tenth of all runs that were the fastest with each. Every message is checked by
 * its sum. Every process is a child that dies with its parent, and opens the library that it was told. It must know
 * nothing of a library but cqueue.h.
 *
 *   compare OLD NEW [rounds [messages [workload]]]
 */
#define _GNU_SOURCE
#include "cqueue.h"

#include <dlfcn.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_ROUNDS 999
#define MAX_PROCESSES 16
#define MAX_SIZE 65536
#define MAX_BATCH 64
#define STOP UINT64_MAX /* as a message's number: its consumer ends */

/* ---- the library ----------------------------------------------------------------------------------- */

static struct {
    __typeof__(&cq_open) open;
    __typeof__(&cq_close) close;
    __typeof__(&cq_unlink) unlink;
    __typeof__(&cq_enqueue) enqueue;
    __typeof__(&cq_dequeue) dequeue;
    __typeof__(&cq_enqueue_batch) enqueue_batch;
    __typeof__(&cq_dequeue_batch) dequeue_batch;
    __typeof__(&cq_reserve) reserve;
    __typeof__(&cq_commit) commit;
    __typeof__(&cq_take) take;
    __typeof__(&cq_release) release;
} cq;

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "compare: %s: %s\n", what, why);
    _exit(1);
}

static void load(const char *file)
{
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        fail(file, dlerror());
#define LOAD(name) \
    if (!(cq.name = (__typeof__(cq.name))dlsym(library, "cq_" #name))) \
        fail(file, "it has no cq_" #name)
    LOAD(open);
    LOAD(close);
    LOAD(unlink);
    LOAD(enqueue);
    LOAD(dequeue);
    LOAD(enqueue_batch);
    LOAD(dequeue_batch);
    LOAD(reserve);
    LOAD(commit);
    LOAD(take);
    LOAD(release);
}

static cq_queue *open_queue(const char *name, size_t size)
{
    cq_config config = {.struct_size = sizeof config, .capacity = 4096, .max_message_size = size};
    cq_queue *queue;
    if (cq.open(name, &config, &queue) != CQ_OK)
        fail(name, "cannot be opened");
    return queue;
}

/* ---- workloads ------------------------------------------------------------------------------------- */

enum way { COPY, PLACE, BATCH };

static const struct workload {
    const char *name;
    enum { STREAM, ALONE, PING_PONG } kind;
    int producers, consumers;
    size_t size;
    enum way way;
    uint64_t share; /* of the messages asked for, one in so many */
} workloads[] = {
    {"1P1C 8 B", STREAM, 1, 1, 8, COPY, 1},
    {"1P1C 56 B", STREAM, 1, 1, 56, COPY, 1},
    {"1P1C 248 B", STREAM, 1, 1, 248, COPY, 1},
    {"1P1C 4096 B", STREAM, 1, 1, 4096, COPY, 4},
    {"1P1C 1024 B", STREAM, 1, 1, 1024, COPY, 2},
    {"1P1C 16384 B", STREAM, 1, 1, 16384, COPY, 16},
    {"4P4C 4096 B", STREAM, 4, 4, 4096, COPY, 8},
    {"1P1C 64 KiB", STREAM, 1, 1, 65536, COPY, 32},
    {"1P1C 56 B in place", STREAM, 1, 1, 56, PLACE, 1},
    {"4P4C 8 B", STREAM, 4, 4, 8, COPY, 1},
    {"4P4C 56 B", STREAM, 4, 4, 56, COPY, 1},
    {"4P4C 248 B", STREAM, 4, 4, 248, COPY, 1},
    {"batch 32, 8 B", STREAM, 1, 1, 8, BATCH, 1},
    {"batch 32, 56 B", STREAM, 1, 1, 56, BATCH, 1},
    {"alone 8 B", ALONE, 0, 0, 8, COPY, 1},
    {"alone 56 B", ALONE, 0, 0, 56, COPY, 1},
    {"alone 248 B", ALONE, 0, 0, 248, COPY, 1},
    {"alone 56 B in place", ALONE, 0, 0, 56, PLACE, 1},
    {"alone batch 32, 56 B", ALONE, 0, 0, 56, BATCH, 1},
    {"ping-pong 56 B", PING_PONG, 0, 0, 56, COPY, 8},
};
#define WORKLOADS (sizeof workloads / sizeof *workloads)

static struct shared {
    _Atomic int ready, go;
    double ended[MAX_PROCESSES];
    uint64_t sums[MAX_PROCESSES];
} *shared;

static unsigned char buffer[MAX_BATCH * MAX_SIZE];

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

/* Between polls, as a caller who has nothing else to do; now and then the processor to somebody else. */
static void poll_again(int result, int nothing, unsigned *polls)
{
    if (result != nothing)
        fail("a call", "failed");
    if (++*polls % 256 == 0)
        sched_yield();
    else
#if defined(__x86_64__)
        __builtin_ia32_pause();
#else
        atomic_thread_fence(memory_order_seq_cst);
#endif
}

static void send(cq_queue *queue, const struct workload *w, uint64_t number)
{
    unsigned polls = 0;
    int result;

    if (w->way == PLACE) {
        cq_message message = {.struct_size = sizeof message};
        while ((result = cq.reserve(queue, w->size, &message)) != CQ_OK)
            poll_again(result, CQ_FULL, &polls);
        memcpy(message.data, &number, sizeof number);
        if (cq.commit(queue, &message, w->size) != CQ_OK)
            fail("cq_commit", "failed");
        return;
    }
    memcpy(buffer, &number, sizeof number);
    while ((result = cq.enqueue(queue, buffer, w->size)) != CQ_OK)
        poll_again(result, CQ_FULL, &polls);
}

/* Send the numbers from `from` on to before `to`. */
static void produce(cq_queue *queue, const struct workload *w, uint64_t from, uint64_t to)
{
    unsigned polls = 0;
    int result;

    if (w->way == BATCH) {
        cq_slice slices[32];
        for (uint64_t i = from; i < to;) {
            size_t count = to - i < 32 ? (size_t)(to - i) : 32;
            for (size_t k = 0; k < count; ++k) {
                memcpy(buffer + k * w->size, &(uint64_t){i + k}, 8);
                slices[k] = (cq_slice){buffer + k * w->size, w->size};
            }
            for (size_t sent = 0, done; sent < count; sent += done)
                if ((result = cq.enqueue_batch(queue, slices + sent, count - sent, &done)) != CQ_OK)
                    poll_again(result, CQ_FULL, &polls);
            i += count;
        }
        return;
    }
    for (uint64_t i = from; i < to; ++i)
        send(queue, w, i);
}

/* Take messages until a STOP, or so many; returns the sum of their numbers. */
static uint64_t consume(cq_queue *queue, const struct workload *w, uint64_t count)
{
    uint64_t sum = 0, number;
    unsigned polls = 0;
    int result;

    while (count > 0) {
        if (w->way == BATCH) {
            cq_slice slices[32];
            size_t done;
            while ((result = cq.dequeue_batch(queue, buffer, 32 * w->size, slices, 32, &done)) != CQ_OK)
                poll_again(result, CQ_EMPTY, &polls);
            for (size_t k = 0; k < done; ++k, --count) {
                memcpy(&number, slices[k].data, sizeof number);
                if (number == STOP)
                    return sum;
                sum += number;
            }
            continue;
        }
        if (w->way == PLACE) {
            cq_message message = {.struct_size = sizeof message};
            while ((result = cq.take(queue, &message)) != CQ_OK)
                poll_again(result, CQ_EMPTY, &polls);
            memcpy(&number, message.data, sizeof number);
            if (cq.release(queue, &message) != CQ_OK)
                fail("cq_release", "failed");
        } else {
            while ((result = cq.dequeue(queue, buffer, w->size, NULL)) != CQ_OK)
                poll_again(result, CQ_EMPTY, &polls);
            memcpy(&number, buffer, sizeof number);
        }
        if (number == STOP)
            return sum;
        sum += number;
        --count;
    }
    return sum;
}

/* ---- running them ---------------------------------------------------------------------------------- */

struct job {
    const char *library, *name;
    const struct workload *workload;
    uint64_t messages;
};

static void wait_for_go(void)
{
    atomic_fetch_add(&shared->ready, 1);
    while (!atomic_load(&shared->go))
        sched_yield();
}

/* What process `id` of a job does. */
static void work(const struct job *job, int id)
{
    const struct workload *w = job->workload;
    cq_queue *queue = open_queue(job->name, w->size);
    uint64_t all = job->messages;

    if (w->kind == ALONE) {
        uint64_t sum = 0, step = w->way == BATCH ? 32 : 1;
        pin(0);
        wait_for_go();
        for (uint64_t i = 0; i < all; i += step) {
            produce(queue, w, i, i + step < all ? i + step : all);
            sum += consume(queue, w, i + step < all ? step : all - i);
        }
        shared->sums[id] = sum;
    } else if (w->kind == PING_PONG) {
        char back[96];
        snprintf(back, sizeof back, "%s-back", job->name);
        cq_queue *other = open_queue(back, w->size);
        pin(id);
        wait_for_go();
        for (uint64_t i = 0; i < all; ++i) {
            if (id == 0)
                produce(queue, w, i, i + 1);
            shared->sums[id] += consume(id == 0 ? other : queue, w, 1);
            if (id == 1)
                produce(other, w, i, i + 1);
        }
        cq.close(other);
        if (id == 1)
            shared->sums[id] = 0;
    } else {
        if (w->producers + w->consumers == 2)
            pin(id);
        wait_for_go();
        if (id < w->producers)
            produce(queue, w, all * (uint64_t)id / (uint64_t)w->producers,
                    all * ((uint64_t)id + 1) / (uint64_t)w->producers);
        else
            shared->sums[id] = consume(queue, w, UINT64_MAX);
    }
    shared->ended[id] = now_ns();
    cq.close(queue);
}

static pid_t begin(const struct job *job, int id)
{
    pid_t parent = getpid(), child = fork();

    if (child != 0)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    load(job->library);
    if (id < 0) { /* before and after the others: remove the queues */
        char back[96];
        snprintf(back, sizeof back, "%s-back", job->name);
        cq.unlink(job->name, NULL);
        cq.unlink(back, NULL);
    } else if (id == MAX_PROCESSES) { /* the last: tell the consumers */
        cq_queue *queue = open_queue(job->name, job->workload->size);
        for (int i = 0; i < job->workload->consumers; ++i)
            send(queue, job->workload, STOP);
        cq.close(queue);
    } else
        work(job, id);
    _exit(0);
}

static void end(pid_t child)
{
    int status;
    if (waitpid(child, &status, 0) != child || status != 0)
        fail("a process", "failed");
}

/* Nanoseconds a message. */
static double run(const struct job *job)
{
    const struct workload *w = job->workload;
    int processes = w->kind == STREAM ? w->producers + w->consumers : w->kind == ALONE ? 1 : 2;
    pid_t children[MAX_PROCESSES];
    uint64_t sum = 0;

    memset(shared, 0, sizeof *shared);
    for (int i = 0; i < processes; ++i)
        children[i] = begin(job, i);
    while (atomic_load(&shared->ready) < processes)
        usleep(200);
    double began = now_ns(), ended = began;
    atomic_store(&shared->go, 1);
    int producers = w->kind == STREAM ? w->producers : 0;
    for (int i = 0; i < producers; ++i)
        end(children[i]);
    if (w->kind == STREAM)
        end(begin(job, MAX_PROCESSES));
    for (int i = producers; i < processes; ++i)
        end(children[i]);
    for (int i = 0; i < processes; ++i) {
        sum += shared->sums[i];
        ended = shared->ended[i] > ended ? shared->ended[i] : ended;
    }
    end(begin(job, -1));
    if (sum != job->messages * (job->messages - 1) / 2)
        fail(w->name, "a message was lost, doubled or spoiled");
    return (ended - began) / (double)job->messages;
}

static int order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double quantile(double *values, int count, double share)
{
    qsort(values, (size_t)count, sizeof *values, order);
    return values[(int)((count - 1) * share + 0.5)];
}

int main(int argc, char **argv)
{
    int rounds = argc > 3 ? atoi(argv[3]) : 15;
    uint64_t messages = argc > 4 ? strtoull(argv[4], NULL, 10) : 400000;
    const char *only = argc > 5 ? argv[5] : "";
    static double times[WORKLOADS][2][MAX_ROUNDS], ratios[WORKLOADS][MAX_ROUNDS];

    if (argc < 3 || rounds < 1 || rounds > MAX_ROUNDS || messages < 64) {
        fprintf(stderr, "usage: compare OLD NEW [rounds, 1 to %d [messages, from 64 [workload]]]\n", MAX_ROUNDS);
        return 2;
    }
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 1;
    for (int round = 0; round < rounds; ++round)
        for (size_t i = 0; i < WORKLOADS; ++i) {
            if (!strstr(workloads[i].name, only))
                continue;
            for (int turn = 0; turn < 2; ++turn) {
                int which = turn ^ (round & 1); /* each goes first as often as the other */
                char name[64];
                snprintf(name, sizeof name, "bench-compare-%d-%d", (int)getpid(), which);
                struct job job = {argv[1 + which], name, &workloads[i], messages / workloads[i].share};
                times[i][which][round] = run(&job);
            }
            ratios[i][round] = times[i][0][round] / times[i][1][round];
        }
    printf("%-22s %9s %9s  %-24s %s\n", "ns a message, medians", "old", "new", "old/new (quartiles)", "fastest");
    for (size_t i = 0; i < WORKLOADS; ++i)
        if (strstr(workloads[i].name, only)) {
            double old[] = {quantile(times[i][0], rounds, 0.5), quantile(times[i][0], rounds, 0.1)};
            double new[] = {quantile(times[i][1], rounds, 0.5), quantile(times[i][1], rounds, 0.1)};
            printf("%-22s %9.2f %9.2f  %.3f (%.3f to %.3f)   %.3f (%.2f / %.2f)\n", workloads[i].name, old[0], new[0],
                   quantile(ratios[i], rounds, 0.5), quantile(ratios[i], rounds, 0.25),
                   quantile(ratios[i], rounds, 0.75), old[1] / new[1], old[1], new[1]);
        }
    return 0;
}
