/*
 * explain.h - what explain.c found out about a case, and the text that it becomes.
 */
#ifndef CQ_EXPLAIN_H
#define CQ_EXPLAIN_H

#include "config.h"
#include "handle.h"
#include "os.h"

/* What can be said about a case: any of it may be missing. */
struct found {
    const char *name, *directory;
    const cq_config *given;
    cq_config config; /* complete, or all defaults if `given` cannot be understood */
    bool understood;
    char *path;
    struct os_status status;
    int status_error; /* 0: there is a status */
    struct layout_header header;
    struct geometry geometry; /* of the region, or of the one that would be made */
    bool has_header, has_region, has_geometry;
};

struct text {
    char *to;
    size_t size, length;
};

/* ---- say.c ---- */
void say(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void say_count(struct text *text, const char *before, uint64_t count, const char *noun, const char *after);
void say_bytes(struct text *text, const char *before, uint64_t bytes, const char *after);
const char *say_are(uint64_t count);

/* ---- trouble.c ---- */
bool trouble_explain(struct text *text, int result, const struct found *found);

/* ---- shortage.c ---- */
void shortage_space(struct text *text, const struct found *found);
void shortage_memory(struct text *text, const struct found *found);
void shortage_process(struct text *text);
void shortage_file_size(struct text *text, const struct found *found);

#endif
