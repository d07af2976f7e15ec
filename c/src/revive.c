/*
 * revive.c - making the region of a durable queue, from what its directory has; a new queue is one of which it has
 * nothing.
 *
 * It owns the order of steps: the messages, a STATE that says the same on the disk, the lock file, the name. Killed
 * anywhere, it is begun again by the next, and finds the same. Nobody else has the region until it has its name, so
 * what is written there is written plainly. It must not know how facts are weighed (legacy.c).
 */
#include "revive.h"

#include "flush.h"
#include "geometry.h"
#include "legacy.h"
#include "memory.h"
#include "node.h"
#include "orphan.h"
#include "region.h"
#include "slot.h"
#include "source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESTORED (UINT64_C(1) << 32) /* that are passed when the directory is a copy */

struct revival {
    struct home *home;
    struct legacy legacy;
    struct segment segment;
    struct statement state;           /* what the first STATE will say */
    uint64_t lives;               /* nodes with messages */
    const char *path;
};

/* ---- the messages ------------------------------------------------------------------------------------ */

static uint64_t sequence_of(const struct revival *revival, size_t survivor)
{
    return revival->legacy.survivors[survivor].position / revival->legacy.head.shape.slots_per_node;
}

/* How often a message was delivered, as the new region says it. It may have been delivered once more than anybody wrote
   down; but that alone gives up no message that may be delivered twice. */
static uint32_t deliveries_after(const struct facts_shape *shape, uint32_t deliveries)
{
    uint64_t most = shape->max_deliveries;

    if (most > 1 && deliveries + 1 == most)
        return deliveries;
    return deliveries < 0xfe ? deliveries + 1 : 0xff;
}

/* A node for each sequence, in their order; and what the STATE will say. CQ_OK or CQ_ENOMEM. */
static int place(struct revival *revival)
{
    struct legacy *legacy = &revival->legacy;

    memcpy(revival->state.sources, legacy->truth.sources, sizeof legacy->truth.sources);
    revival->state.moved = legacy->truth.moved;
    /* What was being moved when a copy was made may have gone over under another number since: letter.c finds one. */
    revival->state.moving = legacy->restored ? 0 : legacy->truth.moving;
    for (size_t i = 0; i < legacy->survivor_count; ++i) {
        struct survivor *survivor = &legacy->survivors[i];
        revival->lives += i == 0 || sequence_of(revival, i) != sequence_of(revival, i - 1);
        survivor->node = (uint32_t)revival->lives - 1;
        survivor->deliveries = deliveries_after(&legacy->head.shape, survivor->deliveries);
        if (state_add_run(&revival->state, survivor->position, survivor->deliveries) != 0)
            return CQ_ENOMEM;
    }
    return CQ_OK;
}

static void write_node(cq_queue *queue, uint32_t number, uint64_t sequence)
{
    struct layout_node *node = node_at(queue, number);
    uint64_t ticket = ticket_word(sequence, queue->geometry.slots_per_node, 0);

    atomic_init(&node->enq, ticket);
    atomic_init(&node->deq, ticket);
    atomic_init(&node->next, link_word(sequence, NODE_NIL));
    atomic_init(&queue->states[number], ticket_word(sequence, NODE_LINKED, 0));
    for (uint32_t i = 0; i < queue->geometry.slots_per_node; ++i)
        atomic_init(&slot_at(queue, node, i)->state, slot_word(sequence, 0, SLOT_DONE, 0));
}

/* What goes before a message, from its record to its slot: as flush.c wrote it. *body and *size become those of the
   message. False: the record contradicts itself. */
