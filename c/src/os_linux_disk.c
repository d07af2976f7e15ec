/*
 * os_linux_disk.c - disk.h on Linux.
 *
 * As in os_linux.c, syscall() opens and closes. A file is filled with written zeros, not with reserved blocks: the
 * first write to a reserved block changes the file's metadata, which makes each fdatasync several times as long.
 */
#include "disk.h"

#include "os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifdef CQ_TESTING
const struct disk *cq_testing_disk;
#endif

static int disk_error(long result) { return result < 0 ? errno : 0; }

static void disk_close(int file) { syscall(SYS_close, file); }

static int disk_open_at(int directory, const char *name, int how, uint32_t permissions, int *file)
{
    how |= O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    *file = (int)syscall(SYS_openat, directory, name, how, permissions);
    int error = disk_error(*file);
    if (!(how & O_DIRECTORY))
        *file = os_move_up(*file);
    return error;
}

/* Flush the directory in which `path` is: its last name is made durable. */
static int disk_flush_parent(const char *path)
{
    char *parent = strdup(path);
    int directory, error;

    if (!parent)
        return ENOMEM;
    size_t length = strlen(parent);
    while (length > 1 && parent[length - 1] == '/')
        parent[--length] = '\0';
    char *slash = strrchr(parent, '/');
    if (slash)
        slash[slash == parent] = '\0';
    error = disk_open_at(AT_FDCWD, slash ? parent : ".", O_RDONLY | O_DIRECTORY, 0, &directory);
    free(parent);
    if (error != 0)
        return error;
    error = disk_error(fsync(directory));
    disk_close(directory);
    return error;
}

static int disk_open_directory(const char *path, bool create, uint32_t permissions, int *directory)
{
    /* The last name may be a symbolic link, to a disk mounted elsewhere. */
    *directory = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (*directory >= 0 || errno != ENOENT || !create)
        return disk_error(*directory);
    bool made = mkdir(path, 0700) == 0;
    if (!made && errno != EEXIST)
        return errno;
    *directory = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (*directory < 0 || !made)
        return disk_error(*directory);
    int error = disk_error(fchmod(*directory, (mode_t)permissions));
    if (error == 0)
        error = disk_flush_parent(path);
    if (error != 0)
        disk_close(*directory);
    return error;
}

static int disk_check(int directory)
{
    struct statfs status;

    if (fstatfs(directory, &status) != 0)
        return errno;
    switch ((unsigned long)status.f_type & 0xffffffffUL) {
    case 0x01021994 /* tmpfs */: case 0x858458f6 /* ramfs */: case 0x958458f6 /* hugetlbfs */: case 0x6969 /* NFS */:
    case 0x01021997 /* 9p */: case 0x5346414f /* AFS */: case 0x73757245 /* Coda */: case 0x65735546 /* FUSE */:
    case 0xfe534d42 /* SMB2 */: case 0xff534d42 /* CIFS */: case 0x517b /* SMB */: case 0x00c36400 /* Ceph */:
        return EOPNOTSUPP;
    default:
        return 0;
    }
}

static int disk_list(int directory, disk_visitor *visitor, void *context)
{
    int copy, result = disk_open_at(directory, ".", O_RDONLY | O_DIRECTORY, 0, &copy);

    if (result != 0)
        return result;
    DIR *stream = fdopendir(copy);
    if (!stream) {
        result = errno;
        disk_close(copy);
        return result;
    }
    for (errno = 0; result == 0; errno = 0) {
        const struct dirent *entry = readdir(stream);
        if (!entry) {
            result = errno;
            break;
        }
        result = visitor(entry->d_name, context);
    }
    closedir(stream);
    return result;
}

static int disk_flush_directory(int directory) { return disk_error(fsync(directory)); }

static int disk_create(int directory, const char *name, uint32_t permissions, int *file)
{
    int error = disk_open_at(directory, name, O_RDWR | O_CREAT | O_EXCL, 0600, file);

    if (error != 0 || permissions == 0600 || fchmod(*file, (mode_t)permissions) == 0)
        return error;
    error = errno;
    disk_close(*file);
    return error;
}

static int disk_open(int directory, const char *name, bool writable, int *file)
{
    struct stat found;
    int error = disk_open_at(directory, name, writable ? O_RDWR : O_RDONLY, 0, file);

    if (error != 0)
        return error;
    if (fstat(*file, &found) == 0 && S_ISREG(found.st_mode))
        return 0;
    disk_close(*file);
    return ELOOP;
}

static int disk_unlink(int directory, const char *name) { return disk_error(unlinkat(directory, name, 0)); }

/* The kernel's struct statx, which not every C library has. */
struct kernel_status {
    uint32_t known, block;
    uint64_t attributes;
    uint32_t links, user, group, mode;
    uint64_t inode, size, blocks, supported;
    uint64_t times[8];
    uint32_t special_major, special_minor, major, minor;
    uint64_t more[14];
};
_Static_assert(sizeof(struct kernel_status) == 256, "as the kernel has it");
#define STATUS_LINKS 0x4u
#define STATUS_INODE 0x100u
#define STATUS_SIZE 0x200u

/* The times are not asked for: of a file whose times were looked at, some file systems write the inode too, with
   whatever is written next. */
