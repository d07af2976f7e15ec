/*
 * segment.c - appending records to a file of this handle's own, and flushing it.
 *
 * It owns the file, how far it was filled with zeros and how far it is written; only one thread at a time may be in
 * here. Whole blocks are written, so that they need not go through the page cache: the last one again with what it had,
 * as the page cache would. After an error the segment is left: what was flushed before stays good, and the next try
 * makes another file. It must not know what the records say, nor what a flush is worth.
 */
#include "segment.h"

#include "os.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_STEP (UINT64_C(1) << 16)
#define LARGEST_STEP (UINT64_C(1) << 20)
#define BLOCK UINT64_C(4096)
#define SEAL 8u /* bytes of a record that has its sum */
#define AHEAD (UINT64_C(1) << 15) /* zeros that are kept ahead, so that a full disk still takes word of releases */

/* Is the descriptor still the file? Another thread may have closed all that the process had. An error number; ENOENT:
   it is, and the file was removed. */
static int is_file(const struct segment *segment)
{
    struct disk_identity now = {0};
    uint64_t size;
    int error = segment->is_open ? disk()->identify(segment->file, &now, &size) : EBADF;
    bool same = now.device == segment->identity.device && now.inode == segment->identity.inode;

    return (error == 0 || error == ENOENT) && !same ? EBADF : error;
}

/* May more be written to it? */
bool segment_is_ours(const struct segment *segment) { return is_file(segment) == 0; }

void segment_leave(struct segment *segment)
{
    int error = is_file(segment);
    char name[DISK_NAME];

    facts_name(&segment->head, name);
    if (error == 0 || error == ENOENT || (error != EBADF && disk()->is_called(segment->file, name)))
        disk()->close(segment->file);
    segment->is_open = false;
}

void segment_free(struct segment *segment)
{
    segment_leave(segment);
    free(segment->buffer);
    segment->buffer = NULL;
}

/* Zeros up to `end` at least, and somewhat further. */
static int fill(struct segment *segment, uint64_t end)
{
    if (end + AHEAD <= segment->filled)
        return 0;
    uint64_t to = round_up(end + AHEAD, segment->step);
    int error = disk()->fill(segment->file, segment->filled, to);

    if (error != 0)
        return end <= segment->filled ? 0 : error;
    segment->filled = to;
    segment->step = segment->step < LARGEST_STEP ? segment->step * 2 : segment->step;
    return 0;
}

static int make_file(struct segment *segment, int directory, const char *name)
{
    uint64_t size;
    int error = disk()->create(directory, name, segment->head.shape.permissions, &segment->file);

    if (error != 0)
        return error;
    segment->is_open = true;
    if ((error = disk()->identify(segment->file, &segment->identity, &size)) == 0 &&
        (error = disk()->fill(segment->file, 0, FIRST_STEP)) == 0 &&
        (error = disk()->write(segment->file, &segment->head, sizeof segment->head, 0)) == 0 &&
        (error = disk()->flush(segment->file)) == 0 && (error = disk()->flush_directory(directory)) == 0)
        return 0;
    segment_leave(segment);
    disk()->unlink(directory, name); /* nothing is in it */
    return error;
}

static int begin_file(struct segment *segment, uint64_t generation)
{
    char name[DISK_NAME];
    int directory, error;

    segment->is_open = false;
    if (!segment->buffer && !(segment->buffer = aligned_alloc(BLOCK, SEGMENT_BUFFER)))
        return ENOMEM;
    segment->head.magic = FACTS_SEGMENT_MAGIC;
    segment->head.version = FACTS_VERSION;
    segment->head.generation = generation;
    if ((error = os_random(segment->head.segment_id, FACTS_ID)) != 0)
        return error;
    facts_seal_head(&segment->crc, &segment->head);
    facts_name(&segment->head, name);
    if ((error = home_open(&segment->home, &directory)) != 0)
        return error;
    error = make_file(segment, directory, name);
    disk()->close(directory);
    segment->end = segment->written = segment->flushed = sizeof segment->head;
    segment->filled = segment->step = FIRST_STEP;
    segment->counted = segment->begin = 0;
    if (error == 0)
        memcpy(segment->buffer, &segment->head, sizeof segment->head);
    return error;
}

/* Another file, for this generation. 0 or an error number: then the segment is as it was. */
int segment_begin(struct segment *segment, uint64_t generation)
{
    struct segment before = *segment;
    int error = begin_file(segment, generation);

    if (error == 0) {
        segment_leave(&before);
        return 0;
    }
    before.buffer = segment->buffer;
    *segment = before;
    return error;
}

