/*
 * create.c - making a region: complete under no name, then linked into place.
 *
 * It owns the first bytes of a region. A creator killed anywhere leaves nothing: until linkat the file has no name, and
 * after it the file is whole. Another thread may close the descriptor, and open a file that gets its number: before
 * anything is done to what is behind the number, it is asked what that is. It must not know about handles.
 */
#include "create.h"

#include "geometry.h"
#include "memory.h"
#include "region.h"
#include "slot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_CAPACITY 65536u
#define DEFAULT_MESSAGE 4096u
#define NODE_BYTES 8192u                 /* a node of small messages stays in the first-level cache */
#define NODE_SLOTS 64u                   /* for larger messages, so that what a node costs is shared by that many ... */
#define NODE_BYTES_MOST 32768u           /* ... as long as it is not larger than this */
#define SPARE_BYTES (UINT64_C(1) << 36)  /* address space, not memory, for what is rarely used */
#define HOLE_BYTES (UINT64_C(1) << 23)   /* given-up slots that cost no capacity: a quarter of it, and this ... */
#define TO_ATTACH 2u                     /* descriptors */
#define MORE_HOLES 1024u                 /* ... but not more than so many */
#define MORE_HELD 64u                    /* without max_held so many more than the capacity may be held ... */
#define MOST_HELD (2 * LAYOUT_MAX_OWNER) /* ... and at most */

#ifdef CQ_TESTING
#include "testing.h"
struct cq_testing cq_testing;
#else
static const struct { uint32_t slots_per_node, spare_nodes; uint64_t first_sequence, hole_slots; } cq_testing;
#endif

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high)
{
    return value < low ? low : value > high ? high : value;
}

static struct extras config_extras(const cq_config *config)
{
    if (!config)
        return (struct extras){0};
    bool times = config->flags & CQ_ENQUEUE_TIMES || config->time_to_live != 0;
    bool durable = config->flags & (CQ_DURABLE | CQ_SYNC);
    return (struct extras){
        .features = (config->flags & CQ_EXCLUSIVE_CONSUMER ? FEATURE_EXCLUSIVE : 0) | (times ? FEATURE_TIMES : 0) |
                    (durable ? LAYOUT_DURABLE : 0),
        .max_headers = config->max_headers, .max_deliveries = config->max_deliveries,
        .time_to_live = config->time_to_live};
}

/* K by the bytes of a node, and more if the nodes would not suffice otherwise. Each held message may pin a node of its
   own, so that X is how many may be held for sure; nodes never used cost nothing but addresses. */
int create_geometry(const cq_config *config, struct geometry *g)
{
    uint64_t capacity = config && config->capacity ? config->capacity : DEFAULT_CAPACITY;
    uint64_t message = config && config->max_message_size ? config->max_message_size : DEFAULT_MESSAGE;
    uint64_t max_held = config ? config->max_held : 0;
    struct extras extras = config_extras(config);
    int result = geometry_of(1, message, 1, 0, 0, &extras, g);

    if (result != CQ_OK || capacity > LAYOUT_MAX_CAPACITY || max_held > LAYOUT_MAX_NODES)
        return CQ_EINVAL;
    uint64_t holes = clamp(capacity / 4 + clamp(HOLE_BYTES / g->slot_stride, 64, MORE_HOLES), 64,
                           clamp(SPARE_BYTES / g->slot_stride, 64, LAYOUT_MAX_CAPACITY));
    if (cq_testing.hole_slots)
        holes = cq_testing.hole_slots;
    uint64_t slots = clamp(NODE_BYTES_MOST / g->slot_stride, 1, NODE_SLOTS);
    slots = clamp(NODE_BYTES / g->slot_stride, slots, LAYOUT_MAX_SLOTS);
    uint64_t most = LAYOUT_MAX_NODES - clamp(max_held, 2 * LAYOUT_PARTICIPANTS, LAYOUT_MAX_NODES / 2) - 2;
    slots = clamp((capacity + holes + most - 1) / most, slots, UINT32_MAX);
    if (cq_testing.slots_per_node)
        slots = cq_testing.slots_per_node;
    uint64_t bytes = slots * g->slot_stride, most_spare = clamp(SPARE_BYTES / bytes, 128, MOST_HELD);
    uint64_t spare = clamp(capacity + MORE_HELD, 0, most_spare);
    if (max_held)
        spare = max_held;
    if ((result = geometry_of(capacity, message, (uint32_t)slots, holes, 0, &extras, g)) != CQ_OK)
        return result;
    spare += geometry_trim_nodes(g);
    if (cq_testing.spare_nodes)
        spare = cq_testing.spare_nodes;
    result = geometry_of(capacity, message, (uint32_t)slots, holes, spare, &extras, g);
    if (result == CQ_OK && config)
        result = geometry_set_memory(config->max_memory, config->reserve, g);
    return result;
}

