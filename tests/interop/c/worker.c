/*
 * worker.c - what tests/interop asks of every language, by way of cqueue.h: open a queue, produce, consume, hold, walk,
 * and typed messages. bench.c has the mode bench. README.md beside this folder describes the modes.
 */
#define _GNU_SOURCE
#include "bench.h"
#include "item.h"
#include "options.h"
#include "payload.h"
#include "report.h"
#include "results.h"

#include <cqueue.h>

#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>

/* The handle, and what explains its errors. */
static cq_queue *queue;
static const char *queue_name;
static cq_config config = {.struct_size = sizeof(cq_config)};

static int check(int result, size_t size)
{
    char text[1024];

    if (result >= 0)
        return result;
    cq_explain(result, queue_name, &config, size, text, sizeof text);
    fprintf(stderr, "worker: %s: %s\n", result_name(result), text);
    exit(1);
}

static int start(const struct options *options, uint32_t flags)
{
    queue_name = options->name;
    config.directory = options->directory;
    config.flags = flags;
    return cq_open(queue_name, &config, &queue);
}

static cq_stats stats_of_queue(void)
{
    cq_stats stats = {.struct_size = sizeof stats};

    check(cq_stat(queue, &stats), 0);
    return stats;
}

static void *allocate(size_t size)
{
    void *memory = malloc(size ? size : 1);

    if (!memory) {
        perror("worker");
        exit(1);
    }
    return memory;
}

static bool is(const char *text, const char *other) { return strcmp(text, other) == 0; }

static uint32_t flags_of(const char *text)
{
    if (is(text, "create"))
        return CQ_CREATE;
    if (is(text, "exclusive"))
        return CQ_EXCLUSIVE;
    if (is(text, "attach"))
        return CQ_ATTACH;
    if (is(text, "read-only"))
        return CQ_READ_ONLY;
    fprintf(stderr, "worker: no such flags: %s\n", text);
    exit(2);
}

/* ---- open ------------------------------------------------------------------------------------------- */

static void run_open(const struct options *options)
{
    char text[1024];

    config.capacity = options->capacity;
    config.max_message_size = options->max_size;
    int result = start(options, flags_of(options->flags));
    if (result != CQ_OK) {
        cq_explain(result, queue_name, &config, 0, text, sizeof text);
        printf("%s: %s\n", result_name(result), text);
        return;
    }
    cq_stats stats = stats_of_queue();
    printf("ok %" PRIu64 " %" PRIu64 "\n", stats.capacity, stats.max_message_size);
}

/* ---- produce ---------------------------------------------------------------------------------------- */

static void wait_for_room(void)
{
    struct pollfd room = {.events = POLLIN};

    check(cq_room_fd(queue, &room.fd), 0);
    poll(&room, 1, -1);
}

static void produce_copy(const struct options *options, uint64_t end, int ack)
{
    void *message = allocate(options->size);

    for (uint64_t number = options->first; number < end; ++number) {
        payload_write(message, options->size, options->producer, number);
        check(cq_enqueue_wait(queue, message, options->size, -1), options->size);
        report_acknowledged(ack, number + 1 - options->first);
    }
    free(message);
}

static void produce_batch(const struct options *options, uint64_t end, int ack)
{
    unsigned char *memory = allocate(PAYLOAD_MANY * options->size);
    cq_slice messages[PAYLOAD_MANY];

    for (uint64_t number = options->first; number < end;) {
        size_t count = 0, done;
        for (; count < PAYLOAD_MANY && number + count < end; ++count) {
            messages[count] = (cq_slice){memory + count * options->size, options->size};
            payload_write(messages[count].data, options->size, options->producer, number + count);
        }
        if (check(cq_enqueue_batch(queue, messages, count, &done), options->size) == CQ_FULL && done == 0) {
            check(cq_enqueue_wait(queue, messages[0].data, options->size, -1), options->size);
            done = 1;
        }
        number += done;
        report_acknowledged(ack, number - options->first);
    }
    free(memory);
}

static void produce_loan(const struct options *options, uint64_t end, int ack)
{
    cq_message message = {.struct_size = sizeof message};

    for (uint64_t number = options->first; number < end; ++number) {
        while (check(cq_reserve(queue, options->size, &message), options->size) == CQ_FULL)
            wait_for_room();
        payload_write(message.data, options->size, options->producer, number);
        while (check(cq_commit(queue, &message, options->size), options->size) == CQ_FULL)
            wait_for_room();
        report_acknowledged(ack, number + 1 - options->first);
    }
}

static void run_produce(const struct options *options)
{
    uint64_t end = options->first + options->count;
    int ack = report_open(options->ack, 0);

    check(start(options, CQ_ATTACH), 0);
    if (is(options->method, "batch"))
        produce_batch(options, end, ack);
    else if (is(options->method, "loan"))
        produce_loan(options, end, ack);
    else
        produce_copy(options, end, ack);
}

/* ---- consume ---------------------------------------------------------------------------------------- */

