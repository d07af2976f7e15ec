/*
 * legacy.c - what a durable directory has of a queue: which messages are to be there again, and how it was made.
 *
 * It owns the rules by which facts are weighed. It changes nothing, and must not know what a region looks like. Files
 * are read whole, one at a time, and twice: first for the facts, then for the messages that are left.
 */
#include "legacy.h"

#include "disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- the files --------------------------------------------------------------------------------------- */


static int add_file(const char *name, void *context)
{
    struct legacy *legacy = context;
    uint64_t generation;

    legacy->restored |= strcmp(name, FACTS_RESTORED) == 0;
    if (!facts_is_name(name, &generation))
        return 0;
    if (legacy->file_count == legacy->file_room) {
        size_t room = legacy->file_room ? 2 * legacy->file_room : 16;
        struct legacy_file *more = realloc(legacy->files, room * sizeof *more);
        if (!more)
            return ENOMEM;
        legacy->files = more;
        legacy->file_room = room;
    }
    struct legacy_file *file = &legacy->files[legacy->file_count++];
    *file = (struct legacy_file){.generation = generation};
    memcpy(file->name, name, strlen(name) + 1); /* as long as any segment's */
    if (generation > legacy->generation)
        legacy->generation = generation;
    return 0;
}

/* The bytes of a file, for free(). 0 or an error number. */
int legacy_load(int directory, const struct legacy *legacy, size_t index, unsigned char **bytes)
{
    struct legacy_file *file = &legacy->files[index];
    struct disk_identity identity;
    uint64_t size = 0;
    size_t got = 0;
    int descriptor, error = disk()->open(directory, file->name, false, &descriptor);

    *bytes = NULL;
    if (error != 0)
        return error;
    error = disk()->identify(descriptor, &identity, &size);
    if (error == 0 && !(*bytes = malloc((size_t)size + 1)))
        error = ENOMEM;
    if (error == 0)
        error = disk()->read(descriptor, *bytes, (size_t)size, 0, &got);
    disk()->close(descriptor);
    file->size = got;
    if (error != 0) {
        free(*bytes);
        *bytes = NULL;
    }
    return error;
}

/* Have on the disk what was read: somebody may only have written it, or copied it here. */
int legacy_flush(int directory, const struct legacy *legacy)
{
    int error = 0;

    for (size_t i = 0; i < legacy->file_count && error == 0; ++i) {
        int file;
        if ((error = disk()->open(directory, legacy->files[i].name, false, &file)) != 0)
            break;
        error = disk()->flush(file);
        disk()->close(file);
    }
    return error != 0 ? error : disk()->flush_directory(directory);
}

/* ---- the facts --------------------------------------------------------------------------------------- */

static int add_message(struct legacy *legacy, size_t file, uint64_t offset, const struct fact *fact,
                       const unsigned char *body)
{
    if (legacy->survivor_count == legacy->survivor_room) {
        size_t room = legacy->survivor_room ? 2 * legacy->survivor_room : 1024;
        struct survivor *more = realloc(legacy->survivors, room * sizeof *more);
        if (!more)
            return ENOMEM;
        legacy->survivors = more;
        legacy->survivor_room = room;
    }
    struct survivor *survivor = &legacy->survivors[legacy->survivor_count++];
    *survivor = (struct survivor){.position = fact->position, .offset = offset, .size = fact->size,
                                  .file = (uint32_t)file, .deliveries = fact->deliveries};
    if (fact->kind == FACT_FED && fact->size >= sizeof survivor->feed)
        memcpy(&survivor->feed, body, sizeof survivor->feed);
    return 0;
}

/* How far `to` is ahead of `from` on the ring of sequences; less than 0: behind. */
static int64_t ahead(uint64_t to, uint64_t from)
{
    uint64_t distance = sequence_distance(to, from);
    return distance > SEQUENCE_MAX / 2 ? -(int64_t)(SEQUENCE_MAX - distance) : (int64_t)distance;
}

/* What it says of sources is true of the messages that are there if all that its flush wrote is. `messages`: so many
   records of that go before it in the file. Where some are missing, the power went before the flush was done, and
   nobody was told that it was. If no STATE is whole, which takes more than a power cut, the truth is believed. */
static void add_sources(struct legacy *legacy, uint64_t ticket, const struct statement *state, uint64_t messages)
{
    bool whole = state->messages == messages;

    if (whole ? ticket <= legacy->sources_ticket : legacy->sources_ticket != 0 || ticket <= legacy->truth_ticket)
        return;
    memcpy(legacy->truth.sources, state->sources, sizeof state->sources);
    if (whole)
        legacy->sources_ticket = ticket;
}

