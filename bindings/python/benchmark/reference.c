/*
 * reference.c - what the calls that table.py measures cost in C: `reference copy|loan|threads|processes`, nanoseconds each.
 */
#include "cqueue.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void check(int result)
{
    if (result != CQ_OK) {
        fprintf(stderr, "reference: %s\n", cq_strerror(result));
        exit(1);
    }
}

static cq_queue *open_queue(const char *kind)
{
    cq_config config = {.struct_size = sizeof config, .capacity = 1024, .max_message_size = 64};
    char name[64];
    cq_queue *queue;

    snprintf(name, sizeof name, "python-bench-%s-%d", kind, (int)getpid());
    check(cq_open(name, &config, &queue));
    return queue;
}

static void unlink_queue(const char *kind)
{
    char name[64];
    snprintf(name, sizeof name, "python-bench-%s-%d", kind, (int)getpid());
    cq_unlink(name, NULL);
}

static char message[56], buffer[64];

static void answer(cq_queue *to, cq_queue *from, int count)
{
    char mine[64];
    for (int i = 0; i < count; ++i) {
        check(cq_dequeue_wait(to, mine, sizeof mine, NULL, -1));
        check(cq_enqueue(from, mine, sizeof message));
    }
}

#define COUNT 20000
static cq_queue *there, *back;

static void *answer_in_thread(void *unused)
{
    answer(there, back, COUNT);
    return unused;
}

static int64_t ping(void)
{
    int64_t start = now();
    for (int i = 0; i < COUNT; ++i) {
        check(cq_enqueue(there, message, sizeof message));
        check(cq_dequeue_wait(back, buffer, sizeof buffer, NULL, -1));
    }
    return (now() - start) / COUNT;
}

int main(int count, char **words)
{
    const char *what = count > 1 ? words[1] : "";
    int64_t took = 0;

    there = open_queue("there");
    back = open_queue("back");
    if (!strcmp(what, "threads")) {
        pthread_t thread;
        pthread_create(&thread, NULL, answer_in_thread, NULL);
        took = ping();
        pthread_join(thread, NULL);
    } else if (!strcmp(what, "processes")) {
        char names[2][64];
        snprintf(names[0], sizeof names[0], "python-bench-there-%d", (int)getpid());
        snprintf(names[1], sizeof names[1], "python-bench-back-%d", (int)getpid());
        pid_t child = fork();
        if (child == 0) {
            cq_queue *to, *from;
            check(cq_open(names[0], NULL, &to));
            check(cq_open(names[1], NULL, &from));
            answer(to, from, COUNT);
            _exit(0);
        }
        took = ping();
        waitpid(child, NULL, 0);
    } else {
        int64_t start = now();
        for (int i = 0; i < 10 * COUNT; ++i) {
            check(cq_enqueue(there, message, sizeof message));
            if (!strcmp(what, "loan")) {
                cq_message taken = {.struct_size = sizeof taken};
                check(cq_take(there, &taken));
                check(cq_release(there, &taken));
            } else {
                check(cq_dequeue(there, buffer, sizeof buffer, NULL));
            }
        }
        took = (now() - start) / (10 * COUNT);
    }
    unlink_queue("there");
    unlink_queue("back");
    printf("%lld\n", (long long)took);
    return 0;
}
