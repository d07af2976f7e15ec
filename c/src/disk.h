/*
 * disk.h - the seam to the disk: all that durable queues ask of files that must survive a power cut.
 *
 * It owns no state, and must not know what is in the files. os_linux_disk.c answers for Linux; in the test build a
 * simulated disk comes in here (cq_testing_disk). Each function returns 0 or an error number of <errno.h> unless it
 * says otherwise. Files and directories are small numbers, as descriptors are. All may be cancellation points:
 * cancellation is off when they are called. Only `flush`, `flush_directory`, `fill` and `read` may take long.
 *
 * What is promised of a power cut: what was written to a file before a `flush` of it that returned 0 is there, if the
 * file's name is; a name is there (or gone) after a `flush_directory` that returned 0. Of what was written, made or
 * removed later any part may be there, in any order, torn at any multiple of 8 bytes.
 */
#ifndef CQ_DISK_H
#define CQ_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISK_NAME 64u /* the longest name of a file, with its closing 0 */

/* What names a file among all that exist, however it is opened. */
struct disk_identity {
    uint64_t device, inode;
};

enum disk_lock { DISK_UNLOCK, DISK_LOCK_SHARED, DISK_LOCK };

/* For each name in a directory, in any order. Nonzero stops, and is what `list` returns. */
typedef int disk_visitor(const char *name, void *context);

struct disk {
    /* A directory. `create`: make it, for these permissions, if it is not there and its parent is; and flush that. */
    int (*open_directory)(const char *path, bool create, uint32_t permissions, int *directory);
    /* EOPNOTSUPP: it is in memory, or shared with other machines, so that nothing there survives, or locks fail. */
    int (*check)(int directory);
    int (*list)(int directory, disk_visitor *visitor, void *context);
    int (*flush_directory)(int directory);
    /* A new file, to read and write; EEXIST: there is one of that name. */
    int (*create)(int directory, const char *name, uint32_t permissions, int *file);
    /* A file that is there. ELOOP and the like: it is not a regular file. */
    int (*open)(int directory, const char *name, bool writable, int *file);
    int (*unlink)(int directory, const char *name);
    void (*close)(int file);
    /* Which file is this number, by now? ("Close all descriptors" closes ours too.) And how large it is. ENOENT: it has
       no name any more; *identity is set. EBADF: none. Others: the disk does not say. */
    int (*identify)(int file, struct disk_identity *identity, uint64_t *size);
    /* Was this number, as far as the system remembers, opened by this name? For a disk that does not say. */
    bool (*is_called)(int file, const char *name);
    /* Have the file reach up to `end`, with blocks of its own that hold 0 from `begin` on, its size before, so that
       later writes there change nothing but these blocks. */
    int (*fill)(int file, uint64_t begin, uint64_t end);
    /* All of it, or an error. */
    int (*write)(int file, const void *from, size_t size, uint64_t offset);
    /* As `write`, for blocks: `from`, `size` and `offset` are multiples of 4096. What was filled and flushed there
       before is best written so. */
    int (*write_blocks)(int file, const void *from, size_t size, uint64_t offset);
    /* *got is less than `size` at the end of the file only. */
    int (*read)(int file, void *to, size_t size, uint64_t offset, size_t *got);
    int (*flush)(int file);
    /* A lock on a byte, as os_lock: of the description, and of what `hold` made of it; never waits. EAGAIN, EACCES:
       somebody else's is in the way. */
    int (*lock)(int file, uint64_t byte, enum disk_lock kind);
    /* Keep the description, with its locks, when `file` is closed: until `release`, or the end of the process. A
       child process does not have it. */
    int (*hold)(int file, void **held);
    void (*release)(void *held);
    /* Which run of the system this is: no two have the same. */
    int (*boot)(uint8_t id[16]);
};

const struct disk *disk_linux(void);

#ifdef CQ_TESTING
/* NULL: the real one. To be set while no durable queue is open in this process. */
extern const struct disk *cq_testing_disk;
#endif

static inline const struct disk *disk(void)
{
#ifdef CQ_TESTING
    if (cq_testing_disk)
        return cq_testing_disk;
#endif
    return disk_linux();
}

#endif