static int write_at(const struct blank *blank, uint64_t offset, const void *from, size_t size)
{
    return memory_is_there(blank) ? os_write(blank->fd, from, size, offset) : EBADF;
}

/* The first node, LINKED and empty, and the header that points to it; the header last. */
static int write_region(const struct blank *blank, const struct geometry *g, const cq_config *config,
                        const struct create_filling *filling)
{
    uint64_t first = cq_testing.first_sequence ? cq_testing.first_sequence : 1;
    uint64_t ticket = ticket_word(first, 0, 0), state = ticket_word(first, NODE_LINKED, 0);
    struct layout_header header;
    struct layout_node node;

    /* The gaps between the lines go into the file as well, which others may read: nothing of this process's memory. */
    memset(&header, 0, sizeof header);
    memset(&node, 0, sizeof node);
    atomic_init(&node.enq, ticket);
    atomic_init(&node.deq, ticket);
    atomic_init(&node.next, link_word(first, NODE_NIL));
    atomic_init(&header.magic, LAYOUT_MAGIC);
    header.format_version = LAYOUT_FORMAT_VERSION;
    header.byte_order = LAYOUT_BYTE_ORDER;
    header.word_bits = 64;
    header.slots_per_node = g->slots_per_node;
    header.capacity = g->capacity;
    header.max_message_size = g->max_message_size;
    header.hole_slots = g->hole_slots;
    header.spare_nodes = g->spare_nodes;
    header.slot_stride = g->slot_stride;
    header.node_stride = g->node_stride;
    header.node_count = g->node_count;
    header.summary_offset = LAYOUT_SUMMARY_OFFSET;
    header.bitmap_offset = g->bitmap_offset;
    header.states_offset = g->states_offset;
    header.nodes_offset = g->nodes_offset;
    header.file_size = g->file_size;
    header.max_memory = g->max_memory;
    header.features = g->features;
    header.max_headers = g->max_headers;
    header.max_deliveries = g->max_deliveries;
    header.time_to_live = g->time_to_live;
    if (config && config->dead_letter) /* config_fault has seen how long it is */
        memcpy(header.dead_letter, config->dead_letter, strlen(config->dead_letter));
    header.reserve = config ? config->reserve : 0;
    header.first_position = ticket;
    header.created = os_clock(OS_DATE);
    int error = os_random(header.id, sizeof header.id), result;
    atomic_init(&header.tail, link_word(first, 0));
    atomic_init(&header.head, link_word(first, 0));
    atomic_init(&header.touched, g->reserved_nodes > 1 ? g->reserved_nodes : 1);
    atomic_init(&header.last_hole, ticket);
    atomic_init(&header.free_id, 1);
    if (error == 0)
        error = write_at(blank, g->nodes_offset, &node, sizeof node);
    if (error == 0)
        error = write_at(blank, g->states_offset, &state, sizeof state);
    if (error == 0 && filling && (result = filling->fill(blank, g, &header, config, filling->context)) != CQ_OK)
        return result;
    if (error == 0)
        error = write_at(blank, 0, &header, sizeof header);
    return result_of_errno(error);
}

/* Memory for what must not lack it: all participants, and the first nodes with all that their slots may hold. They are
   free, as fresh memory is; the hints that say so, and the marks of what the slots reach, go into the file. */
static int reserve_nodes(const struct blank *blank, const struct geometry *g)
{
    uint64_t count = g->reserved_nodes, end = g->nodes_offset + count * g->node_stride;
    int error = 0, result = count > 0 ? memory_allocate(NULL, blank, 0, LAYOUT_SUMMARY_OFFSET) : CQ_OK;

    for (uint64_t n = 0; n < count && result == CQ_OK; n += LAYOUT_PAGE / 8) /* their states, marks and hints */
        result = memory_allocate_node(NULL, blank, g, n);
    if (count > 0 && result == CQ_OK)
        result = memory_allocate(NULL, blank, g->nodes_offset, end - g->nodes_offset);
    for (uint64_t word = 0; word * 64 < count && result == CQ_OK && error == 0; ++word) {
        uint64_t left = count - word * 64, bits = left < 64 ? (UINT64_C(1) << left) - 1 : UINT64_MAX;
        bits &= word == 0 ? ~UINT64_C(1) : UINT64_MAX; /* the first one is in the list */
        error = write_at(blank, g->bitmap_offset + word * 8, &bits, sizeof bits);
        if (error == 0 && (word % 64 == 63 || left <= 64)) {
            uint64_t words = word % 64 == 63 ? UINT64_MAX : (UINT64_C(2) << word % 64) - 1;
            error = write_at(blank, LAYOUT_SUMMARY_OFFSET + word / 64 * 8, &words, sizeof words);
        }
    }
    uint32_t pages = slot_pages(g, g->max_message_size);
    for (uint64_t i = 0; g->paged && i < count * g->slots_per_node && result == CQ_OK && error == 0; ++i)
        error = write_at(blank,
                         g->nodes_offset + i / g->slots_per_node * g->node_stride + LAYOUT_NODE_HEADER +
                             i % g->slots_per_node * g->slot_stride + offsetof(struct layout_slot, pages),
                         &pages, sizeof pages);
    return result == CQ_OK ? result_of_errno(error) : result;
}

