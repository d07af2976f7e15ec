/* segment.h - the file to which a handle appends what it puts on the disk. */
#ifndef CQ_SEGMENT_H
#define CQ_SEGMENT_H

#include "home.h"

#define SEGMENT_BUFFER (UINT64_C(1) << 18)  /* written at a time; a multiple of what blocks have */
#define SEGMENT_MOST (UINT64_C(1) << 26)    /* a segment that has grown to this is left for another */

/* Zeroed, and with `home`, `crc` and the head's id, boot and shape set, it is ready for segment_begin. */
struct segment {
    struct crc32c crc;
    struct home home;
    struct facts_head head;
    bool is_open;
    int file;
    struct disk_identity identity;
    uint64_t end, written, flushed, filled; /* appended, in the file, on the disk, and of zeros up to here */
    uint64_t step;                 /* so much is filled next */
    uint64_t counted;              /* sync.c's: of `filled` */
    unsigned char *buffer;
    uint64_t begin;                /* what it holds begins here, with a block, and ends at `end` */
    uint64_t fact_at;              /* the record that is being appended */
    struct fact fact;
    uint32_t sum;
};

int segment_begin(struct segment *segment, uint64_t generation);
int segment_fact(struct segment *segment, const struct fact *fact);
int segment_body(struct segment *segment, const void *bytes, size_t size);
int segment_end_fact(struct segment *segment);
int segment_drop_fact(struct segment *segment);
int segment_flush(struct segment *segment);
void segment_rewind(struct segment *segment);
bool segment_is_ours(const struct segment *segment);
void segment_leave(struct segment *segment);
void segment_free(struct segment *segment);

#endif
