/*
 * shortage.c - what there was too little of, in words and numbers: file system, address space, descriptors, file size.
 *
 * It looks at limits as they are now, which need not be what they were when the call failed: what it says must be true in
 * either case. It must not look into the region.
 */
#include "explain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

void shortage_space(struct text *text, const struct found *found)
{
    const struct geometry *g = &found->geometry;
    struct statvfs room;

    if (statvfs(found->directory, &room) != 0 || !found->has_geometry) {
        say(text, "the file system of %s has no room for another part of the queue: free some; nothing was lost",
            found->directory);
        return;
    }
    uint64_t needed = g->node_stride + (found->has_region ? 0 : LAYOUT_SUMMARY_OFFSET + 3 * LAYOUT_PAGE);
    uint64_t unit = room.f_frsize ? room.f_frsize : room.f_bsize, free_bytes = room.f_bavail * unit;
    say_bytes(text, found->has_region ? "its next part takes " : "a new queue of this size takes ", needed, ", and ");
    say(text, "%s has ", found->directory);
    say_bytes(text, "", free_bytes, " free");
    say_bytes(text, " of ", room.f_blocks * unit, ": ");
    if (room.f_files > 0 && room.f_favail == 0)
        say(text, "it can hold no more files; remove some");
    else if (free_bytes >= needed)
        say(text, "there was no room a moment ago, or a quota leaves less; try again");
    else
        say(text, "free some%s", found->has_region ? ", or take messages out" : ", or name another directory");
    say(text, "; nothing was lost");
}

/* Address space: of which this process may have little by RLIMIT_AS, and of which the region takes its whole size. */
void shortage_memory(struct text *text, const struct found *found)
{
    struct rlimit limit;
    unsigned long long pages;

    if (!found->has_geometry) {
        say(text, "%s", cq_strerror(CQ_ENOMEM));
        return;
    }
    say_bytes(text, "the region takes ", found->geometry.file_size, " of address space");
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        say(text, ", and showing a message a copy of it; the system refused one of these: free memory, or raise "
            "vm.max_map_count or the limits of the container");
        return;
    }
    say_bytes(text, ", and this process may have ", limit.rlim_cur, "");
    FILE *used = fopen("/proc/self/statm", "re");
    if (used && fscanf(used, "%llu", &pages) == 1)
        say_bytes(text, ", of which it uses ", pages * (uint64_t)sysconf(_SC_PAGESIZE), "");
    if (used)
        fclose(used);
    say(text, ": raise the limit (RLIMIT_AS, ulimit -v), or create the queue with a smaller capacity, max_message_size or "
        "max_held");
}

void shortage_process(struct text *text)
{
    enum { ENOUGH_TO_OPEN = 3 };
    struct rlimit files, threads;
    int tried[ENOUGH_TO_OPEN], count = 0, error = 0;

    while (count < ENOUGH_TO_OPEN && (tried[count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        ++count;
    if (count < ENOUGH_TO_OPEN)
        error = errno;
    for (int i = 0; i < count; ++i)
        close(tried[i]);
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || getrlimit(RLIMIT_NPROC, &threads) != 0)
        say(text, "%s: close some", cq_strerror(CQ_EPROCESS));
    else if (error == ENFILE)
        say(text, "the system has reached its limit of open files (fs.file-max): close some, or raise the limit");
    else if (error == EMFILE)
        say(text, "this process has used all of the %llu descriptors that it may have, or all but a few, and opening a queue "
            "takes %d: close some, or raise the limit (RLIMIT_NOFILE, ulimit -n)", (unsigned long long)files.rlim_cur,
            ENOUGH_TO_OPEN);
    else
        say(text, "the system refused a thread, or refused a descriptor for a moment: this process may have %llu descriptors "
            "(RLIMIT_NOFILE, ulimit -n), its user %llu threads (RLIMIT_NPROC, ulimit -u), its container perhaps fewer: use "
            "fewer, or raise the limit", (unsigned long long)files.rlim_cur,
            (unsigned long long)threads.rlim_cur);
}

void shortage_file_size(struct text *text, const struct found *found)
{
    struct rlimit limit;

    if (!found->has_geometry) {
        say(text, "%s", cq_strerror(CQ_EFILESIZE));
        return;
    }
    say_bytes(text, "its file would have a size of ", found->geometry.file_size, ", and ");
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < found->geometry.file_size) /* RLIM_INFINITY is the most */
        say_bytes(text, "this process may make files of ", limit.rlim_cur, " at most: raise the limit (RLIMIT_FSIZE, ulimit -f)");
    else
        say(text, "the file system of %s allows no file that large: name another directory", found->directory);
    say(text, ", or ask for a smaller capacity, max_message_size or max_held");
}
