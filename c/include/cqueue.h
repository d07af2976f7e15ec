/*
 * cqueue.h - a named queue in shared memory for the processes of one machine.
 *
 * A queue is a bounded, strictly first-in first-out queue of byte messages, for any number of producers and
 * consumers. It lives in one file, the *region*. Every process that knows the name can map the region. No process
 * ever waits for a stopped or dead process. What a dead process held is neither lost nor leaked.
 *
 * Algorithm: the non-blocking queue of Michael and Scott (PODC 1996), unrolled so that a node holds many
 * messages, with tickets that name their owner. c/DESIGN.md explains it, c/FORMAT.md describes the bytes.
 *
 * RESULTS
 *   Every function that returns int returns CQ_OK (0), a positive ordinary result (CQ_EMPTY, CQ_FULL, CQ_TIMEOUT,
 *   CQ_CANCELLED, CQ_STALE) or a negative error (CQ_E...). Nothing is reported through errno or any global state.
 *   cq_strerror() gives the meaning of a result. cq_explain() says what was asked, what was found and what to do.
 *
 * STRUCTURES
 *   Structures grow at their end. The caller sets struct_size to the sizeof that its header gives. A newer library
 *   takes missing fields for 0 and fills in no more than the caller has. An older library accepts the structure if
 *   all bytes that it does not know are 0. If the structure only reports, an older library leaves the unknown bytes
 *   alone and says in struct_size how much it filled in.
 *
 * WHICH CALLS MAY OVERLAP
 *                                      threads, same handle   other handles, any process   signal handler
 *   enqueue dequeue batch reserve
 *   commit abort take release return          yes                     yes                       yes (1)
 *   walk stat length recover                  yes                     yes                       no
 *   enqueue_wait dequeue_wait take_wait
 *   wait wait_room                            yes                     yes                       no
 *   enqueue_message enqueue_from source
 *   sources raise_source return_after         yes                     yes                       no
 *   headers set_headers enqueue_time          yes                     yes                       yes
 *   header_add header_next header_find     no handle                  yes                       yes
 *   participants                              yes                     yes                       no
 *   cancel cancel_reset
 *   wait_pass_on wait_room_pass_on            yes                     yes                       yes
 *   sync, and all calls with CQ_SYNC that
 *   sync                                      yes                     yes                       no
 *   fd room_fd                                yes                     yes                       no
 *   open unlink                            no handle                  yes                       no
 *   close                                     no (2)                  yes                       no
 *
 *   (1) These never block, take no lock and allocate no memory. A handler may call them even while the
 *       thread it interrupted is inside one of them. Not dequeue and take where the queue has a dead_letter.
 *   (2) The caller makes sure that no other thread uses the handle during or after cq_close.
 *
 *   A handle belongs to the process, not to a thread: a message taken by one thread may be released by
 *   another. No function is a cancellation point while it holds a part of the queue.
 *
 * PROGRESS
 *   Enqueue, dequeue, take, commit, return and the batches are lock-free; release and abort are wait-free.
 *   A producer first claims a slot and then copies its message into it. If the copy takes too long, others *void* the
 *   slot: they move past it. The producer, if it is alive, puts the message into a later slot before its call returns.
 *     - Consumers void a slot when a later message waits behind it, or when more than 4,096 unfinished slots are in
 *       a row. Producers void a slot when unfinished slots of other handles are all that fills the queue.
 *     - Before that they wait for a few microseconds; longer for messages above 16 KiB, and longer after each void.
 *       One call waits once, however many unfinished slots are in the way.
 *     - A call whose slot was voided may return CQ_FULL.
 *
 * LINEARIZABILITY
 *   An enqueue takes effect when its message is published or when the first later message is, whichever is
 *   earlier. A dequeue or take takes effect when it claims the message. CQ_EMPTY and CQ_FULL were true at an instant
 *   during the call. A message that is delivered again comes before newer ones.
 *
 * LIMITS
 *   Killed processes: an operation that death cuts short takes effect by the time the dead handle is cleaned up after
 *     (*reaped*), or never. Nothing else is affected, and nobody waits for it. A message that a dead consumer held is
 *     delivered again. The kernel says who is dead: no timeout and no process id decides that. A stopped process
 *     (SIGSTOP, debugger, suspended machine) is alive and keeps what it holds.
 *   fork: a child's copy of a handle refuses every call with CQ_EFORK, except cq_close, which frees it. The
 *     child opens its own. exec closes a handle as death does.
 *   Unlink while open: all open handles stay usable; a later cq_open makes a new queue. Waits on the old one end
 *     with CQ_STALE, because other processes may already use the new one.
 *   Sizes: capacity 1 to 2^31 messages, messages 0 bytes to 1 GiB, 4,094 handles open at a time.
 *   Capacity: exactly `capacity` messages are accepted. Reservations count, but they alone keep no other handle out
 *     (see cq_reserve). Messages that consumers hold, or that wait to be delivered again, do not count. Neither do
 *     slots that were given up (cq_abort, voided) behind an unconsumed message. But each of these may keep a piece of
 *     the region from being used again, and the region is finite. So CQ_FULL comes early, even with no message
 *     waiting, if
 *       - more than cq_stats.max_held messages are held or wait to be delivered again, or
 *       - more slots are given up than about capacity / 4 + 1024 (for messages beyond 8 KiB: fewer, at least 64).
 *     cq_stats.held and cq_stats.writing show it. Have consumers release messages, or create the queue with a larger
 *     cq_config.max_held.
 *   File system: one that supports O_TMPFILE, fallocate and open-file-description locks on the mapped file: tmpfs,
 *     ext4, xfs, btrfs. Network, FUSE and overlay file systems are refused.
 *   Power cuts: a queue that was not created with CQ_DURABLE is gone with the memory. Of one that was, everything that
 *     was synced survives: see cq_sync. Those who do not sync never wait for the disk, with two exceptions. Once in
 *     2^20 nodes of messages that nobody syncs, one enqueue writes a record. And a call that moves a message to
 *     dead_letter syncs here, and there if that queue is durable, too.
 *   Dead letters: see cq_config.max_deliveries. A message goes over exactly once, whoever is killed in between. It
 *     stays where it is while the other queue is full, missing or cannot take it, and holds up no other message. If
 *     both queues are durable that is true of power cuts, too: it is synced there before it is removed here. If only
 *     this one is, what went over is gone after a power cut with the other queue, but for messages whose removal here
 *     was not synced: these go over again. After a reboot a durable dead_letter gets nothing before somebody has
 *     opened it; until then messages stay here.
 *   Trust: a process that may write the region can spoil its contents. It cannot crash, hang or corrupt the other
 *     processes that map it, as long as nobody truncates the file.
 */
