/*
 * scale.c - what calls cost when there is much of something: participants, sleepers, messages, holes, held messages,
 * dead ones.
 *
 * Each figure is processor time of the calling thread (or of the processes named), so that other load matters little.
 * Prints figures and judges nothing.
 *
 *   scale [percent [section...]]    percent: how large all is made, 100 by default
 *                                   sections: look sleep hole pinned orphan sweep size; all by default
 */
#define _GNU_SOURCE
#include "cqueue.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NAME "bench-scale"

static double percent = 100;

static uint64_t scaled(double number)
{
    double size = number * percent / 100;
    return size < 2 ? 2 : (uint64_t)size;
}

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}
static double spent(void) { return seconds(CLOCK_THREAD_CPUTIME_ID); }

static void nap(double time)
{
    struct timespec t = {(time_t)time, (long)((time - (double)(time_t)time) * 1e9)};
    while (nanosleep(&t, &t) != 0)
        ;
}

static int check(int result, const char *what)
{
    if (result >= 0)
        return result;
    fprintf(stderr, "%s: %s\n", what, cq_strerror(result));
    exit(1);
}
#define CHECK(call) check((call), #call)

static cq_queue *attach(uint64_t capacity, uint64_t size)
{
    cq_config config = {.struct_size = sizeof config, .capacity = capacity, .max_message_size = size};
    cq_queue *queue;
    CHECK(cq_open(NAME, &config, &queue));
    return queue;
}

static cq_queue *create(uint64_t capacity, uint64_t size)
{
    cq_unlink(NAME, NULL);
    return attach(capacity, size);
}

static cq_stats stat_of(cq_queue *queue)
{
    cq_stats stats = {.struct_size = sizeof stats};
    CHECK(cq_stat(queue, &stats));
    return stats;
}

static void fill(cq_queue *queue, uint64_t count)
{
    for (uint64_t i = 0; i < count; ++i)
        CHECK(cq_enqueue(queue, &i, sizeof i));
}

/* The worst and the mean of a number of calls. */
struct times {
    double begin, sum, worst;
    uint64_t count;
};
static void starts(struct times *times) { times->begin = spent(); }
static void ends(struct times *times)
{
    double time = spent() - times->begin;
    times->sum += time;
    times->worst = time > times->worst ? time : times->worst;
    ++times->count;
}
static void show(const char *what, const struct times *times)
{
    printf("  %-52s mean %10.3f us, worst %9.3f ms\n", what, times->sum / (double)times->count * 1e6, times->worst * 1e3);
}

/* ---- participants ------------------------------------------------------------------------------------ */

static void look(void)
{
    static cq_queue *open[4094];
    const uint64_t marks[] = {scaled(100), scaled(1000), scaled(4093)};
    uint64_t count = 0;

    open[count++] = create(1000, 8);
    for (size_t i = 0; i < sizeof marks / sizeof *marks; ++i) {
        struct times opens = {0}, looks = {0}, stats = {0};
        for (; count < marks[i] && count < 4093; ++count) {
            starts(&opens);
            open[count] = attach(0, 0);
            ends(&opens);
        }
        for (int n = 0; n < 5; ++n) {
            starts(&looks);
            CHECK(cq_recover(open[0], NULL));
            ends(&looks);
            starts(&stats);
            stat_of(open[0]);
            ends(&stats);
        }
        printf(" %lu handles\n", (unsigned long)count);
        if (opens.count > 0)
            show("cq_open, of those added", &opens);
        show("cq_recover", &looks);
        show("cq_stat", &stats);
    }
    while (count > 0)
        cq_close(open[--count]);
}

static void *wait_for_ever(void *queue)
{
    char byte;
    cq_dequeue_wait(queue, &byte, 1, NULL, 120 * INT64_C(1000000000));
    return NULL;
}

