/*
 * memory.c - giving parts of the region memory (or blocks) before anybody stores there.
 *
 * It owns how the kernel is asked, so that a full file system is a result and never a SIGBUS. It must not know what the
 * parts are for, nor when a node is due.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define PIECE (UINT64_C(1) << 20) /* asked for at a time: some tenths of a millisecond's work */

/*
 * Memory for a piece of the region: 0, or what errno says.
 *
 * Through the mapping first. That needs no descriptor, so it can hit no other file; it gives the pages to this process at
 * the same time, which together costs a third less than fallocate and a fault for each page; what it gave stays given,
 * whatever happens to others' attempts at the same piece (tmpfs takes back what an interrupted or failed fallocate gave,
 * though another process may count on it by then); and where the file system has no block left it says so instead of
 * SIGBUS, the block being reserved for good from then on, holes of ext4 with delayed allocation included.
 *
 * Where the kernel does not know it: fallocate. KEEP_SIZE, so that a file that got the number in the last moment does not
 * grow. Never posix_fallocate: where the file system cannot, its fallback writes to bytes that are in use. syscall: not
 * a cancellation point, this runs while a claim is open.
 */
static int allocate_piece(cq_queue *queue, int fd, uint64_t offset, uint64_t size)
{
    if (queue && queue->populates) {
        if (madvise(queue->base + offset, (size_t)size, MADV_POPULATE_WRITE) == 0)
            return 0;
        if (errno == EFAULT || errno == ENOMEM) /* a store would be a SIGBUS; no memory */
            return ENOSPC;
        if (errno == EINTR)
            return EINTR;
    }
    if (queue)
        fd = region_descriptor(queue);
    return syscall(SYS_fallocate, fd, FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)size) == 0 ? 0 : errno;
}

/* What a large node was given in vain stays with the file, and nobody else has it: one that cannot be finished is not
   begun. This is a guess, and made only while its first page is missing. */
static bool is_hopeless(cq_queue *queue, uint64_t offset, uint64_t size)
{
    struct statfs status;
    unsigned char resident = 0;

    if (size <= PIECE || mincore(queue->base + offset, LAYOUT_PAGE, &resident) != 0 || (resident & 1) ||
        fstatfs(region_descriptor(queue), &status) != 0 || status.f_blocks == 0)
        return false;
    return (uint64_t)status.f_bfree < size / (uint64_t)status.f_bsize;
}

/* queue: NULL while there is no handle, and then fd is the file. A signal may undo a piece (tmpfs), so that signals that
   come again and again need small ones for anything to be done between two of them. */
int memory_allocate(cq_queue *queue, int fd, uint64_t offset, uint64_t size)
{
    uint64_t page = page_size(), end = round_up(offset + size, page), piece = PIECE;

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
    return result == CQ_OK ? memory_allocate(queue, fd, g->nodes_offset + node * g->node_stride, g->node_stride) : result;
}