/* 0 or ENOMEM. */
static int add_state(struct legacy *legacy, const struct fact *fact, const unsigned char *body, uint64_t messages)
{
    struct statement *read = &legacy->read, *truth = &legacy->truth;

    if (state_read(fact, body, read) != 0)
        return ENOMEM;
    if (read->reserve == 0 || read->reserve > SEQUENCE_MAX)
        return 0;
    if (legacy->reserve == 0 || ahead(read->reserve, legacy->reserve) > 0)
        legacy->reserve = read->reserve;
    add_sources(legacy, fact->ticket, read, messages);
    if (fact->ticket <= legacy->truth_ticket)
        return 0;
    memcpy(read->sources, truth->sources, sizeof read->sources);
    free(truth->runs);
    *truth = *read;
    read->runs = NULL;
    legacy->truth_ticket = fact->ticket;
    return 0;
}

/* The id that a segment's name ends with. */
static void id_of_name(const char *name, uint8_t id[FACTS_ID])
{
    static const char digits[] = "0123456789abcdef";
    const char *at = name + strlen(name) - 2 * FACTS_ID;

    for (size_t i = 0; i < FACTS_ID; ++i, at += 2)
        id[i] = (uint8_t)((memchr(digits, at[0], 16) ? (const char *)memchr(digits, at[0], 16) - digits : 0) << 4 |
                          (memchr(digits, at[1], 16) ? (const char *)memchr(digits, at[1], 16) - digits : 0));
}

/* Of one queue? Who may use it may have changed meanwhile. */
static bool is_same_queue(const struct facts_head *a, const struct facts_head *b)
{
    struct facts_shape shape = a->shape;

    shape.permissions = b->shape.permissions;
    return memcmp(a->id, b->id, FACTS_ID) == 0 && memcmp(&shape, &b->shape, sizeof shape) == 0;
}

/* One whose head was not flushed yet has no facts; what is in its place may be the head of a removed file that had the
   block before. CQ_OK, CQ_EVERSION, CQ_ECORRUPT. */
static int judge_head(struct legacy *legacy, const struct legacy_file *file, const uint8_t id[FACTS_ID],
                      const unsigned char *bytes)
{
    struct facts_head head;

    if (file->size < sizeof head)
        return CQ_OK;
    memcpy(&head, bytes, sizeof head);
    if (!facts_check_head(&legacy->crc, &head) || memcmp(head.segment_id, id, FACTS_ID) != 0)
        return CQ_OK;
    if (head.version != FACTS_VERSION || head.shape.features & ~FEATURES)
        return CQ_EVERSION;
    if (head.shape.dead_letter[sizeof head.shape.dead_letter - 1] != '\0')
        return CQ_ECORRUPT;
    if (legacy->exists && !is_same_queue(&head, &legacy->head))
        return CQ_ECORRUPT;
    legacy->same_boot |= memcmp(head.boot, legacy->boot, FACTS_ID) == 0;
    if (!legacy->exists || head.generation >= legacy->head.generation)
        legacy->head = head;
    legacy->exists = true;
    return CQ_OK;
}

static int read_file(int directory, struct legacy *legacy, size_t index)
{
    uint8_t id[FACTS_ID];
    unsigned char *bytes;
    struct fact fact;
    uint64_t ticket = 0, messages = 0; /* of the flush whose records are being read */
    int error = legacy_load(directory, legacy, index, &bytes);

    if (error != 0)
        return error == ELOOP ? CQ_ECORRUPT : home_result(error); /* no file, or a link to one: not written here */
    id_of_name(legacy->files[index].name, id);
    int result = judge_head(legacy, &legacy->files[index], id, bytes);
    for (uint64_t offset = sizeof(struct facts_head);
         result == CQ_OK && facts_next(&legacy->crc, id, bytes, legacy->files[index].size, &offset, &fact);
         offset += fact_bytes(fact.size)) {
        const unsigned char *body = bytes + offset + sizeof fact;
        if (fact.ticket > legacy->newest)
            legacy->newest = fact.ticket;
        if (fact.ticket != ticket)
            messages = 0;
        ticket = fact.ticket;
        messages += fact.kind != FACT_STATE;
        error = fact.kind != FACT_STATE ? add_message(legacy, index, offset, &fact, body)
                                        : add_state(legacy, &fact, body, messages);
        if (error != 0)
            result = CQ_ENOMEM;
    }
    free(bytes);
    return result;
}

/* ---- sorting ----------------------------------------------------------------------------------------- */

/* Is `a` to come before `b`? */
typedef bool survivor_order(const struct legacy *legacy, const struct survivor *a, const struct survivor *b);

static int64_t distance(const struct legacy *legacy, uint64_t position)
{
    uint32_t slots = legacy->head.shape.slots_per_node;
    return (int64_t)position_distance(fact_ticket(position, slots), fact_ticket(legacy->truth.position, slots), slots);
}

static bool by_position(const struct legacy *legacy, const struct survivor *a, const struct survivor *b)
{
    return distance(legacy, a->position) < distance(legacy, b->position);
}

static bool by_file(const struct legacy *legacy, const struct survivor *a, const struct survivor *b)
{
    (void)legacy;
    return a->file != b->file ? a->file < b->file : a->offset < b->offset;
}

