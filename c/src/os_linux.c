/*
 * os_linux.c - os.h on Linux: files, locks, sleeping, clocks. os_linux_memory.c, os_linux_process.c and
 * os_linux_blocks.c have the rest; no other file of the library makes a system call or knows the system's headers.
 *
 * Constants that some C libraries' headers lack, or that stand in headers of the kernel, are written out. syscall()
 * is used where the C library's function is a cancellation point, or does more than asked for; and always to open and
 * to close, because a thread sanitizer that sees one and not the other takes a descriptor for another thread's.
 */
#include "os.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAKE_BITSET 10
#define FUTEX_WAIT_PRIVATE 128
#define FUTEX_WAKE_PRIVATE 129

static_assert(sizeof(off_t) == 8, "file offsets of 64 bits");

#define BTRFS 0x9123683eu
#define LOW_NUMBERS 192 /* descriptors that most processes have fewer of */
#define GET_FLAGS 0x80086601u  /* FS_IOC_GETFLAGS */
#define SET_FLAGS 0x40086602u  /* FS_IOC_SETFLAGS */
#define NO_COPY_ON_WRITE 0x00800000u /* FS_NOCOW_FL */

static int error_of(long result) { return result < 0 ? errno : 0; }

/* ---- files ------------------------------------------------------------------------------------------- */

int os_open(const char *path, uint32_t flags, int *fd)
{
    /* O_NONBLOCK: a FIFO somebody planted must not stop us. */
    int how = O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (flags & OS_READ_ONLY ? O_RDONLY : O_RDWR) |
              (flags & OS_FOLLOW ? 0 : O_NOFOLLOW) | (flags & OS_MARKED ? O_APPEND : 0);

    *fd = (int)syscall(SYS_openat, AT_FDCWD, path, how, 0);
    int error = error_of(*fd);
    *fd = os_move_up(*fd);
    return error;
}

/* Others hardly open anything in this way. */
static bool is_opened_here(int fd)
{
    struct stat found;
    bool regular = false;
    int flags = fcntl(fd, F_GETFL);

    if (flags != -1 && !(flags & O_NOFOLLOW)) {
        regular = fstat(fd, &found) == 0 && S_ISREG(found.st_mode);
        flags = fcntl(fd, F_GETFL); /* last: nothing comes between this and closing */
    }
    if (flags == -1)
        return errno != EBADF; /* it cannot be told, and most likely is */
    return flags & O_NONBLOCK && (regular || flags & O_NOFOLLOW);
}

void os_close(int fd)
{
    if (is_opened_here(fd))
        syscall(SYS_close, fd);
}

int os_move_up(int fd)
{
    struct rlimit limit;
    struct stat found;
    /* The lowest that was free tells how many there are: as many again have to be opened before this one's turn. */
    rlim_t to = fd > LOW_NUMBERS / 2 ? 2 * (rlim_t)fd : LOW_NUMBERS;

    if (fd < 0)
        return fd;
    int up = fcntl(fd, F_DUPFD_CLOEXEC, (int)to);
    if (up < 0 && errno == EINVAL && getrlimit(RLIMIT_NOFILE, &limit) == 0) { /* there are not so many */
        to = limit.rlim_cur / 4 * 3;
        up = to > (rlim_t)fd ? fcntl(fd, F_DUPFD_CLOEXEC, (int)to) : -1;
    }
    if (up < 0)
        return fd;
    if (is_opened_here(up))
        os_close(fd);
    else if (fstat(up, &found) == 0 && !S_ISREG(found.st_mode)) /* closing a file would give up its owner's locks */
        syscall(SYS_close, up);
    return up;
}

static int fill_status(int result, const struct stat *found, struct os_status *status)
{
    *status = (struct os_status){0};
    if (result != 0)
        return errno;
    *status = (struct os_status){
        .device = found->st_dev,
        .inode = found->st_ino,
        .size = (uint64_t)found->st_size,
        .memory = (uint64_t)found->st_blocks * 512,
        .links = found->st_nlink,
        .permissions = found->st_mode & 07777u,
        .user = found->st_uid,
        .group = found->st_gid,
        .is_regular = S_ISREG(found->st_mode),
    };
    return 0;
}

