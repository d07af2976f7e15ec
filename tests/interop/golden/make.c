/*
 * make.c - the two golden regions: messages of every form that a region has for them, a hole, and messages to be delivered
 * again; and a durable directory with messages that were synced, held, given back, released and written twice. golden/make
 * runs it and keeps the bytes; golden/NAME.expected says by hand what a walk shows.
 */
#define _GNU_SOURCE
#include <cqueue.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *directory;

static void check(int result, const char *what)
{
    if (result == CQ_OK)
        return;
    fprintf(stderr, "make: %s: %s\n", what, cq_strerror(result));
    exit(1);
}

static cq_queue *open_queue(const char *name, uint32_t flags, uint64_t capacity, uint64_t max_message_size)
{
    cq_config config = {.struct_size = sizeof config, .flags = flags, .capacity = capacity,
                        .max_message_size = max_message_size, .directory = directory};
    cq_queue *queue;

    check(cq_open(name, &config, &queue), "cq_open");
    return queue;
}

static void put(cq_queue *queue, const char *text) { check(cq_enqueue(queue, text, strlen(text)), "cq_enqueue"); }

/* `size` bytes that are all the same. */
static void put_bytes(cq_queue *queue, int byte, size_t size)
{
    static unsigned char message[4096];

    memset(message, byte, size);
    check(cq_enqueue(queue, message, size), "cq_enqueue");
}

/* A place in the queue that was given up, with a message behind it. */
static void put_hole(cq_queue *queue, const char *behind)
{
    cq_message given_up = {.struct_size = sizeof given_up};

    check(cq_reserve(queue, 1, &given_up), "cq_reserve");
    put(queue, behind);
    check(cq_abort(queue, &given_up), "cq_abort");
}

static void get_and_drop(cq_queue *queue) { check(cq_dequeue(queue, (char[4096]){0}, 4096, NULL), "cq_dequeue"); }

/* A process takes the oldest message and dies with it. */
static void take_and_die(cq_queue *queue, const char *name)
{
    cq_message message = {.struct_size = sizeof message};
    int status;
    pid_t child = fork();

    if (child == 0) {
        check(cq_take(open_queue(name, CQ_ATTACH, 0, 0), &message), "cq_take");
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        fprintf(stderr, "make: the child failed\n");
        exit(1);
    }
    check(cq_recover(queue, NULL), "cq_recover");
}

/* Up to 248 bytes: a slot has no length field. */
static void make_small(void)
{
    cq_queue *queue = open_queue("small", CQ_EXCLUSIVE, 10, 56);
    cq_message first = {.struct_size = sizeof first}, second = first;

    put(queue, "gone");
    get_and_drop(queue);
    put(queue, "given back twice");
    put(queue, "given back");
    check(cq_take(queue, &first), "cq_take");
    check(cq_take(queue, &second), "cq_take");
    check(cq_return(queue, &first), "cq_return");
    check(cq_return(queue, &second), "cq_return");
    check(cq_take(queue, &first), "cq_take");
    check(cq_return(queue, &first), "cq_return");
    put(queue, "");
    put(queue, "a");
    put_bytes(queue, 0xff, 55);
    put_bytes(queue, 0x80, 56);
    put_hole(queue, "behind a hole");
    cq_close(queue);
}

/* More: it has one. A node holds 7 of these messages. */
static void make_large(void)
{
    cq_queue *queue = open_queue("large", CQ_EXCLUSIVE, 20, 4096);

    put(queue, "gone");
    put(queue, "gone too");
    get_and_drop(queue);
    get_and_drop(queue);
    put(queue, "held by a dead process");
    take_and_die(queue, "large");
    put(queue, "");
    put_bytes(queue, 0x01, 248);
    put_bytes(queue, 0x02, 249);
    put_hole(queue, "behind a hole, in the next node");
    put_bytes(queue, 0xab, 4095);
    put_bytes(queue, 0xcd, 4096);
    cq_close(queue);
}

#define KEPT (CQ_DURABLE | CQ_ANY_FILESYSTEM)

/* What a STATE has of messages behind D, and what it has not; and two lives of the region. A node holds 64. */
static void make_kept(void)
{
    cq_queue *queue = open_queue("kept", CQ_EXCLUSIVE | KEPT, 20, 300);
    cq_message held = {.struct_size = sizeof held}, returned = held;

    put(queue, "released, and that was synced");
    put(queue, "held");
    put(queue, "given back");
    put(queue, "");
    put_bytes(queue, 0x01, 299);
    check(cq_sync(queue, -1), "cq_sync");
    get_and_drop(queue);
    check(cq_take(queue, &held), "cq_take");
    check(cq_take(queue, &returned), "cq_take");
    check(cq_return(queue, &returned), "cq_return");
    put_bytes(queue, 0x02, 300);
    check(cq_sync(queue, -1), "cq_sync");
    check(cq_release(queue, &held), "cq_release");
    put(queue, "not synced");
    cq_close(queue);
    check(cq_unlink("kept", &(cq_config){.struct_size = sizeof(cq_config), .directory = directory}), "cq_unlink");

    queue = open_queue("kept", CQ_ATTACH | KEPT, 0, 0);
    put(queue, "of the second life");
    put(queue, "the last");
    check(cq_sync(queue, -1), "cq_sync");
    get_and_drop(queue);
    cq_close(queue);
}

int main(int argc, char **argv)
{
    if (argc != 2 && argc != 3) {
        fprintf(stderr, "usage: make DIRECTORY [NAME]: with a name, recover that durable queue\n");
        return 2;
    }
    directory = argv[1];
    if (argc == 3) {
        cq_close(open_queue(argv[2], CQ_ATTACH | KEPT, 0, 0));
        return 0;
    }
    make_kept();
    make_small();
    make_large();
    return 0;
}
