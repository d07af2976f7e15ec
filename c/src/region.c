/*
 * region.c - the file: its name, opening, checking and mapping it, giving nodes memory.
 *
 * It owns descriptors, paths and the mapping. It must not know how the queue in the region works: it hands out a handle
 * whose pointers are set and whose geometry was checked against the file.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define DEFAULT_DIRECTORY "/dev/shm"
#define PREFIX "cqueue."
#define NAME_LIMIT 200

int result_of_errno(int error)
{
    switch (error) {
    case ENOENT: case ENOTDIR: return CQ_ENOENT;
    case EACCES: case EPERM: case ELOOP: case EROFS: case EISDIR: case ENXIO: return CQ_EACCESS;
    case EEXIST: return CQ_EEXIST;
    case ENOSPC: case EDQUOT: case EFBIG: return CQ_ENOSPACE;
    case ENOMEM: return CQ_ENOMEM;
    case EMFILE: case ENFILE: return CQ_ELIMIT;
    case EOPNOTSUPP: case ENOSYS: case ENODEV: return CQ_EFILESYSTEM;
    case ENAMETOOLONG: case EINVAL: return CQ_EINVAL;
    default: return CQ_ESYSTEM;
    }
}

static bool name_is_valid(const char *name)
{
    size_t length = 0;
    for (; name[length] != '\0'; ++length) {
        char c = name[length];
        bool alphanumeric = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (length == NAME_LIMIT || (!alphanumeric && (length == 0 || (c != '.' && c != '_' && c != '-'))))
            return false;
    }
    return length > 0;
}

int region_path(const char *name, const char *directory, char **path)
{
    if (!name_is_valid(name))
        return CQ_ENAME;
    if (!directory)
        directory = DEFAULT_DIRECTORY;
    size_t size = strlen(directory) + sizeof("/" PREFIX) + strlen(name);
    if (!(*path = malloc(size)))
        return CQ_ENOMEM;
    snprintf(*path, size, "%s/" PREFIX "%s", directory, name);
    return CQ_OK;
}

/* ---- geometry -------------------------------------------------------------------------------------- */

static uint64_t round_up(uint64_t value, uint64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

/* The shape that follows from five numbers. CQ_EINVAL: out of range, or too large for a file. Nothing overflows: every
   factor is bounded first. */
int region_geometry(uint64_t capacity, uint64_t max_message_size, uint32_t slots, uint64_t hole_slots,
                    uint64_t spare_nodes, struct geometry *g)
{
    if (capacity < 1 || capacity > LAYOUT_MAX_CAPACITY || max_message_size < 1 ||
        max_message_size > LAYOUT_MAX_MESSAGE || slots < 1 || slots > LAYOUT_MAX_SLOTS ||
        hole_slots > LAYOUT_MAX_CAPACITY || spare_nodes > LAYOUT_MAX_NODES)
        return CQ_EINVAL;
    *g = (struct geometry){.capacity = capacity, .max_message_size = max_message_size, .hole_slots = hole_slots,
                           .spare_nodes = spare_nodes, .slots_per_node = slots};
    g->slot_stride = max_message_size <= LAYOUT_SMALL_MESSAGE ? 8 + round_up(max_message_size, 8)
                                                              : round_up(16 + max_message_size, 64);
    g->node_stride = round_up(LAYOUT_NODE_HEADER + slots * g->slot_stride, LAYOUT_LINE);
    g->node_count = (capacity + hole_slots + slots - 1) / slots + 2 + spare_nodes;
    if (g->node_count > LAYOUT_MAX_NODES || g->node_count > LAYOUT_MAX_FILE / g->node_stride)
        return CQ_EINVAL;
    uint64_t words = round_up(g->node_count, 64) / 64;
    g->bitmap_offset = LAYOUT_SUMMARY_OFFSET + round_up(round_up(words, 64) / 64 * 8, LAYOUT_PAGE);
    g->states_offset = g->bitmap_offset + round_up(words * 8, LAYOUT_PAGE);
    g->nodes_offset = g->states_offset + round_up(g->node_count * 8, LAYOUT_PAGE);
    g->file_size = round_up(g->nodes_offset + g->node_count * g->node_stride, LAYOUT_PAGE);
    return CQ_OK;
}

int region_read_header(int fd, struct layout_header *header, uint64_t *file_size)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return result_of_errno(errno);
    ssize_t got = pread(fd, header, sizeof *header, 0);
    if (got < 0)
        return result_of_errno(errno);
    *file_size = (uint64_t)status.st_size;
    return got == (ssize_t)sizeof *header ? CQ_OK : CQ_ECORRUPT;
}

/* Is this a region that this library can use, whole and not self-contradictory? *g receives what it says once and for
   all; nothing of it is read from the region again. */
