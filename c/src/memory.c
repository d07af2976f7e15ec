/*
 * memory.c - giving parts of the region memory (or blocks) before anybody stores there.
 *
 * It owns how the kernel is asked, so that a full file system is a result and never a SIGBUS, and the limit of what the
 * region may take. It knows which parts belong to a node or a slot, but must not know what is stored in them, nor when
 * one is due.
 */
#include "memory.h"

#include "os.h"
#include "reach.h"
#include "region.h"
#include "slot.h"

#include <errno.h>

#define DESCRIPTORS_LOST 100 /* so often to somebody who closes them: then there is none */
#define PIECE (UINT64_C(1) << 20) /* asked for at a time: some tenths of a millisecond's work */

bool memory_is_there(const struct blank *blank)
{
    struct os_status now;
    return os_status(blank->fd, &now) == 0 && now.device == blank->status.device && now.inode == blank->status.inode;
}

/* Of the file, at this moment; -1: there is none. */
static int descriptor(cq_queue *queue, const struct blank *blank)
{
    if (queue)
        return region_descriptor(queue);
    return memory_is_there(blank) ? blank->fd : -1;
}

/*
 * Through the mapping first. That needs no descriptor, so it can hit no other file; it gives the pages to this
 * process at the same time, which together costs a third less than os_allocate and a fault for each page; what it
 * gave stays given, whatever happens to others' attempts at the same piece (an interrupted or failed os_allocate
 * may take it back, though another process may count on it by then); and where the file system has no block left it
 * says so instead of a fault, the block being reserved for good from then on, holes of ext4 with delayed allocation
 * included.
 */
static int allocate_part(cq_queue *queue, const struct blank *blank, uint64_t offset, uint64_t size, bool to_use)
{
    if (queue && queue->populates && to_use) {
        reach_bytes(queue, offset, offset + size);
        int error = os_populate(queue->base + offset, size);
        if (error != ENOTSUP)
            return error;
    }
    int fd = descriptor(queue, blank), error = os_allocate(fd, offset, size);
    return error == 0 && descriptor(queue, blank) != fd ? EBADF : error; /* it may have been another file's */
}

/* Has what is given at a time, from `begin` on, memory by the word of a node in it? Such a node, not BARE, has all of
   its own; and nothing is taken from there while another is the caller's, or never had any. Not so where slots get
   memory as messages reach. */
static bool has_memory(cq_queue *queue, uint64_t begin)
{
    const struct geometry *g = &queue->geometry;
    /* node_touched:A, pairs with grow:A. */
    uint64_t touched = atomic_load_explicit(&queue->header->touched, memory_order_acquire);
    uint64_t node = begin < g->nodes_offset ? 0 : (begin - g->nodes_offset) / g->node_stride;
    bool found = false;

    for (; !g->paged && !found && node < touched && node < g->node_count &&
           g->nodes_offset + node * g->node_stride < begin + queue->granule; ++node)
        /* node_state:A, pairs with help_tail:C and node_free:A. */
        found = ticket_index(atomic_load_explicit(&queue->states[node], memory_order_acquire)) != NODE_BARE;
    return found;
}

/*
 * Where the page cache has pages of many sizes (all file systems on disks), one page that holds a part with memory and
 * a part without needs blocks for both before anybody may store in it. Another program decides on their size, by
 * reading the file. So there memory is given in pieces that no page is larger than, and that lie as pages do. Where
 * slots get memory as messages reach, most of a piece is not to be used soon: it gets blocks and no pages.
 */
static int allocate_granules(cq_queue *queue, const struct blank *blank, uint64_t offset, uint64_t size)
{
    uint64_t granule = queue ? queue->granule : os_granule(blank->fd), end = offset + size, most = UINT64_MAX;
    int error = 0;

    if (granule <= os_page_size())
        return 0;
    if (queue)
        most = queue->geometry.file_size;
    for (offset -= offset % granule; offset < end && error == 0; offset += granule)
        if (!queue || !has_memory(queue, offset))
            error = allocate_part(queue, blank, offset, granule < most - offset ? granule : most - offset,
                                  queue && !queue->geometry.paged);
    return error;
}

/* Memory for a piece of the region: 0, or an error number. */
static int allocate_piece(cq_queue *queue, const struct blank *blank, uint64_t offset, uint64_t size)
{
    int error = allocate_granules(queue, blank, offset, size);
    return error == 0 ? allocate_part(queue, blank, offset, size, true) : error;
}

/* What a large node was given in vain stays with the file, and nobody else has it: one that cannot be finished is not
   begun. This is a guess, and made only while its first page is missing. */
static bool is_hopeless(cq_queue *queue, uint64_t offset, uint64_t size)
{
    return size > PIECE && !os_is_resident(queue->base + offset) && os_room(region_descriptor(queue)) < size;
}

/* queue: NULL while there is no handle, and then `blank` is the file. A signal may undo a piece (tmpfs), so that
   signals that come again and again need small ones for anything to be done between two of them. */
