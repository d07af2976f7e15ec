/*
 * ways.c - what it costs to pass a message of 56 bytes between two processes: by cqueue, and by what every system has.
 *
 * Producer and consumer are pinned to a core each, and sleep when they have to wait, unless it says that they poll. All ways
 * are measured in turn in each round. Prints the machine, then a line for each round and way: nanoseconds a message in a stream, and for a message there
 * and one back. Judges nothing; results/plot draws it.
 *
 *   ways [rounds [messages]]
 */
#define _GNU_SOURCE
#include "cqueue.h"

#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SIZE 56
#define TRIPS 20000
#define WARM_UP 2000

/* Channel 0 leads from the producer to the consumer, channel 1 back. `join`: in each of the two processes. */
struct way {
    const char *name;
    void (*make)(int channel);
    void (*join)(int channel);
    void (*send)(int channel, const void *message);
    void (*receive)(int channel, void *message);
    void (*end)(int channel);
};

static void check(int holds, const char *what)
{
    if (holds)
        return;
    perror(what);
    exit(1);
}

static void name_of(int channel, char *name, size_t size)
{
    static pid_t first; /* the process that makes the channels */
    if (!first)
        first = getpid();
    snprintf(name, size, "/bench-ways-%d-%d", (int)first, channel);
}

/* ---- cqueue ---- */

static cq_queue *queues[2];

static void queue_join(int channel)
{
    cq_config config = {.struct_size = sizeof config, .capacity = 1024, .max_message_size = SIZE};
    char name[64];
    name_of(channel, name, sizeof name);
    check(cq_open(name + 1, &config, &queues[channel]) == CQ_OK, "cq_open");
}
static void queue_make(int channel)
{
    queue_join(channel);
    cq_close(queues[channel]);
}
static void queue_send(int channel, const void *message)
{
    check(cq_enqueue_wait(queues[channel], message, SIZE, -1) == CQ_OK, "cq_enqueue_wait");
}
static void queue_receive(int channel, void *message)
{
    check(cq_dequeue_wait(queues[channel], message, SIZE, NULL, -1) == CQ_OK, "cq_dequeue_wait");
}
/* Without sleeping: a caller that has nothing else to do. Now and then the processor to somebody else. */
static void pause_polling(unsigned *polls)
{
    if (++*polls % 256 == 0)
        sched_yield();
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}
static void queue_send_polling(int channel, const void *message)
{
    for (unsigned polls = 0; cq_enqueue(queues[channel], message, SIZE) == CQ_FULL;)
        pause_polling(&polls);
}
static void queue_receive_polling(int channel, void *message)
{
    for (unsigned polls = 0; cq_dequeue(queues[channel], message, SIZE, NULL) == CQ_EMPTY;)
        pause_polling(&polls);
}
static void queue_end(int channel)
{
    char name[64];
    name_of(channel, name, sizeof name);
    cq_close(queues[channel]);
    cq_unlink(name + 1, NULL);
}

/* ---- pipes and sockets ---- */

static int ends[2][2]; /* of each channel: where to read, where to write */

static void nothing_to_join(int channel) { (void)channel; }
static void pipe_make(int channel) { check(pipe2(ends[channel], O_CLOEXEC) == 0, "pipe"); }
static void socket_make(int channel) { check(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends[channel]) == 0, "socketpair"); }
static void fd_send(int channel, const void *message)
{
    check(write(ends[channel][1], message, SIZE) == SIZE, "write"); /* less than PIPE_BUF: all or nothing */
}
static void fd_receive(int channel, void *message) { check(read(ends[channel][0], message, SIZE) == SIZE, "read"); }
static void fd_end(int channel)
{
    close(ends[channel][0]);
    close(ends[channel][1]);
}

/* ---- POSIX message queues ---- */

static mqd_t mqs[2];

