/*
 * explain.c - results in words: the meaning of each, and what was asked, found and can be done in a case.
 *
 * It owns the sentences that users of any language read, so that they are the same in all. One code may have
 * several causes: which it was is found by looking again, at the file here, at limits in shortage.c. It must change
 * nothing, and must not need a handle, because most of what it explains is why there is none.
 */
#include "explain.h"

#include "create.h"
#include "geometry.h"
#include "region.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

const char *cq_strerror(int result)
{
    switch (result) {
    case CQ_OK: return "success";
    case CQ_EMPTY: return "no message is waiting";
    case CQ_FULL: return "the queue is full";
    case CQ_TIMEOUT: return "timed out";
    case CQ_CANCELLED: return "the wait was cancelled";
    case CQ_STALE: return "the queue was removed";
    case CQ_DUPLICATE: return "the message was enqueued before";
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
    case CQ_ELIMIT: return "too many handles are open on the queue";
    case CQ_ETOOSMALL: return "the buffer is too small for the message";
    case CQ_ETOOBIG: return "the message is too big";
    case CQ_EREADONLY: return "the handle is read-only";
    case CQ_EFORK: return "the handle belongs to the parent process";
    case CQ_ENOTHELD: return "the message is not held by this handle";
    case CQ_EFILESYSTEM: return "the file system cannot hold a queue";
    case CQ_ESYSTEM: return "the operating system failed";
    case CQ_EPROCESS: return "too many descriptors or threads in this process";
    case CQ_EFILESIZE: return "the file would be too large";
    case CQ_EIO: return "the disk failed";
    case CQ_EBUSY: return "the durable directory is in use by another region";
    case CQ_ECONSUMER: return "another handle is the queue's only consumer";
    case CQ_ESOURCES: return "the queue knows as many sources as it can";
    case CQ_EHEADERS: return "the headers are not well formed";
    case CQ_EFEATURE: return "the queue was not created for this";
    default: return "unknown result";
    }
}

uint32_t cq_abi_version(void) { return CQ_ABI_VERSION; }
const char *cq_version(void) { return CQ_VERSION_STRING; }

static void look_up(const char *name, const cq_config *given, struct found *found)
{
    uint64_t file_size;
    int fd;

    *found = (struct found){.name = name, .given = given};
    found->understood = config_complete(given, &found->config) == CQ_OK;
    found->directory = found->config.directory ? found->config.directory : CQ_DIRECTORY;
    found->has_geometry = create_geometry(&found->config, &found->geometry) == CQ_OK;
    if (!name || region_path(name, found->config.directory, &found->path) != CQ_OK)
        return;
    found->status_error = os_status_at(found->path, false, &found->status);
    if (os_open(found->path, OS_READ_ONLY, &fd) != 0)
        return;
    found->has_header = region_read_header(fd, &found->header, &file_size) == CQ_OK;
    found->has_region = found->has_header && geometry_of_header(&found->header, file_size, &found->geometry) == CQ_OK;
    found->has_geometry |= found->has_region;
    os_close(fd);
}

/* The file's owner, and its permissions. */
static void say_file(struct text *text, const struct found *found)
{
    say(text, "file %s belongs to user %u and group %u with permissions %04o, this process is user %u: ",
        found->path, found->status.user, found->status.group, found->status.permissions, os_user());
}

/* ---- what was asked for ----------------------------------------------------------------------------- */

/* Properties other than the sizes. */
static bool say_fate_mismatch(struct text *text, const cq_config *config, const struct layout_header *header)
{
    const char *end = ": leave that out when attaching, or unlink the queue and create it so";

    switch (region_mismatch(config, header)) {
    case MISMATCH_HEADERS: say(text, "region has max_headers %" PRIu64 ", asked for %" PRIu64 "%s", header->max_headers,
                               config->max_headers, end); return true;
    case MISMATCH_DELIVERIES: say(text, "region has max_deliveries %" PRIu64 ", asked for %" PRIu64 "%s",
                                  header->max_deliveries, config->max_deliveries, end); return true;
    case MISMATCH_LETTERS: say(text, "region has dead_letter \"%.200s\", asked for \"%.200s\"%s", header->dead_letter,
                               config->dead_letter, end); return true;
    case MISMATCH_LIFE: say(text, "region has time_to_live %" PRId64 " ns, asked for %" PRId64 " ns%s",
                            header->time_to_live, config->time_to_live, end); return true;
    case MISMATCH_EXCLUSIVE: say(text, "the queue has any number of consumers, and was not created with "
                                 "CQ_EXCLUSIVE_CONSUMER%s", end); return true;
    case MISMATCH_TIMES: say(text, "messages have no times, the queue was not created with "
                             "CQ_ENQUEUE_TIMES%s", end); return true;
    default: return false;
    }
}

