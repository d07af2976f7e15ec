// Copied by bindings/go/generate from c/include/cqueue.h. DO NOT EDIT.
/*
 * cqueue.h - a named queue in shared memory for the processes of one machine.
 *
 * A queue is a strictly FIFO, bounded, multi-producer multi-consumer queue of byte messages. It lives in
 * one file, the *region*, that every process which knows its name maps. No process ever waits for a stopped
 * or dead one, and what a dead one held is neither lost nor leaked.
 *
 * Algorithm: the non-blocking queue of Michael and Scott (PODC 1996), unrolled so that a node holds many
 * messages, with tickets that name their owner. c/DESIGN.md explains it, c/FORMAT.md describes the bytes.
 *
 * RESULTS
 *   Every function that returns int returns CQ_OK (0), a positive ordinary result (CQ_EMPTY, CQ_FULL,
 *   CQ_TIMEOUT, CQ_CANCELLED, CQ_STALE) or a negative error (CQ_E...). There is no errno, no last error and no global state.
 *   cq_strerror() gives the meaning of a result, cq_explain() what was asked, found and what to do.
 *
 * STRUCTURES
 *   grow at their end. The caller sets struct_size to the sizeof of the header that it is compiled with: a library that
 *   is newer takes what is missing for 0 and fills in no more than that; one that is older takes the struct if all that
 *   it does not know is 0 (and, if it only reports, leaves that alone and says in struct_size how much it filled in).
 *
 * WHICH CALLS MAY OVERLAP
 *                                      threads, same handle   other handles, any process   signal handler
 *   enqueue dequeue batch reserve
 *   commit abort take release return          yes                     yes                       yes (1)
 *   walk stat length recover                  yes                     yes                       no
 *   enqueue_wait dequeue_wait take_wait
 *   wait wait_room                            yes                     yes                       no
 *   participants                              yes                     yes                       no
 *   cancel cancel_reset                       yes                     yes                       yes
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
 *   A copy that is slower than others are patient is *voided*: they move past it, and its producer, if it lives, puts the
 *   message into a later slot before its call returns. Consumers do so when a later message waits behind it, or more
 *   than 4,096 unfinished ones; producers when nothing but unfinished ones of others fills the queue. Patience is
 *   microseconds, more for messages of 16 KiB and above and after each void, and once a call however many are in the way.
 *   A producer whose place was voided in a call may be told CQ_FULL by it.
 *
 * LINEARIZABILITY
 *   An enqueue takes effect when its message is published or when the first later message is, whichever is
 *   earlier; a dequeue or take when it claims the message. CQ_EMPTY and CQ_FULL were true at an instant
 *   during the call. Redelivered messages come before new ones and so overtake them by nature.
 *
 * LIMITS
 *   Killed processes: an operation cut short by death takes effect by the time its owner is reaped, or never;
 *     nothing else is affected and nobody waits for it. A message in the hands of a dead consumer is
 *     delivered again. Death is what the kernel says: never a time-out, never a process id. A stopped
 *     process (SIGSTOP, debugger, suspended machine) is alive and keeps what it holds.
 *   fork: a child's copy of a handle refuses every call with CQ_EFORK, except cq_close, which frees it. The
 *     child opens its own. exec detaches as death does.
 *   Unlink while open: everybody who has the queue open keeps using it; a later cq_open makes a new one. Waits say
 *     CQ_STALE, because others may already be there.
 *   Sizes: capacity 1 to 2^31 messages, messages 0 bytes to 1 GiB, 4,094 handles open at a time.
 *   Capacity: exactly `capacity` messages are accepted. Reservations count, but by themselves keep no other
 *     handle out (see cq_reserve). Messages held by consumers or waiting to be redelivered do not count, nor do
 *     slots given up (cq_abort, voided) behind an unconsumed message. But each of these may keep a piece of the
 *     region from being used again, and the region is finite: CQ_FULL comes early, even with no message waiting,
 *     when more than cq_stats.max_held messages are held or to be redelivered, or more slots are given up than about
 *     capacity / 4 + 1024 (fewer, but 64 at least, of messages beyond 8 KiB). cq_stats.held and .writing tell. Have
 *     consumers release, or create the queue with a larger cq_config.max_held.
 *   File system: one that supports O_TMPFILE, fallocate and open-file-description locks on the file that is
 *     mapped: tmpfs, ext4, xfs, btrfs. Network, FUSE and overlay file systems are refused.
 *   Trust: whoever may write the region can spoil its contents, but not crash, hang or corrupt the
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

/* Results. Each has one meaning, in every function. */
enum {
    CQ_OK = 0,
    CQ_EMPTY = 1,         /* no message is waiting */
    CQ_FULL = 2,          /* no room: `capacity` messages are waiting, or every node is in use (see LIMITS) */
    CQ_TIMEOUT = 3,       /* timed out, and one last try found it empty or full still */
    CQ_CANCELLED = 4,     /* cq_cancel ended the wait */
    CQ_STALE = 5,         /* the queue was removed: nobody who opens it by name meets this handle any more */