int region_check_header(const struct layout_header *header, uint64_t file_size, struct geometry *g)
{
    if (atomic_load_explicit(&header->magic, memory_order_relaxed) != LAYOUT_MAGIC) /* a private copy */
        return CQ_ECORRUPT;
    if (header->byte_order != LAYOUT_BYTE_ORDER || header->format_version != LAYOUT_FORMAT_VERSION ||
        header->word_bits != 64 || header->features != 0)
        return CQ_EVERSION;
    if (region_geometry(header->capacity, header->max_message_size, header->slots_per_node, header->hole_slots,
                        header->spare_nodes, g) != CQ_OK)
        return CQ_ECORRUPT;
    bool same = header->slot_stride == g->slot_stride && header->node_stride == g->node_stride &&
                header->node_count == g->node_count && header->summary_offset == LAYOUT_SUMMARY_OFFSET &&
                header->bitmap_offset == g->bitmap_offset && header->states_offset == g->states_offset &&
                header->nodes_offset == g->nodes_offset && header->file_size == g->file_size &&
                file_size >= g->file_size;
    return same ? CQ_OK : CQ_ECORRUPT;
}

/* ---- opening --------------------------------------------------------------------------------------- */

/* File systems that are known not to keep locks with mappings, or to be shared with other machines. */
int region_filesystem(int fd, uint32_t flags)
{
    struct statfs status;

    if (flags & CQ_ANY_FILESYSTEM)
        return CQ_OK;
    if (fstatfs(fd, &status) != 0)
        return result_of_errno(errno);
    switch ((unsigned long)status.f_type & 0xffffffffUL) {
    case NFS_SUPER_MAGIC: case OVERLAYFS_SUPER_MAGIC: case V9FS_MAGIC: case AFS_SUPER_MAGIC: case CODA_SUPER_MAGIC:
    case 0x65735546 /* FUSE */: case 0xfe534d42 /* SMB2 */: case 0xff534d42 /* CIFS */: case 0x517b /* SMB */:
    case 0x00c36400 /* Ceph */:
        return CQ_EFILESYSTEM;
    default:
        return CQ_OK;
    }
}

/* Whose is the file, and who may write it? */
static int check_trust(const struct stat *status, const cq_config *config, bool read_only)
{
    mode_t accepted = config && config->permissions ? (mode_t)config->permissions : 0600;
    bool shared = read_only ? (accepted & 0044) != 0 : (accepted & 0060) == 0060;

    if (!S_ISREG(status->st_mode))
        return CQ_EACCESS;
    if ((status->st_uid != geteuid() && !shared) || (status->st_mode & 0022 & ~accepted) || (status->st_mode & 0002))
        return CQ_EOWNER;
    return CQ_OK;
}