#ifndef CQUEUE_H
#define CQUEUE_H

#if defined(__SIZEOF_POINTER__) && __SIZEOF_POINTER__ != 8
#error "cqueue needs a 64-bit build: there is no 32-bit library to link with"
#endif
#if defined(__BYTE_ORDER__) && defined(__ORDER_BIG_ENDIAN__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#error "cqueue needs a little-endian machine: there is no other library to link with"
#endif

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32) || !defined(__GNUC__)
#define CQ_API
#else
#define CQ_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library, and of the binary interface: the interface only grows while its number stays. */
#define CQ_VERSION_MAJOR 1
#define CQ_VERSION_MINOR 0
#define CQ_VERSION_PATCH 0
#define CQ_VERSION_STRING "1.0.0"
#define CQ_ABI_VERSION 1

/* Where queues are that name no directory: the platform's shared memory. */
#define CQ_DIRECTORY "/dev/shm"

/* Results. Each has one meaning, in every function. */
enum {
    CQ_OK = 0,
    CQ_EMPTY = 1,         /* no message is waiting */
    CQ_FULL = 2,          /* no room: `capacity` messages are waiting, or every node is in use (see LIMITS) */
    CQ_TIMEOUT = 3,       /* timed out, and one last try found the queue still empty or full */
    CQ_CANCELLED = 4,     /* cq_cancel ended the wait */
    CQ_STALE = 5,         /* the queue was removed: opening it by name no longer leads to this one */
    CQ_DUPLICATE = 6,     /* the source has come to this number before: nothing was enqueued (cq_enqueue_from) */

    CQ_EINVAL = -1,       /* an argument is NULL, zero, out of range or of an unknown struct_size or flag */
    CQ_ENAME = -2,        /* the name is not [A-Za-z0-9][A-Za-z0-9._-]{0,199} */
    CQ_ENOENT = -3,       /* no queue of that name, or no such directory */
    CQ_EEXIST = -4,       /* CQ_EXCLUSIVE, and the queue exists */
    CQ_EMISMATCH = -5,    /* the region's capacity, max_message_size or another property differs from the one asked
                             for */
    CQ_EVERSION = -6,     /* the region has another format version, word size or byte order */
    CQ_ECORRUPT = -7,     /* the bytes of the region contradict each other */
    CQ_EACCESS = -8,      /* the system refuses access, or the file is not a regular file */
    CQ_EOWNER = -9,       /* the file is another user's and was not trusted (CQ_TRUST), or everybody may write it */
    CQ_ENOSPACE = -10,    /* the file system has no room for another node (nothing was lost, try later) */
    CQ_ENOMEM = -11,      /* no memory or address space in this process */
    CQ_ELIMIT = -12,      /* 4,094 handles are open on the queue */
    CQ_ETOOSMALL = -13,   /* the buffer is smaller than the message; the size it needs is reported, it stays queued */
    CQ_ETOOBIG = -14,     /* the message is larger than max_message_size, or than what was reserved; or its headers than
                             max_headers */
    CQ_EREADONLY = -15,   /* the handle was opened with CQ_READ_ONLY */
    CQ_EFORK = -16,       /* the handle was opened by the parent of this process: open your own */
    CQ_ENOTHELD = -17,    /* this handle does not hold the cq_message, or no longer does */
    CQ_EFILESYSTEM = -18, /* the file system does not support what a queue needs; name another directory */
    CQ_ESYSTEM = -19,     /* the operating system failed in a way that has no code of its own */
    CQ_EPROCESS = -20,    /* this process (or the system) has reached its limit of descriptors or threads */
    CQ_EFILESIZE = -21,   /* the region's file would be larger than this process or file system may make one */
    CQ_EIO = -22,         /* the disk failed, or is full where CQ_SYNC asks for it: what the call was to do is done, but
                             may not survive a power cut. cq_sync tries again */
    CQ_EBUSY = -23,       /* the durable directory serves another region, or another process is just recovering it */
    CQ_ECONSUMER = -24,   /* the queue has one consumer at a time, and another handle is it (CQ_EXCLUSIVE_CONSUMER) */
    CQ_ESOURCES = -25,    /* the queue knows 64 sources, and this is none of them */
    CQ_EHEADERS = -26,    /* the headers are not well formed, or have a key twice */
    CQ_EFEATURE = -27     /* the queue was not created for this: see max_headers and CQ_ENQUEUE_TIMES */
};

typedef struct cq_queue cq_queue; /* one open handle on a queue */

/* cq_config.flags */
enum {
    CQ_CREATE = 0,           /* create the queue, or attach to it if it exists (the default) */
    CQ_EXCLUSIVE = 1,        /* create the queue, or fail with CQ_EEXIST */
    CQ_ATTACH = 2,           /* attach to the queue, or fail with CQ_ENOENT */
    CQ_READ_ONLY = 4,        /* attach to look on: only cq_walk, cq_stat, cq_participants and cq_close work. Needs
                                only read permission */
    CQ_ANY_FILESYSTEM = 8,   /* do not refuse a file system by its kind (what it must do is still tested) */
    CQ_KEEP_UNLINKED = 16,   /* waits go on when the queue was removed, instead of ending with CQ_STALE */
    CQ_TRUST = 32,           /* accept a region of any owner, and one that its group may write. A region that
                                everybody may write is never accepted */
    CQ_DURABLE = 64,         /* create a queue that survives power cuts, or attach to one: see durable_directory and
                                cq_sync. Fails with CQ_EMISMATCH if the queue exists and is not durable. Who attaches
                                without it gets the queue too, but cannot recover it when its region is gone */
    CQ_SYNC = 128,           /* on this handle enqueue, commit, dequeue, release, return, their batches and waits do
                                cq_sync before they return: what has returned is on the disk. Implies CQ_DURABLE */
    CQ_EXCLUSIVE_CONSUMER = 256, /* one consumer at a time: the first handle that takes or dequeues is the queue's only
                                consumer until it is closed or its process dies. Then the next that tries is. Calls of
                                other handles return CQ_ECONSUMER; those that wait do so until they are the consumer. A
                                property of the queue: whoever attaches keeps to it, with this flag or without */
    CQ_ENQUEUE_TIMES = 512   /* each message has the time at which it was enqueued: cq_enqueue_time, oldest_age. Costs 8
                                bytes a message, and some nanoseconds. A property of the queue */
};

