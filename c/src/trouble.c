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

/* Which region does the lock file name? */
static bool read_lock(const char *directory, struct facts_lock *lock)
{
    int folder, file;
    size_t got = 0;

    if (disk()->open_directory(directory, false, 0, &folder) != 0)
        return false;
    if (disk()->open(folder, FACTS_LOCK_FILE, false, &file) == 0) {
        if (disk()->read(file, lock, sizeof *lock, 0, &got) != 0)
            got = 0;
        disk()->close(file);
    }
    disk()->close(folder);
    return got == sizeof *lock && lock->magic == FACTS_LOCK_MAGIC && memchr(lock->region, 0, sizeof lock->region);
}

static void say_busy(struct text *text, const struct found *found, const char *directory)
{
    struct facts_lock lock;

    say(text, "the directory %s serves ", directory);
    if (!read_lock(directory, &lock))
        say(text, "another region");
    else if (found->path && strcmp(lock.region, found->path) == 0)
        say(text, "a region of this name that is not the one there now: it was removed, and some process still has it "
            "open, or it is just being made");
    else
        say(text, "the region %s", lock.region);
    say(text, "; one directory never serves two: use that region, end the processes that have it open, or, if it is in "
        "another container, share its shared memory%s",
        found->status_error == 0 ? "; if the region here was left behind, remove it and open the queue again" : "");
}

static void say_failed(struct text *text, const char *directory)
{
    uint64_t bytes, free_bytes;
    bool no_more_files;
    int may = os_may(directory, 3);

    if (may == ENOENT)
        say(text, "the directory %s is not there: mount its disk", directory);
    else if (may == EROFS)
        say(text, "the disk of %s is mounted read-only: it may have failed, see the kernel's messages", directory);
    else if (os_space(directory, &bytes, &free_bytes, &no_more_files) && (free_bytes < LITTLE || no_more_files))
        say_bytes(text, "the disk is full: its file system has ", free_bytes, " left; free some");
    else
        say(text, "the disk of %s failed, or was full a moment ago: see the kernel's messages", directory);
    say(text, "; the messages are in the queue and are delivered as ever, but may not survive a power cut until "
        "cq_sync succeeds");
}

/* True: all is said. False: it is about something else. */
bool trouble_explain(struct text *text, int result, const struct found *found)
{
    char path[LAYOUT_DIRECTORY];
    const char *directory = directory_of(found, path);
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
        say_failed(text, directory);
    else if (result == CQ_EMISMATCH && !found->has_region)
        say(text, "%s keeps a queue with another capacity or max_message_size: ask for what it has (or 0, whatever it "
            "has), or name another durable_directory", directory);
    else if (result == CQ_EEXIST && found->status_error)
        say(text, "%s keeps a queue already: attach to it, or remove the directory first", directory);
    else if ((result == CQ_ECORRUPT || result == CQ_EVERSION) && !found->has_region)
        say(text, "%s has files %s: cq doctor says more of the directory", directory,
            result == CQ_EVERSION ? "of a newer version" : "of different queues");
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