static void say_mismatch(struct text *text, const struct found *found)
{
    const struct layout_header *header = &found->header;
    const cq_config *config = &found->config;
    bool capacity = config->capacity && config->capacity != header->capacity;
    if (say_fate_mismatch(text, config, header))
        return;
    bool message = config->max_message_size && config->max_message_size != header->max_message_size;

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
        say(text, "region uses features %" PRIx64 ", this library knows %" PRIx64, header->features,
            FEATURES);
    else
        say(text, "region has format version %" PRIu32 ", this library has %u", header->format_version,
            LAYOUT_FORMAT_VERSION);
    say(text, ": use the same version of cqueue on both sides, or drain the queue with the old one and unlink it");
}

/* Of the arguments of cq_open, which is wrong; those of other calls are not known here. */
static void say_invalid(struct text *text, const struct found *found)
{
    const cq_config *config = &found->config;
    size_t path = found->path ? strlen(found->path) : 0;

    if (!found->understood && found->given->struct_size <= sizeof *config) {
        say(text, "config.struct_size is %" PRIu32 ", it must be at least %u: set it to sizeof(cq_config), %zu",
            found->given->struct_size, CONFIG_FIRST, sizeof *config);
        return;
    }
    if (!found->understood) {
        say(text, "config.struct_size is %" PRIu32 ", this library (%s) knows %zu bytes, and all bytes after these "
            "must be 0: set it to sizeof(cq_config), zero the rest, or use a newer library", found->given->struct_size,
            CQ_VERSION_STRING, sizeof *config);
        return;
    }
    switch (config_fault(found->name, config)) {
    case CONFIG_FLAG: say(text, "flags has the bits %#" PRIx32 ", which this library (%s) does not know: leave them "
                          "out", config->flags & ~CONFIG_FLAGS, CQ_VERSION_STRING); return;
    case CONFIG_CONTRADICTION: say(text, "flags has CQ_EXCLUSIVE, which creates the queue, and CQ_ATTACH or "
                                   "CQ_READ_ONLY, which never create it: choose one"); return;
    case CONFIG_RESERVED: say(text, "config.reserved is %" PRIu32 ", it must be 0: zero the struct before filling it "
                              "in", config->reserved); return;
    case CONFIG_PERMISSIONS: say(text, "permissions %04" PRIo32 " must let the owner read and write, nobody execute, "
                                 "and others not write: 0600, 0640, 0660, 0644 and 0664 are "
                                 "possible", config->permissions); return;
    case CONFIG_CAPACITY: say(text, "capacity %" PRIu64 " is more than %" PRIu64 " messages, the "
                              "maximum", config->capacity,
                              LAYOUT_MAX_CAPACITY); return;
    case CONFIG_MESSAGE: say(text, "max_message_size %" PRIu64 " is more than %" PRIu64 " bytes, the maximum",
                             config->max_message_size, LAYOUT_MAX_MESSAGE); return;
    case CONFIG_HELD: say(text, "max_held %" PRIu64 " is more than %" PRIu64 " messages, the maximum", config->max_held,
                          LAYOUT_MAX_CAPACITY); return;
    case CONFIG_MEMORY: say(text, "max_memory %" PRIu64 " is more than %" PRIu64 " bytes, the maximum",
                            config->max_memory, LAYOUT_MAX_FILE); return;
    case CONFIG_RESERVE: say(text, "reserve %" PRIu64 " is more than %" PRIu64 " bytes, the maximum", config->reserve,
                             LAYOUT_MAX_FILE); return;
    case CONFIG_SYNC: say(text, "flags has CQ_SYNC and CQ_READ_ONLY, which has nothing to sync: choose one"); return;
    case CONFIG_DURABLE: say(text, "durable_directory is given, and flags has no CQ_DURABLE: add it, or leave the "
                             "directory out"); return;
    case CONFIG_HEADERS: say(text, "max_headers %" PRIu64 " is more than %u bytes, the maximum", config->max_headers,
                             LAYOUT_MAX_HEADERS); return;
    case CONFIG_DELIVERIES: say(text, "max_deliveries %" PRIu64 " is more than %u, the maximum", config->max_deliveries,
                                LAYOUT_MAX_DELIVERIES); return;
    case CONFIG_LETTERS: say(text, "dead_letter is \"%.200s\", and nothing sends messages there: set max_deliveries or "
                             "time_to_live, too", config->dead_letter); return;
    case CONFIG_LETTERS_NAME: say(text, "dead_letter \"%.200s\" is no name of a queue: 1 to 200 of A-Z a-z 0-9 . _ - , "
                                  "beginning with a letter or digit", config->dead_letter); return;
    case CONFIG_OWN_LETTERS: say(text, "dead_letter is the queue itself, where what nobody can process would come for "
                                 "ever: name another queue"); return;
    case CONFIG_NO_LETTERS: say(text, "max_deliveries is %" PRIu64 ", and dead_letter names no queue that takes "
                                "what was delivered so often: name one", config->max_deliveries); return;
    case CONFIG_LIFE: say(text, "time_to_live %" PRId64 " is negative: it is a number of nanoseconds, 0 for no "
                          "limit", config->time_to_live); return;
    case CONFIG_FINE: break;
    }
    if (!found->has_geometry && found->geometry.max_memory != 0) {
        say(text, "max_memory %" PRIu64 " is too little: a queue of this size needs", config->max_memory);
        say_bytes(text, " ", geometry_least(&found->geometry), found->geometry.reserved_nodes > 3
                  ? " with what is to be reserved: allow more, or reserve less"
                  : " to work at all: allow more, or ask for fewer or smaller messages");
        return;
    }
    if (!found->has_geometry) {
        say_count(text, "a capacity of ", found->geometry.capacity, "message", " of up to ");
        say_count(text, "", found->geometry.max_message_size, "byte", " needs");
        say_bytes(text, " a larger file than ", LAYOUT_MAX_FILE, ", the maximum: ask for fewer or smaller messages");
    } else if (path >= PATH_MAX)
        say(text, "the path of the file would have %zu bytes, at most %d are possible: name a shorter directory",
            path, PATH_MAX - 1);
    else
        say(text, "an argument is NULL or 0 and must not be, or a struct_size is not set; cq_open's config is in "
            "order%s", found->has_region && !(found->header.features & LAYOUT_DURABLE)
                           ? ", and cq_sync is for queues that were created with CQ_DURABLE" : "");
}

