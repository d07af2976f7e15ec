/*
 * region.c - the file: its name, opening, checking and mapping it.
 *
 * It owns descriptors, paths and the mapping. It must not know how the queue in the region works: it hands out a handle
 * whose pointers are set and whose geometry was checked against the file.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
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
    case ENOSPC: case EDQUOT: return CQ_ENOSPACE;
    case EFBIG: return CQ_EFILESIZE;
    case ENOMEM: return CQ_ENOMEM;
    case EMFILE: case ENFILE: return CQ_EPROCESS;
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

/* The file of the queue, by a path that leads there whatever the working directory will be. */
int region_path(const char *name, const char *directory, char **path)
{
    if (!name_is_valid(name))
        return CQ_ENAME;
    if (directory && !*directory)
        return CQ_ENOENT;
    /* Where there is no such directory, or none with a name, it stays as given: opening says what is wrong. */
    char *real = directory ? realpath(directory, NULL) : NULL;
    const char *start = real ? real : directory ? directory : DEFAULT_DIRECTORY;
    size_t size = strlen(start) + sizeof("/" PREFIX) + strlen(name);
    *path = malloc(size);
    if (*path)
        snprintf(*path, size, "%s/" PREFIX "%s", start, name);
    free(real);
    return *path ? CQ_OK : CQ_ENOMEM;
}

/* ---- geometry -------------------------------------------------------------------------------------- */


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
    g->marks_offset = g->bitmap_offset + round_up(words * 8, LAYOUT_PAGE);
    g->states_offset = g->marks_offset + round_up(round_up(g->node_count, MARK_NODES) / MARK_NODES * 8, LAYOUT_PAGE);
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
    uint64_t magic = atomic_load_explicit(&header->magic, memory_order_relaxed); /* a private copy */
    if (magic == __builtin_bswap64(LAYOUT_MAGIC) && header->byte_order == __builtin_bswap32(LAYOUT_BYTE_ORDER))
        return CQ_EVERSION; /* whole, but of a machine that writes the other end first */
    if (magic != LAYOUT_MAGIC)
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
    case 0x6969 /* NFS */: case 0x794c7630 /* overlay */: case 0x01021997 /* 9p */: case 0x5346414f /* AFS */:
    case 0x73757245 /* Coda */: case 0x65735546 /* FUSE */: case 0xfe534d42 /* SMB2 */: case 0xff534d42 /* CIFS */:
    case 0x517b /* SMB */: case 0x00c36400 /* Ceph */:
        return CQ_EFILESYSTEM;
    default:
        return CQ_OK;
    }
}

/* Whose is the file, and who may write it? One of this process' own user is as open to a group as he made it. */
static int check_trust(const struct stat *status, const cq_config *config, bool read_only)
{
    mode_t accepted = config && config->permissions ? (mode_t)config->permissions : 0600;
    bool shared = read_only ? (accepted & 0044) != 0 : (accepted & 0060) == 0060;
    bool trusted = status->st_uid == geteuid() || (config && config->flags & CQ_TRUST) ||
                   (shared && !(status->st_mode & 0022 & ~accepted));

    if (!S_ISREG(status->st_mode))
        return CQ_EACCESS;
    return trusted && !(status->st_mode & 0002) ? CQ_OK : CQ_EOWNER;
}

