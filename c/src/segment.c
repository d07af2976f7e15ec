/*
 * segment.c - appending records to a file of this handle's own, and flushing it.
 *
 * It owns the file, how far it was filled with zeros and how far it is written; only one thread at a time may be in
 * here. After an error the segment is left: what was flushed before stays good, and the next try makes another file. It
 * must not know what the records say, nor what a flush is worth.
 */
#include "segment.h"

#include "os.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_STEP (UINT64_C(1) << 16)
#define LARGEST_STEP (UINT64_C(1) << 20)
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
    segment->buffered = 0;
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
    segment->buffered = 0;
    if (!segment->buffer && !(segment->buffer = malloc(SEGMENT_BUFFER)))
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
    segment->end = segment->flushed = sizeof segment->head;
    segment->filled = segment->step = FIRST_STEP;
    segment->counted = 0;
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
    uint64_t size = segment->buffered;
    int error = fill(segment, segment->end);

    if (error == 0 && size > 0)
        error = disk()->write(segment->file, segment->buffer, (size_t)size, segment->end - size);
    segment->buffered = 0;
    return error;
}

static int append_bytes(struct segment *segment, const void *bytes, uint64_t size)
{
    const unsigned char *from = bytes;

    while (size > 0) {
        int error;
        if (segment->buffered == SEGMENT_BUFFER && (error = write_out(segment)) != 0)
            return error;
        uint64_t room = SEGMENT_BUFFER - segment->buffered, piece = size < room ? size : room;
        memcpy(segment->buffer + segment->buffered, from, (size_t)piece);
        segment->buffered += piece;
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
    uint64_t padding = segment->fact_at + fact_bytes(segment->fact.size) - segment->end;
    int error = append_bytes(segment, zeros, padding);
    uint64_t written = segment->end - segment->buffered;

    segment->fact.crc = segment->sum;
    if (error == 0 && segment->fact_at >= written)
        memcpy(segment->buffer + (segment->fact_at - written), &segment->fact, sizeof segment->fact);
    else if (error == 0 && (error = write_out(segment)) == 0) /* across the buffer's edge, or written already */
        error = disk()->write(segment->file, &segment->fact, sizeof segment->fact, segment->fact_at);
    return error;
}

/* As if it had not been begun. What of it was written already is no record, and is written over. */
void segment_drop_fact(struct segment *segment)
{
    uint64_t written = segment->end - segment->buffered;

    segment->end = segment->fact_at;
    segment->buffered = segment->fact_at > written ? segment->fact_at - written : 0;
}

/* All that was appended is on the disk if this is 0. Nothing is written twice: a torn write harms nothing older. */
int segment_flush(struct segment *segment)
{
    int error = write_out(segment);

    if (error != 0)
        return error;
    if ((error = disk()->flush(segment->file)) != 0) {
        segment_leave(segment); /* nobody can tell what it has */
        return error;
    }
    segment->flushed = segment->end;
    return 0;
}

/* What was not flushed is given up, and not the file: there was only no room. */
void segment_rewind(struct segment *segment)
{
    segment->end = segment->flushed;
    segment->buffered = 0;
}