/* ---- access to the file ----------------------------------------------------------------------------- */

static void say_owner(struct text *text, const struct found *found)
{
    if (found->status_error) {
        say(text, "%s", cq_strerror(CQ_EOWNER));
        return;
    }
    say_file(text, found);
    if (found->status.permissions & 0002)
        say(text, "a file that everybody may write is never trusted: have its owner run chmod o-w %s first",
            found->path);
    else
        say(text, "if you trust %s with the messages, say so when opening it (CQ_TRUST; cq: --trust)",
            found->status.permissions & 0020 ? "its owner and group" : "its owner");
}

static void say_directory(struct text *text, const struct found *found)
{
    int error = os_may(found->directory, 3);

    if (error == EROFS)
        say(text, "%s is on a file system that is mounted read-only: name another directory", found->directory);
    else
        say(text, "user %u may not %s in %s: name another directory, or change its permissions", os_user(),
            found->status_error == EACCES ? "look for files" : "make files", found->directory);
}

static void say_access(struct text *text, const struct found *found)
{
    const struct os_status *status = &found->status;
    uint32_t wanted = found->config.flags & CQ_READ_ONLY ? 4 : 6;

    if (found->status_error) {
        say_directory(text, found);
        return;
    }
    if (!status->is_regular) {
        say(text, "%s is not a regular file: remove it", found->path);
        return;
    }
    say_file(text, found);
    int error = os_may(found->path, wanted);
    if (error == EROFS)
        say(text, "the file system is mounted read-only, so nobody may write there: have it mounted for writing, or "
            "look at the queue with CQ_READ_ONLY");
    else if (error == 0)
        say(text, "this process may open it; but only its owner may remove it from a directory like %s",
            found->directory);
    else if (status->user == os_user())
        say(text, "its owner may not even %s it: run chmod u+rw %s", wanted == 4 ? "read" : "write", found->path);
    else if ((status->permissions >> 3 & wanted) == wanted)
        say(text, "its group may use it, and this process is not in group %u: have its user join the group (and log "
            "in again)", status->group);
    else
        say(text, "only its owner may use it (or remove it from %s): have the owner create it for a group that both "
            "users are in (permissions 0660; cq create --group)", found->directory);
}

/* ---- what is in the queue --------------------------------------------------------------------------- */