/* A file in the directory of `path`, which is where it will be linked. */
static int open_nameless(const char *path, int *fd)
{
    size_t length = (size_t)(strrchr(path, '/') - path); /* there is one: region_path wrote it */
    char *directory = strndup(path, length ? length : 1);
    int error = directory ? os_create_nameless(directory, fd) : ENOMEM;

    free(directory);
    return result_of_errno(error);
}

/* What this process cannot map it does not leave behind for itself to find. */
static int try_mapping(int fd, const struct geometry *g)
{
    void *at = NULL;
    int error = os_map(fd, g->file_size, OS_MAP_TRY, &at);

    if (error == 0)
        os_unmap(at, g->file_size);
    return result_of_refusal(error);
}

/* Fill the nameless file and give it its name. */
static int finish_file(const struct blank *blank, const char *path, const cq_config *config, const struct geometry *g,
                       const struct create_filling *filling)
{
    int result = region_filesystem(blank->fd, config ? config->flags : 0);

    if (result != CQ_OK || (result = result_of_errno(os_check_size(g->file_size))) != CQ_OK || !memory_is_there(blank))
        return result != CQ_OK ? result : RESULT_RETRY;
    if ((result = result_of_refusal(os_set_size(blank->fd, g->file_size))) != CQ_OK ||
        (result = try_mapping(blank->fd, g)) != CQ_OK ||
        (result = memory_allocate(NULL, blank, 0, 2 * LAYOUT_PAGE)) != CQ_OK || /* the header, the first participants */
        (result = memory_allocate_node(NULL, blank, g, 0)) != CQ_OK || (result = reserve_nodes(blank, g)) != CQ_OK ||
        (result = write_region(blank, g, config, filling)) != CQ_OK || !memory_is_there(blank))
        return result != CQ_OK ? result : RESULT_RETRY;
    /* Narrow until now, wider (if asked for) while still without a name. */
    result = result_of_refusal(os_set_permissions(blank->fd, config && config->permissions ? config->permissions
                                                                                            : 0600));
    if (result != CQ_OK)
        return result;
    return memory_is_there(blank) ? result_of_errno(os_link(blank->fd, path)) : RESULT_RETRY;
}

/* CQ_OK: made, and *made tells which file it is. CQ_EEXIST: there is such a file. RESULT_RETRY: another thread closed
   the descriptor. `filling`: NULL, or what is to be in the region. */
int create_filled(const char *path, const cq_config *config, const struct geometry *geometry,
                  const struct create_filling *filling, struct os_status *made)
{
    struct blank blank;
    int result = open_nameless(path, &blank.fd);

    if (result != CQ_OK)
        return result;
    /* Nothing but what was just made has neither name nor bytes. */
    if (os_status(blank.fd, &blank.status) != 0 || blank.status.links != 0 || blank.status.size != 0 ||
        !blank.status.is_regular)
        result = RESULT_RETRY;
    else if ((result = finish_file(&blank, path, config, geometry, filling)) != CQ_OK && !memory_is_there(&blank))
        result = RESULT_RETRY; /* whatever it was, it was about another file */
    *made = blank.status;
    os_close(blank.fd);
    return result;
}

struct empty {
    const char *path;
    const cq_config *config;
    struct geometry geometry;
    struct os_status *made;
    int result;
};

static void create_empty(void *context)
{
    struct empty *empty = context;
    empty->result = create_filled(empty->path, empty->config, &empty->geometry, NULL, empty->made);
}

/* The same for an empty queue. None of the process's descriptors are needed, and none are left: so it is done where no
   other thread can put another file in the place of this one. */
int create_file(const char *path, const cq_config *config, struct os_status *made)
{
    struct empty empty = {.path = path, .config = config, .made = made};

    empty.result = create_geometry(config, &empty.geometry);
    /* There the limit on descriptors would be met by nobody but the caller, after the queue was made. */
    int error = os_try_descriptors(TO_ATTACH);
    if (empty.result == CQ_OK && (error == EMFILE || error == ENFILE))
        empty.result = result_of_errno(error);
    if (empty.result == CQ_OK)
        os_run_apart(create_empty, &empty);
    return empty.result;
}