int os_status(int fd, struct os_status *status)
{
    struct stat found;
    return fill_status(fstat(fd, &found), &found, status);
}

int os_status_at(const char *path, bool follow, struct os_status *status)
{
    struct stat found;
    return fill_status((follow ? stat : lstat)(path, &found), &found, status);
}

bool os_is_marked(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags != -1 && (flags & O_APPEND); /* if flags cannot be asked for, locks cannot either */
}

int os_read(int fd, void *to, size_t size, uint64_t offset, size_t *got)
{
    ssize_t result = pread(fd, to, size, (off_t)offset);
    *got = result < 0 ? 0 : (size_t)result;
    return error_of(result);
}

int os_write(int fd, const void *from, size_t size, uint64_t offset)
{
    errno = EIO;
    return pwrite(fd, from, size, (off_t)offset) == (ssize_t)size ? 0 : errno; /* a few bytes into allocated memory */
}

int os_check_filesystem(int fd)
{
    struct statfs status;

    if (fstatfs(fd, &status) != 0)
        return errno;
    switch ((unsigned long)status.f_type & 0xffffffffUL) {
    case 0x6969 /* NFS */: case 0x794c7630 /* overlay */: case 0x01021997 /* 9p */: case 0x5346414f /* AFS */:
    case 0x73757245 /* Coda */: case 0x65735546 /* FUSE */: case 0xfe534d42 /* SMB2 */: case 0xff534d42 /* CIFS */:
    case 0x517b /* SMB */: case 0x00c36400 /* Ceph */:
        return EOPNOTSUPP;
    default:
        return 0;
    }
}

static uint32_t kind_of(int fd)
{
    struct statfs status;
    return fstatfs(fd, &status) == 0 ? (uint32_t)status.f_type : 0;
}

/* btrfs would need a new block for each store to an old one, and may have none. As long as the file is empty it can be
   told not to. */
static int write_in_place(int fd)
{
    int flags = 0;

    if (kind_of(fd) != BTRFS)
        return 0;
    if (ioctl(fd, GET_FLAGS, &flags) != 0)
        return EOPNOTSUPP;
    flags |= (int)NO_COPY_ON_WRITE;
    return ioctl(fd, SET_FLAGS, &flags) == 0 && ioctl(fd, GET_FLAGS, &flags) == 0 &&
                   ((uint32_t)flags & NO_COPY_ON_WRITE)
               ? 0
               : EOPNOTSUPP;
}

int os_create_nameless(const char *directory, int *fd)
{
    *fd = (int)syscall(SYS_openat, AT_FDCWD, directory, O_TMPFILE | O_RDWR | O_CLOEXEC | O_NONBLOCK, 0600);
    if (*fd < 0) /* EISDIR, EINVAL: a kernel or file system that does not know O_TMPFILE. */
        return errno == EISDIR || errno == EINVAL ? EOPNOTSUPP : errno;
    *fd = os_move_up(*fd);
    int error = write_in_place(*fd);
    if (error != 0)
        os_close(*fd);
    return error;
}

int os_check_size(uint64_t size)
{
    struct rlimit limit;

    /* The kernel would not only refuse but send SIGXFSZ. */
    bool limited = getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    return limited && limit.rlim_cur < size ? EFBIG : 0;
}

int os_set_size(int fd, uint64_t size)
{
    if (ftruncate(fd, (off_t)size) == 0)
        return 0;
    return errno == EINVAL ? EOPNOTSUPP : errno; /* larger pages than ours */
}

int os_set_permissions(int fd, uint32_t permissions) { return error_of(fchmod(fd, (mode_t)permissions)); }