/* How to open a queue. Zero it, set struct_size, then what you want to differ from the defaults. The properties of the
   queue, from max_headers on and those among the flags, are given when creating. When attaching, what is asked for (not
   0, NULL or left out) must be what the queue has, else it is CQ_EMISMATCH. A durable queue keeps them all, and is made
   anew with them after a power cut. */
typedef struct cq_config {
    uint32_t struct_size;      /* sizeof(cq_config) */
    uint32_t flags;            /* CQ_CREATE, ... */
    uint64_t capacity;         /* messages; 0 = 65,536 when creating, whatever it has when attaching */
    uint64_t max_message_size; /* bytes; 0 = 4,096 when creating, whatever it has when attaching */
    uint32_t permissions;      /* of the file, 0 = 0600; never writable by others. When attaching it says which
                                  regions of other users are accepted without CQ_TRUST: those that are no more open
                                  to writing than this, if it includes 060 (or 040 or 004 with CQ_READ_ONLY). The
                                  caller's own region is accepted however open to its group it is */
    uint32_t reserved;         /* 0 */
    const char *directory;     /* where the file is; NULL = CQ_DIRECTORY */
    uint64_t max_held;         /* messages that consumers may hold at a time, in addition to `capacity` waiting ones;
                                  0 = a number that follows from capacity. Used when creating */
    uint64_t max_memory;       /* bytes that the region may take of memory or disk; 0 = any number. Used when creating.
                                  A queue that would need more is CQ_FULL. Processes that need more at the same moment
                                  may each exceed it by a message, or by the few KiB of a node */
    uint64_t reserve;          /* bytes of memory or disk for messages, taken at once and kept: as long as the queue
                                  holds no more, no call fails with CQ_ENOSPACE. 0 = none. Used when creating */
    const char *durable_directory; /* with CQ_DURABLE: the directory on a disk that keeps what is synced, for this queue
                                  alone. Made if it does not exist; its parent must. NULL = `cqueue.<name>.d` in
                                  `directory` when creating or recovering, what the region says when attaching.
                                  `directory` stays shared memory: the region is there */

    uint64_t max_headers;      /* bytes that the headers of a message may have, at most 65,535; 0 = messages have none.
                                  Each message costs so many bytes more, whether it has headers or not */
    uint64_t max_deliveries;   /* 1 to 254: a message that was delivered so often, and neither released nor dequeued, is
                                  not delivered again but goes to the queue dead_letter. 0 = no limit */
    const char *dead_letter;   /* the name of that other queue, in the same directory; NULL = none. It need not be there
                                  yet. Expired messages go there too. It gets, where it has headers and they fit, those
                                  of the message and why it came: "cq-dead-letter" ("deliveries" or "expired"),
                                  "cq-queue" (the name of the queue it came from), "cq-deliveries" */
    int64_t time_to_live;      /* nanoseconds, by the date: a message that is older is not delivered but goes to
                                  dead_letter, or is dropped if there is none. Times are recorded as with
                                  CQ_ENQUEUE_TIMES. 0 = no limit */
} cq_config;

/* A piece of memory. */
typedef struct cq_slice {
    void *data;
    size_t size; /* bytes */
} cq_slice;

/* A message reserved or taken in place. Set struct_size before the first use; the library fills in the rest. */
typedef struct cq_message {
    uint32_t struct_size; /* sizeof(cq_message) */
    uint32_t deliveries;  /* 1 the first time the message is delivered, 2 the second, ..., at most 255 */
    void *data;           /* in the region, aligned to 8 bytes (64 if max_message_size > 248); NULL when not held */
    size_t size;          /* bytes */
    uint64_t position;    /* identifies the message, also when it is delivered again; among all queues with the region's
                             id (cq_stats) */
    uint64_t token[2];    /* for the library alone */
} cq_message;

/* Called by cq_walk for each message. `message` and its data are valid until it returns. Nonzero stops the walk. */
typedef int cq_visitor(const cq_message *message, void *context);

/* What cq_stat reports. Counts are since creation. They may be off by operations that are under way, or that death
   cut short. */