/* A child that does not outlive this process. */
static pid_t child(void)
{
    pid_t process = fork();
    if (process == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    return process;
}

static double spent_by(const pid_t *processes, uint64_t count)
{
    double sum = 0;
    for (uint64_t i = 0; i < count; ++i) {
        clockid_t clock;
        if (clock_getcpuclockid(processes[i], &clock) == 0)
            sum += seconds(clock);
    }
    return sum;
}

/* How much of a processor do they use together? */
static void show_idle(const char *what, uint64_t count, const pid_t *processes, uint64_t process_count)
{
    nap(1.5);
    double used = spent_by(processes, process_count), begin = seconds(CLOCK_MONOTONIC);
    nap(3);
    used = spent_by(processes, process_count) - used;
    printf("  %lu %-40s %.1f %% of a processor\n", (unsigned long)count, what, 100 * used / (seconds(CLOCK_MONOTONIC) - begin));
}

static void sleep_(void)
{
    const uint64_t count = scaled(1000), threads = scaled(10000);
    pid_t *processes = calloc(count, sizeof *processes), one;

    cq_close(create(1000, 8));
    for (uint64_t i = 0; i < count; ++i)
        if ((processes[i] = child()) == 0) {
            wait_for_ever(attach(0, 0));
            _exit(0);
        }
    show_idle("sleeping processes", count, processes, count);
    for (uint64_t i = 0; i < count; ++i)
        kill(processes[i], SIGKILL);
    for (uint64_t i = 0; i < count; ++i)
        waitpid(processes[i], NULL, 0);
    free(processes);

    cq_close(create(1000, 8));
    if ((one = child()) == 0) {
        cq_queue *queue = attach(0, 0);
        pthread_attr_t attributes;
        pthread_t thread;
        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, 32768);
        for (uint64_t i = 0; i < threads; ++i)
            if (pthread_create(&thread, &attributes, wait_for_ever, queue) != 0)
                break;
        pause();
    }
    show_idle("sleeping threads of one handle", threads, &one, 1);
    kill(one, SIGKILL);
    waitpid(one, NULL, 0);
}

/* ---- holes, held messages, orphans ------------------------------------------------------------------- */

static void give_one_up(cq_queue *queue)
{
    cq_message message = {.struct_size = sizeof message};
    CHECK(cq_reserve(queue, 8, &message));
    CHECK(cq_abort(queue, &message));
}

static void hole(void)
{
    const uint64_t capacity = scaled(1000000);
    const char *const names[] = {"none", "one at the back", "one in each node"};

    for (int kind = 0; kind < 3; ++kind) {
        cq_queue *queue = create(capacity, 64);
        uint32_t every = stat_of(queue).slots_per_node;
        struct times refused = {0}, waits = {0}, at_limit = {0};
        uint64_t number = 0;
        for (uint64_t i = 0; i < capacity; ++i) {
            if ((kind == 1 && i + 1 == capacity) || (kind == 2 && i % every == every - 1))
                give_one_up(queue);
            CHECK(cq_enqueue(queue, &number, sizeof number));
        }
        for (int i = 0; i < 100; ++i) {
            starts(&refused);
            CHECK(cq_enqueue(queue, &number, sizeof number));
            ends(&refused);
        }
        for (int i = 0; i < 3; ++i) {
            starts(&waits);
            CHECK(cq_enqueue_wait(queue, &number, sizeof number, 1000000));
            ends(&waits);
        }
        for (int i = 0; i < 1000; ++i) {
            CHECK(cq_dequeue(queue, &number, sizeof number, NULL));
            starts(&at_limit);
            CHECK(cq_enqueue(queue, &number, sizeof number));
            ends(&at_limit);
        }
        printf(" %lu messages, the queue is full; holes: %s\n", (unsigned long)capacity, names[kind]);
        show("cq_enqueue, refused", &refused);
        show("cq_enqueue_wait for 1 ms", &waits);
        show("cq_enqueue after each dequeue", &at_limit);
        cq_close(queue);
    }
}

static void pinned(void)
{
    cq_queue *queue = create(1000, 8);
    const uint32_t every = stat_of(queue).slots_per_node;
    const uint64_t steps = scaled(1000);
    uint64_t number = 0;

    for (uint64_t held = 0; held < 3 * steps;) {
        struct times enqueues = {0};
        for (uint64_t end = held + steps; held < end; ++held)
            for (uint32_t i = 0; i < every; ++i) {
                cq_message message = {.struct_size = sizeof message};
                starts(&enqueues);
                CHECK(cq_enqueue(queue, &number, sizeof number));
                ends(&enqueues);
                if (i == 0)
                    CHECK(cq_take(queue, &message));
                else
                    CHECK(cq_dequeue(queue, &number, sizeof number, NULL));
            }
        printf(" up to %lu held, each in a node of its own\n", (unsigned long)held);
        show("cq_enqueue", &enqueues);
    }
    cq_close(queue);
}

