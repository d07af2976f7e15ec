/*
 * options.h - the command line of the C and C++ workers: a mode, then `--key value` pairs. For C and C++.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    const char *mode, *name, *directory, *flags, *method, *format, *ack, *log, *seconds;
    uint64_t capacity, max_size, producer, first, count, size, idle_ms;
};

/* The value of text: all digits, or the end. */
static inline uint64_t options_number(const char *key, const char *text)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);

    if (*text < '0' || *text > '9' || *end) {
        fprintf(stderr, "worker: %s takes a number, not %s\n", key, text);
        exit(2);
    }
    return value;
}

static inline void options_set(struct options *options, const char *key, const char *value)
{
    const struct {
        const char *key, **to;
    } texts[] = {{"--name", &options->name},     {"--directory", &options->directory}, {"--flags", &options->flags},
                 {"--method", &options->method}, {"--format", &options->format},       {"--ack", &options->ack},
                 {"--log", &options->log},       {"--seconds", &options->seconds}};
    const struct {
        const char *key;
        uint64_t *to;
    } numbers[] = {{"--capacity", &options->capacity}, {"--max-size", &options->max_size},
                   {"--producer", &options->producer}, {"--first", &options->first},
                   {"--count", &options->count},       {"--size", &options->size},
                   {"--idle-ms", &options->idle_ms}};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i)
        if (strcmp(key, texts[i].key) == 0) {
            *texts[i].to = value;
            return;
        }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; ++i)
        if (strcmp(key, numbers[i].key) == 0) {
            *numbers[i].to = options_number(key, value);
            return;
        }
    fprintf(stderr, "worker: no such option: %s\n", key);
    exit(2);
}

static inline struct options options_parse(int argc, char **argv)
{
    struct options options;

    memset(&options, 0, sizeof options);
    options.mode = argc > 1 ? argv[1] : "";
    options.flags = "create";
    options.method = "copy";
    options.format = "struct";
    options.seconds = "1";
    for (int i = 2; i < argc; i += 2) {
        if (i + 1 == argc) {
            fprintf(stderr, "worker: %s has no value\n", argv[i]);
            exit(2);
        }
        options_set(&options, argv[i], argv[i + 1]);
    }
    if (!options.name || !options.directory) {
        fprintf(stderr, "worker: --name or --directory is missing\n");
        exit(2);
    }
    return options;
}
