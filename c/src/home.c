/*
 * home.c - the durable directory: where it is, and which region it serves.
 *
 * It owns the lock file: its bytes say which region that is, its locks that this one is in use, or being made. The
 * kernel drops them with the processes, as it does those of participants. It must not know what else is in the
 * directory. The caller has fork_lock, so that no child gets a description with a lock.
 */
#include "home.h"

#include "disk.h"
#include "os.h"
#include "region.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What an error number of the disk is called by a call. */
int home_result(int error)
{
    int result = error == ESTALE ? CQ_EBUSY : result_of_errno(error);
    return result == CQ_ESYSTEM || result == CQ_EINVAL || result == CQ_EEXIST ? CQ_EIO : result;
}

/* The directory of a hold once more, to make or remove files. 0 or an error number; ESTALE: there is another one at
   that path by now. */
int home_open(const struct home *home, int *directory)
{
    struct disk_identity now;
    uint64_t size;
    int lock, error = disk()->open_directory(home->path, false, 0, directory);

    if (error != 0)
        return error;
    if ((error = disk()->open(*directory, FACTS_LOCK_FILE, false, &lock)) == 0) {
        error = disk()->identify(lock, &now, &size);
        if (error == 0 && (now.device != home->identity.device || now.inode != home->identity.inode))
            error = ESTALE;
        disk()->close(lock);
    }
    if (error != 0)
        disk()->close(*directory);
    return error;
}

/* The directory that a config asks for, absolute: its own, or the one beside the region, which has the path `region`.
   It need not exist, but its parent must. */
int home_path(const char *region, const cq_config *config, char path[LAYOUT_DIRECTORY])
{
    const char *asked = config->durable_directory;

    if (!asked) {
        int length = snprintf(path, LAYOUT_DIRECTORY, "%s.d", region);
        return length < (int)LAYOUT_DIRECTORY ? CQ_OK : CQ_EINVAL;
    }
    char *real = *asked ? os_absolute(asked) : NULL, *parent = NULL;
    const char *last = "";
    if (!real && *asked) { /* of one that is still to be made, the parent */
        size_t length = strlen(asked);
        while (length > 1 && asked[length - 1] == '/')
            --length;
        char *copy = strndup(asked, length), *slash = copy ? strrchr(copy, '/') : NULL;
        if (slash)
            *slash = '\0';
        parent = copy ? os_absolute(!slash ? "." : slash == copy ? "/" : copy) : NULL;
        last = slash ? asked + (slash - copy) + 1 : asked;
        int wrote = parent ? snprintf(path, LAYOUT_DIRECTORY, "%s/%.*s", parent[1] ? parent : "",
                                      (int)(length - (size_t)(last - asked)), last) : 0;
        free(copy);
        free(parent);
        return !parent ? CQ_ENOENT : wrote < (int)LAYOUT_DIRECTORY ? CQ_OK : CQ_EINVAL;
    }
    int wrote = real ? snprintf(path, LAYOUT_DIRECTORY, "%s", real) : 0;
    free(real);
    return !real ? CQ_ENOENT : wrote < (int)LAYOUT_DIRECTORY ? CQ_OK : CQ_EINVAL;
}

static void close_both(struct home *home)
{
    if (home->lock >= 0)
        disk()->close(home->lock);
    if (home->directory >= 0)
        disk()->close(home->directory);
    home->lock = home->directory = -1;
}

void home_let_go(struct home *home)
{
    close_both(home);
    if (home->held)
        disk()->release(home->held);
    home->held = NULL;
}

/* The lock is the mapping's from now on. */
static int keep(struct home *home)
{
    uint64_t size;
    int error = disk()->identify(home->lock, &home->identity, &size);

    if (error == 0)
        error = disk()->hold(home->lock, &home->held);
    return error == 0 ? CQ_OK : home_result(error);
}

/* What the lock file says; false: nothing, or it is a copy of another directory's. */
bool home_read(const struct home *home, struct facts_lock *lock)
{
    size_t got = 0;

    return disk()->read(home->lock, lock, sizeof *lock, 0, &got) == 0 && got == sizeof *lock &&
           lock->magic == FACTS_LOCK_MAGIC && lock->version == FACTS_VERSION &&
           lock->inode == home->identity.inode && memchr(lock->region, 0, sizeof lock->region);
}

