/*
 * os_linux_memory.c - os.h on Linux: memory for files, and mappings of them.
 *
 * Constants that some C libraries' headers lack are written out, as in os_linux.c.
 */
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define FUTEX_WAIT_PRIVATE 128

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18 /* Linux 4.14 */
#endif
#ifndef MADV_REMOVE
#define MADV_REMOVE 9
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif
#ifndef FALLOC_FL_KEEP_SIZE
#define FALLOC_FL_KEEP_SIZE 1
#endif

#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT 1
#endif

#define ALIVE_BYTES 4096u
#define TMPFS 0x01021994u
#define LARGEST_FOLIO (UINT64_C(1) << 21) /* pages of the page cache are not larger, and aligned to their size */

static int mapping_error(long result) { return result < 0 ? errno : 0; }

uint64_t os_page_size(void) { return (uint64_t)sysconf(_SC_PAGESIZE); }

/*
 * KEEP_SIZE, so that a file that got the number in the last moment does not grow. Never posix_fallocate: where the
 * file system cannot, its fallback writes to bytes that are in use. tmpfs takes back what an interrupted or failed
 * call gave.
 */
int os_allocate(int fd, uint64_t offset, uint64_t size)
{
    return mapping_error(syscall(SYS_fallocate, fd, FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)size));
}

int os_populate(void *at, uint64_t size)
{
    if (madvise(at, (size_t)size, MADV_POPULATE_WRITE) == 0)
        return 0;
    if (errno == EFAULT || errno == ENOMEM) /* a store would be a SIGBUS; no memory */
        return ENOSPC;
    return errno == EINTR ? EINTR : ENOTSUP;
}

/* On tmpfs a page has memory whatever stands beside it. */
uint64_t os_granule(int fd)
{
    struct statfs status;
    return fstatfs(fd, &status) == 0 && (uint32_t)status.f_type == TMPFS ? os_page_size() : LARGEST_FOLIO;
}

int os_punch(void *at, uint64_t size)
{
    int error = mapping_error(madvise(at, (size_t)size, MADV_REMOVE));

    /* This process has locked its memory: then it is not given back. What comes there later is locked again. */
    if (error == EINVAL && munlock(at, (size_t)size) == 0) {
        error = mapping_error(madvise(at, (size_t)size, MADV_REMOVE));
        syscall(SYS_mlock2, at, (size_t)size, MLOCK_ONFAULT);
    }
    return error;
}

bool os_is_resident(void *at)
{
    unsigned char resident = 0;
    return mincore(at, 1, &resident) == 0 && (resident & 1);
}

uint64_t os_room(int fd)
{
    struct statfs status;

    if (fstatfs(fd, &status) != 0 || status.f_blocks == 0)
        return UINT64_MAX;
    return (uint64_t)status.f_bfree > UINT64_MAX / (uint64_t)status.f_bsize
               ? UINT64_MAX
               : (uint64_t)status.f_bfree * (uint64_t)status.f_bsize;
}

/* What a kernel (or what plays one) does not know is done another way: by fork.c, or by os_allocate. */
static bool advise(void *at, size_t size, int advice)
{
    return madvise(at, size, advice) == 0 || errno == EINVAL || errno == ENOSYS || errno == EPERM ||
           errno == EACCES;
}

static int unmap_for(void *at, size_t size, int error)
{
    munmap(at, size);
    return error;
}

static int protection_of(enum os_map use)
{
    return use == OS_MAP_TRY ? PROT_NONE : use == OS_MAP_READ ? PROT_READ : PROT_READ | PROT_WRITE;
}

int os_map(int fd, uint64_t size, enum os_map use, void **at)
{
    int protection = protection_of(use);
    size_t first = (size_t)os_page_size();
    /* Where a process locks all memory that it will have, the kernel would give each page of the mapping memory, and
       count all of them. What a mapping grows by is as the rest of it, which is not locked any more. */
    void *begin = mmap(NULL, first, protection, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (begin == MAP_FAILED)
        return errno;
    munlock(begin, first);
    void *base = size > first ? mremap(begin, first, (size_t)size, MREMAP_MAYMOVE) : begin;

    if (base == MAP_FAILED)
        return unmap_for(begin, first, errno);
    /* A core dump would give memory to every hole that it reads; and a fault to what is not asked for. The first page,
       for which there is no such advice, stays a mapping of its own. */
    if (use != OS_MAP_TRY &&
        (!advise(base, (size_t)size, MADV_DONTFORK) || !advise(base, (size_t)size, MADV_DONTDUMP) ||
         !advise((char *)base + first, (size_t)(size > first ? size - first : 0), MADV_RANDOM)))
        return unmap_for(base, (size_t)size, errno);
    *at = base;
    return 0;
}

void os_unmap(void *at, uint64_t size) { munmap(at, (size_t)size); }

int os_protect(void *at, uint64_t size, enum os_map use)
{
    int before = errno, error = mapping_error(mprotect(at, (size_t)size, protection_of(use)));
    errno = before;
    return error;
}

/* Does the kernel know that advice? Some take any for granted and do nothing. It is asked once: the answer is the
   kernel's, not the mapping's. */
static bool can_populate(void *at)
{
    static _Atomic int answer; /* relaxed: 0, or what any thread that asks finds */
    int known = atomic_load_explicit(&answer, memory_order_relaxed);

    if (known == 0) {
        bool done = madvise(at, ALIVE_BYTES, MADV_POPULATE_WRITE) == 0;
        known = done && os_is_resident(at) ? 1 : -1;
        if (done || errno == EINVAL) /* what failed for want of memory is asked again */
            atomic_store_explicit(&answer, known, memory_order_relaxed);
    }
    return known > 0;
}

int os_map_alive(void *base, void **at, bool *populates)
{
    void *alive = mmap((char *)base - os_page_size(), ALIVE_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (alive == MAP_FAILED)
        return errno;
    if (!advise(alive, ALIVE_BYTES, MADV_WIPEONFORK))
        return unmap_for(alive, ALIVE_BYTES, errno);
    *populates = can_populate(alive);
    *at = alive;
    return 0;
}

/* The kernel is asked, which says EFAULT where there is no memory: a wait that timed out found the word to be
   `value`. */
bool os_is_word(const void *at, uint32_t value)
{
    static const struct timespec at_once;
    return syscall(SYS_futex, at, FUTEX_WAIT_PRIVATE, value, &at_once, NULL, 0) != 0 && errno == ETIMEDOUT;
}

void os_path_of_mapping(const void *at, uint64_t size, char *path, size_t room)
{
    uint64_t from = (uintptr_t)at, page = os_page_size(), end = (from + size + page - 1) / page * page;
    snprintf(path, room, "/proc/self/map_files/%" PRIx64 "-%" PRIx64, from, end);
}