typedef struct cq_stats {
    uint32_t struct_size;         /* in: sizeof(cq_stats); out: how much of it was filled in */
    uint32_t format_version;      /* of the region */
    uint64_t capacity;            /* messages */
    uint64_t max_message_size;    /* bytes */
    uint64_t length;              /* messages waiting, including those to be delivered again and those still being
                                     written */
    uint64_t orphans;             /* messages waiting to be delivered again (not counted against capacity) */
    uint64_t enqueued;            /* messages accepted */
    uint64_t dequeued;            /* messages delivered for the first time */
    uint64_t redelivered;         /* deliveries after the first */
    uint64_t returned;            /* messages given back by cq_return */
    uint64_t voided;              /* slots of unfinished messages that other handles moved past */
    uint64_t reaped;              /* dead handles that were cleaned up after */
    uint32_t participants;        /* handles open and alive now */
    uint32_t waiting_producers;   /* threads of live handles blocked in cq_enqueue_wait */
    uint32_t waiting_consumers;   /* threads of live handles blocked in cq_dequeue_wait or cq_take_wait */
    uint32_t slots_per_node;      /* messages a node holds */
    uint64_t nodes;               /* in all */
    uint64_t nodes_touched;       /* nodes that have memory now */
    uint64_t nodes_linked;        /* nodes in the list, or behind it with a message that is still held */
    uint64_t memory;              /* bytes of memory or disk that the region occupies */
    uint64_t file_size;           /* bytes; most of them are usually never touched and occupy nothing */
    int64_t created;              /* nanoseconds since 1970-01-01 UTC */
    uint32_t unlinked;            /* 1: the name no longer leads to this region; 0: it does */
    uint32_t reserved;
    uint64_t held;                /* messages taken, and neither released nor returned yet */
    uint64_t writing;             /* slots reserved, or being written */
    uint64_t max_held;            /* messages that may be held while `capacity` others wait. If more are held,
                                     cq_enqueue may report CQ_FULL early: see LIMITS, Capacity */
    uint64_t max_memory;          /* bytes that the region may occupy; 0: any number */
    uint64_t reserve;             /* bytes for messages that it occupies from the beginning */
    uint64_t trimmed;             /* bytes that were given back to the file system */

    uint8_t id[16];               /* the region's, random: together with a message's position it names that message for
                                     ever. A queue that is removed and made anew has another */

    /* Of a durable queue; 0 of others. */
    uint32_t durable;             /* 1: it was created with CQ_DURABLE */
    int32_t disk_error;           /* the result that the last failed write or flush had, 0 once one succeeded after it:
                                     CQ_EIO, CQ_ENOSPACE, CQ_EACCESS, ... */
    uint64_t flushes_begun;       /* number of the flush that began last, by any process. Flushes are numbered */
    uint64_t flushes_done;        /* all flushes up to this number, or later ones in their place, are on the disk */
    uint64_t unsynced;            /* messages in the queue that no flush has put on the disk yet */
    uint64_t segments;            /* files in the durable directory that hold messages */
    uint64_t disk_bytes;          /* bytes that they occupy */
    uint64_t recovered;           /* messages that the region was made with, after a power cut or removal */
    uint64_t max_headers;         /* bytes that the headers of a message may have; 0: it has none */
    uint64_t max_deliveries;      /* a message that was delivered so often goes to dead_letter; 0: no limit */
    int64_t time_to_live;         /* nanoseconds; 0: no limit */
    uint32_t enqueue_times;       /* 1: messages have the times at which they were enqueued; 0: they do not */
    uint32_t exclusive_consumer;  /* 1: the queue has one consumer at a time; 0: any number */
    uint32_t consumer;            /* the handle (cq_participant.id) that is the only consumer now; 0: none is */
    uint32_t sources;             /* sources that the queue knows, see cq_enqueue_from; 64 at most */
    uint64_t delayed;             /* of the orphans, those whose time has not come (cq_return_after) */
    int64_t oldest_age;           /* nanoseconds since the oldest waiting message was enqueued; 0: none waits, or there
                                     are no times */
    uint64_t expired;             /* messages that outlived time_to_live */
    uint64_t dead_lettered;       /* messages that went to dead_letter */
    uint64_t spent;               /* of the orphans, those that are to go to dead_letter */
    int64_t dead_letter_result;   /* what the last try of that came to: CQ_OK, or why it stays (CQ_FULL, ...) */
    char dead_letter[208];        /* the name of that queue; empty: none */
} cq_stats;

/* One open handle, as cq_participants shows it. */
typedef struct cq_participant {
    uint32_t struct_size;       /* how much of it is filled in */
    uint32_t id;                /* 1 to 4,094; used again after it was closed or reaped */
    uint32_t pid;               /* process id as the process itself sees it: another PID namespace has other numbers */
    uint32_t alive;             /* 1: alive. 0: dead, and about to be reaped */
    uint64_t held;              /* messages that this handle has taken and not released yet */
    uint64_t writing;           /* slots that this handle has reserved or is writing */
    uint32_t waiting_producers; /* threads of this handle blocked in cq_enqueue_wait */
    uint32_t waiting_consumers; /* threads of this handle blocked in cq_dequeue_wait or cq_take_wait */
    int64_t waiting_since;      /* since when a thread of it has been waiting, in nanoseconds since 1970-01-01 UTC;
                                   0: no thread is waiting */
    char command[16];           /* the program's name, cut to 15 bytes */
} cq_participant;

/* Called by cq_participants for each handle. `participant` is valid until it returns. Nonzero stops. */
typedef int cq_participant_visitor(const cq_participant *participant, void *context);

/* What cq_recover found. */
typedef struct cq_recovery {
    uint32_t struct_size;  /* in: sizeof(cq_recovery); out: how much of it was filled in */
    uint32_t participants; /* handles found dead and cleaned up after */
    uint64_t slots;        /* slots freed: unfinished messages of dead producers */
    uint64_t messages;     /* messages of dead consumers that will be delivered again */
    uint64_t nodes;        /* nodes freed */
} cq_recovery;

/* A message to be enqueued with what goes along. Zero it and set struct_size first. */
typedef struct cq_outgoing {
    uint32_t struct_size;  /* sizeof(cq_outgoing) */
    uint32_t reserved;     /* 0 */
    const void *data;      /* may be NULL if size is 0 */
    size_t size;           /* bytes */
    const void *headers;   /* as cq_header_add writes them; may be NULL if headers_size is 0 */
    size_t headers_size;   /* bytes */
} cq_outgoing;

/* One header of a message. A key is 1 to 255 bytes of UTF-8 without a 0, a value any bytes, at most 65,535. */
typedef struct cq_header {
    const char *key;    /* does not end with a 0 */
    size_t key_size;    /* bytes */
    const void *value;
    size_t value_size;  /* bytes */
} cq_header;

/* Called by cq_sources for each source. `name` is valid until it returns. Nonzero stops. */
typedef int cq_source_visitor(const char *name, uint64_t number, void *context);

/* ---- opening ---------------------------------------------------------------------------------------- */