static int open_description(const char *path, bool read_only, int links)
{
    /* O_NONBLOCK: a FIFO somebody planted must not stop us. syscall: not a cancellation point. */
    return (int)syscall(SYS_openat, AT_FDCWD, path,
                        (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | links, 0);
}

/* What a kernel (or what plays one) does not know is done another way: by fork.c, or by fallocate. */
static bool advise(void *at, size_t size, int advice)
{
    return madvise(at, size, advice) == 0 || errno == EINVAL || errno == ENOSYS || errno == EPERM;
}

/* A page of this process's own: 1, and 0 in a forked child. *populates: does the kernel do what MADV_POPULATE_WRITE asks
   for? Some take any advice for granted and do nothing. NULL: see errno. */
static _Atomic uint32_t *map_alive(bool *populates)
{
    unsigned char resident = 0;
    _Atomic uint32_t *alive = mmap(NULL, LAYOUT_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (alive == MAP_FAILED)
        return NULL;
    if (!advise(alive, LAYOUT_PAGE, MADV_WIPEONFORK)) {
        int error = errno;
        munmap(alive, LAYOUT_PAGE);
        errno = error;
        return NULL;
    }
    *populates = madvise(alive, LAYOUT_PAGE, MADV_POPULATE_WRITE) == 0 && mincore(alive, LAYOUT_PAGE, &resident) == 0 &&
                 (resident & 1);
    atomic_store_explicit(alive, 1, memory_order_relaxed); /* before any other thread has the handle */
    return alive;
}

static void unmap_region(cq_queue *queue)
{
    munmap(queue->base, (size_t)queue->geometry.file_size);
    munmap(queue->alive, LAYOUT_PAGE);
    queue->alive = NULL;
}

/* With fork_lock held. */
static int map_region(cq_queue *queue, int fd, bool read_only)
{
    size_t size = (size_t)queue->geometry.file_size;
    int protection = read_only ? PROT_READ : PROT_READ | PROT_WRITE;

    void *base = mmap(NULL, size, protection, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (base == MAP_FAILED)
        return result_of_errno(errno);
    /* A child must not keep the lock, nor store into the region: it does not get the mapping at all. And a core dump would
       give memory to every hole that it reads. */
    if (!advise(base, size, MADV_DONTFORK) || !advise(base, size, MADV_DONTDUMP) ||
        !(queue->alive = map_alive(&queue->populates))) {
        int result = result_of_errno(errno);
        munmap(base, size);
        return result;
    }
    queue->base = base;
    queue->header = base;
    queue->participants = (void *)(queue->base + LAYOUT_PARTICIPANTS_OFFSET);
    queue->summary = (void *)(queue->base + LAYOUT_SUMMARY_OFFSET);
    queue->bitmap = (void *)(queue->base + queue->geometry.bitmap_offset);
    queue->marks = (void *)(queue->base + queue->geometry.marks_offset);
    queue->states = (void *)(queue->base + queue->geometry.states_offset);
    uint64_t from = (uintptr_t)base;
    snprintf(queue->mapped_as, sizeof queue->mapped_as, "/proc/self/map_files/%" PRIx64 "-%" PRIx64, from,
             round_up(from + size, page_size()));
    int result = fork_remember(queue);
    if (result != CQ_OK)
        unmap_region(queue);
    return result;
}

/*
 * Open, check and map the region at `path`. *lock_fd receives the description that the mapping was made through (-1 when
 * read-only); the caller, who has fork_lock, closes it once it has locked through it. RESULT_RETRY: the name leads elsewhere now.
 */
int region_open(const char *path, const cq_config *config, bool read_only, cq_queue *queue, int *lock_fd)
{
    struct layout_header header;
    struct stat status, second;
    uint64_t file_size = 0;
    int result;

    *lock_fd = -1;
    queue->fd = -1;
    /* O_APPEND marks the description that the lock goes through: see region_is_at. */
    int fd = open_description(path, read_only, O_NOFOLLOW | (read_only ? 0 : O_APPEND));
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
    queue->fd = read_only ? fd : open_description(path, false, O_NOFOLLOW);
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

/* Is fd, at this moment, a description of the region that can tell who is alive? One through which another thread is just
   opening a handle, and which got the number of ours because somebody closed that, cannot: its own lock is invisible to it. */
bool region_is_at(const cq_queue *queue, int fd)
{
    struct stat status;

    if (fd < 0 || fstat(fd, &status) != 0 || !region_is(queue, &status))
        return false;
    int flags = fcntl(fd, F_GETFL);
    return flags == -1 || !(flags & O_APPEND); /* if flags cannot be asked for, locks cannot either */
}

/* A new description, by the name; or, if that leads elsewhere or nowhere (unlinked, chroot), by the mapping, which only
   some processes may. -1: there is none. What turns out to be another file is not closed: most likely another thread has
   closed our descriptor meanwhile, and the number is somebody else's. */
static int open_again(const cq_queue *queue)
{
    const struct {
        const char *path;
        int links;
    } ways[] = {{queue->path, O_NOFOLLOW}, {queue->mapped_as, 0}};
    struct stat status;

    for (int i = 0; i < 2; ++i) {
        if ((ways[i].links ? lstat : stat)(ways[i].path, &status) != 0 || !region_is(queue, &status))
            continue;
        int fd = open_description(ways[i].path, queue->owner == 0, ways[i].links);
        if (region_is_at(queue, fd))
            return fd;
    }
    return -1;
}

static void close_descriptor(const cq_queue *queue, int fd)
{
    if (region_is_at(queue, fd))
        syscall(SYS_close, fd); /* not a cancellation point */
}

/* The handle's own description, or a new one if somebody closed every descriptor of the process; -1 if there is none.
   The number is the region's now, and somebody else's as soon as another thread closes everything once more: what is done
   with it must not harm any other file. */
int region_descriptor(cq_queue *queue)
{
    int fd = atomic_load_explicit(&queue->fd, memory_order_relaxed); /* a number; fstat says what it is now */

    if (region_is_at(queue, fd))
        return fd;
    int fresh = open_again(queue);
    if (fresh < 0 || atomic_compare_exchange_strong_explicit(&queue->fd, &fd, fresh, memory_order_relaxed,
                                                             memory_order_relaxed))
        return fresh;
    close_descriptor(queue, fresh); /* another thread was faster */
    return region_is_at(queue, fd) ? fd : -1;
}

/* Does the name still lead to this region? */
bool region_is_linked(const cq_queue *queue)
{
    struct stat status;
    return lstat(queue->path, &status) == 0 && region_is(queue, &status);
}

/* Has the file no name at all any more, so that nobody can open it? A file that was renamed still has one. */
bool region_is_removed(cq_queue *queue)
{
    struct stat status;
    int fd = region_descriptor(queue);

    if (fd >= 0 && fstat(fd, &status) == 0 && region_is(queue, &status))
        return status.st_nlink == 0;
    return !region_is_linked(queue);
}

void region_close(cq_queue *queue)
{
    close_descriptor(queue, atomic_load_explicit(&queue->fd, memory_order_relaxed));
    if (!queue->alive)
        return;
    fork_lock(); /* no child may see the handle forgotten and the region mapped */
    fork_forget(queue);
    /* A forked child has no mapping there, and may have put something else in its place. */
    if (atomic_load_explicit(queue->alive, memory_order_relaxed))
        unmap_region(queue);
    else
        munmap(queue->alive, LAYOUT_PAGE);
    fork_unlock();
}

/* In a forked child: the handle is its parent's. */
void region_forget(cq_queue *queue)
{
    static const struct timespec at_once;

    atomic_store_explicit(queue->alive, 0, memory_order_relaxed); /* no other thread is here */
    /* Is the region mapped here after all? The kernel is asked, because if it is not it must not be read. What else there may
       be at this address by now does not begin like a region: time is over means that the word was the expected one. */
    if (syscall(SYS_futex, queue->base, FUTEX_WAIT_PRIVATE, (uint32_t)LAYOUT_MAGIC, &at_once, NULL, 0) != 0 &&
        errno == ETIMEDOUT)
        munmap(queue->base, (size_t)queue->geometry.file_size);
}
