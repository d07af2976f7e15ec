/*
 * worker.c - one process of a sample: arguments, the steps that all processes take together, and reports.
 *
 *   CONTESTANT describe                prints what it can do, as JSON
 *   CONTESTANT ROLE [key=value...]     takes part in a sample
 *
 * A sample: the worker with make=1 makes the queues and prints "made". Each reads "join", joins, prints "ready", reads
 * "go", does its work, prints a line of JSON, and leaves when it reads "end" or its standard input closes. Workers in
 * other languages do the same. Knows nothing of any contestant.
 */
#include "worker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void bench_fail(const char *what)
{
    printf("{\"fault\": \"%s\"}\n", what);
    fflush(stdout);
    _exit(1);
}

void *bench_map(const struct plan *plan, const char *name, size_t size)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", plan->place, name);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)size) != 0)
        bench_fail("cannot make a file in shared memory");
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        bench_fail("cannot map a file in shared memory");
    close(fd);
    return memory;
}

uint64_t bench_memory(const struct plan *plan)
{
    uint64_t blocks = 0;
    struct stat about;
    DIR *folder = opendir(plan->place);
    if (!folder)
        bench_fail("cannot look into the sample's directory");
    for (struct dirent *entry; (entry = readdir(folder));)
        if (strcmp(entry->d_name, "received") != 0 && fstatat(dirfd(folder), entry->d_name, &about, 0) == 0 &&
            S_ISREG(about.st_mode))
            blocks += (uint64_t)about.st_blocks;
    closedir(folder);
    return blocks * 512;
}

void fill_in(void *message, size_t size)
{
    for (size_t i = 0; i < size; ++i)
        ((unsigned char *)message)[i] = (unsigned char)(i * 31 + 7);
}

void check_middle(const void *message, size_t size)
{
    for (size_t i = 8; i + 8 < size; ++i)
        if (((const unsigned char *)message)[i] != (unsigned char)(i * 31 + 7))
            bench_fail("wrong contents: bytes inside a message differ");
}

static void say(const char *word)
{
    puts(word);
    fflush(stdout);
}

static void await(const char *word)
{
    char line[64];
    if (!fgets(line, sizeof line, stdin))
        exit(1);
    line[strcspn(line, "\n")] = 0;
    if (strcmp(line, word) != 0) {
        fprintf(stderr, "expected %s, got %s\n", word, line);
        exit(2);
    }
}

void bench_ready(void)
{
    say("ready");
    await("go");
}

void report(const char *format, ...)
{
    va_list arguments;
    putchar('{');
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    say("}");
    await("end");
}

static int describe(const struct contestant *by)
{
    printf("{\"name\": \"%s\", \"when_killed\": \"%s\", \"producers\": %u, \"consumers\": %u, \"max_size\": %zu, "
           "\"poll\": %d, \"wait\": %d, \"batch\": %d, \"place\": %d}\n",
           by->name, by->when_killed, by->producers, by->consumers, by->max_size, by->send != NULL,
           by->send_wait != NULL, by->send_batch != NULL, by->reserve != NULL);
    return 0;
}

static void pin(int processor)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)processor, &set);
    sched_setaffinity(0, sizeof set, &set);
}

/* What a sample that was killed may have left outside of its directory. */
static void clean(struct worker *worker)
{
    if (worker->by->end) {
        worker->by->end(&worker->plan, "there");
        worker->by->end(&worker->plan, "back");
    }
    exit(0);
}

static const struct {
    const char *name;
    void (*act)(struct worker *);
    int both_ways; /* needs a second queue */
} roles[] = {
    {"produce", produce, 0}, {"consume", consume, 0}, {"alone", alone, 0},     {"ping", ping, 1},
    {"pong", pong, 1},       {"ring", ring, 0},       {"wake", wake, 0},       {"pace", pace, 0},
    {"observe", observe, 0}, {"idle", idle, 0},       {"backlog", backlog, 0}, {"reopen", reopen, 0},
    {"many", many, 0},       {"clean", clean, 1},
};

int bench_main(int argc, char **argv, const struct contestant *by)
{
    struct worker worker = {.by = by,
                            .plan = {.place = ".", .size = 8, .capacity = 4096, .producers = 1, .consumers = 1},
                            .mode = "poll", .pauses = 1, .batch = 1};
    const struct {
        const char *key;
        uint64_t *value;
    } numbers[] = {{"count", &worker.count}, {"interval", &worker.interval}, {"size", &worker.plan.size},
                   {"capacity", &worker.plan.capacity}, {"batch", &worker.batch}};
    const struct {
        const char *key;
        unsigned *value;
    } small[] = {{"producers", &worker.plan.producers}, {"consumers", &worker.plan.consumers},
                 {"index", &worker.index}, {"pauses", &worker.pauses}};
    int make = 0;
    size_t role = 0;

    if (argc == 2 && strcmp(argv[1], "describe") == 0)
        return describe(by);
    while (argc > 1 && role < sizeof roles / sizeof *roles && strcmp(argv[1], roles[role].name) != 0)
        ++role;
    if (argc < 2 || role == sizeof roles / sizeof *roles) {
        fprintf(stderr, "usage: %s describe | ROLE [key=value...]\n", argv[0]);
        return 2;
    }
    for (int i = 2; i < argc; ++i) {
        char *value = strchr(argv[i], '=');
        int known = 0;
        if (value) {
            *value++ = 0;
            for (size_t n = 0; n < sizeof numbers / sizeof *numbers; ++n)
                if (strcmp(argv[i], numbers[n].key) == 0)
                    known = 1, *numbers[n].value = strtoull(value, NULL, 10);
            for (size_t n = 0; n < sizeof small / sizeof *small; ++n)
                if (strcmp(argv[i], small[n].key) == 0)
                    known = 1, *small[n].value = (unsigned)strtoul(value, NULL, 10);
            if (strcmp(argv[i], "place") == 0)
                known = 1, worker.plan.place = value;
            else if (strcmp(argv[i], "mode") == 0)
                known = 1, worker.mode = value;
            else if (strcmp(argv[i], "make") == 0)
                known = 1, make = atoi(value);
            else if (strcmp(argv[i], "processor") == 0)
                known = 1, pin(atoi(value));
        }
        if (!known) {
            fprintf(stderr, "%s: what is %s?\n", argv[0], argv[i]);
            return 2;
        }
    }
    worker.received = bench_map(&worker.plan, "received", 4096);
    if (make) {
        by->make(&worker.plan, "there");
        if (roles[role].both_ways)
            by->make(&worker.plan, "back");
        say("made");
    }
    if (roles[role].act != clean)
        await("join");
    roles[role].act(&worker);
    if (make && by->end) {
        by->end(&worker.plan, "there");
        if (roles[role].both_ways)
            by->end(&worker.plan, "back");
    }
    return 0;
}
