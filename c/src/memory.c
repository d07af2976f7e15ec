/*
 * memory.c - giving parts of the region memory (or blocks) before anybody stores there.
 *
 * It owns how the kernel is asked, so that a full file system is a result and never a SIGBUS, and the limit of what the
 * region may take. It knows which parts belong to a node or a slot, but must not know what is stored in them, nor when
 * one is due.
 */
#include "memory.h"

#include "os.h"
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
 * Where the page cache has pages of many sizes (all file systems on disks), one page that holds a part with memory and
 * a part without needs blocks for both before anybody may store in it. Another program decides on their size, by
 * reading the file. So there memory is given in pieces that no page is larger than, and that lie as pages do.
 */
static int allocate_granules(cq_queue *queue, const struct blank *blank, uint64_t offset, uint64_t size)
{
    uint64_t granule = queue ? queue->granule : os_granule(blank->fd), end = round_up(offset + size, granule);

    if (granule <= os_page_size())
        return 0;
    offset -= offset % granule;
    if (queue && end > queue->geometry.file_size)
        end = queue->geometry.file_size;
    return os_allocate(descriptor(queue, blank), offset, end - offset);
}

/*
 * Memory for a piece of the region: 0, or an error number.
 *
 * Through the mapping first. That needs no descriptor, so it can hit no other file; it gives the pages to this
 * process at the same time, which together costs a third less than os_allocate and a fault for each page; what it
 * gave stays given, whatever happens to others' attempts at the same piece (an interrupted or failed os_allocate
 * may take it back, though another process may count on it by then); and where the file system has no block left it
 * says so instead of a fault, the block being reserved for good from then on, holes of ext4 with delayed allocation
 * included.
 */
static int allocate_piece(cq_queue *queue, const struct blank *blank, uint64_t offset, uint64_t size)
{
    int error = allocate_granules(queue, blank, offset, size);

    if (error != 0)
        return error;
    if (queue && queue->populates) {
        error = os_populate(queue->base + offset, size);
        if (error != ENOTSUP)
            return error;
    }
    return os_allocate(descriptor(queue, blank), offset, size);
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
    others = others > 16 ? 15 : others > 0 ? others - 1 : 0;
    margin = others * bytes < limit / 16 ? others * bytes : limit / 16;
    return taken < limit && bytes + margin <= limit - taken;
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
