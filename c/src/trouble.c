/*
 * trouble.c - what is wrong with a durable queue, in words: its directory, the disk, another region.
 *
 * It looks at the directory as it is now, and changes nothing there. It must not know what is in the segments.
 */
#include "explain.h"

#include "home.h"

#include <errno.h>
#include <string.h>

#define LITTLE (UINT64_C(1) << 20) /* so much a flush may need */

/* The directory that it is about: what was asked for, else what the region says. NULL: none. */
static const char *directory_of(const struct found *found, char path[LAYOUT_DIRECTORY])
{
    const struct layout_header *header = &found->header;

    if (found->config.durable_directory)
        return found->config.durable_directory;
    if (found->has_region && header->features & LAYOUT_DURABLE && memchr(header->directory, 0, LAYOUT_DIRECTORY))
        return header->directory;
    bool asked = found->config.flags & (CQ_DURABLE | CQ_SYNC) && found->path;
    return asked && home_path(found->path, &found->config, path) == CQ_OK ? path : NULL;
}

/* Which region does the lock file name? *copied: it is a copy of that of another directory. */
static bool read_lock(const char *directory, struct facts_lock *lock, bool *copied)
{
    struct disk_identity identity = {0};
    uint64_t size;
    int folder, file;
    size_t got = 0;

    if (disk()->open_directory(directory, false, 0, &folder) != 0)
        return false;
    if (disk()->open(folder, FACTS_LOCK_FILE, false, &file) == 0) {
        if (disk()->read(file, lock, sizeof *lock, 0, &got) != 0)
            got = 0;
        disk()->identify(file, &identity, &size);
        disk()->close(file);
    }
    disk()->close(folder);
    *copied = got == sizeof *lock && identity.inode != lock->inode;
    return got == sizeof *lock && lock->magic == FACTS_LOCK_MAGIC && memchr(lock->region, 0, sizeof lock->region);
}

static void say_busy(struct text *text, const struct found *found, const char *directory)
{
    struct facts_lock lock;
    bool copied, readable = read_lock(directory, &lock, &copied);

    if (readable && copied && found->has_region) {
        say(text, "the directory %s is a copy of the one that the region here serves: name that one, or remove the "
            "region first (what was not synced goes with it)", directory);
        return;
    }
    say(text, "the directory %s serves ", directory);
    if (!readable)
        say(text, "another region");
    else if (found->path && strcmp(lock.region, found->path) == 0)
        say(text, "a region of this name that is not the one there now: it was removed, and some process still has it "
            "open, or it is just being made");
    else
        say(text, "the region %s", lock.region);
    say(text, "; one directory never serves two: use that region, or end the processes that have it open and "
        "remove it, or, if it is in another container, share its shared memory%s",
        found->status_error == 0 ? "; if the region here was left behind, remove it and open the queue again" : "");
}

static bool has_no_room(const char *directory, uint64_t *free_bytes)
{
    uint64_t bytes;
    bool no_more_files;

    return os_space(directory, &bytes, free_bytes, &no_more_files) && (*free_bytes < LITTLE || no_more_files);
}

static void say_failed(struct text *text, const struct found *found, const char *directory)
{
    uint64_t free_bytes;
    int may = os_may(directory, 3);

    if (may == ENOENT)
        say(text, "the directory %s is not there: mount its disk", directory);
    else if (may == EROFS)
        say(text, "the disk of %s is mounted read-only: it may have failed, see the kernel's messages", directory);
    else if (may != 0)
        say(text, "this user may not write in the directory %s: let it, or be its owner", directory);
    else if (has_no_room(directory, &free_bytes)) {
        say(text, "the disk of %s is full", directory);
        say_bytes(text, ": its file system has ", free_bytes, " left; free some");
    }
    else
        say(text, "the disk of %s failed, or was full a moment ago: see the kernel's messages", directory);
    if (found->has_region)
        say(text, "; the messages are in the queue and are delivered as ever, but may not survive a power cut until "
            "cq_sync succeeds");
    else
        say(text, "; what was synced is kept, and is there again once the queue can be opened");
}

/* True: all is said. False: it is about something else. */
bool trouble_explain(struct text *text, int result, const struct found *found)
{
    char path[LAYOUT_DIRECTORY];
    const char *directory = directory_of(found, path);
    uint64_t free_bytes;
    bool is_region_durable = found->has_region && found->header.features & LAYOUT_DURABLE;

    if (result == CQ_EMISMATCH && found->has_region && !is_region_durable &&
        found->config.flags & (CQ_DURABLE | CQ_SYNC)) {
        say(text, "region is not durable, asked for a durable one: leave CQ_DURABLE and CQ_SYNC out, or unlink it "
            "first");
        return true;
    }
    if (!directory)
        return false;
    if (result == CQ_EBUSY)
        say_busy(text, found, directory);
    else if (result == CQ_EIO)
        say_failed(text, found, directory);
    else if (result == CQ_ENOSPACE && has_no_room(directory, &free_bytes))
        say_failed(text, found, directory);
    else if (result == CQ_EACCESS && (os_may(directory, 3) == EROFS || os_may(directory, 3) == EACCES))
        say_failed(text, found, directory);
    else if (result == CQ_EMISMATCH && !found->has_region)
        say(text, "%s keeps a queue with another capacity, max_message_size or another property: ask for what it "
            "has (or 0, whatever it has), or name another durable_directory", directory);
    else if (result == CQ_EEXIST && found->status_error)
        say(text, "%s keeps a queue already: attach to it, or remove the directory first", directory);
    else if ((result == CQ_ECORRUPT || result == CQ_EVERSION) && !found->has_region)
        say(text, "%s has files %s: cq doctor says more of the directory", directory,
            result == CQ_EVERSION ? "of a newer version"
                                  : "of different queues, or what is no file and is called as one");
    else if (result == CQ_EFILESYSTEM)
        say(text, "%s is not on a disk of this machine, so that nothing there would survive: name a "
            "durable_directory on ext4, xfs or btrfs", directory);
    else if (result == CQ_ENOENT && os_may(directory, 4) != 0)
        say(text, "there is no queue in %s, and no such directory: create the queue first, or check the path (its "
            "parent must exist)", directory);
    else
        return false;
    return true;
}