static bool write_before(cq_queue *queue, struct layout_slot *slot, const struct survivor *survivor,
                         const unsigned char **body, size_t *size)
{
    unsigned char *payload = slot_payload(queue, slot);
    size_t feed = survivor->feed.source != 0 ? sizeof survivor->feed : 0, time = slot_has_times(queue) ? 8 : 0;
    uint32_t headers = 0;
    size_t length = queue->geometry.max_headers > 0 ? sizeof headers : 0, fixed = feed + time + length;

    if (*size < fixed)
        return false;
    memcpy(&headers, *body + feed + time, length);
    if (headers > queue->geometry.max_headers || headers > *size - fixed ||
        *size - fixed - headers > queue->geometry.max_message_size)
        return false;
    if (feed > 0)
        *slot_feed(queue, payload) = survivor->feed;
    if (time > 0)
        memcpy(slot_time(queue, payload), *body + feed, time);
    if (length > 0)
        slot_set_headers(queue, slot, *body + fixed, headers);
    *body += fixed + headers;
    *size -= fixed + headers;
    return true;
}

/* What was written in this run of the system need not be on the disk, though it was read: a flush of it may have
   failed. The first STATE says how far the sources have come, so what was fed is written once more before it. */
static int write_again(struct revival *revival, const struct survivor *survivor, const unsigned char *body)
{
    struct fact fact = {.kind = FACT_FED, .ticket = revival->legacy.newest + 1, .position = survivor->position,
                        .deliveries = survivor->deliveries, .size = survivor->size};
    int error = segment_fact(&revival->segment, &fact);

    if (error == 0 && (error = segment_body(&revival->segment, body, survivor->size)) == 0)
        error = segment_end_fact(&revival->segment);
    ++revival->state.messages;
    return error == 0 ? CQ_OK : home_result(error);
}

/* An ORPHAN, of these bytes. CQ_OK or an error. */
static int write_survivor(cq_queue *queue, const struct blank *blank, struct revival *revival,
                          const struct survivor *survivor, const unsigned char *bytes)
{
    const unsigned char *body = bytes;
    const struct geometry *g = &queue->geometry;
    uint32_t index = (uint32_t)(survivor->position % g->slots_per_node);
    uint64_t sequence = survivor->position / g->slots_per_node;
    struct layout_node *node = node_at(queue, survivor->node);
    struct layout_slot *slot = slot_at(queue, node, index);
    size_t size = survivor->size;
    uint64_t reach = size < g->max_message_size ? size : g->max_message_size; /* the message has no more */
    int result = CQ_OK;

    if (g->paged && !slot_reaches(queue, slot, reach))
        result = memory_allocate(NULL, blank, (uint64_t)((unsigned char *)slot - queue->base) + LAYOUT_PAGE,
                                 (uint64_t)slot_pages(g, reach) * LAYOUT_PAGE);
    if (result != CQ_OK)
        return result;
    slot_set_reach(queue, slot, reach);
    if (!write_before(queue, slot, survivor, &bytes, &size))
        return CQ_ECORRUPT;
    memcpy(slot_payload(queue, slot), bytes, size);
    uint32_t phase = SLOT_ORPHAN | slot_set_size(queue, slot, size);
    atomic_init(&slot->state, slot_word(sequence, survivor->deliveries, phase, 0));
    atomic_store_explicit(&queue->marks[survivor->node / MARK_NODES], /* nobody else is here */
                          MARK_VERSION | atomic_load_explicit(&queue->marks[survivor->node / MARK_NODES],
                                                              memory_order_relaxed) |
                              mark_bit(survivor->node, MARK_ORPHANS),
                          memory_order_relaxed);
    if (revival->legacy.same_boot && survivor->feed.source != 0)
        return write_again(revival, survivor, body);
    if (!revival->legacy.same_boot)
        flush_note(queue, survivor->node, sequence, index, revival->legacy.files[survivor->file].generation);
    return CQ_OK;
}