    CQ_EINVAL = -1,       /* an argument is NULL, zero, out of range or of an unknown struct_size or flag */
    CQ_ENAME = -2,        /* the name is not [A-Za-z0-9][A-Za-z0-9._-]{0,199} */
    CQ_ENOENT = -3,       /* no queue of that name, or no such directory */
    CQ_EEXIST = -4,       /* CQ_EXCLUSIVE, and the queue exists */
    CQ_EMISMATCH = -5,    /* the region's capacity or max_message_size differs from the one asked for */
    CQ_EVERSION = -6,     /* the region has another format version, word size or byte order */
    CQ_ECORRUPT = -7,     /* the bytes of the region contradict each other */
    CQ_EACCESS = -8,      /* the system refuses access, or the file is not a regular file */
    CQ_EOWNER = -9,       /* the file is somebody else's and nobody said to trust it, or everybody may write it */
    CQ_ENOSPACE = -10,    /* the file system has no room for another node (nothing was lost, try later) */
    CQ_ENOMEM = -11,      /* no memory or address space in this process */
    CQ_ELIMIT = -12,      /* 4,094 handles are open on the queue */
    CQ_ETOOSMALL = -13,   /* the buffer is smaller than the message; the size it needs is reported, it stays queued */
    CQ_ETOOBIG = -14,     /* the message is larger than max_message_size, or than what was reserved */
    CQ_EREADONLY = -15,   /* the handle was opened with CQ_READ_ONLY */
    CQ_EFORK = -16,       /* the handle was opened by the parent of this process: open your own */
    CQ_ENOTHELD = -17,    /* the cq_message is not reserved or taken by this handle (any more) */
    CQ_EFILESYSTEM = -18, /* the file system does not support what a queue needs; name another directory */
    CQ_ESYSTEM = -19,     /* the operating system failed in a way that has no code of its own */
    CQ_EPROCESS = -20,    /* this process (or the system) may have no more descriptors or threads */
    CQ_EFILESIZE = -21    /* the region's file would be larger than this process or file system may make one */
};

typedef struct cq_queue cq_queue; /* one open handle on a queue */

/* cq_config.flags */
enum {
    CQ_CREATE = 0,           /* create the queue, or attach to it if it exists (the default) */
    CQ_EXCLUSIVE = 1,        /* create the queue, or fail with CQ_EEXIST */
    CQ_ATTACH = 2,           /* attach to the queue, or fail with CQ_ENOENT */
    CQ_READ_ONLY = 4,        /* attach; only cq_walk, cq_stat and cq_close work. Needs read permission alone */
    CQ_ANY_FILESYSTEM = 8,   /* do not refuse a file system by its kind (what it must do is still tested) */
    CQ_KEEP_UNLINKED = 16,   /* waits go on when the queue was removed, instead of ending with CQ_STALE */
    CQ_TRUST = 32            /* accept a region whoever owns it and whoever of its group may write it. One that
                                everybody may write is never accepted */
};

