// Copied by bindings/go/generate from c/include/cqueue.h. DO NOT EDIT.
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
 *   participants                              yes                     yes                       no
 *   cancel cancel_reset
 *   wait_pass_on wait_room_pass_on            yes                     yes                       yes
 *   fd room_fd                                yes                     yes                       no
 *   open unlink                            no handle                  yes                       no
 *   close                                     no (2)                  yes                       no
 *
 *   (1) These never block, take no lock and allocate no memory. A handler may call them even while the
 *       thread it interrupted is inside one of them.
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

    CQ_EINVAL = -1,       /* an argument is NULL, zero, out of range or of an unknown struct_size or flag */
    CQ_ENAME = -2,        /* the name is not [A-Za-z0-9][A-Za-z0-9._-]{0,199} */
    CQ_ENOENT = -3,       /* no queue of that name, or no such directory */
    CQ_EEXIST = -4,       /* CQ_EXCLUSIVE, and the queue exists */
    CQ_EMISMATCH = -5,    /* the region's capacity or max_message_size differs from the one asked for */
    CQ_EVERSION = -6,     /* the region has another format version, word size or byte order */
    CQ_ECORRUPT = -7,     /* the bytes of the region contradict each other */
    CQ_EACCESS = -8,      /* the system refuses access, or the file is not a regular file */
    CQ_EOWNER = -9,       /* the file is another user's and was not trusted (CQ_TRUST), or everybody may write it */
    CQ_ENOSPACE = -10,    /* the file system has no room for another node (nothing was lost, try later) */
    CQ_ENOMEM = -11,      /* no memory or address space in this process */
    CQ_ELIMIT = -12,      /* 4,094 handles are open on the queue */
    CQ_ETOOSMALL = -13,   /* the buffer is smaller than the message; the size it needs is reported, it stays queued */
    CQ_ETOOBIG = -14,     /* the message is larger than max_message_size, or than what was reserved */
    CQ_EREADONLY = -15,   /* the handle was opened with CQ_READ_ONLY */
    CQ_EFORK = -16,       /* the handle was opened by the parent of this process: open your own */
    CQ_ENOTHELD = -17,    /* this handle does not hold the cq_message, or no longer does */
    CQ_EFILESYSTEM = -18, /* the file system does not support what a queue needs; name another directory */
    CQ_ESYSTEM = -19,     /* the operating system failed in a way that has no code of its own */
    CQ_EPROCESS = -20,    /* this process (or the system) has reached its limit of descriptors or threads */
    CQ_EFILESIZE = -21    /* the region's file would be larger than this process or file system may make one */
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
    CQ_TRUST = 32            /* accept a region of any owner, and one that its group may write. A region that
                                everybody may write is never accepted */
};

/* How to open a queue. Zero it, set struct_size, then what you want to differ from the defaults. */
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
 * CQ_OK, CQ_EINVAL, CQ_ENAME, CQ_ENOENT, CQ_EEXIST, CQ_EMISMATCH, CQ_EVERSION, CQ_ECORRUPT, CQ_EACCESS, CQ_EOWNER,
 * CQ_ENOSPACE, CQ_EFILESIZE, CQ_ENOMEM, CQ_ELIMIT, CQ_EPROCESS, CQ_EFILESYSTEM, CQ_ESYSTEM.
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
 * freed when the last one is closed. CQ_OK, CQ_EINVAL, CQ_ENAME, CQ_ENOENT, CQ_EACCESS, CQ_ESYSTEM.
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
 * CQ_EINVAL, CQ_EREADONLY, CQ_EFORK, CQ_ECORRUPT.
 */
CQ_API int cq_dequeue(cq_queue *queue, void *buffer, size_t buffer_size, size_t *size);

/*
 * As cq_enqueue and cq_dequeue, but they sleep while the queue is full (or memory is lacking) or empty. timeout_ns:
 * nanoseconds on the monotonic clock; 0 tries once, negative never times out. Signals do not end the wait, cq_cancel
 * does. A sleeper uses no CPU. The results are the same, but for these: CQ_TIMEOUT in place of CQ_FULL and CQ_EMPTY.
 * CQ_ENOSPACE: timed out, and what was lacking is memory. CQ_CANCELLED: see cq_cancel. CQ_STALE: the queue was removed,
 * so that the wait might never end; open the queue again, or open it with CQ_KEEP_UNLINKED to wait on.
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
 * again, with message->deliveries one higher. Never blocks. CQ_OK, CQ_EMPTY, CQ_EINVAL, CQ_EREADONLY, CQ_EFORK,
 * CQ_ECORRUPT.
 */
CQ_API int cq_take(cq_queue *queue, cq_message *message);

/* As cq_take, waiting as cq_dequeue_wait does. CQ_TIMEOUT, CQ_CANCELLED or CQ_STALE in place of CQ_EMPTY. */
CQ_API int cq_take_wait(cq_queue *queue, cq_message *message, int64_t timeout_ns);

/* Done with a taken message: it is gone. Never blocks. CQ_OK, CQ_ENOTHELD, CQ_EINVAL, CQ_EREADONLY, CQ_EFORK,
   CQ_ECORRUPT. */
CQ_API int cq_release(cq_queue *queue, cq_message *message);

/* Give a taken message back: it is delivered again, before newer messages. Results as cq_release. */
CQ_API int cq_return(cq_queue *queue, cq_message *message);

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