static cq_queue *look_into(const struct found *found)
{
    cq_config look = {.struct_size = sizeof look, .directory = found->config.directory,
                      .permissions = found->config.permissions,
                      .flags = CQ_READ_ONLY | (found->config.flags & (CQ_ANY_FILESYSTEM | CQ_TRUST))};
    cq_queue *queue;

    if (!found->has_region || config_fault(found->name, &look) != CONFIG_FINE)
        return NULL;
    return cq_open(found->name, &look, &queue) == CQ_OK ? queue : NULL;
}

static bool look_inside(const struct found *found, cq_stats *stats)
{
    cq_queue *queue = look_into(found);

    if (!queue)
        return false;
    *stats = (cq_stats){.struct_size = sizeof *stats};
    bool looked = cq_stat(queue, stats) == CQ_OK;
    cq_close(queue);
    return looked;
}

static void say_full(struct text *text, const struct found *found)
{
    cq_stats stats;

    if (!look_inside(found, &stats)) {
        say(text, "full, its capacity is %" PRIu64 ": try later or wait", found->header.capacity);
        return;
    }
    /* The slots that are being written fill it as messages do. */
    uint64_t used = stats.length - stats.orphans, waiting = used > stats.writing ? used - stats.writing : 0;
    bool full = used >= stats.capacity, pinned = !full && stats.held > stats.max_held;
    say(text, "%s %" PRIu64 " of at most ", full || pinned ? "full," : "it was full; by now", waiting);
    say_count(text, "", stats.capacity, "message", " ");
    say(text, "%s waiting", say_are(waiting));
    if (stats.orphans > 0)
        say(text, ", %" PRIu64 " to be delivered again", stats.orphans);
    if (stats.held > 0)
        say(text, ", %" PRIu64 " %s held by consumers", stats.held, say_are(stats.held));
    if (stats.writing > 0)
        say(text, ", %" PRIu64 " %s being written", stats.writing, say_are(stats.writing));
    bool limited = !full && stats.max_memory != 0 &&
                   stats.memory + stats.max_memory / 8 + found->geometry.node_stride > stats.max_memory;
    if (full)
        say(text, ": try later or wait");
    else if (limited) {
        say_bytes(text, ", and the region takes ", stats.memory, "");
        say_bytes(text, " of the ", stats.max_memory, " that its max_memory allows: take messages out, or create the "
                  "queue with a larger max_memory");
    } else if (pinned)
        say(text, ", and only %" PRIu64 " may be held at a time without using up room: have consumers release some "
            "(cq_participants and cq doctor show which handles hold them), or create the queue with a larger max_held",
            stats.max_held);
    else
        say(text, ": try again; if it stays full, take the oldest message: slots behind it were given up and become "
            "free with it");
}

struct holder {
    uint32_t id;
    cq_participant found;
};

static int see_holder(const cq_participant *participant, void *context)
{
    struct holder *holder = context;
    if (participant->id != holder->id)
        return 0;
    holder->found = *participant;
    return 1;
}

static void say_consumer(struct text *text, const struct found *found)
{
    struct holder holder = {0};
    cq_stats stats;
    cq_queue *queue = look_into(found);

    stats = (cq_stats){.struct_size = sizeof stats};
    if (queue && cq_stat(queue, &stats) == CQ_OK && (holder.id = stats.consumer) != 0)
        cq_participants(queue, see_holder, &holder);
    cq_close(queue);
    say(text, "it has one consumer at a time, and ");
    if (holder.found.id != 0)
        say(text, "process %u (%s) is it now", holder.found.pid, holder.found.command);
    else
        say(text, "another handle was it");
    say(text, ": wait for the place with a call that waits, or end that process");
}

static void say_feature(struct text *text, const struct found *found)
{
    bool headers = !found->has_region || found->geometry.max_headers == 0;
    bool times = !found->has_region || !(found->geometry.features & FEATURE_TIMES);

    say(text, "its messages have no %s: create it with %s",
        headers && times ? "headers and no times" : headers ? "headers" : "times",
        headers && times ? "max_headers, or with CQ_ENQUEUE_TIMES" : headers ? "max_headers" : "CQ_ENQUEUE_TIMES");
}

static void say_system(struct text *text)
{
    say(text, "%s: ", cq_strerror(CQ_ESYSTEM));
    if (os_may("/proc/self/fd", 0) != 0)
        say(text, "there is no /proc here, which making a queue may need: mount it");
    else
        say(text, "it refused what a queue needs, as a sandbox or a filter of system calls may: strace shows what");
}

static void say_filesystem(struct text *text, const struct found *found)
{
    if (found->has_region && os_shares_blocks(found->path))
        say(text, "the file shares blocks with a copy of it, and the file system of %s cannot give it its own: copy it "
            "once more with cp --reflink=never, and use that one", found->directory);
    else
        say(text, "the file system of %s does not support what a queue needs: use tmpfs, ext4, xfs or btrfs",
            found->directory);
}

