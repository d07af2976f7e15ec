/* orders.h - what the four programs have in common: the queue's shape, and what to do about an error. */
#ifndef ORDERS_H
#define ORDERS_H

#include <cqueue.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define ORDER_SIZE 256                           /* bytes, of the largest */
#define TEN_SECONDS (INT64_C(10) * 1000000000)

/* Attach to the queue, or create it. Whoever is first decides its shape; the others must want the same. */
static inline cq_queue *orders_open(const char *name)
{
    cq_config config = {.struct_size = sizeof config, .capacity = 1000, .max_message_size = ORDER_SIZE};
    char text[512];
    cq_queue *queue;
    int result = cq_open(name, &config, &queue);

    if (result != CQ_OK) {
        cq_explain(result, name, &config, 0, text, sizeof text);
        fprintf(stderr, "c: %s\n", text);
        exit(1);
    }
    setvbuf(stdout, NULL, _IOLBF, 0); /* a line is seen when it is written, also in a pipe */
    return queue;
}

static inline void orders_check(int result)
{
    if (result != CQ_OK) {
        fprintf(stderr, "c: %s\n", cq_strerror(result));
        exit(1);
    }
}

/* How many, as the second argument says. */
static inline long orders_count(int argc, char **argv)
{
    char *end = NULL;
    long count = argc == 3 ? strtol(argv[2], &end, 10) : -1;

    if (count < 0 || *end) {
        fprintf(stderr, "usage: %s NAME COUNT\n", argv[0]);
        exit(2);
    }
    return count;
}

#endif