/* Another process takes `count` messages and is killed. */
static void die_holding(uint64_t count)
{
    pid_t holder = child();
    if (holder == 0) {
        cq_queue *queue = attach(0, 0);
        for (uint64_t i = 0; i < count; ++i) {
            cq_message message = {.struct_size = sizeof message};
            CHECK(cq_take(queue, &message));
        }
        raise(SIGKILL);
    }
    waitpid(holder, NULL, 0);
}

static void orphan(void)
{
    const struct { uint64_t count, size; } kinds[] = {{scaled(100000), 8}, {scaled(10000), 20000}};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; ++i) {
        cq_queue *queue = create(kinds[i].count, kinds[i].size);
        struct times recover = {0}, copied = {0}, kept = {0};
        static char buffer[20000];
        size_t size;
        for (int again = 0; again < 2; ++again) {
            fill(queue, kinds[i].count);
            die_holding(kinds[i].count);
            starts(&recover);
            CHECK(cq_recover(queue, NULL));
            ends(&recover);
            for (int result = CQ_OK; result == CQ_OK;) {
                cq_message message = {.struct_size = sizeof message};
                starts(again ? &kept : &copied);
                result = CHECK(again ? cq_take(queue, &message) : cq_dequeue(queue, buffer, sizeof buffer, &size));
                ends(again ? &kept : &copied);
            }
        }
        printf(" %lu messages of %lu bytes, held by a process that was killed\n", (unsigned long)kinds[i].count,
               (unsigned long)kinds[i].size);
        show("cq_recover", &recover);
        show("cq_dequeue", &copied);
        show("cq_take, all of them held", &kept);
        cq_close(queue);
    }
}

/* ---- a large backlog ----------------------------------------------------------------------------------- */

static void sweep(void)
{
    const uint64_t count = scaled(20000000);
    cq_queue *queue = create(count, 8);
    uint64_t number = 0;

    fill(queue, count - 1000);
    for (int again = 0; again < 2; ++again) {
        struct times recover = {0}, dequeues = {0}, closes = {0}, walks = {0};
        die_holding(1);
        for (double end = seconds(CLOCK_MONOTONIC) + 0.5; seconds(CLOCK_MONOTONIC) < end;) {
            starts(&dequeues);
            CHECK(cq_dequeue(queue, &number, sizeof number, NULL));
            ends(&dequeues);
        }
        die_holding(1);
        starts(&recover);
        CHECK(cq_recover(queue, NULL));
        ends(&recover);
        cq_queue *other = attach(0, 0);
        starts(&closes);
        cq_close(other);
        ends(&closes);
        starts(&walks);
        stat_of(queue);
        ends(&walks);
        printf(" %lu messages wait; %s death\n", (unsigned long)stat_of(queue).length, again ? "another" : "a");
        show("cq_dequeue, one after the other for 0.5 s", &dequeues);
        show("cq_recover, with something to do", &recover);
        show("cq_close of a handle that held nothing", &closes);
        show("cq_stat", &walks);
    }
    cq_close(queue);
}

static void size(void)
{
    const struct { uint64_t capacity, size; } kinds[] = {{10, 65536}, {65536, 4096}, {1000000, 8}, {1, 1048576}};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; ++i) {
        cq_queue *queue = create(kinds[i].capacity, kinds[i].size);
        cq_stats stats = stat_of(queue);
        printf("  %8lu messages of %8lu bytes: %8.1f MiB of address space, %.2f MiB of memory, %lu may be held\n",
               (unsigned long)kinds[i].capacity, (unsigned long)kinds[i].size, (double)stats.file_size / 1048576,
               (double)stats.memory / 1048576, (unsigned long)stats.max_held);
        cq_close(queue);
    }
}

int main(int argc, char **argv)
{
    static const struct { const char *name; void (*run)(void); } sections[] = {
        {"look", look}, {"sleep", sleep_}, {"hole", hole}, {"pinned", pinned}, {"orphan", orphan}, {"sweep", sweep}, {"size", size}};
    struct rlimit descriptors = {20000, 20000};

    setvbuf(stdout, NULL, _IOLBF, 0);
    setrlimit(RLIMIT_NOFILE, &descriptors); /* else as far as the limit goes */
    if (argc > 1)
        percent = atof(argv[1]);
    for (size_t i = 0; i < sizeof sections / sizeof *sections; ++i) {
        bool wanted = argc <= 2;
        for (int a = 2; a < argc; ++a)
            wanted |= strcmp(argv[a], sections[i].name) == 0;
        if (!wanted)
            continue;
        printf("%s\n", sections[i].name);
        sections[i].run();
    }
    cq_unlink(NAME, NULL);
    return 0;
}