static int open_description(const char *path, bool read_only)
{
    /* O_NONBLOCK: a FIFO somebody planted must not stop us. syscall: not a cancellation point. */
    return (int)syscall(SYS_openat, AT_FDCWD, path,
                        (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
}

static int map_region(cq_queue *queue, int fd, bool read_only)
{
    size_t size = (size_t)queue->geometry.file_size;
    int protection = read_only ? PROT_READ : PROT_READ | PROT_WRITE;

    void *base = mmap(NULL, size, protection, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (base == MAP_FAILED)
        return result_of_errno(errno);
    /* A child must not keep the lock, nor store into the region: it does not get the mapping at all. */
    madvise(base, size, MADV_DONTFORK);
    _Atomic uint32_t *alive = mmap(NULL, LAYOUT_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (alive == MAP_FAILED || madvise(alive, LAYOUT_PAGE, MADV_WIPEONFORK) != 0) {
        int result = result_of_errno(errno);
        munmap(base, size);
        if (alive != MAP_FAILED)
            munmap(alive, LAYOUT_PAGE);
        return result;
    }
    atomic_store_explicit(alive, 1, memory_order_relaxed); /* before any other thread has the handle */
    queue->alive = alive;
    queue->base = base;
    queue->header = base;
    queue->participants = (void *)(queue->base + LAYOUT_PARTICIPANTS_OFFSET);
    queue->summary = (void *)(queue->base + LAYOUT_SUMMARY_OFFSET);
    queue->bitmap = (void *)(queue->base + queue->geometry.bitmap_offset);
    queue->states = (void *)(queue->base + queue->geometry.states_offset);
    return CQ_OK;
}

/*
 * Open, check and map the region at `path`. *lock_fd receives the description that the mapping was made through (-1 when
 * read-only); the caller closes it once it has locked through it. RESULT_RETRY: the name leads elsewhere now.
 */
int region_open(const char *path, const cq_config *config, bool read_only, cq_queue *queue, int *lock_fd)
{
    struct layout_header header;
    struct stat status, second;
    uint64_t file_size = 0;
    int result;

    *lock_fd = -1;
    queue->fd = -1;
    int fd = open_description(path, read_only);
    if (fd < 0)
        return result_of_errno(errno);
    if (fstat(fd, &status) != 0) {
        result = result_of_errno(errno);
        goto fail;
    }
    if ((result = check_trust(&status, config, read_only)) != CQ_OK ||
        (result = region_filesystem(fd, config ? config->flags : 0)) != CQ_OK ||
        (result = region_read_header(fd, &header, &file_size)) != CQ_OK ||
        (result = region_check_header(&header, file_size, &queue->geometry)) != CQ_OK)
        goto fail;
    if (config && ((config->capacity && config->capacity != header.capacity) ||
                   (config->max_message_size && config->max_message_size != header.max_message_size))) {
        result = CQ_EMISMATCH;
        goto fail;
    }
    queue->device = status.st_dev;
    queue->inode = status.st_ino;
    queue->fd = read_only ? fd : open_description(path, false);
    if (queue->fd < 0 || fstat(queue->fd, &second) != 0 || second.st_ino != status.st_ino ||
        second.st_dev != status.st_dev) {
        result = queue->fd < 0 && errno != ENOENT ? result_of_errno(errno) : RESULT_RETRY;
        goto fail;
    }
    if ((result = map_region(queue, fd, read_only)) != CQ_OK)
        goto fail;
    if (!read_only)
        *lock_fd = fd;
    return CQ_OK;

fail:
    if (queue->fd >= 0 && queue->fd != fd)
        close(queue->fd);
    queue->fd = -1;
    close(fd);
    return result;
}

bool region_is(const cq_queue *queue, const struct stat *status)
{
    return status->st_dev == queue->device && status->st_ino == queue->inode;
}

/* The handle's own description, or a new one if somebody closed every descriptor of the process; -1 if there is none. */
int region_descriptor(cq_queue *queue)
{
    struct stat status;
    int fd = atomic_load_explicit(&queue->fd, memory_order_relaxed); /* a number; fstat says what it is now */

    if (fd >= 0 && fstat(fd, &status) == 0 && region_is(queue, &status))
        return fd;
    int fresh = open_description(queue->path, queue->owner == 0);
    if (fresh < 0)
        return -1;
    if (fstat(fresh, &status) == 0 && region_is(queue, &status) &&
        atomic_compare_exchange_strong_explicit(&queue->fd, &fd, fresh, memory_order_relaxed, memory_order_relaxed))
        return fresh;
    syscall(SYS_close, fresh); /* not a cancellation point */
    return -1;
}

/* Does the name still lead to this region? */
bool region_is_linked(const cq_queue *queue)
{
    struct stat status;
    return lstat(queue->path, &status) == 0 && region_is(queue, &status);
}

void region_close(cq_queue *queue)
{
    struct stat status;
    int fd = atomic_load_explicit(&queue->fd, memory_order_relaxed);

    if (fd >= 0 && fstat(fd, &status) == 0 && region_is(queue, &status))
        close(fd);
    /* A forked child has no mapping there, and may have put something else in its place. */
    if (queue->alive && atomic_load_explicit(queue->alive, memory_order_relaxed))
        munmap(queue->base, (size_t)queue->geometry.file_size);
    if (queue->alive)
        munmap((void *)(uintptr_t)queue->alive, LAYOUT_PAGE);
}

/* ---- memory ---------------------------------------------------------------------------------------- */

/* Never posix_fallocate: where the file system cannot, its fallback writes to bytes that are in use. syscall: not a
   cancellation point, this runs while a claim is open. */
int region_allocate(int fd, uint64_t offset, uint64_t size)
{
    while (syscall(SYS_fallocate, fd, 0, (off_t)offset, (off_t)size) != 0)
        if (errno != EINTR)
            return result_of_errno(errno);
    return CQ_OK;
}

/* Memory for a node and, where it is the first on their page, for its state and hints. */
int region_allocate_node(int fd, const struct geometry *g, uint64_t node)
{
    const uint64_t words = LAYOUT_PAGE / 8;
    int result = CQ_OK;

    if (node % (words * 64 * 64) == 0)
        result = region_allocate(fd, LAYOUT_SUMMARY_OFFSET + node / (64 * 64) * 8, LAYOUT_PAGE);
    if (result == CQ_OK && node % (words * 64) == 0)
        result = region_allocate(fd, g->bitmap_offset + node / 64 * 8, LAYOUT_PAGE);
    if (result == CQ_OK && node % words == 0)
        result = region_allocate(fd, g->states_offset + node * 8, LAYOUT_PAGE);
    return result == CQ_OK ? region_allocate(fd, g->nodes_offset + node * g->node_stride, g->node_stride) : result;
}
