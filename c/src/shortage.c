/*
 * shortage.c - what there was too little of, in words and numbers: file system, address space, descriptors, file
 * size.
 *
 * It looks at limits as they are now, which need not be what they were when the call failed: what it says must be
 * true in either case. It must not look into the region.
 */
#include "explain.h"

#include <errno.h>
#include <inttypes.h>

void shortage_space(struct text *text, const struct found *found)
{
    const struct geometry *g = &found->geometry;
    uint64_t bytes, free_bytes;
    bool no_more_files;

    if (!os_space(found->directory, &bytes, &free_bytes, &no_more_files) || !found->has_geometry) {
        say(text, "the file system of %s has no room for another part of the queue: free some; nothing was lost",
            found->directory);
        return;
    }
    if (found->has_region && os_shares_blocks(found->path)) {
        say_bytes(text, "the file shares blocks with a copy of it (cp --reflink), and there is no room for blocks of "
                  "its own, without which a store would be fatal: ", free_bytes, " are free");
        say(text, " in %s: free some, or remove the copy; nothing was lost", found->directory);
        return;
    }
    uint64_t needed = g->node_stride + (found->has_region ? 0 : LAYOUT_SUMMARY_OFFSET + 3 * LAYOUT_PAGE);
    say_bytes(text, found->has_region ? "its next part takes " : "a new queue of this size takes ", needed, ", and ");
    say(text, "%s has ", found->directory);
    say_bytes(text, "", free_bytes, " free");
    say_bytes(text, " of ", bytes, ": ");
    if (no_more_files)
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
    uint64_t limit, used = os_address_space();

    if (!found->has_geometry) {
        say(text, "%s", cq_strerror(CQ_ENOMEM));
        return;
    }
    say_bytes(text, "the region takes ", found->geometry.file_size, " of address space");
    if (!os_limit(OS_LIMIT_ADDRESS_SPACE, &limit) || limit == UINT64_MAX) {
        say(text, ", and showing a message a copy of it; the system refused one of these: free memory, or raise "
            "vm.max_map_count or the limits of the container");
        return;
    }
    say_bytes(text, ", and this process may have ", limit, "");
    if (used > 0)
        say_bytes(text, ", of which it uses ", used, "");
    say(text, ": raise the limit (RLIMIT_AS, ulimit -v), or create the queue with a smaller capacity, "
        "max_message_size or max_held");
}

void shortage_process(struct text *text)
{
    enum { ENOUGH_TO_OPEN = 3 };
    uint64_t files, threads;
    int error = os_try_descriptors(ENOUGH_TO_OPEN);

    if (!os_limit(OS_LIMIT_DESCRIPTORS, &files) || !os_limit(OS_LIMIT_THREADS, &threads))
        say(text, "%s: close some", cq_strerror(CQ_EPROCESS));
    else if (error == ENFILE)
        say(text, "the system has reached its limit of open files (fs.file-max): close some, or raise the limit");
    else if (error == EMFILE)
        say(text, "this process has used all of the %" PRIu64 " descriptors that it may have, or all but a few, and "
            "opening a "
            "queue takes %d: close some, or raise the limit (RLIMIT_NOFILE, ulimit -n)", files, ENOUGH_TO_OPEN);
    else {
        say(text, "the system refused a thread, or refused a descriptor for a moment: this process may have ");
        say_count(text, "", files, "descriptor", " (RLIMIT_NOFILE, ulimit -n), ");
        say_count(text, "its user ", threads, "thread", " (RLIMIT_NPROC, ulimit -u), its container perhaps fewer: use "
                  "fewer, or raise the limit");
    }
}

void shortage_file_size(struct text *text, const struct found *found)
{
    uint64_t limit;

    if (!found->has_geometry) {
        say(text, "%s", cq_strerror(CQ_EFILESIZE));
        return;
    }
    say_bytes(text, "its file would have a size of ", found->geometry.file_size, ", and ");
    if (os_limit(OS_LIMIT_FILE_SIZE, &limit) && limit < found->geometry.file_size)
        say_bytes(text, "this process may make files of ", limit, " at most: raise the limit (RLIMIT_FSIZE, ulimit "
            "-f)");
    else
        say(text, "the file system of %s allows no file that large: name another directory", found->directory);
    say(text, ", or ask for a smaller capacity, max_message_size or max_held");
}