static int write_survivors(cq_queue *queue, const struct blank *blank, struct revival *revival, int directory)
{
    struct legacy *legacy = &revival->legacy;
    unsigned char *bytes = NULL;
    int error, result = CQ_OK;

    for (size_t i = 0; i < legacy->survivor_count && result == CQ_OK; ++i) {
        const struct survivor *survivor = &legacy->survivors[i];
        uint64_t at = survivor->offset + sizeof(struct fact);
        if (i == 0 || survivor->file != legacy->survivors[i - 1].file) {
            free(bytes);
            if ((error = legacy_load(directory, legacy, survivor->file, &bytes)) != 0)
                return home_result(error);
        }
        if (at + survivor->size > legacy->files[survivor->file].size)
            result = CQ_EIO; /* it was there a moment ago */
        else
            result = write_survivor(queue, blank, revival, survivor, bytes + at);
    }
    free(bytes);
    return result;
}

/* Nodes with their words, then the messages; and behind them the stub, where the list begins. The file is mapped. */
static int write_nodes(cq_queue *queue, const struct blank *blank, struct revival *revival)
{
    struct legacy *legacy = &revival->legacy;
    int directory = revival->home->directory, result;

    for (size_t i = 0; i < legacy->survivor_count; ++i)
        if (i == 0 || legacy->survivors[i].node != legacy->survivors[i - 1].node)
            write_node(queue, legacy->survivors[i].node, sequence_of(revival, i));
    write_node(queue, (uint32_t)revival->lives, legacy->reserve);
    for (uint32_t i = 0; i < LAYOUT_SOURCE_SLOTS; ++i) {
        const struct state_source *source = &revival->state.sources[i];
        if (source->length > 0)
            source_put(queue, i, source->name, source->length, source->number);
    }
    if ((result = legacy_by_file(legacy)) != CQ_OK)
        return result;
    return write_survivors(queue, blank, revival, directory);
}

/* As write_nodes, through a mapping of the file that is being made. */
static int fill_nodes(const struct blank *blank, const struct geometry *g, struct revival *revival)
{
    cq_queue *queue = aligned_alloc(LAYOUT_LINE, sizeof *queue);
    void *base = NULL;
    int result = queue ? CQ_OK : CQ_ENOMEM;

    for (uint64_t n = 0; n <= revival->lives && result == CQ_OK; ++n)
        result = memory_allocate_node(NULL, blank, g, n);
    if (result == CQ_OK && state_source_count(&revival->state) > 0)
        result = memory_allocate(NULL, blank, LAYOUT_SOURCES_OFFSET, LAYOUT_SUMMARY_OFFSET - LAYOUT_SOURCES_OFFSET);
    if (result == CQ_OK)
        result = result_of_errno(os_map(blank->fd, g->file_size, OS_MAP_WRITE, &base));
    if (result == CQ_OK) {
        memset(queue, 0, sizeof *queue);
        queue->geometry = *g;
        queue->base = base;
        atomic_init(&queue->reached, g->node_count);
        atomic_init(&queue->dues_reached, true);
        queue->marks = (void *)(queue->base + g->marks_offset);
        queue->states = (void *)(queue->base + g->states_offset);
        result = write_nodes(queue, blank, revival);
        os_unmap(base, g->file_size);
    }
    free(queue);
    return result;
}

/* ---- the header, and the disk ------------------------------------------------------------------------ */

/* The list begins at the stub, and the rest goes on, if there was anything before. */
static void set_words(struct layout_header *header, const struct revival *revival)
{
    uint64_t first = revival->legacy.reserve, node = revival->lives;
    uint64_t sources = state_source_count(&revival->state), moving = revival->state.moving;

    header->first_position = ticket_word(first, header->slots_per_node, 0);
    atomic_init(&header->last_hole, header->first_position);
    atomic_init(&header->tail, link_word(first, (uint32_t)node));
    atomic_init(&header->head, link_word(first, (uint32_t)node));
    if (atomic_load_explicit(&header->touched, memory_order_relaxed) < node + 1) /* nobody else is here */
        atomic_init(&header->touched, node + 1);
    atomic_init(&header->orphans, revival->legacy.survivor_count > 0 ? 2 | ORPHANS_DIRTY : 0);
    header->recovered = revival->legacy.survivor_count;
    atomic_init(&header->sources, sources > 0 ? source_words((uint32_t)sources) : 0);
    atomic_init(&header->moved, revival->state.moved);
    atomic_init(&header->moving, moving != 0 ? fact_ticket(moving, header->slots_per_node) : 0);
}

