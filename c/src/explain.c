/*
 * explain.c - results in words: the meaning of each, and what was asked, found and can be done in a case.
 *
 * It owns every sentence that users of any language read, so that they are the same in all. It looks at a region's
 * header again, read-only; it must not need a handle, because most of what it explains is why there is none.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

const char *cq_strerror(int result)
{
    switch (result) {
    case CQ_OK: return "success";
    case CQ_EMPTY: return "no message is waiting";
    case CQ_FULL: return "the queue is full";
    case CQ_TIMEOUT: return "the time is over";
    case CQ_EINVAL: return "an argument is invalid";
    case CQ_ENAME: return "the name is not valid";
    case CQ_ENOENT: return "there is no such queue";
    case CQ_EEXIST: return "the queue exists already";
    case CQ_EMISMATCH: return "the region differs from what was asked for";
    case CQ_EVERSION: return "the region has another format";
    case CQ_ECORRUPT: return "the region is corrupt";
    case CQ_EACCESS: return "access is refused";
    case CQ_EOWNER: return "the region's owner or permissions are not trusted";
    case CQ_ENOSPACE: return "the file system is full";
    case CQ_ENOMEM: return "out of memory";
    case CQ_ELIMIT: return "too many handles or descriptors";
    case CQ_ETOOSMALL: return "the buffer is too small for the message";
    case CQ_ETOOBIG: return "the message is too big";
    case CQ_EREADONLY: return "the handle is read-only";
    case CQ_EFORK: return "the handle belongs to the parent process";
    case CQ_ENOTHELD: return "the message is not held by this handle";
    case CQ_EFILESYSTEM: return "the file system cannot hold a queue";
    case CQ_ESYSTEM: return "the operating system failed";
    default: return "unknown result";
    }
}

uint32_t cq_abi_version(void) { return CQ_ABI_VERSION; }
const char *cq_version(void) { return CQ_VERSION_STRING; }

/* What can be said about the file: any of it may be missing. */
struct found {
    struct layout_header header;
    struct stat status;
    char *path;
    bool has_status, has_header;
};