static void consume_copy(int64_t idle_ns, int log)
{
    size_t room = stats_of_queue().max_message_size, size;
    void *message = allocate(room);

    while (check(cq_dequeue_wait(queue, message, room, &size, idle_ns), 0) == CQ_OK) {
        struct payload_record record = payload_read(message, size, 0);
        report_received(log, &record, 1);
    }
    free(message);
}

/* Batches while there are messages; the first after a pause is waited for. */
static void consume_batch(int64_t idle_ns, int log)
{
    size_t room = stats_of_queue().max_message_size * PAYLOAD_MANY, done;
    void *memory = allocate(room);
    cq_slice messages[PAYLOAD_MANY];
    struct payload_record records[PAYLOAD_MANY];

    for (;;) {
        if (check(cq_dequeue_batch(queue, memory, room, messages, PAYLOAD_MANY, &done), 0) == CQ_EMPTY) {
            messages[0].data = memory;
            if (check(cq_dequeue_wait(queue, memory, room, &messages[0].size, idle_ns), 0) == CQ_TIMEOUT)
                break;
            done = 1;
        }
        for (size_t i = 0; i < done; ++i)
            records[i] = payload_read(messages[i].data, messages[i].size, 0);
        report_received(log, records, done);
    }
    free(memory);
}

static void consume_loan(int64_t idle_ns, int log)
{
    cq_message message = {.struct_size = sizeof message};

    while (check(cq_take_wait(queue, &message, idle_ns), 0) == CQ_OK) {
        struct payload_record record = payload_read(message.data, message.size, message.deliveries);
        report_received(log, &record, 1);
        check(cq_release(queue, &message), 0);
    }
}

static void run_consume(const struct options *options)
{
    int64_t idle_ns = (int64_t)options->idle_ms * 1000000;
    int log = report_open(options->log, O_APPEND);

    check(start(options, CQ_ATTACH), 0);
    if (is(options->method, "batch"))
        consume_batch(idle_ns, log);
    else if (is(options->method, "loan"))
        consume_loan(idle_ns, log);
    else
        consume_copy(idle_ns, log);
}

/* ---- hold, walk ------------------------------------------------------------------------------------- */

static void run_hold(const struct options *options)
{
    cq_message message = {.struct_size = sizeof message};

    check(start(options, CQ_ATTACH), 0);
    check(cq_take_wait(queue, &message, -1), 0);
    struct payload_record record = payload_read(message.data, message.size, message.deliveries);
    printf("held %" PRIu64 " %" PRIu64 " %" PRIu32 "\n", record.producer, record.number, record.deliveries);
    fflush(stdout);
    for (;;)
        pause();
}

static int print_message(const cq_message *message, void *context)
{
    const unsigned char *data = message->data;

    (void)context;
    printf("%" PRIu64 " %" PRIu32 " %s", message->position, message->deliveries, message->size ? "" : "-");
    for (size_t i = 0; i < message->size; ++i)
        printf("%02x", data[i]);
    putchar('\n');
    return 0;
}

static void run_walk(const struct options *options)
{
    check(start(options, CQ_READ_ONLY), 0);
    check(cq_walk(queue, print_message, NULL), 0);
}

/* ---- put-typed, get-typed --------------------------------------------------------------------------- */

static void run_put_typed(const struct options *options)
{
    item_expect_struct(options->format);
    check(start(options, CQ_ATTACH), 0);
    for (uint64_t i = 0; i < options->count; ++i)
        check(cq_enqueue_wait(queue, &item_tea, sizeof item_tea, -1), sizeof item_tea);
}

static void run_get_typed(const struct options *options)
{
    cq_message message = {.struct_size = sizeof message};
    struct item item;

    item_expect_struct(options->format);
    check(start(options, CQ_ATTACH), 0);
    for (uint64_t i = 0; i < options->count; ++i) {
        if (check(cq_take_wait(queue, &message, 10 * INT64_C(1000000000)), 0) == CQ_TIMEOUT) {
            fprintf(stderr, "worker: no value came for 10 s\n");
            exit(1);
        }
        if (message.size == sizeof item) {
            memcpy(&item, message.data, sizeof item);
            item_print(&item);
            check(cq_release(queue, &message), 0);
        } else {
            item_print_undecodable(message.data, message.size);
            check(cq_return(queue, &message), 0);
        }
    }
}

/* ---- which ------------------------------------------------------------------------------------------ */

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(const struct options *options);
    } modes[] = {{"open", run_open}, {"produce", run_produce}, {"consume", run_consume},
                 {"hold", run_hold}, {"walk", run_walk},       {"bench", bench_run},
                 {"put-typed", run_put_typed},         {"get-typed", run_get_typed}};
    struct options options = options_parse(argc, argv);

    for (size_t i = 0; i < sizeof modes / sizeof *modes; ++i)
        if (is(options.mode, modes[i].name)) {
            modes[i].run(&options);
            cq_close(queue);
            return fflush(stdout) == 0 ? 0 : 1;
        }
    fprintf(stderr, "worker: no such mode: %s\n", options.mode);
    return 2;
}