/* What the header of a durable queue has beside others'. */
static int set_durable(struct layout_header *header, const struct revival *revival, uint64_t spare_nodes)
{
    const struct legacy *legacy = &revival->legacy;
    uint64_t bytes = 0;
    int error = os_random(header->incarnation, FACTS_ID);

    for (size_t i = 0; i < legacy->file_count; ++i)
        bytes += legacy->files[i].size;
    header->origin_spare_nodes = spare_nodes;
    memcpy(header->boot, legacy->boot, FACTS_ID);
    memcpy(header->directory, revival->home->path, sizeof header->directory);
    if (legacy->exists)
        memcpy(header->id, legacy->head.id, FACTS_ID);
    if (legacy->exists)
        header->created = legacy->head.shape.created;
    atomic_init(&header->generation, legacy->generation + 1);
    atomic_init(&header->segments, legacy->file_count + 1);
    atomic_init(&header->disk_bytes, bytes);
    atomic_init(&header->generation_bytes, bytes); /* else many short lives would leave files that nobody removes */
    return error;
}

/* Say on the disk what the region has: from now on that is the truth. */
static int write_truth(struct revival *revival, struct layout_header *header)
{
    struct segment *segment = &revival->segment;
    uint64_t first = word_sequence(header->first_position);
    struct statement *state = &revival->state;
    uint64_t ticket = revival->legacy.newest + 1;

    state->reserve = flush_sequence_ahead(first, reserve_step());
    state->position = fact_position(header->first_position, header->slots_per_node);
    int error = state_write(segment, ticket, state);
    if (error == 0)
        error = segment_flush(segment);
    atomic_init(&header->flush_begun, ticket);
    atomic_init(&header->flush_done, ticket);
    atomic_init(&header->reserved_sequence, state->reserve);
    atomic_init(&header->reserve_asked, state->reserve);
    atomic_init(&header->disk_bytes, atomic_load_explicit(&header->disk_bytes, memory_order_relaxed) +
                                         segment->filled); /* nobody else is here */
    return error;
}

static int write_lock(const struct revival *revival, const struct layout_header *header)
{
    struct facts_lock *lock = calloc(1, sizeof *lock);

    if (!lock)
        return ENOMEM;
    lock->magic = FACTS_LOCK_MAGIC;
    lock->version = FACTS_VERSION;
    memcpy(lock->incarnation, header->incarnation, FACTS_ID);
    memcpy(lock->boot, header->boot, FACTS_ID);
    memcpy(lock->id, header->id, FACTS_ID);
    lock->inode = revival->home->identity.inode;
    snprintf(lock->region, sizeof lock->region, "%s", revival->path);
    int error = home_describe(revival->home, lock);
    free(lock);
    return error;
}

/* create_filled's: the header is complete but for what is durable about it. */
static int fill_region(const struct blank *blank, const struct geometry *g, struct layout_header *header,
                       const cq_config *config, void *context)
{
    struct revival *revival = context;
    struct legacy *legacy = &revival->legacy;
    int directory = revival->home->directory, error, result = CQ_OK;
    uint64_t spare = legacy->exists ? legacy->head.shape.spare_nodes : g->spare_nodes;

    if (legacy->exists && legacy->reserve == 0)
        legacy->reserve = word_sequence(header->first_position); /* made, and killed before the first STATE */
    if (legacy->restored) /* what the directory was copied from may have gone on */
        legacy->reserve = flush_sequence_ahead(legacy->reserve, RESTORED);
    if ((error = set_durable(header, revival, spare)) != 0)
        return home_result(error);
    memcpy(revival->segment.head.id, header->id, FACTS_ID);
    memcpy(revival->segment.head.boot, header->boot, FACTS_ID);
    revival->segment.head.shape = facts_shape_of(header, config->permissions ? config->permissions : 0600);
    if ((error = segment_begin(&revival->segment, legacy->generation + 1)) != 0)
        return home_result(error);
    if (legacy->exists) {
        result = fill_nodes(blank, g, revival);
        set_words(header, revival);
        if (result == CQ_OK && (error = legacy_flush(directory, legacy)) != 0)
            result = home_result(error);
    }
    if (result != CQ_OK)
        return result;
    if ((error = write_truth(revival, header)) != 0 || (error = write_lock(revival, header)) != 0)
        return home_result(error);
    return CQ_OK;
}