static bool is_in_the_way(int error) { return error == EAGAIN || error == EACCES; }

/* For a handle on the region of this incarnation. RESULT_MAKING: the region is just being made. CQ_EBUSY: the directory
   serves another one. */
int home_join(struct home *home, const uint8_t incarnation[FACTS_ID])
{
    struct facts_lock lock;
    size_t got;
    int error, result;

    home->lock = home->directory = -1;
    if ((error = disk()->open_directory(home->path, false, 0, &home->directory)) != 0 ||
        (error = disk()->open(home->directory, FACTS_LOCK_FILE, false, &home->lock)) != 0)
        result = home_result(error);
    else if ((error = disk()->lock(home->lock, FACTS_IN_USE, DISK_LOCK_SHARED)) != 0)
        result = is_in_the_way(error) ? RESULT_MAKING : home_result(error);
    else if ((error = disk()->read(home->lock, &lock, sizeof lock, 0, &got)) != 0)
        result = home_result(error);
    else if (got != sizeof lock || lock.magic != FACTS_LOCK_MAGIC || lock.version != FACTS_VERSION ||
             memcmp(lock.incarnation, incarnation, FACTS_ID) != 0)
        result = CQ_EBUSY;
    else if ((result = keep(home)) == CQ_OK && lock.inode != home->identity.inode) {
        result = CQ_EBUSY; /* a copy */
        home_let_go(home);
    }
    close_both(home);
    return result;
}

/* The directory, which is to be made if `create`: but not where it would be refused. */
static int open_home(struct home *home, bool create, uint32_t permissions, bool anywhere)
{
    char parent[LAYOUT_DIRECTORY];
    int above, error = disk()->open_directory(home->path, false, 0, &home->directory);

    if (error == ENOENT && create) {
        memcpy(parent, home->path, sizeof parent);
        char *slash = strrchr(parent, '/'); /* there is one: the path is absolute */
        slash[slash == parent] = '\0';
        if ((error = disk()->open_directory(parent, false, 0, &above)) != 0)
            return error;
        error = anywhere ? 0 : disk()->check(above);
        disk()->close(above);
        if (error == 0)
            error = disk()->open_directory(home->path, true, permissions, &home->directory);
    }
    return error != 0 || anywhere ? error : disk()->check(home->directory);
}

/* To make a region: nobody else is at it, or uses one. RESULT_MAKING: somebody is at it. CQ_EBUSY: some region is in
   use. `create`: the directory may be made. */
int home_seize(struct home *home, bool create, uint32_t permissions, const cq_config *config)
{
    uint32_t enter = permissions | (permissions & 0444) >> 2;
    int error, result = CQ_OK;

    home->lock = home->directory = -1;
    if ((error = open_home(home, create, enter, config->flags & CQ_ANY_FILESYSTEM)) != 0) {
        close_both(home);
        return home_result(error);
    }
    error = disk()->open(home->directory, FACTS_LOCK_FILE, true, &home->lock);
    if (error == ENOENT && create) {
        error = disk()->create(home->directory, FACTS_LOCK_FILE, permissions, &home->lock);
        if (error == EEXIST)
            error = disk()->open(home->directory, FACTS_LOCK_FILE, true, &home->lock);
    }
    if (error != 0)
        result = home_result(error);
    else if ((error = disk()->lock(home->lock, FACTS_MAKING, DISK_LOCK)) != 0)
        result = is_in_the_way(error) ? RESULT_MAKING : home_result(error);
    else if ((error = disk()->lock(home->lock, FACTS_IN_USE, DISK_LOCK)) != 0)
        result = is_in_the_way(error) ? CQ_EBUSY : home_result(error);
    else
        result = keep(home);
    if (result != CQ_OK)
        close_both(home);
    return result;
}

/* Say which region it serves, before that has a name. It need not survive a power cut: no region does. */
int home_describe(const struct home *home, const struct facts_lock *lock)
{
    return disk()->write(home->lock, lock, sizeof *lock, 0);
}

/* The region has its name: others may use it, and this hold is as theirs. */
void home_share(struct home *home)
{
    disk()->lock(home->lock, FACTS_IN_USE, DISK_LOCK_SHARED);
    disk()->lock(home->lock, FACTS_MAKING, DISK_UNLOCK);
    close_both(home);
}