static void mq_make(int channel)
{
    struct mq_attr attributes = {.mq_maxmsg = 10, .mq_msgsize = SIZE}; /* the most that is allowed without privileges */
    char name[64];
    name_of(channel, name, sizeof name);
    check((mqs[channel] = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes)) != (mqd_t)-1, "mq_open");
    mq_unlink(name);
}
static void posix_send(int channel, const void *message) { check(mq_send(mqs[channel], message, SIZE, 0) == 0, "mq_send"); }
static void posix_receive(int channel, void *message)
{
    check(mq_receive(mqs[channel], message, SIZE, NULL) == SIZE, "mq_receive");
}
static void posix_end(int channel) { mq_close(mqs[channel]); }

static const struct way ways[] = {
    {"cqueue, polling", queue_make, queue_join, queue_send_polling, queue_receive_polling, queue_end},
    {"cqueue", queue_make, queue_join, queue_send, queue_receive, queue_end},
    {"pipe", pipe_make, nothing_to_join, fd_send, fd_receive, fd_end},
    {"Unix socket", socket_make, nothing_to_join, fd_send, fd_receive, fd_end},
    {"POSIX message queue", mq_make, nothing_to_join, posix_send, posix_receive, posix_end},
};

/* ---- measuring ---- */

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void begin(const struct way *way, int processor)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)processor, &set);
    sched_setaffinity(0, sizeof set, &set);
    way->join(0);
    way->join(1);
}

static void consume(const struct way *way, unsigned long messages)
{
    char message[SIZE];

    for (unsigned long i = 0; i < WARM_UP + TRIPS; ++i) {
        way->receive(0, message);
        way->send(1, message);
    }
    for (unsigned long i = 0; i < messages; ++i)
        way->receive(0, message);
    way->send(1, message);
}

static void measure(const struct way *way, unsigned long messages, double *stream, double *trip)
{
    char message[SIZE] = {0};
    double start = 0;

    way->make(0);
    way->make(1);
    fflush(stdout);
    pid_t child = fork();
    check(child >= 0, "fork");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        begin(way, 1);
        consume(way, messages);
        _exit(0);
    }
    begin(way, 0);
    for (unsigned long i = 0; i < WARM_UP + TRIPS; ++i) {
        if (i == WARM_UP)
            start = now_ns();
        way->send(0, message);
        way->receive(1, message);
    }
    *trip = (now_ns() - start) / TRIPS;
    start = now_ns();
    for (unsigned long i = 0; i < messages; ++i)
        way->send(0, message);
    way->receive(1, message);
    *stream = (now_ns() - start) / (double)messages;
    waitpid(child, NULL, 0);
    way->end(0);
    way->end(1);
}

static void print_machine(void)
{
    char line[256], processor[256] = "unknown processor", date[16];
    time_t now = time(NULL);
    struct utsname system;
    FILE *file = fopen("/proc/cpuinfo", "re");

    while (file && fgets(line, sizeof line, file) && sscanf(line, "model name : %255[^\n]", processor) != 1)
        ;
    if (file)
        fclose(file);
    uname(&system);
    strftime(date, sizeof date, "%Y-%m-%d", gmtime(&now));
    system.release[strcspn(system.release, "-")] = '\0'; /* what a distribution adds says nothing */
    printf("# %s, %s, %ld processors, %s, %s %.16s\n", date, processor, sysconf(_SC_NPROCESSORS_ONLN), system.machine,
           system.sysname, system.release);
    printf("way\tmessage_ns\tround_trip_ns\n");
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 15;
    unsigned long messages = argc > 2 ? strtoul(argv[2], NULL, 10) : 500000;
    char name[64];

    if (rounds < 1 || messages < 1) {
        fprintf(stderr, "usage: ways [rounds [messages]]\n");
        return 2;
    }
    name_of(0, name, sizeof name);
    print_machine();
    for (int round = 0; round < rounds; ++round)
        for (size_t i = 0; i < sizeof ways / sizeof *ways; ++i) {
            double stream, trip;
            measure(&ways[i], messages, &stream, &trip);
            printf("%s\t%.1f\t%.1f\n", ways[i].name, stream, trip);
        }
    return 0;
}