int memory_allocate(cq_queue *queue, const struct blank *blank, uint64_t offset, uint64_t size)
{
    uint64_t page = os_page_size(), end = round_up(offset + size, page), piece = PIECE;

    offset -= offset % page;
    if (queue && is_hopeless(queue, offset, end - offset))
        return CQ_ENOSPACE;
    for (int lost = 0; offset < end;) {
        uint64_t now = piece < end - offset ? piece : end - offset;
        int error = allocate_piece(queue, blank, offset, now);
        if (error == 0) {
            offset += now;
            piece = piece < PIECE ? piece * 2 : piece;
        } else if (error == EBADF && queue && ++lost < DESCRIPTORS_LOST)
            continue;
        else if (error != EINTR)
            return result_of_refusal(error);
        else if (piece > page)
            piece /= 2;
    }
    return CQ_OK;
}

/* What the region takes of its file system, by the kernel's count. False: it cannot be told. */
bool memory_taken(cq_queue *queue, uint64_t *bytes)
{
    struct os_status status;
    int fd = region_descriptor(queue);
    bool known = fd >= 0 && os_status(fd, &status) == 0 && region_is(queue, &status);

    *bytes = known ? status.memory : 0;
    return known;
}

/* What the table of sources will take when the first becomes known: room is kept for it. */
static uint64_t table_to_come(cq_queue *queue)
{
    /* Relaxed: a guess; whoever gives the table its memory says so afterwards. */
    bool there = atomic_load_explicit(&queue->header->sources, memory_order_relaxed) != 0;
    bool never = queue->geometry.features & LAYOUT_DURABLE || queue->geometry.reserved_nodes > 0;
    return there || never ? 0 : LAYOUT_SUMMARY_OFFSET - LAYOUT_SOURCES_OFFSET;
}

/*
 * May the region take so many bytes more? The kernel counts, so that no death in the middle of anything makes the count
 * wrong. Others may be growing at the same moment: room is left for what each of the first few may be about to take.
 */
static bool memory_may_take(cq_queue *queue, uint64_t bytes)
{
    uint64_t limit = queue->geometry.max_memory, taken, margin;
    /* Relaxed: a guess of how many there are. */
    uint64_t others = atomic_load_explicit(&queue->header->highest_id, memory_order_relaxed);

    if (limit == 0 || !memory_taken(queue, &taken))
        return true;
    bytes = round_up(bytes, queue->granule);
    limit -= table_to_come(queue);
    others = others > 16 ? 15 : others > 0 ? others - 1 : 0;
    margin = others * bytes < limit / 16 ? others * bytes : limit / 16;
    return taken < limit && bytes + margin <= limit - taken;
}

/* Of a table that a queue gets when it needs it first: the sources, for which room was kept, or a page of dues. */
int memory_allocate_table(cq_queue *queue, uint64_t offset, uint64_t size)
{
    uint64_t begin = offset - offset % os_page_size();
    bool free = offset == LAYOUT_SOURCES_OFFSET || os_is_resident(queue->base + begin);
    int result = free || memory_may_take(queue, size) ? memory_allocate(queue, NULL, offset, size) : CQ_ENOSPACE;
    return result == CQ_ENOMEM ? CQ_ENOSPACE : result;
}

/* Of a node: all, or the first page of each slot where slots get memory as far as their messages reach. */
static int allocate_heads(cq_queue *queue, const struct blank *blank, const struct geometry *g, uint64_t node)
{
    uint64_t at = g->nodes_offset + node * g->node_stride;
    int result = CQ_OK;

    if (queue && !memory_may_take(queue, g->paged ? g->slots_per_node * LAYOUT_PAGE : g->node_stride))
        return CQ_FULL;
    if (!g->paged)
        return memory_allocate(queue, blank, at, g->node_stride);
    for (uint32_t i = 0; i < g->slots_per_node && result == CQ_OK; ++i)
        result = memory_allocate(queue, blank, at + i * g->slot_stride, LAYOUT_PAGE);
    return result;
}

/* Memory for a node and, where it is the first on their page, for its state, marks and hints. */
int memory_allocate_node(cq_queue *queue, const struct blank *blank, const struct geometry *g, uint64_t node)
{
    const uint64_t words = LAYOUT_PAGE / 8;
    int result = CQ_OK;

    if (node % (words * 64 * 64) == 0)
        result = memory_allocate(queue, blank, LAYOUT_SUMMARY_OFFSET + node / (64 * 64) * 8, LAYOUT_PAGE);
    if (result == CQ_OK && node % (words * 64) == 0)
        result = memory_allocate(queue, blank, g->bitmap_offset + node / 64 * 8, LAYOUT_PAGE);
    if (result == CQ_OK && node % (words * MARK_NODES) == 0)
        result = memory_allocate(queue, blank, g->marks_offset + node / MARK_NODES * 8, LAYOUT_PAGE);
    if (result == CQ_OK && node % words == 0)
        result = memory_allocate(queue, blank, g->states_offset + node * 8, LAYOUT_PAGE);
    return result == CQ_OK ? allocate_heads(queue, blank, g, node) : result;
}

/* Memory for a message of `size` bytes in a slot that gets it as far as messages reach: what is beyond its first page.
   For the owner of a claim, or somebody who is about to claim it. */
int memory_allocate_slot(cq_queue *queue, uint64_t node, uint32_t index, size_t size)
{
    const struct geometry *g = &queue->geometry;
    uint64_t bytes = (uint64_t)slot_pages(g, size) * LAYOUT_PAGE;

    if (!memory_may_take(queue, bytes))
        return CQ_FULL;
    return memory_allocate(queue, NULL, g->nodes_offset + node * g->node_stride + index * g->slot_stride + LAYOUT_PAGE,
                           bytes);
}