/* Where the row that begins at `from`, and is in order, ends. */
static size_t row_end(const struct legacy *legacy, survivor_order *before, size_t from)
{
    while (++from < legacy->survivor_count && !before(legacy, &legacy->survivors[from], &legacy->survivors[from - 1]))
        ;
    return from < legacy->survivor_count ? from : legacy->survivor_count;
}

static void merge(const struct legacy *legacy, survivor_order *before, size_t from, size_t middle, size_t end,
                  struct survivor *to)
{
    const struct survivor *all = legacy->survivors;
    size_t left = from, right = middle;

    for (size_t i = from; i < end; ++i)
        to[i] = left < middle && (right == end || !before(legacy, &all[right], &all[left])) ? all[left++]
                                                                                             : all[right++];
}

/* Rows that are in order are merged, pair by pair: facts mostly are. CQ_OK or CQ_ENOMEM. */
static int sort(struct legacy *legacy, survivor_order *before)
{
    size_t count = legacy->survivor_count;
    struct survivor *other = NULL;

    while (row_end(legacy, before, 0) < count) {
        if (!other && !(other = malloc(count * sizeof *other)))
            return CQ_ENOMEM;
        for (size_t from = 0; from < count;) {
            size_t middle = row_end(legacy, before, from);
            size_t end = middle < count ? row_end(legacy, before, middle) : count;
            merge(legacy, before, from, middle, end, other);
            from = end;
        }
        struct survivor *sorted = other;
        other = legacy->survivors;
        legacy->survivors = sorted;
    }
    free(other);
    return CQ_OK;
}

/* In the order in which they lie in the files. */
int legacy_by_file(struct legacy *legacy) { return sort(legacy, by_file); }

/* ---- what is left ------------------------------------------------------------------------------------ */

/* The run that has the position, by a search in runs that sort_runs has put in order. */
static const struct fact_run *run_with(const struct legacy *legacy, uint64_t position)
{
    size_t low = 0, high = legacy->truth.run_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct fact_run *run = &legacy->truth.runs[middle];
        int64_t offset = distance(legacy, position) - distance(legacy, run->position);
        if (offset >= 0 && offset < run->count)
            return run;
        if (offset < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* Shells: short, and there are few, or they are almost in order. */
static void sort_runs(struct legacy *legacy)
{
    struct fact_run *runs = legacy->truth.runs;
    size_t gap = 1, count = legacy->truth.run_count;

    while (gap < count / 3)
        gap = 3 * gap + 1;
    for (; gap > 0; gap /= 3)
        for (size_t i = gap; i < count; ++i) {
            struct fact_run run = runs[i];
            size_t at = i;
            for (; at >= gap && distance(legacy, run.position) < distance(legacy, runs[at - gap].position); at -= gap)
                runs[at] = runs[at - gap];
            runs[at] = run;
        }
}

/* Of all messages those that the truth says are there, each once, the oldest first. */
static int choose(struct legacy *legacy)
{
    const struct facts_shape *shape = &legacy->head.shape;
    uint64_t largest = sizeof(struct layout_feed) + 8 + 4 + shape->max_headers + shape->max_message_size;
    size_t kept = 0;

    sort_runs(legacy);
    for (size_t i = 0; i < legacy->survivor_count; ++i) {
        struct survivor survivor = legacy->survivors[i];
        const struct fact_run *run = NULL;
        if (legacy->truth_ticket == 0 || survivor.size > largest ||
            (survivor.feed.source != 0 && !state_has(&legacy->truth, &survivor.feed)) ||
            (!(run = run_with(legacy, survivor.position)) && distance(legacy, survivor.position) < 0))
            continue;
        if (run)
            survivor.deliveries = run->deliveries;
        legacy->survivors[kept++] = survivor;
    }
    legacy->survivor_count = kept;
    int result = sort(legacy, by_position);
    if (result != CQ_OK)
        return result;
    kept = 0;
    for (size_t i = 0; i < legacy->survivor_count; ++i)
        if (kept == 0 || legacy->survivors[kept - 1].position != legacy->survivors[i].position)
            legacy->survivors[kept++] = legacy->survivors[i];
    legacy->survivor_count = kept;
    return CQ_OK;
}

/* Read all of it. CQ_OK; CQ_ECORRUPT, CQ_EVERSION: culprit says which file is not to be understood; CQ_EIO, ... */
int legacy_read(int directory, struct legacy *legacy)
{
    int error = disk()->list(directory, add_file, legacy), result = CQ_OK;

    if (error != 0)
        return home_result(error);
    for (size_t i = 0; i < legacy->file_count && result == CQ_OK; ++i) {
        result = read_file(directory, legacy, i);
        if (result != CQ_OK)
            legacy->culprit = legacy->files[i].name;
    }
    if (result != CQ_OK || !legacy->exists)
        return result;
    uint32_t slots = legacy->head.shape.slots_per_node;
    if (slots < 1 || slots > LAYOUT_MAX_SLOTS)
        return CQ_ECORRUPT;
    return choose(legacy);
}

void legacy_free(struct legacy *legacy)
{
    free(legacy->files);
    free(legacy->truth.runs);
    free(legacy->read.runs);
    free(legacy->survivors);
}
