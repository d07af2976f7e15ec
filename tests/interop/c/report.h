/*
 * report.h - the files in which a worker says what it has done, readable at any moment, also after its death. For C and C++.
 */
#pragma once

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "payload.h"

static inline int report_open(const char *path, int flags)
{
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);

    if (file < 0) {
        perror(path);
        exit(1);
    }
    return file;
}

/* A producer's: how many messages the queue has acknowledged. */
static inline void report_acknowledged(int file, uint64_t count)
{
    if (pwrite(file, &count, sizeof count, 0) != sizeof count) {
        perror("acknowledgement");
        exit(1);
    }
}

/* A consumer's: the messages that came, appended to a file opened with O_APPEND. */
static inline void report_received(int file, const struct payload_record *records, size_t count)
{
    if (write(file, records, count * sizeof *records) != (ssize_t)(count * sizeof *records)) {
        perror("log");
        exit(1);
    }
}
