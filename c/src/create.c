/*
 * create.c - making a region: complete under no name, then linked into place.
 *
 * It owns the first bytes of a region. A creator killed anywhere leaves nothing: until linkat the file has no name, and
 * after it the file is whole. It must not know about handles.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_CAPACITY 65536u
#define DEFAULT_MESSAGE 4096u
#define NODE_BYTES 8192u                 /* a node of small messages stays in the first-level cache while it is passed over */
#define NODE_SLOTS 64u                   /* for larger messages, so that what a node costs is shared by that many ... */
#define NODE_BYTES_MOST 32768u           /* ... as long as it is not larger than this */
#define SPARE_BYTES (UINT64_C(1) << 36)  /* address space, not memory, for what is rarely used */

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

/* K by the bytes of a node, and more if the nodes would not suffice otherwise; S and X generous, because nodes never used
   cost nothing but addresses. */
static int choose_geometry(const cq_config *config, struct geometry *g)
{
    uint64_t capacity = config && config->capacity ? config->capacity : DEFAULT_CAPACITY;
    uint64_t message = config && config->max_message_size ? config->max_message_size : DEFAULT_MESSAGE;
    int result = region_geometry(1, message, 1, 0, 0, g);

    if (result != CQ_OK || capacity > LAYOUT_MAX_CAPACITY)
        return CQ_EINVAL;
    uint64_t holes = clamp(capacity / 4 + 1024, 64, clamp(SPARE_BYTES / g->slot_stride, 64, LAYOUT_MAX_CAPACITY));
    if (cq_testing.hole_slots)
        holes = cq_testing.hole_slots;
    uint64_t slots = clamp(NODE_BYTES_MOST / g->slot_stride, 1, NODE_SLOTS);
    slots = clamp(NODE_BYTES / g->slot_stride, slots, LAYOUT_MAX_SLOTS);
    uint64_t most = LAYOUT_MAX_NODES - 2 * LAYOUT_PARTICIPANTS - 2;
    slots = clamp((capacity + holes + most - 1) / most, slots, UINT32_MAX);
    if (cq_testing.slots_per_node)
        slots = cq_testing.slots_per_node;
    uint64_t spare = clamp(SPARE_BYTES / (slots * g->slot_stride), 128, 2 * LAYOUT_MAX_OWNER);
    if (cq_testing.spare_nodes)
        spare = cq_testing.spare_nodes;
    return region_geometry(capacity, message, (uint32_t)slots, holes, spare, g);
}

static bool write_all(int fd, const void *bytes, size_t size, uint64_t offset)
{
    return pwrite(fd, bytes, size, (off_t)offset) == (ssize_t)size; /* a few bytes into allocated memory: all or none */
}

/* The first node, LINKED and empty, and the header that points to it; the header last. */
static int write_region(int fd, const struct geometry *g)
{
    uint64_t first = cq_testing.first_sequence ? cq_testing.first_sequence : 1;
    uint64_t ticket = ticket_word(first, 0, 0), state = ticket_word(first, NODE_LINKED, 0);
    struct layout_header header;
    struct layout_node node;
    struct timespec now;

    /* The gaps between the lines go into the file as well, which others may read: nothing of this process's memory. */
    memset(&header, 0, sizeof header);
    memset(&node, 0, sizeof node);
    atomic_init(&node.enq, ticket);
    atomic_init(&node.deq, ticket);
    atomic_init(&node.next, link_word(first, NODE_NIL));
    clock_gettime(CLOCK_REALTIME, &now);
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
    header.first_position = ticket;
    header.created = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    atomic_init(&header.tail, link_word(first, 0));
    atomic_init(&header.head, link_word(first, 0));
    atomic_init(&header.touched, 1);
    atomic_init(&header.last_hole, ticket);
    bool written = write_all(fd, &node, sizeof node, g->nodes_offset) &&
                   write_all(fd, &state, sizeof state, g->states_offset) &&
                   write_all(fd, &header, sizeof header, 0);
    return written ? CQ_OK : result_of_errno(errno);
}

/* Give the nameless file its name, unless there is such a file. */
static int link_into_place(int fd, const char *path)
{
    char self[32];

    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    if (linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0)
        return CQ_OK;
    if (errno == ENOENT && linkat(fd, "", AT_FDCWD, path, AT_EMPTY_PATH) == 0) /* no /proc here */
        return CQ_OK;
    return result_of_errno(errno);
}

/* CQ_OK: made, and *made tells which file it is. CQ_EEXIST: somebody else's is there. */
int create_file(const char *path, const char *directory, const cq_config *config, struct stat *made)
{
    struct geometry geometry;
    struct rlimit limit;
    int result = choose_geometry(config, &geometry);

    if (result != CQ_OK)
        return result;
    int fd = open(directory ? directory : "/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) /* EISDIR, EINVAL: a kernel or file system that does not know O_TMPFILE */
        return errno == EISDIR || errno == EINVAL ? CQ_EFILESYSTEM : result_of_errno(errno);
    /* Past RLIMIT_FSIZE the kernel would not only refuse but send SIGXFSZ. */
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < geometry.file_size)
        result = CQ_ENOSPACE;
    else if ((result = region_filesystem(fd, config ? config->flags : 0)) == CQ_OK &&
             ftruncate(fd, (off_t)geometry.file_size) != 0) /* EINVAL: larger pages than ours */
        result = errno == EINVAL ? CQ_EFILESYSTEM : result_of_errno(errno);
    if (result == CQ_OK && (result = region_allocate(fd, 0, LAYOUT_SUMMARY_OFFSET)) == CQ_OK &&
        (result = region_allocate_node(fd, &geometry, 0)) == CQ_OK &&
        (result = write_region(fd, &geometry)) == CQ_OK) {
        /* Narrow until now, wider (if asked for) while still without a name. */
        if (fchmod(fd, config && config->permissions ? (mode_t)config->permissions : 0600) != 0 || fstat(fd, made) != 0)
            result = result_of_errno(errno);
        else
            result = link_into_place(fd, path);
    }
    close(fd);
    return result;
}