static void look_up(const char *name, const cq_config *config, struct found *found)
{
    uint64_t file_size;

    if (region_path(name, config ? config->directory : NULL, &found->path) != CQ_OK)
        return;
    found->has_status = lstat(found->path, &found->status) == 0;
    int fd = open(found->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return;
    found->has_header = region_read_header(fd, &found->header, &file_size) == CQ_OK;
    close(fd);
}

struct text {
    char *to;
    size_t size, length;
};

__attribute__((format(printf, 2, 3))) static void say(struct text *text, const char *format, ...)
{
    va_list arguments;
    size_t room = text->length < text->size ? text->size - text->length : 0;

    va_start(arguments, format);
    int written = vsnprintf(room ? text->to + text->length : NULL, room, format, arguments);
    va_end(arguments);
    text->length += written > 0 ? (size_t)written : 0;
}

static void say_mismatch(struct text *text, const struct layout_header *header, const cq_config *config)
{
    bool capacity = config && config->capacity && config->capacity != header->capacity;
    bool message = config && config->max_message_size && config->max_message_size != header->max_message_size;

    if (!capacity && !message) {
        say(text, "%s", cq_strerror(CQ_EMISMATCH));
        return;
    }
    say(text, "region has ");
    if (capacity)
        say(text, "capacity %" PRIu64 ", asked for %" PRIu64, header->capacity, config->capacity);
    if (message)
        say(text, "%smax_message_size %" PRIu64 ", asked for %" PRIu64, capacity ? "; and " : "",
            header->max_message_size, config->max_message_size);
    say(text, ": ask for what it has (or 0, whatever it has), or unlink it first");
}

static void say_version(struct text *text, const struct layout_header *header)
{
    if (header->byte_order != LAYOUT_BYTE_ORDER)
        say(text, "region has byte order mark %08" PRIx32 ", this machine writes %08x", header->byte_order,
            LAYOUT_BYTE_ORDER);
    else if (header->word_bits != 64)
        say(text, "region is for %" PRIu32 "-bit words, this library for 64", header->word_bits);
    else if (header->format_version == LAYOUT_FORMAT_VERSION)
        say(text, "region uses features %" PRIx64 ", this library knows none", header->features);
    else
        say(text, "region has format version %" PRIu32 ", this library has %u", header->format_version,
            LAYOUT_FORMAT_VERSION);
    say(text, ": use the same version of cqueue on both sides, or drain the queue with the old one and unlink it");
}

static void say_owner(struct text *text, const struct found *found)
{
    say(text, "file %s belongs to user %u with permissions %04o, this process is user %u: ", found->path,
        (unsigned)found->status.st_uid, (unsigned)found->status.st_mode & 07777u, (unsigned)geteuid());
    say(text, found->status.st_mode & 0002 ? "a file that everybody may write is never trusted"
                                           : "name these permissions when opening if you trust its owner and group");
}

static void say_invalid(struct text *text, const cq_config *config)
{
    if (!config)
        say(text, "%s", cq_strerror(CQ_EINVAL));
    else if (config->struct_size != sizeof *config)
        say(text, "config.struct_size is %" PRIu32 ", expected %zu: set it to sizeof(cq_config)", config->struct_size,
            sizeof *config);
    else if (config->capacity > LAYOUT_MAX_CAPACITY)
        say(text, "capacity %" PRIu64 " is more than %" PRIu64, config->capacity, LAYOUT_MAX_CAPACITY);
    else if (config->max_message_size > LAYOUT_MAX_MESSAGE)
        say(text, "max_message_size %" PRIu64 " is more than %" PRIu64, config->max_message_size, LAYOUT_MAX_MESSAGE);
    else if (config->permissions & ~0664u || (config->permissions && (config->permissions & 0600) != 0600))
        say(text, "permissions %04" PRIo32 " must let the owner read and write, nobody execute, and others not write",
            config->permissions);
    else
        say(text, "flags %" PRIx32 ", or a capacity of %" PRIu64 " with messages of %" PRIu64
            " bytes, cannot be had: see cqueue.h", config->flags, config->capacity, config->max_message_size);
}

static void say_case(struct text *text, int result, const struct found *found, const cq_config *config, size_t size)
{
    const char *directory = config && config->directory ? config->directory : "/dev/shm";
    bool of_region = result == CQ_FULL || result == CQ_ETOOBIG || result == CQ_EMISMATCH || result == CQ_EVERSION;

    if (of_region && !found->has_header) { /* unlinked meanwhile: no numbers are better than wrong ones */
        say(text, "%s", cq_strerror(result));
        return;
    }
    switch (result) {
    case CQ_EINVAL: say_invalid(text, config); return;
    case CQ_ENAME: say(text, "a name is 1 to 200 of A-Z a-z 0-9 . _ - and begins with a letter or digit"); return;
    case CQ_ENOENT: say(text, "no queue of that name in %s: create it first, or check the directory", directory); return;
    case CQ_EEXIST: say(text, "exists in %s already: attach to it, or unlink it first", directory); return;
    case CQ_EMISMATCH: say_mismatch(text, &found->header, config); return;
    case CQ_EVERSION: say_version(text, &found->header); return;
    case CQ_ECORRUPT: say(text, "%s is no region of cqueue, or its bytes contradict each other: unlink it and create it "
                          "anew (its messages are lost)", found->path); return;
    case CQ_EACCESS:
        if (found->has_status && !S_ISREG(found->status.st_mode))
            say(text, "%s is not a regular file: remove it", found->path);
        else
            say(text, "the system refuses access to %s: check its owner and permissions, and those of the directory",
                found->path);
        return;
    case CQ_EOWNER: say_owner(text, found); return;
    case CQ_ENOSPACE: say(text, "no room in %s for another part of the queue: free some, nothing was lost", directory); return;
    case CQ_ELIMIT: say(text, "%u handles are open on it, or this process has no descriptor left: close some",
                        LAYOUT_MAX_OWNER); return;
    case CQ_ETOOSMALL: say(text, "the message has %zu bytes, more than the buffer: it is still queued", size); return;
    case CQ_ETOOBIG: say(text, "a message of %zu bytes, the region takes %" PRIu64 " at most (or what was reserved)", size,
                         found->header.max_message_size); return;
    case CQ_EFORK: say(text, "this handle was opened before a fork: open the queue again in the child"); return;
    case CQ_EREADONLY: say(text, "this handle was opened read-only: open it without CQ_READ_ONLY"); return;
    case CQ_ENOTHELD: say(text, "the message was released, returned, committed or aborted before, or belongs to another "
                          "handle"); return;
    case CQ_EFILESYSTEM: say(text, "the file system of %s does not keep what a queue needs: use tmpfs, ext4, xfs or btrfs",
                             directory); return;
    case CQ_FULL: say(text, "full, %" PRIu64 " messages are waiting: try later or wait", found->header.capacity); return;
    default: say(text, "%s", cq_strerror(result)); return;
    }
}

size_t cq_explain(int result, const char *name, const cq_config *config, size_t size, char *text, size_t text_size)
{
    struct found found = {.path = NULL};
    struct text out = {text, text ? text_size : 0, 0};

    if (name) { /* not to be cancelled between opening and closing the file */
        int before;
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
        look_up(name, config, &found);
        pthread_setcancelstate(before, NULL);
    }
    if (name && *name)
        say(&out, "\"%.200s\": ", name);
    if (!found.path && result != CQ_ENAME && result != CQ_EINVAL)
        say(&out, "%s", cq_strerror(result));
    else
        say_case(&out, result, &found, config, size);
    free(found.path);
    return out.length;
}