/* What is buffered goes into the file. */
static int write_out(struct segment *segment)
{
    uint64_t from = segment->written / BLOCK * BLOCK, to = round_up(segment->end, BLOCK), filled = segment->filled;
    unsigned char *bytes = segment->buffer + (from - segment->begin);
    int error = fill(segment, segment->end);

    if (error != 0 || segment->written == segment->end)
        return error;
    memset(segment->buffer + (segment->end - segment->begin), 0, (size_t)(to - segment->end));
    /* What was filled just now is in the page cache. */
    error = (segment->filled == filled ? disk()->write_blocks : disk()->write)(segment->file, bytes,
                                                                              (size_t)(to - from), from);
    if (error == 0)
        segment->written = segment->end;
    return error;
}

/* What was appended from `end` on is given up; what of it was written already is no record, or one that may stay, and
   is written over. */
static int go_back(struct segment *segment, uint64_t end)
{
    size_t again = (size_t)(end % BLOCK), got = again;
    int error = 0;

    if (end < segment->begin) {
        segment->begin = end - again;
        error = disk()->read(segment->file, segment->buffer, again, segment->begin, &got);
    }
    segment->end = end;
    segment->written = end < segment->written ? end : segment->written;
    return error == 0 && got != again ? EIO : error;
}

static int append_bytes(struct segment *segment, const void *bytes, uint64_t size)
{
    const unsigned char *from = bytes;

    while (size > 0) {
        uint64_t buffered = segment->end - segment->begin;
        if (buffered == SEGMENT_BUFFER) {
            int error = write_out(segment);
            if (error != 0)
                return error;
            segment->begin = segment->end;
            buffered = 0;
        }
        uint64_t room = SEGMENT_BUFFER - buffered, piece = size < room ? size : room;
        memcpy(segment->buffer + buffered, from, (size_t)piece);
        segment->end += piece;
        from += piece;
        size -= piece;
    }
    return 0;
}

/* Begin a record; its crc is not used. Then come fact->size bytes of body, and its end, or it is dropped. */
int segment_fact(struct segment *segment, const struct fact *fact)
{
    segment->fact_at = segment->end;
    segment->fact = *fact;
    segment->sum = facts_begin_crc(&segment->crc, segment->head.segment_id, segment->fact_at, fact);
    return append_bytes(segment, fact, sizeof *fact);
}

int segment_body(struct segment *segment, const void *bytes, size_t size)
{
    segment->sum = crc32c_add(&segment->crc, segment->sum, bytes, size);
    return append_bytes(segment, bytes, size);
}

/* Seal it: only now do its bytes say anything. */
int segment_end_fact(struct segment *segment)
{
    static const unsigned char zeros[8];
    const struct fact *fact = &segment->fact;
    uint64_t at = segment->fact_at, padding = at + fact_bytes(fact->size) - segment->end;
    int error = append_bytes(segment, zeros, padding);

    if (error != 0)
        return error;
    segment->fact.crc = segment->sum;
    if (at < segment->begin) /* these bytes of it are in the file, and the edge is behind them */
        return disk()->write(segment->file, fact, SEAL, at);
    memcpy(segment->buffer + (at - segment->begin), fact, SEAL);
    return 0;
}

/* As if it had not been begun. */
int segment_drop_fact(struct segment *segment) { return go_back(segment, segment->fact_at); }

/* All that was appended is on the disk if this is 0. What was flushed is written again at most as it is: a torn write
   harms nothing older. */
int segment_flush(struct segment *segment)
{
    int error = write_out(segment);

    if (error != 0)
        return error;
    if ((error = disk()->flush(segment->file)) != 0) {
        segment_leave(segment); /* nobody can tell what it has */
        return error;
    }
    if (is_file(segment) == EBADF) { /* another thread replaced the descriptor: what was written is in another file */
        segment_leave(segment);
        return EBADF;
    }
    size_t last = (size_t)(segment->end % BLOCK);
    memmove(segment->buffer, segment->buffer + (segment->end - last - segment->begin), last);
    segment->begin = segment->end - last;
    segment->flushed = segment->end;
    return 0;
}

/* What was not flushed is given up, and not the file: there was only no room. */
void segment_rewind(struct segment *segment)
{
    if (go_back(segment, segment->flushed) != 0)
        segment_leave(segment);
}