/*
 * Open the queue `name`: create it or attach to it, as config->flags says.
 *
 * name: [A-Za-z0-9][A-Za-z0-9._-]{0,199}; the file is `cqueue.<name>` in the directory.
 * config: NULL means all defaults: attach if the queue exists, else create it. Read during the call only.
 * queue: receives the handle, to be closed with cq_close; NULL on error.
 *
 * The file appears complete or not at all. Of two creators at once, one creates and both succeed (unless
 * CQ_EXCLUSIVE). The call also looks for dead handles. It blocks only for the system's file operations.
 * A failure after the queue was created leaves it there, empty: others may be using it already.
 *
 * Durable queues: if there is no region but the durable directory keeps a queue, the region is made anew from it, with
 * all that was synced, unless CQ_EXCLUSIVE (CQ_EEXIST). CQ_ATTACH with CQ_DURABLE does that too. A region of before a
 * reboot counts as none. The recovered messages are delivered again: first, in their old order, with their old
 * positions, and `deliveries` of 2 or more. The queue has the sizes that it was created with. CQ_EBUSY: another region
 * is in use with this directory, as when the region was removed and some process still has it open, or in a container
 * that shares the disk and not the memory: open that one, or end those processes. Or another process has been
 * recovering the queue for longer than a second: try again. CQ_EIO: the disk failed. CQ_ECORRUPT: a file in the
 * directory is not of this queue. CQ_EVERSION: it is of a newer version.
 *
 * CQ_OK, CQ_EINVAL, CQ_ENAME, CQ_ENOENT, CQ_EEXIST, CQ_EMISMATCH, CQ_EVERSION, CQ_ECORRUPT, CQ_EACCESS, CQ_EOWNER,
 * CQ_ENOSPACE, CQ_EFILESIZE, CQ_ENOMEM, CQ_ELIMIT, CQ_EPROCESS, CQ_EFILESYSTEM, CQ_ESYSTEM, CQ_EIO, CQ_EBUSY.
 */
CQ_API int cq_open(const char *name, const cq_config *config, cq_queue **queue);

/*
 * Close the handle. What it holds is dealt with as after a death: taken messages are delivered again, reservations
 * are dropped. If very much is queued, that may happen shortly after this returns, by another handle. The descriptors
 * of cq_fd and cq_room_fd are closed. NULL does nothing. In a forked child it frees the child's copy and leaves the
 * parent's alone. No thread may be using the handle. Always CQ_OK.
 */
CQ_API int cq_close(cq_queue *queue);

/*
 * Remove the name. Only `directory` of the config is used (NULL: default). Open handles stay usable; the memory is
 * freed when the last one is closed. The directory of a durable queue stays, and with it what was synced: to be rid of
 * that too, remove the directory. CQ_OK, CQ_EINVAL, CQ_ENAME, CQ_ENOENT, CQ_EACCESS, CQ_ESYSTEM.
 */
CQ_API int cq_unlink(const char *name, const cq_config *config);

/* ---- copying in and out ----------------------------------------------------------------------------- */

/*
 * Append a message of `size` bytes, copied from `data` (which may be NULL if size is 0). Never blocks.
 * CQ_OK: the message is in the queue, and stays there whatever happens to this process. CQ_FULL: the queue has no
 * room. CQ_ENOSPACE: there is no memory for another node. After either of these, try again later.
 * CQ_ETOOBIG, CQ_EINVAL, CQ_EREADONLY, CQ_EFORK, CQ_ECORRUPT, CQ_ESYSTEM.
 */
CQ_API int cq_enqueue(cq_queue *queue, const void *data, size_t size);

/*
 * Remove the oldest message and copy it into `buffer` (which may be NULL if buffer_size is 0); *size (may be
 * NULL) receives its size. Never blocks. At most once: when it has returned CQ_OK the message is gone. If this
 * process dies during the call, the message is delivered again, or, if the call had removed it already, it is lost.
 * To rule out that loss, use cq_take and cq_release.
 * CQ_OK, CQ_EMPTY. CQ_ETOOSMALL: *size is the size that is needed, the message stays.
 * CQ_ECONSUMER, CQ_EINVAL, CQ_EREADONLY, CQ_EFORK, CQ_ECORRUPT.
 */
CQ_API int cq_dequeue(cq_queue *queue, void *buffer, size_t buffer_size, size_t *size);

/*
 * As cq_enqueue and cq_dequeue, but they sleep while the queue is full (or memory is lacking) or empty. timeout_ns:
 * nanoseconds on the monotonic clock; 0 tries once, negative never times out. Signals do not end the wait, cq_cancel
 * does. A sleeper uses no CPU. The results are the same, but for these: CQ_TIMEOUT in place of CQ_FULL and CQ_EMPTY.
 * CQ_ENOSPACE, CQ_ECONSUMER: timed out, and what was lacking is memory, or the consumer's place. CQ_CANCELLED: see
 * cq_cancel. CQ_STALE: the queue was removed, so that the wait might never end; open the queue again, or open it with
 * CQ_KEEP_UNLINKED to wait on.
 */
CQ_API int cq_enqueue_wait(cq_queue *queue, const void *data, size_t size, int64_t timeout_ns);
CQ_API int cq_dequeue_wait(cq_queue *queue, void *buffer, size_t buffer_size, size_t *size, int64_t timeout_ns);

/*
 * Append messages[0] to messages[count - 1] in this order, as many as there is room for; *done receives how
 * many. Messages of others may come in between. Never blocks. CQ_OK: all were appended. CQ_FULL or an error: the
 * first *done were; that is 0 for CQ_ETOOBIG, because all sizes are checked first, and may be more for the others.
 */
CQ_API int cq_enqueue_batch(cq_queue *queue, const cq_slice *messages, size_t count, size_t *done);

/*
 * Remove up to `count` of the oldest messages, as many as are waiting and fit into `buffer` one behind the
 * other without gaps (so only the first is sure to be aligned). messages[0] to messages[*done - 1] receive where
 * they lie in the buffer. Never blocks. CQ_OK: at least one was removed. CQ_EMPTY: none is waiting.
 * CQ_ETOOSMALL: the first does not fit; messages[0].size is the size that is needed. Errors as cq_dequeue.
 */
CQ_API int cq_dequeue_batch(cq_queue *queue, void *buffer, size_t buffer_size, cq_slice *messages, size_t count,
                            size_t *done);

/* ---- with more than bytes --------------------------------------------------------------------------- */

