/*
 * geometry.c - the shape of a region: what follows from the numbers that it was made with, and whether a header may
 * have them.
 *
 * It owns the arithmetic, in which nothing overflows. It must not know files: it judges bytes that somebody else
 * has read.
 */
#include "geometry.h"

/* The shape that follows from five numbers. CQ_EINVAL: out of range, or too large for a file. Nothing overflows: every
   factor is bounded first. */
int geometry_of(uint64_t capacity, uint64_t max_message_size, uint32_t slots, uint64_t hole_slots, uint64_t spare_nodes,
                const struct extras *extras, struct geometry *g)
{
    static const struct extras none;

    extras = extras ? extras : &none;
    if (capacity < 1 || capacity > LAYOUT_MAX_CAPACITY || max_message_size < 1 ||
        max_message_size > LAYOUT_MAX_MESSAGE || slots < 1 || slots > LAYOUT_MAX_SLOTS ||
        hole_slots > LAYOUT_MAX_CAPACITY || spare_nodes > LAYOUT_MAX_NODES ||
        extras->max_headers > LAYOUT_MAX_HEADERS || extras->max_deliveries > LAYOUT_MAX_DELIVERIES ||
        extras->time_to_live < 0)
        return CQ_EINVAL;
    *g = (struct geometry){.capacity = capacity, .max_message_size = max_message_size, .hole_slots = hole_slots,
                           .spare_nodes = spare_nodes, .slots_per_node = slots, .features = extras->features,
                           .max_headers = extras->max_headers, .max_deliveries = extras->max_deliveries,
                           .time_to_live = extras->time_to_live};
    g->paged = max_message_size > LAYOUT_PAGED_MESSAGE;
    bool small = max_message_size <= LAYOUT_SMALL_MESSAGE;
    g->stamped = extras->features & FEATURE_TIMES || extras->max_headers > 0;
    g->prefix = (extras->features & LAYOUT_DURABLE ? sizeof(struct layout_feed) : 0) +
                (extras->features & FEATURE_TIMES ? 8 : 0) +
                (extras->max_headers > 0 ? round_up(4 + extras->max_headers, 8) : 0);
    g->payload_offset = small ? LAYOUT_SMALL_PAYLOAD + g->prefix
                              : round_up(sizeof(struct layout_slot) + g->prefix, LAYOUT_LARGE_PAYLOAD);
    g->slot_stride = round_up(g->payload_offset + max_message_size,
                              small ? 8 : g->paged ? LAYOUT_PAGE : LAYOUT_LARGE_PAYLOAD);
    g->node_stride = round_up(LAYOUT_NODE_HEADER + slots * g->slot_stride, g->paged ? LAYOUT_PAGE : LAYOUT_LINE);
    g->node_count = (capacity + hole_slots + slots - 1) / slots + 2 + spare_nodes;
    if (g->node_count > LAYOUT_MAX_NODES || g->node_count > LAYOUT_MAX_FILE / g->node_stride)
        return CQ_EINVAL;
    uint64_t words = round_up(g->node_count, 64) / 64;
    g->bitmap_offset = LAYOUT_SUMMARY_OFFSET + round_up(round_up(words, 64) / 64 * 8, LAYOUT_PAGE);
    g->marks_offset = g->bitmap_offset + round_up(words * 8, LAYOUT_PAGE);
    g->dues_offset = g->marks_offset + round_up(round_up(g->node_count, MARK_NODES) / MARK_NODES * 8, LAYOUT_PAGE);
    g->states_offset = g->dues_offset + round_up(g->node_count * slots * 8, LAYOUT_PAGE);
    g->nodes_offset = g->states_offset + round_up(g->node_count * 8, LAYOUT_PAGE);
    g->file_size = round_up(g->nodes_offset + g->node_count * g->node_stride, LAYOUT_PAGE);
    return CQ_OK;
}

