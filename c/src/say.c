/*
 * say.c - a text put together from pieces, in a buffer that may be too small for it.
 *
 * It owns the counting: a text's length is that of the whole, whatever of it there was room for.
 */
#include "explain.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

void say(struct text *text, const char *format, ...)
{
    va_list arguments;
    size_t room = text->length < text->size ? text->size - text->length : 0;

    va_start(arguments, format);
    int written = vsnprintf(room ? text->to + text->length : NULL, room, format, arguments);
    va_end(arguments);
    text->length += written > 0 ? (size_t)written : 0;
}

/* Between two pieces of text: say_count(text, "it has ", count, "message", ", "). */
void say_count(struct text *text, const char *before, uint64_t count, const char *noun, const char *after)
{
    say(text, "%s%" PRIu64 " %s%s%s", before, count, noun, count == 1 ? "" : "s", after);
}

/* The verb that goes with a count. */
const char *say_are(uint64_t count) { return count == 1 ? "is" : "are"; }

/* The same, in larger units too. */
void say_bytes(struct text *text, const char *before, uint64_t bytes, const char *after)
{
    static const char units[] = "KMGTPE";
    double value = (double)bytes;
    int unit = -1;

    for (; value >= 1024 && unit < 5; ++unit)
        value /= 1024;
    say_count(text, before, bytes, "byte", "");
    if (unit >= 0)
        say(text, " (%.1f %ciB)", value, units[unit]);
    say(text, "%s", after);
}