/* How to open a queue. Zero it, set struct_size, then what you want to differ from the defaults. */
typedef struct cq_config {
    uint32_t struct_size;      /* sizeof(cq_config) */
    uint32_t flags;            /* CQ_CREATE, ... */
    uint64_t capacity;         /* messages; 0 = 65,536 when creating, whatever it has when attaching */
    uint64_t max_message_size; /* bytes; 0 = 4,096 when creating, whatever it has when attaching */
    uint32_t permissions;      /* the file's, 0 = 0600; never writable by others. Attaching, it says which foreign
                                  regions are accepted without CQ_TRUST: those no more open to writing than this, if
                                  it includes 060 (or 040 or 004 with CQ_READ_ONLY). One's own region is accepted
                                  however open to its group one made it */
    uint32_t reserved;         /* 0 */
    const char *directory;     /* where the file is; NULL = the platform's shared memory, /dev/shm */
    uint64_t max_held;         /* messages that consumers may hold at a time, beside `capacity` waiting ones; 0 =
                                  a number that follows from capacity. Used when creating */
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
    void *data;           /* in the region, aligned to 8 bytes; NULL when not held */
    size_t size;          /* bytes */
    uint64_t position;    /* identifies the message, also when it is delivered again */
    uint64_t token[2];    /* the library's */
} cq_message;

/* Called by cq_walk for each message; `message` and its data are gone when it returns. Nonzero stops the walk. */
typedef int cq_visitor(const cq_message *message, void *context);

/* What cq_stat reports. Counts are since creation; those of operations that are under way or were cut short
   by death may be off by these. */
typedef struct cq_stats {
    uint32_t struct_size;         /* in: sizeof(cq_stats); out: how much of it was filled in */
    uint32_t format_version;      /* of the region */
    uint64_t capacity;            /* messages */
    uint64_t max_message_size;    /* bytes */
    uint64_t length;              /* messages waiting, those to be redelivered and those still being written included */
    uint64_t orphans;             /* messages waiting to be redelivered (not counted against capacity) */
    uint64_t enqueued;            /* messages accepted */
    uint64_t dequeued;            /* messages delivered for the first time */
    uint64_t redelivered;         /* deliveries after the first */
    uint64_t returned;            /* messages given back by cq_return */
    uint64_t voided;              /* slots of unfinished messages that others gave up waiting for */
    uint64_t reaped;              /* dead participants that were cleaned up after */
    uint32_t participants;        /* handles open and alive now */
    uint32_t waiting_producers;   /* threads of live participants blocked in cq_enqueue_wait */
    uint32_t waiting_consumers;   /* threads of live participants blocked in cq_dequeue_wait or cq_take_wait */
    uint32_t slots_per_node;      /* messages a node holds */
    uint64_t nodes;               /* in all */
    uint64_t nodes_touched;       /* that have memory */
    uint64_t nodes_linked;        /* in the list, or behind it and still held */
    uint64_t memory;              /* bytes of memory or disk that the region has */
    uint64_t file_size;           /* bytes, most of them usually never touched */
    int64_t created;              /* nanoseconds since 1970-01-01 UTC */
    uint32_t unlinked;            /* 1: the name no longer leads to this region; 0: it does */
    uint32_t reserved;
    uint64_t held;                /* messages taken and neither released nor returned yet */
    uint64_t writing;             /* slots reserved, or being written */
    uint64_t max_held;            /* messages that may be held for sure while `capacity` wait. Beyond it cq_enqueue may
                                     report CQ_FULL early: have consumers release, or create the queue with more */
} cq_stats;

/* One open handle, as cq_participants shows it. */
typedef struct cq_participant {
    uint32_t struct_size;       /* how much of it is filled in */
    uint32_t id;                /* 1 to 4,094; used again after it was closed or reaped */
    uint32_t pid;               /* process, by its own count: another PID namespace has other numbers */
    uint32_t alive;             /* 1: it lives. 0: it is dead, or about to be reaped */
    uint64_t held;              /* messages it has taken and not released yet */
    uint64_t writing;           /* slots that it has reserved or is writing */
    uint32_t waiting_producers; /* its threads that are blocked in cq_enqueue_wait */
    uint32_t waiting_consumers; /* its threads that are blocked in cq_dequeue_wait or cq_take_wait */
    int64_t waiting_since;      /* nanoseconds since 1970-01-01 UTC from when on some thread of it has been waiting;
                                   0: none is */
    char command[16];           /* the program's name, cut to 15 bytes */
} cq_participant;

