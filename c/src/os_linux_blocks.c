/*
 * os_linux_blocks.c - os.h on Linux: blocks that a file shares with a copy of it (cp --reflink).
 *
 * A store to such a block needs a new one, and is a SIGBUS where there is none. The numbers are those of the kernel's
 * <linux/fiemap.h> and <linux/falloc.h>, which not every C library brings.
 */
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FIEMAP 0xc020660bu /* FS_IOC_FIEMAP */
#define EXTENT_LAST 0x1u
#define EXTENT_SHARED 0x2000u
#define UNSHARE 0x40 /* FALLOC_FL_UNSHARE_RANGE, Linux 4.10: xfs knows it */
#define EXTENTS 64u

struct extent {
    uint64_t logical, physical, length, reserved64[2];
    uint32_t flags, reserved[3];
};

struct extents {
    uint64_t start, length;
    uint32_t flags, mapped, count, reserved;
    struct extent extent[EXTENTS];
};

/* Calls visit for each part of the file that shares its blocks, until that is not 0, which is returned. */
static int visit_shared(int fd, int (*visit)(int fd, const struct extent *extent))
{
    struct extents found;
    int result = 0;

    for (uint64_t start = 0;;) {
        memset(&found, 0, sizeof found);
        found.start = start;
        found.length = UINT64_MAX - start;
        found.count = EXTENTS;
        if (ioctl(fd, FIEMAP, &found) != 0 || found.mapped == 0) /* where nothing is known nothing is shared */
            return 0;
        for (uint32_t i = 0; i < found.mapped && i < EXTENTS; ++i) {
            const struct extent *extent = &found.extent[i];
            if (extent->flags & EXTENT_SHARED && (result = visit(fd, extent)) != 0)
                return result;
            if (extent->flags & EXTENT_LAST || extent->logical + extent->length <= start)
                return 0;
            start = extent->logical + extent->length;
        }
    }
}

static int unshare_extent(int fd, const struct extent *extent)
{
    if (syscall(SYS_fallocate, fd, UNSHARE, (off_t)extent->logical, (off_t)extent->length) == 0)
        return 0;
    return errno == EINVAL || errno == ENOSYS ? EOPNOTSUPP : errno;
}

static int say_so(int fd, const struct extent *extent)
{
    (void)fd;
    (void)extent;
    return 1;
}

int os_own_blocks(int fd) { return visit_shared(fd, unshare_extent); }

bool os_shares_blocks(const char *path)
{
    int fd;

    if (os_open(path, OS_READ_ONLY, &fd) != 0)
        return false;
    bool shares = visit_shared(fd, say_so) != 0;
    os_close(fd);
    return shares;
}
