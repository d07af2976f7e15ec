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

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESTORED (UINT64_C(1) << 32) /* that are passed when the directory is a copy */

struct revival {
    struct home *home;
    struct legacy legacy;
    struct segment segment;
    struct fact_run *runs;
    size_t run_count;
    uint64_t lives;               /* nodes with messages */
    const char *path;
};

/* ---- the messages ------------------------------------------------------------------------------------ */

static uint64_t sequence_of(const struct revival *revival, size_t survivor)
{
    return revival->legacy.survivors[survivor].position / revival->legacy.head.shape.slots_per_node;
}

/* A node for each sequence, in their order; and what the STATE will say. CQ_OK or CQ_ENOMEM. */
static int place(struct revival *revival)
{
    struct legacy *legacy = &revival->legacy;
    struct fact_run *last = NULL;

    revival->runs = malloc((legacy->survivor_count + 1) * sizeof *revival->runs);
    if (!revival->runs)
        return CQ_ENOMEM;
    for (size_t i = 0; i < legacy->survivor_count; ++i) {
        struct survivor *survivor = &legacy->survivors[i];
        revival->lives += i == 0 || sequence_of(revival, i) != sequence_of(revival, i - 1);
        survivor->node = (uint32_t)revival->lives - 1;
        survivor->deliveries = survivor->deliveries < 0xfe ? survivor->deliveries + 1 : 0xff;
        if (last && last->position + last->count == survivor->position && last->deliveries == survivor->deliveries)
            ++last->count;
        else {
            last = &revival->runs[revival->run_count++];
            *last = (struct fact_run){survivor->position, 1, survivor->deliveries};
        }
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

/* An ORPHAN, of these bytes. CQ_OK or an error. */
static int write_survivor(cq_queue *queue, const struct blank *blank, const struct revival *revival,
                          const struct survivor *survivor, const unsigned char *bytes)
{
    const struct geometry *g = &queue->geometry;
    uint32_t index = (uint32_t)(survivor->position % g->slots_per_node);
    uint64_t sequence = survivor->position / g->slots_per_node;
    struct layout_node *node = node_at(queue, survivor->node);
    struct layout_slot *slot = slot_at(queue, node, index);
    int result = CQ_OK;

    if (g->paged && !slot_reaches(queue, slot, survivor->size))
        result = memory_allocate(NULL, blank, (uint64_t)((unsigned char *)slot - queue->base) + LAYOUT_PAGE,
                                 (uint64_t)slot_pages(g, survivor->size) * LAYOUT_PAGE);
    if (result != CQ_OK)
        return result;
    slot_set_reach(queue, slot, survivor->size);
    memcpy(slot_payload(queue, slot), bytes, survivor->size);
    uint32_t phase = SLOT_ORPHAN | slot_set_size(queue, slot, survivor->size);
    atomic_init(&slot->state, slot_word(sequence, survivor->deliveries, phase, 0));
    atomic_store_explicit(&queue->marks[survivor->node / MARK_NODES], /* nobody else is here */
                          MARK_VERSION | atomic_load_explicit(&queue->marks[survivor->node / MARK_NODES],
                                                              memory_order_relaxed) |
                              mark_bit(survivor->node, MARK_ORPHANS),
                          memory_order_relaxed);
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
    if (result == CQ_OK)
        result = result_of_errno(os_map(blank->fd, g->file_size, OS_MAP_WRITE, &base));
    if (result == CQ_OK) {
        memset(queue, 0, sizeof *queue);
        queue->geometry = *g;
        queue->base = base;
        queue->marks = (void *)(queue->base + g->marks_offset);
        queue->states = (void *)(queue->base + g->states_offset);
        result = write_nodes(queue, blank, revival);
        os_unmap(base, g->file_size);
    }
    free(queue);
    return result;
}

/* ---- the header, and the disk ------------------------------------------------------------------------ */

/* The list begins at the stub, if there was anything before. */
static void set_ends(struct layout_header *header, const struct revival *revival)
{
    uint64_t first = revival->legacy.reserve, node = revival->lives;

    header->first_position = ticket_word(first, header->slots_per_node, 0);
    atomic_init(&header->last_hole, header->first_position);
    atomic_init(&header->tail, link_word(first, (uint32_t)node));
    atomic_init(&header->head, link_word(first, (uint32_t)node));
    if (atomic_load_explicit(&header->touched, memory_order_relaxed) < node + 1) /* nobody else is here */
        atomic_init(&header->touched, node + 1);
    atomic_init(&header->orphans, revival->legacy.survivor_count > 0 ? 2 | ORPHANS_DIRTY : 0);
    header->recovered = revival->legacy.survivor_count;
}

/* What the header of a durable queue has beside others'. */
static int set_durable(struct layout_header *header, const struct revival *revival, uint64_t spare_nodes)
{
    const struct legacy *legacy = &revival->legacy;
    uint64_t bytes = 0;
    int error = os_random(header->incarnation, FACTS_ID);

    for (size_t i = 0; i < legacy->file_count; ++i)
        bytes += legacy->files[i].size;
    header->features |= LAYOUT_DURABLE;
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

static void set_shape(struct facts_shape *shape, const struct layout_header *header, const cq_config *config)
{
    *shape = (struct facts_shape){.capacity = header->capacity, .max_message_size = header->max_message_size,
                                  .hole_slots = header->hole_slots, .spare_nodes = header->origin_spare_nodes,
                                  .max_memory = header->max_memory, .reserve = header->reserve,
                                  .created = header->created, .slots_per_node = header->slots_per_node,
                                  .permissions = config->permissions ? config->permissions : 0600};
}

/* Say on the disk what the region has: from now on that is the truth. */
static int write_truth(struct revival *revival, struct layout_header *header)
{
    struct segment *segment = &revival->segment;
    uint64_t first = word_sequence(header->first_position);
    struct fact_state state = {flush_sequence_ahead(first, reserve_step()), revival->run_count};
    size_t size = revival->run_count * sizeof *revival->runs;
    struct fact fact = {.kind = FACT_STATE, .ticket = revival->legacy.newest + 1,
                        .size = (uint32_t)(sizeof state + size),
                        .position = fact_position(header->first_position, header->slots_per_node)};
    int error = segment_begin(segment, revival->legacy.generation + 1);

    if (error == 0 && (error = segment_fact(segment, &fact)) == 0 &&
        (error = segment_body(segment, &state, sizeof state)) == 0 &&
        (error = segment_body(segment, revival->runs, size)) == 0 && (error = segment_end_fact(segment)) == 0)
        error = segment_flush(segment);
    atomic_init(&header->flush_begun, fact.ticket);
    atomic_init(&header->flush_done, fact.ticket);
    atomic_init(&header->reserved_sequence, state.reserve);
    atomic_init(&header->reserve_asked, state.reserve);
    atomic_init(&header->disk_bytes, atomic_load_explicit(&header->disk_bytes, memory_order_relaxed) +
                                         segment->filled); /* nobody else is here */
    segment_free(segment);
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
    if (legacy->exists) {
        result = fill_nodes(blank, g, revival);
        set_ends(header, revival);
        if (result == CQ_OK && (error = legacy_flush(directory, legacy)) != 0)
            result = home_result(error);
    }
    if (result != CQ_OK)
        return result;
    memcpy(revival->segment.head.id, header->id, FACTS_ID);
    memcpy(revival->segment.head.boot, header->boot, FACTS_ID);
    set_shape(&revival->segment.head.shape, header, config);
    if ((error = write_truth(revival, header)) != 0 || (error = write_lock(revival, header)) != 0)
        return home_result(error);
    return CQ_OK;
}

/* ---- in order ---------------------------------------------------------------------------------------- */

/* How the region is to be made. */
static int shape_of(const struct revival *revival, const cq_config *asked, cq_config *config, struct geometry *g)
{
    const struct facts_shape *shape = &revival->legacy.head.shape;
    int result;

    *config = *asked;
    if (!revival->legacy.exists)
        return create_geometry(asked, g);
    if ((asked->capacity && asked->capacity != shape->capacity) ||
        (asked->max_message_size && asked->max_message_size != shape->max_message_size))
        return CQ_EMISMATCH;
    config->capacity = shape->capacity;
    config->max_message_size = shape->max_message_size;
    config->max_memory = shape->max_memory;
    config->reserve = shape->reserve;
    config->permissions = asked->permissions ? asked->permissions : shape->permissions;
    struct extras none = {0};
    result = geometry_of(shape->capacity, shape->max_message_size, shape->slots_per_node, shape->hole_slots,
                         shape->spare_nodes + revival->lives, &none, g);
    return result != CQ_OK ? CQ_EFILESIZE : geometry_set_memory(shape->max_memory, shape->reserve, g);
}

/* Make the region at `path`, for the holder of both locks of the directory. CQ_EEXIST: there is a file; or a queue in
   the directory, and CQ_EXCLUSIVE is asked for. CQ_ENOENT: there is no queue, and CQ_ATTACH is. */
int revive(struct home *home, const char *path, const cq_config *asked, struct os_status *made)
{
    struct revival revival = {.home = home, .path = path};
    struct legacy *legacy = &revival.legacy;
    struct geometry geometry;
    cq_config config;
    int error, result;

    crc32c_prepare(&legacy->crc);
    revival.segment.crc = legacy->crc;
    revival.segment.home = *home;
    error = disk()->boot(legacy->boot);
    result = error != 0 ? home_result(error) : legacy_read(home->directory, legacy);
    if (result == CQ_OK && legacy->exists && asked->flags & CQ_EXCLUSIVE)
        result = CQ_EEXIST;
    if (result == CQ_OK && !legacy->exists && asked->flags & CQ_ATTACH)
        result = CQ_ENOENT;
    if (result == CQ_OK && (result = place(&revival)) == CQ_OK &&
        (result = shape_of(&revival, asked, &config, &geometry)) == CQ_OK) {
        struct create_filling filling = {fill_region, &revival};
        result = create_filled(path, &config, &geometry, &filling, made);
    }
    if (result == CQ_OK && legacy->restored)
        disk()->unlink(home->directory, FACTS_RESTORED);
    free(revival.runs);
    legacy_free(legacy);
    return result;
}