/* Called by cq_participants for each handle; `participant` is gone when it returns. Nonzero stops. */
typedef int cq_participant_visitor(const cq_participant *participant, void *context);

/* What cq_recover found. */
typedef struct cq_recovery {
    uint32_t struct_size;  /* in: sizeof(cq_recovery); out: how much of it was filled in */
    uint32_t participants; /* found dead and cleaned up after */
    uint64_t slots;        /* freed: unfinished messages of dead producers */
    uint64_t messages;     /* put back: held by dead consumers */
    uint64_t nodes;        /* freed */
} cq_recovery;

/* ---- opening ---------------------------------------------------------------------------------------- */

/*
 * Open the queue `name`: create it or attach to it, as config->flags says.
 *
 * name: [A-Za-z0-9][A-Za-z0-9._-]{0,199}; the file is `cqueue.<name>` in the directory.
 * config: NULL means all defaults: attach to what is there, else create. Read during the call only.
 * queue: receives the handle, to be closed with cq_close; NULL on error.
 *
 * The file appears complete or not at all. Two creators at once: one creates, both succeed (unless
 * CQ_EXCLUSIVE). Dead participants are reaped on the way. Blocks only for the system's file operations.
 * What fails after the queue was made leaves it, empty: others may be using it already.
 *
 * CQ_OK, CQ_EINVAL, CQ_ENAME, CQ_ENOENT, CQ_EEXIST, CQ_EMISMATCH, CQ_EVERSION, CQ_ECORRUPT, CQ_EACCESS, CQ_EOWNER,
 * CQ_ENOSPACE, CQ_EFILESIZE, CQ_ENOMEM, CQ_ELIMIT, CQ_EPROCESS, CQ_EFILESYSTEM, CQ_ESYSTEM.
 */
CQ_API int cq_open(const char *name, const cq_config *config, cq_queue **queue);

/*
 * Close the handle. What it holds is dealt with as after a death: taken messages are delivered again,
 * reservations are dropped (with very much queued, after this returns, by the next who looks). cq_fd's descriptor is closed. NULL does nothing. In a forked child it frees the
 * child's copy and leaves the parent's alone. No thread may be using the handle. CQ_OK always.
 */
CQ_API int cq_close(cq_queue *queue);

/*
 * Remove the name. Only `directory` of the config is used (NULL: default). Whoever has the queue open keeps
 * using it; its memory goes with the last of them. CQ_OK, CQ_EINVAL, CQ_ENAME, CQ_ENOENT, CQ_EACCESS, CQ_ESYSTEM.
 */
CQ_API int cq_unlink(const char *name, const cq_config *config);

/* ---- copying in and out ----------------------------------------------------------------------------- */

/*
 * Append a message of `size` bytes, copied from `data` (which may be NULL if size is 0). Never blocks.
 * CQ_OK: it is in the queue, and stays whatever happens to this process. CQ_FULL: it is not, for want of room in the
 * queue; CQ_ENOSPACE: nor, for want of memory for another node. Either may work later.
 * CQ_ETOOBIG, CQ_EINVAL, CQ_EREADONLY, CQ_EFORK, CQ_ECORRUPT, CQ_ESYSTEM.
 */
CQ_API int cq_enqueue(cq_queue *queue, const void *data, size_t size);

/*
 * Remove the oldest message and copy it into `buffer` (which may be NULL if buffer_size is 0); *size (may be
 * NULL) receives its size. Never blocks. At most once: when it has returned CQ_OK the message is gone. If this
 * process dies during the call, the message is delivered again; unless it was taken for good already, and then it is
 * lost with the caller. Who cannot have that uses cq_take and cq_release.
 * CQ_OK, CQ_EMPTY. CQ_ETOOSMALL: *size is what it needs, the message stays. CQ_EINVAL, CQ_EREADONLY, CQ_EFORK,
 * CQ_ECORRUPT.
 */
CQ_API int cq_dequeue(cq_queue *queue, void *buffer, size_t buffer_size, size_t *size);