int os_link(int fd, const char *path)
{
    char self[40];

    snprintf(self, sizeof self, "/proc/thread-self/fd/%d", fd); /* the numbers may be this thread's own */
    if (linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0)
        return 0;
    if (errno != ENOENT || faccessat(AT_FDCWD, "/proc/thread-self/fd", F_OK, 0) == 0)
        return errno;
    return linkat(fd, "", AT_FDCWD, path, AT_EMPTY_PATH) == 0 ? 0 : errno == ENOENT ? EIO : errno;
}

int os_unlink(const char *path) { return error_of(unlink(path)); }

char *os_absolute(const char *directory) { return realpath(directory, NULL); }

/* ---- life and death ---------------------------------------------------------------------------------- */

static struct flock flock_of(uint64_t byte, enum os_lock kind)
{
    short type = kind == OS_UNLOCK ? F_UNLCK : kind == OS_LOCK_SHARED ? F_RDLCK : F_WRLCK;
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)byte, .l_len = 1};
}

/* Of the open file description: those of the process would go with any descriptor of the file that it closes. */
int os_lock(int fd, uint64_t byte, enum os_lock kind)
{
    struct flock lock = flock_of(byte, kind);
    return error_of(fcntl(fd, F_OFD_SETLK, &lock)); /* does not wait: not interrupted, no cancellation point */
}

int os_ask_lock(int fd, uint64_t byte, enum os_lock kind, bool *locked)
{
    struct flock lock = flock_of(byte, kind);
    int error = error_of(fcntl(fd, F_OFD_GETLK, &lock));

    *locked = lock.l_type != F_UNLCK;
    return error;
}

bool os_process_is_gone(uint32_t process)
{
    int before = errno;
    bool gone = process != 0 && process <= INT32_MAX && kill((pid_t)process, 0) != 0 && errno == ESRCH;
    errno = before;
    return gone;
}

uint32_t os_process(void) { return (uint32_t)getpid(); }

uint32_t os_thread(void) { return (uint32_t)syscall(SYS_gettid); }

bool os_has_thread(uint32_t thread)
{
    int before = errno;
    bool gone = syscall(SYS_tgkill, getpid(), (pid_t)thread, 0) != 0 && errno == ESRCH;
    errno = before;
    return !gone;
}

void os_program_name(char name[16])
{
    const char *own = program_invocation_short_name; /* a thread may be called anything */

    memset(name, 0, 16);
    memcpy(name, own, strnlen(own, 15));
}

uint32_t os_user(void) { return geteuid(); }

/* ---- sleeping words ---------------------------------------------------------------------------------- */

int os_sleep(_Atomic uint32_t *word, uint32_t expected, int64_t deadline, uint32_t kinds)
{
    struct timespec until = {.tv_sec = deadline / 1000000000, .tv_nsec = deadline % 1000000000};

    if (kinds == 0)
        return error_of(syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0));
    return error_of(syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected, &until, NULL, kinds));
}

size_t os_wake(_Atomic uint32_t *word, size_t count, uint32_t kinds)
{
    int before = errno;
    long woken = syscall(SYS_futex, word, kinds ? FUTEX_WAKE_BITSET : FUTEX_WAKE_PRIVATE,
                         count < INT_MAX ? (int)count : INT_MAX, NULL, NULL, kinds);
    errno = before;
    return woken > 0 ? (size_t)woken : 0;
}

void os_yield(void) { sched_yield(); }

int os_random(void *to, size_t size)
{
    unsigned char *at = to;

    while (size > 0) {
        long got = syscall(SYS_getrandom, at, size, 0);
        if (got < 0 && errno != EINTR)
            return errno;
        at += got > 0 ? got : 0;
        size -= got > 0 ? (size_t)got : 0;
    }
    return 0;
}

int64_t os_clock(enum os_clock clock)
{
    static const clockid_t ids[] = {CLOCK_MONOTONIC, CLOCK_MONOTONIC_COARSE, CLOCK_REALTIME, CLOCK_REALTIME_COARSE};
    struct timespec now;

    clock_gettime(ids[clock], &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