/* ---- in order ---------------------------------------------------------------------------------------- */

/* Does the queue of the directory have what is asked for? */
static bool is_as_asked(const struct facts_shape *shape, const cq_config *asked)
{
    struct layout_header header;

    memset(&header, 0, sizeof header);
    header.capacity = shape->capacity;
    header.max_message_size = shape->max_message_size;
    header.features = shape->features;
    header.max_headers = shape->max_headers;
    header.max_deliveries = shape->max_deliveries;
    header.time_to_live = shape->time_to_live;
    memcpy(header.dead_letter, shape->dead_letter, sizeof header.dead_letter);
    return region_mismatch(asked, &header) == MISMATCH_NONE;
}

/* How the region is to be made. */
static int shape_of(const struct revival *revival, const cq_config *asked, cq_config *config, struct geometry *g)
{
    const struct facts_shape *shape = &revival->legacy.head.shape;
    struct extras extras = {shape->features, shape->max_headers, shape->max_deliveries, shape->time_to_live};
    int result;

    *config = *asked;
    if (!revival->legacy.exists)
        return create_geometry(asked, g);
    if (!is_as_asked(shape, asked))
        return CQ_EMISMATCH;
    config->capacity = shape->capacity;
    config->max_message_size = shape->max_message_size;
    config->max_memory = shape->max_memory;
    config->reserve = shape->reserve;
    config->permissions = asked->permissions ? asked->permissions : shape->permissions;
    config->dead_letter = shape->dead_letter;
    result = geometry_of(shape->capacity, shape->max_message_size, shape->slots_per_node, shape->hole_slots,
                         shape->spare_nodes + revival->lives, &extras, g);
    return result != CQ_OK ? CQ_EFILESIZE : geometry_set_memory(shape->max_memory, shape->reserve, g);
}

/* Make the region at `path`, for the holder of both locks of the directory. CQ_EEXIST: there is a file; or a queue in
   the directory, and CQ_EXCLUSIVE is asked for. CQ_ENOENT: there is no queue, and CQ_ATTACH is. */
int revive(struct home *home, const char *path, const cq_config *asked, struct os_status *made)
{
    struct revival *revival = calloc(1, sizeof *revival); /* too large for the stacks of some threads */
    struct geometry geometry;
    cq_config config;
    int error, result;

    if (!revival)
        return CQ_ENOMEM;
    struct legacy *legacy = &revival->legacy;
    revival->home = home;
    revival->path = path;
    crc32c_prepare(&legacy->crc);
    revival->segment.crc = legacy->crc;
    revival->segment.home = *home;
    error = disk()->boot(legacy->boot);
    result = error != 0 ? home_result(error) : legacy_read(home->directory, legacy);
    if (result == CQ_OK && legacy->exists && asked->flags & CQ_EXCLUSIVE)
        result = CQ_EEXIST;
    if (result == CQ_OK && !legacy->exists && asked->flags & CQ_ATTACH)
        result = CQ_ENOENT;
    if (result == CQ_OK && (result = place(revival)) == CQ_OK &&
        (result = shape_of(revival, asked, &config, &geometry)) == CQ_OK) {
        struct create_filling filling = {fill_region, revival};
        result = create_filled(path, &config, &geometry, &filling, made);
    }
    if (result == CQ_OK && legacy->restored)
        disk()->unlink(home->directory, FACTS_RESTORED);
    segment_free(&revival->segment);
    free(revival->state.runs);
    legacy_free(legacy);
    free(revival);
    return result;
}