/*
 * As cq_enqueue and cq_dequeue, but sleep while the queue is full (or there is no memory for it) or empty. timeout_ns:
 * nanoseconds on the monotonic clock; 0 tries once, negative waits for ever. Signals do not end the wait, cq_cancel does.
 * A sleeper uses no CPU. The same results, with CQ_TIMEOUT in place of CQ_FULL and CQ_EMPTY; CQ_ENOSPACE where the time is
 * over and memory was what there was none of. CQ_CANCELLED. CQ_STALE: the queue was removed, and so the wait might be in
 * vain; open it again, or go on with CQ_KEEP_UNLINKED.
 */
CQ_API int cq_enqueue_wait(cq_queue *queue, const void *data, size_t size, int64_t timeout_ns);
CQ_API int cq_dequeue_wait(cq_queue *queue, void *buffer, size_t buffer_size, size_t *size, int64_t timeout_ns);

/*
 * Append messages[0] to messages[count - 1] in this order, as many as there is room for; *done receives how
 * many. Others' messages may come in between. Never blocks. CQ_OK: all. CQ_FULL or an error: the first
 * *done of them, which is 0 for CQ_ETOOBIG (all sizes are checked first) and may be more for the others.
 */
CQ_API int cq_enqueue_batch(cq_queue *queue, const cq_slice *messages, size_t count, size_t *done);

/*
 * Remove up to `count` of the oldest messages, as many as are waiting and fit into `buffer` one behind the
 * other without gaps (so that only the first is sure to be aligned). messages[0] to messages[*done - 1]
 * receive where they lie in the buffer. Never blocks. CQ_OK: one at least. CQ_EMPTY: none.
 * CQ_ETOOSMALL: the first does not fit; messages[0].size is what it needs. Errors as cq_dequeue.
 */
CQ_API int cq_dequeue_batch(cq_queue *queue, void *buffer, size_t buffer_size, cq_slice *messages, size_t count,
                            size_t *done);

/* ---- in place --------------------------------------------------------------------------------------- */

/*
 * Reserve room for a message of up to `size` bytes and let the caller write it in place, at message->data,
 * until it calls cq_commit or cq_abort. The place in the queue is taken now; but if a consumer has been
 * waiting for it while later messages were there (or more than 4,096 unfinished ones), the message moves behind
 * these when it is committed. So it does if reservations and unfinished messages alone filled the queue and
 * another handle needed room: only calls on this handle are told CQ_FULL then. Never blocks. Results as
 * cq_enqueue. Written after the handle was closed, the memory is not there any more.
 */
CQ_API int cq_reserve(cq_queue *queue, size_t size, cq_message *message);

/*
 * Publish a reserved message, of `size` bytes now, which may be less than reserved. Never blocks.
 * CQ_OK: it is in the queue; message->position is final and message->data is NULL. CQ_FULL, CQ_ENOSPACE, CQ_ESYSTEM (only
 * if its place was given up meanwhile): still reserved, try again or abort. CQ_ETOOBIG, CQ_ENOTHELD, CQ_EINVAL,
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

/* Done with a taken message: it is gone. Never blocks. CQ_OK, CQ_ENOTHELD, CQ_EINVAL, CQ_EREADONLY, CQ_EFORK, CQ_ECORRUPT. */
CQ_API int cq_release(cq_queue *queue, cq_message *message);

/* Not done with it: it is delivered again, before newer messages. Results as cq_release. */
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
 * How many messages wait to be delivered: those in order, and those to be delivered again; not those that somebody holds.
 * As cq_stats.length, and cheap: it looks neither at the handles nor at the file. True at an instant during the call unless
 * others never stop. *length receives it. Works on CQ_READ_ONLY handles. Never blocks.
 * CQ_OK, CQ_EINVAL, CQ_EFORK, CQ_ECORRUPT.
 */
CQ_API int cq_length(cq_queue *queue, uint64_t *length);