/* What does not grow with the messages: header, states, hints, sources, a few participants, or with a reserve all. */
static uint64_t fixed_bytes(const struct geometry *g)
{
    uint64_t sources = g->features & LAYOUT_DURABLE ? 0 : LAYOUT_SUMMARY_OFFSET - LAYOUT_SOURCES_OFFSET;
    return (g->reserved_nodes > 0 ? LAYOUT_SUMMARY_OFFSET : 16 * LAYOUT_PAGE + sources) + 4 * LAYOUT_PAGE +
           round_up(g->node_count * 8, LAYOUT_PAGE);
}

/* The least limit of memory: what does not grow, what is reserved, and in any case three nodes whose slots have all of
   their memory. With them a message follows each that is taken. */
uint64_t geometry_least(const struct geometry *g)
{
    return fixed_bytes(g) + (g->reserved_nodes > 3 ? g->reserved_nodes : 3) * g->node_stride;
}

/* CQ_EINVAL: the limit is below the least. */
int geometry_set_memory(uint64_t max_memory, uint64_t reserve, struct geometry *g)
{
    uint64_t nodes = reserve / g->node_stride + (reserve % g->node_stride != 0);

    g->reserved_nodes = nodes < g->node_count ? nodes : g->node_count;
    g->max_memory = max_memory;
    return max_memory != 0 && max_memory < geometry_least(g) ? CQ_EINVAL : CQ_OK;
}

/* How many nodes a process may hold that gives memory back: those that overlap a window of the file. */
uint64_t geometry_trim_nodes(const struct geometry *g) { return TRIM_WINDOW / g->node_stride + 4; }

/* How many messages may be held, each of which may pin a node, while a process gives memory back. */
uint64_t geometry_held(const struct geometry *g)
{
    uint64_t trim = geometry_trim_nodes(g);
    return g->spare_nodes > trim ? g->spare_nodes - trim : g->spare_nodes;
}

/* Is this a region that this library can use, whole and not self-contradictory? *g receives what it says once and for
   all; nothing of it is read from the region again. */
int geometry_of_header(const struct layout_header *header, uint64_t file_size, struct geometry *g)
{
    uint64_t magic = atomic_load_explicit(&header->magic, memory_order_relaxed); /* a private copy */
    if (magic == __builtin_bswap64(LAYOUT_MAGIC) && header->byte_order == __builtin_bswap32(LAYOUT_BYTE_ORDER))
        return CQ_EVERSION; /* whole, but of a machine that writes the other end first */
    if (magic != LAYOUT_MAGIC)
        return CQ_ECORRUPT;
    if (header->byte_order != LAYOUT_BYTE_ORDER || header->format_version != LAYOUT_FORMAT_VERSION ||
        header->word_bits != 64 || header->features & ~FEATURES)
        return CQ_EVERSION;
    struct extras extras = {header->features, header->max_headers, header->max_deliveries, header->time_to_live};
    bool ends = header->dead_letter[sizeof header->dead_letter - 1] == '\0';
    if (geometry_of(header->capacity, header->max_message_size, header->slots_per_node, header->hole_slots,
                    header->spare_nodes, &extras, g) != CQ_OK ||
        !ends || (header->max_deliveries != 0 && header->dead_letter[0] == '\0') ||
        (header->time_to_live != 0 && !(header->features & FEATURE_TIMES)))
        return CQ_ECORRUPT;
    if (geometry_set_memory(header->max_memory, header->reserve, g) != CQ_OK)
        return CQ_ECORRUPT;
    bool same = header->slot_stride == g->slot_stride && header->node_stride == g->node_stride &&
                header->node_count == g->node_count && header->summary_offset == LAYOUT_SUMMARY_OFFSET &&
                header->bitmap_offset == g->bitmap_offset && header->states_offset == g->states_offset &&
                header->nodes_offset == g->nodes_offset && header->file_size == g->file_size &&
                file_size >= g->file_size;
    return same ? CQ_OK : CQ_ECORRUPT;
}