static void say_case(struct text *text, int result, const struct found *found, size_t size)
{
    bool of_region = result == CQ_FULL || result == CQ_ETOOBIG || result == CQ_EMISMATCH || result == CQ_EVERSION;

    if (trouble_explain(text, result, found))
        return;
    if (of_region && !found->has_header) { /* unlinked meanwhile: no numbers are better than wrong ones */
        say(text, "%s", cq_strerror(result));
        return;
    }
    switch (result) {
    case CQ_FULL: say_full(text, found); return;
    case CQ_CANCELLED: say(text, "cq_cancel ended the wait; so end all waits on this handle until "
                           "cq_cancel_reset"); return;
    case CQ_STALE: say(text, "the queue was removed%s: close this handle and open the queue again, or open it with "
                       "CQ_KEEP_UNLINKED to go on with the other handles that have it open",
                       found->status_error ? "" : ", and there is another queue of that name now"); return;
    case CQ_EINVAL: say_invalid(text, found); return;
    case CQ_ENAME: say(text, "a name is 1 to 200 of A-Z a-z 0-9 . _ - and begins with a letter or digit"); return;
    case CQ_ENOENT: say(text, "no queue of that name in %s: create it first, or check the directory",
                        found->directory); return;
    case CQ_EEXIST: say(text, "exists in %s already: attach to it, or unlink it first", found->directory); return;
    case CQ_EMISMATCH: say_mismatch(text, found); return;
    case CQ_EVERSION: say_version(text, &found->header); return;
    case CQ_ECORRUPT: say(text, "%s is no region of cqueue, or its bytes contradict each other: unlink it and "
                          "create it anew (its messages are lost)", found->path); return;
    case CQ_EACCESS: say_access(text, found); return;
    case CQ_EOWNER: say_owner(text, found); return;
    case CQ_ENOSPACE: shortage_space(text, found); return;
    case CQ_ENOMEM: shortage_memory(text, found); return;
    case CQ_ELIMIT: say(text, "%u handles are open on it, the maximum: close some (cq_participants and cq doctor show "
                        "which processes have them)", LAYOUT_MAX_OWNER); return;
    case CQ_ETOOSMALL: say_count(text, "the message has ", size, "byte", ", more than the buffer: it is still "
                                 "queued"); return;
    case CQ_ETOOBIG: say_count(text, "a message of ", size, "byte", ", the region takes ");
                     say(text, "%" PRIu64 " at most (or what was reserved)", found->header.max_message_size); return;
    case CQ_EREADONLY: say(text, "this handle was opened read-only: open it without CQ_READ_ONLY"); return;
    case CQ_EFORK: say(text, "this handle was opened before a fork: open the queue again in the child"); return;
    case CQ_ENOTHELD: say(text, "the message was released, returned, committed or aborted before, or belongs to "
                          "another handle"); return;
    case CQ_EFILESYSTEM: say_filesystem(text, found); return;
    case CQ_ESYSTEM: say_system(text); return;
    case CQ_EPROCESS: shortage_process(text); return;
    case CQ_EFILESIZE: shortage_file_size(text, found); return;
    case CQ_DUPLICATE: say(text, "its source has come to this number before, so the message was enqueued then: go on "
                           "with the number behind the one of cq_source"); return;
    case CQ_ECONSUMER: say_consumer(text, found); return;
    case CQ_ESOURCES: say(text, "it knows %u sources, the maximum, and this is none of them: use the name of one of "
                          "them, or another queue", LAYOUT_SOURCES); return;
    case CQ_EHEADERS: say(text, "the headers are not as cq_header_add makes them: each has a key of 1 to 255 bytes of "
                          "UTF-8, and no key is there twice"); return;
    case CQ_EFEATURE: say_feature(text, found); return;
    default: say(text, "%s", cq_strerror(result)); return;
    }
}

size_t cq_explain(int result, const char *name, const cq_config *config, size_t size, char *text, size_t text_size)
{
    struct found found;
    struct text out = {text, text ? text_size : 0, 0};
    int before = os_hold_cancellation(); /* not between opening and closing a file */

    look_up(name, config, &found);
    if (name && *name)
        say(&out, "\"%.200s\": ", name);
    if (!found.path && result != CQ_ENAME && result != CQ_EINVAL)
        say(&out, "%s", cq_strerror(result));
    else
        say_case(&out, result, &found, size);
    free(found.path);
    os_restore_cancellation(before);
    return out.length;
}