/*
 * Append a message with its headers. As cq_enqueue_wait: timeout_ns 0 tries once. In addition to the results there:
 * CQ_EHEADERS, CQ_ETOOBIG (also if the headers are larger than max_headers), CQ_EFEATURE (headers, and the queue was
 * not created with max_headers).
 */
CQ_API int cq_enqueue_message(cq_queue *queue, const cq_outgoing *message, int64_t timeout_ns);

/*
 * Append a message that comes from elsewhere, exactly once: it is enqueued and its source's number is raised to
 * `number` in one step, whatever happens to this process or to others. A source is whatever the caller names so: a
 * stream, a partition of a topic, a file. The queue remembers a number for each of its sources, 64 at most; it begins
 * at 0 and only rises. CQ_DUPLICATE: the number is not above the source's, so this message was enqueued before. Whoever
 * feeds a queue reads the number with cq_source, and goes on behind it. Several may feed the same messages in the same
 * order at the same time, from any handles: each message is enqueued once. If this process dies during the call, both
 * happen by the time the dead handle is cleaned up after, or neither does. After a power cut a durable queue has the
 * number that its messages go with: each message up to it is there, or was removed before; none beyond it is. It is at
 * least what the number was when the last cq_sync began that returned CQ_OK. On a handle with CQ_SYNC these calls sync,
 * also before they return CQ_DUPLICATE.
 *
 * source: 1 to 200 bytes. number: 1 or more. Threads of a handle that call this take turns. The results are those of
 * cq_enqueue_message, and CQ_DUPLICATE, CQ_ESOURCES (the first call for a source makes it known), and CQ_ENOSPACE also
 * if there is no memory for the table of sources. cq_enqueue_from never blocks: CQ_FULL in place of CQ_TIMEOUT.
 */
CQ_API int cq_enqueue_from(cq_queue *queue, const cq_outgoing *message, const char *source, uint64_t number);
CQ_API int cq_enqueue_from_wait(cq_queue *queue, const cq_outgoing *message, const char *source, uint64_t number,
                                int64_t timeout_ns);

/*
 * The number that a source has come to; 0 if the queue does not know it. What dead processes had begun is finished
 * first, but not through CQ_READ_ONLY handles. CQ_OK, CQ_EINVAL, CQ_EFORK, CQ_ECORRUPT.
 */
CQ_API int cq_source(cq_queue *queue, const char *source, uint64_t *number);

/* Show `visitor` each source. As cq_source. */
CQ_API int cq_sources(cq_queue *queue, cq_source_visitor *visitor, void *context);

/* Raise a source's number without a message: what comes from there up to this number is not wanted. CQ_OK;
   CQ_DUPLICATE: it is as high already. CQ_ESOURCES, CQ_ENOSPACE, CQ_EINVAL, CQ_EREADONLY, CQ_EFORK, CQ_ECORRUPT. */
CQ_API int cq_raise_source(cq_queue *queue, const char *source, uint64_t number);

/*
 * The headers of a message that this handle has taken or reserved, or that cq_walk shows: where they are, which is
 * valid as long as message->data. headers->size is 0 if it has none. CQ_OK, CQ_ENOTHELD, CQ_EFEATURE, CQ_EINVAL,
 * CQ_EFORK.
 */
CQ_API int cq_headers(cq_queue *queue, const cq_message *message, cq_slice *headers);

/* Set the headers of a message that was reserved, before it is committed. CQ_OK, CQ_EHEADERS, CQ_ETOOBIG, CQ_EFEATURE,
   CQ_ENOTHELD, CQ_EINVAL, CQ_EREADONLY, CQ_EFORK. */
CQ_API int cq_set_headers(cq_queue *queue, cq_message *message, const void *headers, size_t headers_size);

/*
 * Write one more header behind the *size bytes of others in `headers`, which has room for `room` bytes; *size is
 * raised by the lengths of key and value, and 3. CQ_OK. CQ_EHEADERS: the key is not 1 to 255 bytes of UTF-8, or is
 * there already, or what is there is not well formed. CQ_ETOOBIG: there is no room, or the value has more than 65,535
 * bytes. CQ_EINVAL.
 */
CQ_API int cq_header_add(void *headers, size_t room, size_t *size, const char *key, const void *value,
                         size_t value_size);

/* The header at *offset (0: the first); *offset becomes that of the next. CQ_OK. CQ_EMPTY: there are no more.
   CQ_EHEADERS: they are not well formed. CQ_EINVAL. */
CQ_API int cq_header_next(const void *headers, size_t size, size_t *offset, cq_header *header);

/* The value of a key. Results as cq_header_next; CQ_EMPTY: it is not among them. */
CQ_API int cq_header_find(const void *headers, size_t size, const char *key, cq_slice *value);

/*
 * When a message that this handle has taken, or that cq_walk shows, was enqueued: nanoseconds since 1970-01-01 UTC, by
 * a clock that is some milliseconds late. CQ_OK, CQ_ENOTHELD, CQ_EFEATURE, CQ_EINVAL, CQ_EFORK.
 */
CQ_API int cq_enqueue_time(cq_queue *queue, const cq_message *message, int64_t *when);

/* ---- in place --------------------------------------------------------------------------------------- */

/*
 * Reserve room for a message of up to `size` bytes and let the caller write it in place, at message->data,
 * until it calls cq_commit or cq_abort. The place in the queue is taken now. The message loses it, and moves behind
 * later ones when it is committed, in two cases: a consumer waited for it while later messages were there (or more
 * than 4,096 unfinished ones); or reservations and unfinished messages were all that filled the queue, and another
 * handle needed room. So reservations alone make only the calls on this handle return CQ_FULL. Never blocks. Results
 * as cq_enqueue. message->data is unmapped when the handle is closed: do not use it after that.
 */
CQ_API int cq_reserve(cq_queue *queue, size_t size, cq_message *message);

/*
 * Publish a reserved message with its final `size`, which may be less than was reserved. Never blocks.
 * CQ_OK: it is in the queue; message->position is final and message->data is NULL. CQ_FULL, CQ_ENOSPACE, CQ_ESYSTEM:
 * only if it had lost its place; it is still reserved, try again or abort. CQ_ETOOBIG, CQ_ENOTHELD, CQ_EINVAL,
 * CQ_EREADONLY, CQ_EFORK, CQ_ECORRUPT.
 */
