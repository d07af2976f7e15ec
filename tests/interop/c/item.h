/*
 * item.h - what put-typed and get-typed exchange as a struct, for C and C++.
 */
#pragma once

#include "options.h"

#include <assert.h>

struct item {
    int32_t id;
    double price;
    char name[8]; /* filled up with NULs */
};

static_assert(sizeof(struct item) == 24, "what the other languages take it to be");

static const struct item item_tea = {7, 2.5, "tea"};

/* Ends the program, if the format is another. */
static inline void item_expect_struct(const char *format)
{
    if (strcmp(format, "struct") == 0)
        return;
    fprintf(stderr, "worker: no such format: %s\n", format);
    exit(2);
}

static inline void item_print(const struct item *item)
{
    printf("%d %.*s %g\n", (int)item->id, (int)sizeof item->name, item->name, item->price);
}

static inline void item_print_undecodable(const void *message, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)message;

    printf("undecodable ");
    for (size_t i = 0; i < size; ++i)
        printf("%02x", bytes[i]);
    putchar('\n');
}