static int disk_identify(int file, struct disk_identity *identity, uint64_t *size)
{
    struct kernel_status found;
    struct stat old; /* filters of containers may not know statx */

    *identity = (struct disk_identity){0, 0};
    *size = 0;
    if (syscall(SYS_statx, file, "", AT_EMPTY_PATH, STATUS_INODE | STATUS_LINKS | STATUS_SIZE, &found) == 0) {
        *identity = (struct disk_identity){makedev(found.major, found.minor), found.inode};
        *size = found.size;
        return found.links > 0 ? 0 : ENOENT;
    }
    if (fstat(file, &old) != 0)
        return errno;
    *identity = (struct disk_identity){old.st_dev, old.st_ino};
    *size = (uint64_t)old.st_size;
    return old.st_nlink > 0 ? 0 : ENOENT;
}

static bool disk_is_called(int file, const char *name)
{
    char link[40], path[PATH_MAX];

    snprintf(link, sizeof link, "/proc/thread-self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length > 0 ? length : 0] = '\0';
    const char *slash = strrchr(path, '/');
    return slash && strncmp(slash + 1, name, strlen(name)) == 0; /* "(deleted)" may follow */
}

static int disk_write(int file, const void *from, size_t size, uint64_t offset)
{
    const unsigned char *bytes = from;

    while (size > 0) {
        ssize_t written = pwrite(file, bytes, size, (off_t)offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return written < 0 ? errno : EIO;
        bytes += written;
        size -= (size_t)written;
        offset += (uint64_t)written;
    }
    return 0;
}

/* Past the page cache, if the file system has that: with the flush afterwards it takes two thirds of the time. What is
   refused for whatever reason goes the other way, which tells of errors. */
static int disk_write_blocks(int file, const void *from, size_t size, uint64_t offset)
{
    int flags = fcntl(file, F_GETFL);
    bool direct = flags >= 0 && fcntl(file, F_SETFL, flags | O_DIRECT) == 0;
    bool written = direct && pwrite(file, from, size, (off_t)offset) == (ssize_t)size;

    if (direct)
        fcntl(file, F_SETFL, flags);
    return written ? 0 : disk_write(file, from, size, offset);
}

static int disk_fill(int file, uint64_t begin, uint64_t end)
{
    static const unsigned char zeros[65536];

    for (int error; begin < end;) {
        size_t piece = end - begin < sizeof zeros ? (size_t)(end - begin) : sizeof zeros;
        if ((error = disk_write(file, zeros, piece, begin)) != 0)
            return error;
        begin += piece;
    }
    return 0;
}

static int disk_read(int file, void *to, size_t size, uint64_t offset, size_t *got)
{
    unsigned char *bytes = to;

    for (*got = 0; *got < size;) {
        ssize_t result = pread(file, bytes + *got, size - *got, (off_t)(offset + *got));
        if (result < 0 && errno == EINTR)
            continue;
        if (result < 0)
            return errno;
        if (result == 0)
            break;
        *got += (size_t)result;
    }
    return 0;
}

/* What was written, and the file's size if that changed. */
static int disk_flush(int file) { return disk_error(fdatasync(file)); }

static int disk_lock_byte(int file, uint64_t byte, enum disk_lock kind)
{
    short type = kind == DISK_UNLOCK ? F_UNLCK : kind == DISK_LOCK_SHARED ? F_RDLCK : F_WRLCK;
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)byte, .l_len = 1};
    return disk_error(fcntl(file, F_OFD_SETLK, &lock));
}

/* The mapping is never touched: it keeps the description, as that of a region does. */
static int disk_hold(int file, void **held)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *at = mmap(NULL, page, PROT_READ, MAP_SHARED, file, 0);

    if (at == MAP_FAILED)
        return errno;
    if (madvise(at, page, MADV_DONTFORK) != 0 && errno != EINVAL && errno != ENOSYS) {
        int error = errno;
        munmap(at, page);
        return error;
    }
    *held = at;
    return 0;
}

static void disk_release(void *held) { munmap(held, (size_t)sysconf(_SC_PAGESIZE)); }

static int disk_boot(uint8_t id[16])
{
    char text[37];
    size_t got, digits = 0;
    int file, error = disk_open_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", O_RDONLY, 0, &file);

    if (error != 0)
        return error;
    error = disk_read(file, text, sizeof text, 0, &got);
    disk_close(file);
    memset(id, 0, 16);
    for (size_t i = 0; error == 0 && i < got && digits < 32; ++i) {
        const char *hex = "0123456789abcdef", *digit = text[i] ? strchr(hex, text[i]) : NULL;
        if (digit)
            id[digits / 2] |= (uint8_t)((digit - hex) << (digits % 2 ? 0 : 4));
        digits += digit != NULL;
    }
    return error != 0 ? error : digits == 32 ? 0 : EIO;
}

const struct disk *disk_linux(void)
{
    static const struct disk ways = {
        .open_directory = disk_open_directory,
        .check = disk_check,
        .list = disk_list,
        .flush_directory = disk_flush_directory,
        .create = disk_create,
        .open = disk_open,
        .unlink = disk_unlink,
        .close = disk_close,
        .identify = disk_identify,
        .is_called = disk_is_called,
        .fill = disk_fill,
        .write = disk_write,
        .write_blocks = disk_write_blocks,
        .read = disk_read,
        .flush = disk_flush,
        .lock = disk_lock_byte,
        .hold = disk_hold,
        .release = disk_release,
        .boot = disk_boot,
    };
    return &ways;
}