CQ_API int cq_commit(cq_queue *queue, cq_message *message, size_t size);

/* Give a reservation up. Never blocks. CQ_OK, CQ_ENOTHELD, CQ_EINVAL, CQ_EREADONLY, CQ_EFORK, CQ_ECORRUPT. */
CQ_API int cq_abort(cq_queue *queue, cq_message *message);

/*
 * Take the oldest message and let the caller read it in place, at message->data, until it calls cq_release or
 * cq_return. At least once: if this process dies or closes the handle before cq_release, it is delivered
 * again, with message->deliveries one higher. Never blocks. CQ_OK, CQ_EMPTY, CQ_ECONSUMER, CQ_EINVAL, CQ_EREADONLY,
 * CQ_EFORK, CQ_ECORRUPT. Of a durable queue do not write to message->data: it may just be on its way to the
 * disk.
 */
CQ_API int cq_take(cq_queue *queue, cq_message *message);

/* As cq_take, waiting as cq_dequeue_wait does. CQ_TIMEOUT, CQ_CANCELLED or CQ_STALE in place of CQ_EMPTY. */
CQ_API int cq_take_wait(cq_queue *queue, cq_message *message, int64_t timeout_ns);

/* Done with a taken message: it is gone. Never blocks. CQ_OK, CQ_ENOTHELD, CQ_EINVAL, CQ_EREADONLY, CQ_EFORK,
   CQ_ECORRUPT. */
CQ_API int cq_release(cq_queue *queue, cq_message *message);

/* Give a taken message back: it is delivered again, before newer messages. Results as cq_release. */
CQ_API int cq_return(cq_queue *queue, cq_message *message);

/* ---- surviving power cuts --------------------------------------------------------------------------- */

/*
 * Put a durable queue on the disk as it is now. When this has returned CQ_OK, every message that any process had
 * enqueued before the call began survives a power cut, and no message that was dequeued or released before comes back.
 * Messages that were not synced are, after a power cut, there whole or not at all, each by itself; a release that was
 * not synced may have been for nothing. Headers, enqueue times and the numbers of sources are kept with the messages;
 * a delay (cq_return_after) is not, such messages are delivered at once. A message that survives counts the deliveries
 * that were synced, and one more, since it may have been delivered again without anybody writing that down. That one
 * alone sends no message to dead_letter, unless max_deliveries is 1.
 *
 * Many callers, of all processes, share one flush: to sync often, call it from many threads or processes, or seldom:
 * enqueue many messages, then sync once. Processes that are stopped or killed in the middle of a flush delay nobody.
 *
 * timeout_ns bounds how long the call waits for the flushes of others, as in cq_dequeue_wait; 0 does not wait for them.
 * If the call writes itself, the disk may take as long as it likes. CQ_TIMEOUT, CQ_CANCELLED (see cq_cancel): nothing
 * is known; what was enqueued stays in the queue. CQ_EIO: the disk failed. CQ_ENOSPACE: it is full, or a quota is used
 * up. CQ_EACCESS: this process may not write there, or the file system is read-only. CQ_ENOENT: the directory is gone.
 * CQ_EBUSY: the directory serves another region by now. After an error all messages are in the queue and are delivered
 * as ever, and the next call tries again, in a new file. CQ_EINVAL: the queue is not durable, or `queue` is NULL.
 * CQ_EREADONLY, CQ_EFORK, CQ_ECORRUPT, CQ_ENOMEM, CQ_EPROCESS, CQ_ESYSTEM.
 *
 * With CQ_SYNC calls sync by themselves, and do not time out in that. If the sync fails they return CQ_EIO, whatever
 * the reason, and it has happened all the same: the message is in the queue, or removed from it. So do not repeat
 * them: call cq_sync, which tells the reason.
 */
CQ_API int cq_sync(cq_queue *queue, int64_t timeout_ns);

/*
 * Where a durable queue is kept: write the absolute path of its directory into `path`, at most `size` bytes, the
 * closing 0 included. Works on CQ_READ_ONLY handles. CQ_OK; CQ_ETOOSMALL: the path was cut. CQ_EINVAL: the queue is not
 * durable, or an argument is NULL. CQ_EFORK.
 */
CQ_API int cq_durable_directory(cq_queue *queue, char *path, size_t size);
/*
 * Give a taken message back for later: it is delivered again when delay_ns nanoseconds have passed (by the date of
 * this machine), before newer messages then; or, with CQ_TO_TAIL, behind all messages that wait now. Until then others
 * are delivered. The delay is kept whatever happens to this process. The message counts as waiting, and among the
 * orphans. Results as cq_release, and CQ_ENOSPACE: there is no memory to note the time; the message is still held.
 */
#define CQ_TO_TAIL (-1)
CQ_API int cq_return_after(cq_queue *queue, cq_message *message, int64_t delay_ns);

/* ---- looking on ------------------------------------------------------------------------------------- */

/*
 * Show `visitor` a copy of each waiting message in the order of delivery, without taking any. Best effort:
 * messages that come or go during the walk may be shown or not. Works on CQ_READ_ONLY handles.
 * CQ_OK: to the end, or until the visitor returned nonzero. CQ_ENOMEM, CQ_EINVAL, CQ_EFORK, CQ_ECORRUPT.
 */
CQ_API int cq_walk(cq_queue *queue, cq_visitor *visitor, void *context);

/* Fill in *stats. Works on CQ_READ_ONLY handles. CQ_OK, CQ_EINVAL, CQ_EFORK, CQ_ECORRUPT, CQ_ESYSTEM. */
CQ_API int cq_stat(cq_queue *queue, cq_stats *stats);

/*
 * How many messages wait to be delivered: those in order, and those to be delivered again. Messages that somebody
 * holds do not count. As cq_stats.length, but cheap: it counts neither handles nor the file's memory. True at an
 * instant during the call, unless others never stop. *length receives it. Works on CQ_READ_ONLY handles. Never blocks.
 * CQ_OK, CQ_EINVAL, CQ_EFORK, CQ_ECORRUPT.
 */
