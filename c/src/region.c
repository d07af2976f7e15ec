/*
 * region.c - the file: its name, opening, checking and mapping it.
 *
 * It owns descriptors, paths and the mapping. It must not know how the queue in the region works: it hands out a handle
 * whose pointers are set and whose geometry was checked against the file.
 */
#include "region.h"

#include "config.h"
#include "geometry.h"
#include "reach.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "cqueue."

int result_of_errno(int error)
{
    switch (error) {
    case 0: return CQ_OK;
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

/* The same, where no path was given: what is refused then is not access to a file, nor is any missing. */
int result_of_refusal(int error)
{
    int result = error == ENOSYS ? CQ_ESYSTEM : result_of_errno(error);
    return result == CQ_EACCESS || result == CQ_ENOENT || result == CQ_EEXIST || result == CQ_EINVAL ? CQ_ESYSTEM
                                                                                                    : result;
}

/* The file of the queue, by a path that leads there whatever the working directory will be. */
int region_path(const char *name, const char *directory, char **path)
{
    if (!config_name_is_valid(name))
        return CQ_ENAME;
    if (directory && !*directory)
        return CQ_ENOENT;
    /* Where there is no such directory, or none with a name, it stays as given: opening says what is wrong. */
    char *real = directory ? os_absolute(directory) : NULL;
    const char *start = real ? real : directory ? directory : CQ_DIRECTORY;
    size_t size = strlen(start) + sizeof("/" PREFIX) + strlen(name);
    *path = malloc(size);
    if (*path)
        snprintf(*path, size, "%s/" PREFIX "%s", start, name);
    free(real);
    return *path ? CQ_OK : CQ_ENOMEM;
}

/* ---- opening --------------------------------------------------------------------------------------- */

int region_read_header(int fd, struct layout_header *header, uint64_t *file_size)
{
    struct os_status status;
    size_t got;
    int error = os_status(fd, &status);

    if (error != 0 || (error = os_read(fd, header, sizeof *header, 0, &got)) != 0)
        return result_of_errno(error);
    *file_size = status.size;
    return got == sizeof *header ? CQ_OK : CQ_ECORRUPT;
}

/* CQ_EFILESYSTEM: locks do not go with mappings there, as far as is known. */
int region_filesystem(int fd, uint32_t flags)
{
    return flags & CQ_ANY_FILESYSTEM ? CQ_OK : result_of_refusal(os_check_filesystem(fd));
}

/* Are the file's owner, and those that may write it, to be trusted? A file of this process's own user is as open to a
   group as that user made it. */
static int check_trust(const struct os_status *status, const cq_config *config, bool read_only)
{
    uint32_t accepted = config && config->permissions ? config->permissions : 0600;
    bool shared = read_only ? (accepted & 0044) != 0 : (accepted & 0060) == 0060;
    bool trusted = status->user == os_user() || (config && config->flags & CQ_TRUST) ||
                   (shared && !(status->permissions & 0022 & ~accepted));

    if (!status->is_regular)
        return CQ_EACCESS;
    return trusted && !(status->permissions & 0002) ? CQ_OK : CQ_EOWNER;
}

/* A forked child has no mapping of the region, and may have put something else in its place. */
void region_unmap(cq_queue *queue)
{
    unsigned char *alive = (unsigned char *)(uintptr_t)queue->alive;
    bool whole = atomic_load_explicit(queue->alive, memory_order_relaxed) != 0; /* no other thread uses the handle */
    uint64_t page = os_page_size();

    if (whole && alive + page == queue->base) /* as a rule: one call costs less than two */
        os_unmap(alive, page + queue->geometry.file_size);
    else {
        os_unmap(alive, page);
        if (whole)
            os_unmap(queue->base, queue->geometry.file_size);
    }
    queue->alive = NULL;
}

static int map_region(cq_queue *queue, int fd, bool read_only)
{
    uint64_t size = queue->geometry.file_size;
    void *base = NULL, *alive = NULL;
    int error = os_map(fd, size, read_only ? OS_MAP_READ : OS_MAP_WRITE, &base);

    if (error != 0)
        return result_of_refusal(error);
    if ((error = os_map_alive(base, &alive, &queue->populates)) != 0) {
        os_unmap(base, size);
        return result_of_refusal(error);
    }
    queue->alive = alive;
    queue->may_write = !read_only;
    /* Relaxed: before any other thread has the handle. */
    atomic_store_explicit(queue->alive, read_only ? MAY_LOOK : MAY_CLAIM, memory_order_relaxed);
    queue->base = base;
    queue->header = base;
    queue->participants = (void *)(queue->base + LAYOUT_PARTICIPANTS_OFFSET);
    queue->summary = (void *)(queue->base + LAYOUT_SUMMARY_OFFSET);
    queue->bitmap = (void *)(queue->base + queue->geometry.bitmap_offset);
    queue->marks = (void *)(queue->base + queue->geometry.marks_offset);
    queue->states = (void *)(queue->base + queue->geometry.states_offset);
    reach_begin(queue);
    os_path_of_mapping(base, os_page_size(), queue->mapped_as, sizeof queue->mapped_as);
    return CQ_OK;
}

/* What of it differs from what is asked for, the first thing if several do. */
enum mismatch region_mismatch(const cq_config *config, const struct layout_header *header)
{
    if (config->capacity && config->capacity != header->capacity)
        return MISMATCH_CAPACITY;
    if (config->max_message_size && config->max_message_size != header->max_message_size)
        return MISMATCH_MESSAGE;
    if (config->max_headers && config->max_headers != header->max_headers)
        return MISMATCH_HEADERS;
    if (config->max_deliveries && config->max_deliveries != header->max_deliveries)
        return MISMATCH_DELIVERIES;
    if (config->dead_letter && strcmp(config->dead_letter, header->dead_letter) != 0)
        return MISMATCH_LETTERS;
    if (config->time_to_live && config->time_to_live != header->time_to_live)
        return MISMATCH_LIFE;
    if (config->flags & CQ_EXCLUSIVE_CONSUMER && !(header->features & FEATURE_EXCLUSIVE))
        return MISMATCH_EXCLUSIVE;
    return config->flags & CQ_ENQUEUE_TIMES && !(header->features & FEATURE_TIMES) ? MISMATCH_TIMES : MISMATCH_NONE;
}

static bool is_same(const struct os_status *one, const struct os_status *other)
{
    return one->device == other->device && one->inode == other->inode;
}

/* Is fd, at this moment, the file that has the name? If not, nothing that was found through it says anything: the
   number is somebody else's, or the name is. */
static bool is_named(const char *path, int fd)
{
    struct os_status named, found;
    return os_status_at(path, false, &named) == 0 && os_status(fd, &found) == 0 && is_same(&named, &found);
}

/* Is fd, still, the description through which the region is mapped and locked? No other thread has another of that
   kind, because of fork_lock: if it is now, it was all the time. */
bool region_locks_at(const cq_queue *queue, int fd)
{
    struct os_status status;
    return os_status(fd, &status) == 0 && region_is(queue, &status) && os_is_marked(fd);
}

/* On tmpfs, where locks go with mappings, and files share nothing. */
static bool lies_in_memory(const cq_queue *queue) { return queue->granule <= os_page_size(); }

static int ask_filesystem(cq_queue *queue, int fd, const cq_config *config)
{
    queue->granule = os_granule(fd);
    return lies_in_memory(queue) ? CQ_OK : region_filesystem(fd, config ? config->flags : 0);
}

/*
 * Open, check and map the region at `path`. *lock_fd receives the description that the mapping was made through (-1
 * when read-only); the caller, which has fork_lock, closes it once it has locked through it. RESULT_RETRY: the name
 * leads elsewhere now.
 */
int region_open(const char *path, const cq_config *config, bool read_only, cq_queue *queue, int *lock_fd)
{
    struct layout_header header;
    struct os_status status, second;
    uint64_t file_size = 0;
    int fd, own, error, result;

    *lock_fd = -1;
    atomic_store_explicit(&queue->fd, -1, memory_order_relaxed); /* nobody else has the handle yet */
    /* The mark is for the description that the lock goes through: see region_is_at. */
    if ((error = os_open(path, read_only ? OS_READ_ONLY : OS_MARKED, &fd)) != 0)
        return result_of_errno(error);
    own = fd;
    if ((result = result_of_errno(os_status(fd, &status))) != CQ_OK ||
        (result = check_trust(&status, config, read_only)) != CQ_OK ||
        (result = ask_filesystem(queue, fd, config)) != CQ_OK ||
        (result = region_read_header(fd, &header, &file_size)) != CQ_OK ||
        (result = geometry_of_header(&header, file_size, &queue->geometry)) != CQ_OK)
        goto fail;
    if (config && region_mismatch(config, &header) != MISMATCH_NONE) {
        result = CQ_EMISMATCH;
        goto fail;
    }
    queue->device = status.device;
    queue->inode = status.inode;
    if (!read_only && (error = os_open(path, 0, &own)) != 0) {
        own = fd;
        result = error != ENOENT ? result_of_errno(error) : RESULT_RETRY;
        goto fail;
    }
    if (os_status(own, &second) != 0 || !region_is(queue, &second)) {
        result = RESULT_RETRY;
        goto fail;
    }
    if (!read_only && !lies_in_memory(queue) && (result = result_of_errno(os_own_blocks(own))) != CQ_OK)
        goto fail;
    if ((result = map_region(queue, fd, read_only)) != CQ_OK)
        goto fail;
    if (read_only ? os_status(fd, &second) != 0 || !region_is(queue, &second) : !region_locks_at(queue, fd)) {
        region_unmap(queue); /* whatever it is, nothing was stored there */
        result = RESULT_RETRY;
        goto fail;
    }
    atomic_store_explicit(&queue->fd, own, memory_order_relaxed); /* nobody else has the handle yet */
    if (!read_only)
        *lock_fd = fd;
    return CQ_OK;

fail:
    /* A number that another thread closed fails as the system does, and may be the region again by now. */
    if (result == CQ_ESYSTEM || !is_named(path, fd))
        result = RESULT_RETRY;
    if (own != fd)
        os_close(own);
    os_close(fd);
    return result;
}

bool region_is(const cq_queue *queue, const struct os_status *status)
{
    return status->device == queue->device && status->inode == queue->inode;
}

/* Is fd, at this moment, a description of the region that can tell which participants live? One through which another
   thread is just opening a handle, and which got the number of ours because that was closed, cannot: its own lock is
   invisible to it. */
bool region_is_at(const cq_queue *queue, int fd)
{
    struct os_status status;
    return fd >= 0 && os_status(fd, &status) == 0 && region_is(queue, &status) && !os_is_marked(fd);
}

/* A new description, by the name; or, if that leads elsewhere or nowhere (unlinked, chroot), by the mapping, which
   only some processes may. -1: there is none. What turns out to be another file is not closed: most likely another
   thread has closed our descriptor meanwhile, and the number is somebody else's. */
static int open_again(const cq_queue *queue)
{
    const char *paths[] = {queue->path, queue->mapped_as};
    struct os_status status;

    for (uint32_t i = 0; i < 2; ++i) {
        uint32_t follow = i == 1 ? OS_FOLLOW : 0;
        int fd;
        if (os_status_at(paths[i], follow != 0, &status) != 0 || !region_is(queue, &status))
            continue;
        if (os_open(paths[i], follow | (queue->owner == 0 ? OS_READ_ONLY : 0), &fd) == 0 && region_is_at(queue, fd))
            return fd;
    }
    return -1;
}

static void close_descriptor(const cq_queue *queue, int fd)
{
    if (region_is_at(queue, fd))
        os_close(fd);
}

/* The handle's own description, or a new one if every descriptor of the process was closed; -1 if there is none.
   The number is the region's now, and somebody else's as soon as another thread closes everything once more: what
   is done with it must not harm any other file. */
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
    struct os_status status;
    return os_status_at(queue->path, false, &status) == 0 && region_is(queue, &status);
}

/* Is the directory where the file was seen from here, and the file not in it? Where another root, or another user's
   rights, hide the directory, nothing is known. */
static bool is_missing(const cq_queue *queue)
{
    struct os_status status;
    char directory[PATH_MAX];
    size_t length = (size_t)(strrchr(queue->path, '/') - queue->path) + 1; /* there is one: region_path wrote it */
    int error = os_status_at(queue->path, false, &status);

    if (error == 0)
        return status.device == queue->device && !region_is(queue, &status);
    if (error != ENOENT || length >= sizeof directory)
        return false;
    memcpy(directory, queue->path, length);
    directory[length] = '\0';
    return os_status_at(directory, true, &status) == 0 && status.device == queue->device;
}

/* Has the file no name at all any more, so that nobody can open it? A file that was renamed still has one. False also
   where that cannot be known. */
bool region_is_removed(cq_queue *queue)
{
    struct os_status status;
    int fd = region_descriptor(queue);

    if (fd >= 0 && os_status(fd, &status) == 0 && region_is(queue, &status))
        return status.links == 0;
    return is_missing(queue);
}

void region_close_descriptor(cq_queue *queue)
{
    close_descriptor(queue, atomic_load_explicit(&queue->fd, memory_order_relaxed)); /* which asks what the number is */
}

/* In a forked child: the handle is its parent's. */
void region_forget(cq_queue *queue)
{
    atomic_store_explicit(queue->alive, 0, memory_order_relaxed); /* no other thread is here */
    /* Is the region mapped here after all? What else there may be at this address by now does not begin like a
       region. */
    if (os_is_word(queue->base, (uint32_t)LAYOUT_MAGIC))
        os_unmap(queue->base, queue->geometry.file_size);
}
