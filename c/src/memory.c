/*
 * memory.c - giving parts of the region memory (or blocks) before anybody stores there.
 *
 * It owns how the kernel is asked, so that a full file system is a result and never a SIGBUS. It knows which
 * parts belong to a node, but must not know what is stored in them, nor when a node is due.
 */
#include "memory.h"

#include "os.h"
#include "region.h"

#include <errno.h>

#define PIECE (UINT64_C(1) << 20) /* asked for at a time: some tenths of a millisecond's work */

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
static int allocate_piece(cq_queue *queue, int fd, uint64_t offset, uint64_t size)
{
    if (queue && queue->populates) {
        int error = os_populate(queue->base + offset, size);
        if (error != ENOTSUP)
            return error;
    }
    return os_allocate(queue ? region_descriptor(queue) : fd, offset, size);
}

/* What a large node was given in vain stays with the file, and nobody else has it: one that cannot be finished is not
   begun. This is a guess, and made only while its first page is missing. */
static bool is_hopeless(cq_queue *queue, uint64_t offset, uint64_t size)
{
    return size > PIECE && !os_is_resident(queue->base + offset) && os_room(region_descriptor(queue)) < size;
}

/* queue: NULL while there is no handle, and then fd is the file. A signal may undo a piece (tmpfs), so that signals
   that come again and again need small ones for anything to be done between two of them. */
int memory_allocate(cq_queue *queue, int fd, uint64_t offset, uint64_t size)
{
    uint64_t page = os_page_size(), end = round_up(offset + size, page), piece = PIECE;

    offset -= offset % page;
    if (queue && is_hopeless(queue, offset, end - offset))
        return CQ_ENOSPACE;
    while (offset < end) {
        uint64_t now = piece < end - offset ? piece : end - offset;
        int error = allocate_piece(queue, fd, offset, now);
        if (error == 0) {
            offset += now;
            piece = piece < PIECE ? piece * 2 : piece;
        } else if (error != EINTR)
            return result_of_errno(error);
        else if (piece > page)
            piece /= 2;
    }
    return CQ_OK;
}

/* Memory for a node and, where it is the first on their page, for its state, marks and hints. */
int memory_allocate_node(cq_queue *queue, int fd, const struct geometry *g, uint64_t node)
{
    const uint64_t words = LAYOUT_PAGE / 8;
    int result = CQ_OK;

    if (node % (words * 64 * 64) == 0)
        result = memory_allocate(queue, fd, LAYOUT_SUMMARY_OFFSET + node / (64 * 64) * 8, LAYOUT_PAGE);
    if (result == CQ_OK && node % (words * 64) == 0)
        result = memory_allocate(queue, fd, g->bitmap_offset + node / 64 * 8, LAYOUT_PAGE);
    if (result == CQ_OK && node % (words * MARK_NODES) == 0)
        result = memory_allocate(queue, fd, g->marks_offset + node / MARK_NODES * 8, LAYOUT_PAGE);
    if (result == CQ_OK && node % words == 0)
        result = memory_allocate(queue, fd, g->states_offset + node * 8, LAYOUT_PAGE);
    if (result == CQ_OK)
        result = memory_allocate(queue, fd, g->nodes_offset + node * g->node_stride, g->node_stride);
    return result;
}