CQ_API int cq_length(cq_queue *queue, uint64_t *length);

/*
 * Look for all dead handles now, and finish or undo what they left. Nobody needs to call this. It happens by itself
 * within about 100 ms whenever some process waits, watches a descriptor, polls in vain, looks on (not through a
 * CQ_READ_ONLY handle) or opens the queue; within about a second if there are a thousand handles or more and nothing
 * tells which of them died. One process looks for all. A second call right after the first finds nothing. The time it
 * takes grows with the number of handles and, the first time, with the number of queued messages. recovery may be NULL.
 * CQ_OK, CQ_EINVAL, CQ_EREADONLY, CQ_EFORK, CQ_ECORRUPT.
 */
CQ_API int cq_recover(cq_queue *queue, cq_recovery *recovery);

/*
 * Give back to the file system, at once, all memory (or disk) of the region that holds no message and was not reserved.
 * Nobody needs to call this: whoever uses the queue gives back, in small pieces, what was not needed for about half a
 * second, but for half a MiB. *bytes (may be NULL) receives how much it was. The time it takes grows with the memory
 * that the region had. CQ_OK, CQ_EINVAL, CQ_EREADONLY, CQ_EFORK.
 */
CQ_API int cq_trim(cq_queue *queue, uint64_t *bytes);

/*
 * Show `visitor` each open handle: its process, what it holds, whether it waits. Best effort while others work. The
 * time it takes grows with the number of held messages and, the first time, of queued ones. Works on CQ_READ_ONLY
 * handles. Never blocks. CQ_OK: all, or until the visitor returned nonzero. CQ_ENOMEM, CQ_EINVAL, CQ_EFORK,
 * CQ_ECORRUPT.
 */
CQ_API int cq_participants(cq_queue *queue, cq_participant_visitor *visitor, void *context);

/*
 * Sleep until a message may be waiting (cq_wait), or room and memory for one (cq_wait_room). Nothing is taken or
 * enqueued: for runtimes whose one thread sleeps on behalf of many tasks. As with cq_fd, another process may be
 * quicker. A message wakes one sleeper of all handles. So after CQ_OK try soon, or call again, which returns at once
 * while there is something, or pass it on (cq_wait_pass_on). timeout_ns as in cq_dequeue_wait; 0 only looks.
 * CQ_OK, CQ_TIMEOUT, CQ_CANCELLED, CQ_STALE, CQ_EINVAL, CQ_EREADONLY, CQ_EFORK, CQ_ECORRUPT.
 */
CQ_API int cq_wait(cq_queue *queue, int64_t timeout_ns);
CQ_API int cq_wait_room(cq_queue *queue, int64_t timeout_ns);

/*
 * cq_wait (cq_wait_room) returned CQ_OK, and the caller is not going to try after all, for instance because the task
 * that it slept for was dropped: wake another sleeper, of any handle. Without this the others sleep on until the next
 * look, 100 ms at most. Does nothing if nobody sleeps. Never blocks. Thread- and async-signal-safe.
 * CQ_OK, CQ_EINVAL, CQ_EREADONLY, CQ_EFORK.
 */
CQ_API int cq_wait_pass_on(cq_queue *queue);
CQ_API int cq_wait_room_pass_on(cq_queue *queue);

/*
 * End every wait on this handle, now and until cq_cancel_reset: cq_enqueue_wait, cq_dequeue_wait, cq_take_wait, cq_wait
 * and cq_wait_room return CQ_CANCELLED instead of sleeping. Calls that do not have to sleep work as usual. May be
 * called from any thread and from signal handlers: it is async-signal-safe. Other handles are not affected.
 * CQ_OK, CQ_EINVAL, CQ_EREADONLY, CQ_EFORK.
 */
CQ_API int cq_cancel(cq_queue *queue);

/* Allow waits again. Thread- and async-signal-safe. CQ_OK, CQ_EINVAL, CQ_EREADONLY, CQ_EFORK. */
CQ_API int cq_cancel_reset(cq_queue *queue);

/*
 * A descriptor for poll, epoll, select and event loops. It is readable (level-triggered) while a message may be
 * waiting: when it is, dequeue until CQ_EMPTY, which makes it unreadable again. It belongs to the handle: do not
 * read, write or close it. If several handles have one, a message makes one of them readable, and after a while
 * the next one if the message still waits. The first call starts a helper thread, which blocks all signals. Later
 * calls return the same descriptor, or a new one if the process closed it. It does not tell that the queue was
 * removed: see cq_stats.unlinked. CQ_OK, CQ_EINVAL, CQ_EREADONLY, CQ_EFORK, CQ_EPROCESS, CQ_ENOMEM, CQ_ESYSTEM.
 */
CQ_API int cq_fd(cq_queue *queue, int *fd);

/* The same for producers: readable while there may be room, and memory. Enqueue until CQ_FULL or CQ_ENOSPACE, which
   makes it unreadable again. */
CQ_API int cq_room_fd(cq_queue *queue, int *fd);

/* ---- texts ------------------------------------------------------------------------------------------ */

/* The meaning of a result, a static string. "unknown result" for any other number. */
CQ_API const char *cq_strerror(int result);

/*
 * Write a sentence into `text` about the `result` of a call on queue `name`: what was asked, what was found, what to
 * do. config is the one that was given to cq_open (or NULL). `size` is the size in bytes that was asked for if the
 * result is CQ_ETOOBIG or CQ_ETOOSMALL, else 0. The function looks at the region (read-only), the file system and the
 * limits of this process, so it tells what is true now. At most text_size bytes are written, the closing 0 included.
 * Returns the length of the whole sentence, as snprintf does.
 */
CQ_API size_t cq_explain(int result, const char *name, const cq_config *config, size_t size, char *text,
                         size_t text_size);

/* The interface's version that this library has: CQ_ABI_VERSION of its header. */
CQ_API uint32_t cq_abi_version(void);

/* The library's version, a static string such as "1.0.0". */
CQ_API const char *cq_version(void);

#ifdef __cplusplus
}
#endif

#endif