/*
 * Look for all dead participants now, and finish or undo what they left. This happens by itself as well, within about 100 ms,
 * whenever somebody waits, watches a descriptor, polls in vain or opens the queue (within about a second if there are a
 * thousand handles or more and nothing tells which of them died); one look serves all. Two calls with nothing in between: the second finds
 * nothing. Takes time in proportion to the number of handles and, the first time, to what is queued. recovery may be NULL. CQ_OK, CQ_EINVAL, CQ_EREADONLY, CQ_EFORK, CQ_ECORRUPT.
 */
CQ_API int cq_recover(cq_queue *queue, cq_recovery *recovery);

/*
 * Show `visitor` each open handle: who it is, what it holds, whether it waits. Best effort while others work. Takes time in
 * proportion to what is held and, the first time, to what is queued. Works on CQ_READ_ONLY handles. Never blocks.
 * CQ_OK: all, or until the visitor returned nonzero. CQ_ENOMEM, CQ_EINVAL, CQ_EFORK, CQ_ECORRUPT.
 */
CQ_API int cq_participants(cq_queue *queue, cq_participant_visitor *visitor, void *context);

/*
 * Sleep until a message may be waiting, or room and memory for one, and take or enqueue nothing: for runtimes whose one thread
 * sleeps on behalf of many tasks. As with cq_fd, somebody else may come first. A message wakes one sleeper of all handles, so
 * whoever gets CQ_OK tries soon, or calls again (which returns at once while there is something). timeout_ns as in
 * cq_dequeue_wait; 0 only looks. CQ_OK, CQ_TIMEOUT, CQ_CANCELLED, CQ_STALE, CQ_EINVAL, CQ_EREADONLY, CQ_EFORK, CQ_ECORRUPT.
 */
CQ_API int cq_wait(cq_queue *queue, int64_t timeout_ns);
CQ_API int cq_wait_room(cq_queue *queue, int64_t timeout_ns);

/*
 * End every wait on this handle, now and until cq_cancel_reset: cq_enqueue_wait, cq_dequeue_wait, cq_take_wait, cq_wait
 * and cq_wait_room return CQ_CANCELLED wherever they would have to sleep. What does not wait goes on as ever. From any thread, and
 * from signal handlers: it is async-signal-safe. Other handles are not touched. CQ_OK, CQ_EINVAL, CQ_EREADONLY, CQ_EFORK.
 */
CQ_API int cq_cancel(cq_queue *queue);

/* Allow waits again. Thread- and async-signal-safe. CQ_OK, CQ_EINVAL, CQ_EREADONLY, CQ_EFORK. */
CQ_API int cq_cancel_reset(cq_queue *queue);

/*
 * A descriptor that is readable (level-triggered) while a message may be waiting, for poll, epoll, select and
 * event loops: when it is, dequeue until CQ_EMPTY, which makes it unreadable again. It belongs to the handle: do not
 * read, write or close it. Of several handles on a queue that have one, a message makes one readable, and after a while
 * the next if the message still waits. The first call starts a helper thread, which blocks all signals; later calls return
 * the same descriptor, or a new one if somebody closed that. It does not tell that the queue was removed: see
 * cq_stats.unlinked. CQ_OK, CQ_EINVAL, CQ_EREADONLY, CQ_EFORK, CQ_EPROCESS, CQ_ENOMEM, CQ_ESYSTEM.
 */
CQ_API int cq_fd(cq_queue *queue, int *fd);

/* The same for producers: readable while there may be room, and memory; enqueue until CQ_FULL or CQ_ENOSPACE, which makes it
   unreadable. */
CQ_API int cq_room_fd(cq_queue *queue, int *fd);

/* ---- words ------------------------------------------------------------------------------------------ */

/* The meaning of a result, a static string. "unknown result" for any other number. */
CQ_API const char *cq_strerror(int result);

/*
 * Write a sentence about a `result` that a call on queue `name` returned into text: what was asked, what was
 * found, what to do. config is the one that was given to cq_open (or NULL). `size` is the size in bytes that
 * was asked for, for CQ_ETOOBIG and CQ_ETOOSMALL, else 0. It looks again, at the region (read-only), the file system and
 * the limits of this process, and so tells what holds now. At most text_size bytes with the closing 0 are written.
 * Returns the length that the whole sentence has, as snprintf does.
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
