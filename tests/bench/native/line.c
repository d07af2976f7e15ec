/*
 * line.c - prints the nanoseconds in which one cache line goes to another core and back: the unit of everything here.
 *
 *   line [TRIPS]
 *
 * The least of several stretches: a stretch in which somebody else had a processor says nothing of the line.
 */
#include "worker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define STRETCHES 32

struct shared {
    _Alignas(128) _Atomic uint64_t there;
    _Alignas(128) _Atomic uint64_t back;
};

static void pin(int processor)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)processor, &set);
    sched_setaffinity(0, sizeof set, &set);
}

static void await(_Atomic uint64_t *word, uint64_t value)
{
    for (unsigned polls = 1; atomic_load_explicit(word, memory_order_acquire) < value; ++polls)
        if (polls % 65536 == 0)
            sched_yield();
}

int main(int argc, char **argv)
{
    uint64_t trips = argc > 1 ? strtoull(argv[1], NULL, 10) : 400, least = UINT64_MAX;
    struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED || trips < 1)
        return 1;
    pid_t parent = getpid(), child = fork();
    if (child < 0)
        return 1;
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            return 1;
        pin(1);
        for (uint64_t i = 1; i <= trips * STRETCHES; ++i) {
            await(&shared->there, i);
            atomic_store_explicit(&shared->back, i, memory_order_release);
        }
        return 0;
    }
    pin(0);
    for (uint64_t i = 1, begin = 0; i <= trips * STRETCHES; ++i) {
        if (i % trips == 1 || trips == 1)
            begin = now_ns();
        atomic_store_explicit(&shared->there, i, memory_order_release);
        await(&shared->back, i);
        uint64_t took = now_ns() - begin;
        if (i % trips == 0 && took < least)
            least = took;
    }
    printf("%.1f\n", (double)least / (double)trips);
    return 0;
}
