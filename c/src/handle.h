/*
 * handle.h - the handle: the process-local side of a queue, and what every file needs to work with it.
 *
 * It owns pointers, geometry copied from the region once, and caches. Nothing here is shared between processes. It
 * must not know what is done with any of it.
 */
#ifndef CQ_HANDLE_H
#define CQ_HANDLE_H

#include "cqueue.h"
#include "layout.h"

#define RETRY_LIMIT (1u << 24)  /* a lock-free loop that fails this often meets a hostile peer, not contention */

#if defined(__x86_64__)
#define cpu_relax() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define cpu_relax() __asm__ volatile("isb" ::: "memory")
#else
#define cpu_relax() ((void)0)
#endif

/* __builtin_prefetch(p, 1) fetches for reading unless the compiler may rely on a newer processor; to older ones the
   instruction does nothing. */
#if defined(__x86_64__)
#define prefetch_to_write(pointer) __asm__ volatile("prefetchw %0" ::"m"(*(const char *)(pointer)))
#else
#define prefetch_to_write(pointer) __builtin_prefetch(pointer, 1)
#endif

#define PATIENT_BYTES 16384u /* a larger message asks for more patience */

#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)
/* The usual way of one message is compiled as one piece; what is seldom needed is kept out of it. */
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define SELDOM __attribute__((noinline, cold))

/* Internal results, beside the public ones. */
enum {
    RESULT_RETRY = 100, /* something has moved: look again */
    RESULT_VOIDED,      /* others gave a slot up */
    RESULT_LOOK,        /* as RESULT_RETRY, and it is a good moment to look for the dead */
    RESULT_MEMORY,      /* a node needs memory first: see struct growth in node.h */
    RESULT_USED_UP,     /* all slots of the last node are claimed */
    RESULT_REACH,       /* the slot has less memory than the message needs */
    RESULT_GONE,        /* a durable queue's region is of before a reboot */
    RESULT_MAKING,      /* somebody is just making the region: look again soon */
    RESULT_SPENT        /* a message that is to go to dead_letter stands where one was to be claimed */
};

static inline uint64_t round_up(uint64_t value, uint64_t multiple)
{
    return (value + multiple - 1) / multiple * multiple;
}

/* ThreadSanitizer knows no fences; an exchange orders at least as much. */
static inline void fence(memory_order order)
{
#ifdef __SANITIZE_THREAD__
#define FENCE_BY_EXCHANGE
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FENCE_BY_EXCHANGE
#endif
#endif
#ifdef FENCE_BY_EXCHANGE
    (void)order;
    static _Atomic uint32_t word;
    atomic_fetch_add_explicit(&word, 1, memory_order_seq_cst);
#else
    atomic_thread_fence(order);
#endif
}

/* The shape of a region, validated once and then only read from here. */
struct geometry {
    uint64_t capacity, max_message_size, hole_slots, spare_nodes;
    uint64_t max_memory, reserved_nodes; /* 0: no limit; the nodes below keep their memory */
    uint64_t slot_stride, node_stride, node_count;
    uint64_t payload_offset; /* in a slot */
    uint64_t prefix;         /* bytes before it: what a message has beside its bytes (slot.h) */
    uint64_t bitmap_offset, marks_offset, dues_offset, states_offset, nodes_offset, file_size;
    uint64_t features, max_headers, max_deliveries;
    int64_t time_to_live;
    uint32_t slots_per_node;
    bool paged;   /* slots get memory as far as their messages reach */
    bool stamped; /* each message is given a time, or the length of its headers */
};

enum side { SIDE_CONSUMERS = 0, SIDE_PRODUCERS = 1 };

/* cq_fd: see watch.c. */
struct watch;
/* What goes to the disk: see flush.h. */
struct durable;

/* Which thread of the handle looks around while it sleeps: see wait.c. */
struct lookout {
    _Atomic uint32_t taken;    /* 1: a thread of this handle is at it */
    _Atomic uint32_t sleeping; /* threads of this handle that sleep */
    _Atomic uint32_t nudges;   /* looks in a row that found a sleeper with something to do */
    bool resting;              /* other handles look: wake seldom */
};

/* Participants, as bits. */
struct owner_set {
    uint64_t bits[LAYOUT_PARTICIPANTS / 64];
};

/* A sweep under way: begun once, then stepped until that returns CQ_OK. Wherever it is left, another one may begin. */
struct sweep {
    struct cq_queue *queue;
    struct owner_set dead;
    uint64_t head, tail;             /* where they were at the beginning, both links; head is 0 before the first step */
    uint64_t touched, next;          /* nodes, and the one to be looked at next, in each of two rounds */
    bool ahead;                      /* the second round: the nodes ahead of head */
    bool orphans;                    /* seen since the last announcement */
    uint64_t slots, messages, nodes; /* as in cq_recovery */
};

/* Looking for the dead, and sweeping for up to REAP_MOST of them at a time: see reap.c. */
#define REAP_MOST 8u /* as many as layout_participant.reaping can name */
struct reap {
    _Atomic uint32_t busy;    /* 1: a thread of this process is at it; what follows is its own */
    _Atomic uint32_t pending; /* 1: something is begun, to be gone on with */
    bool sweeping, more;
    bool active;              /* one of the ids below may have left something */
    uint32_t hint, next;      /* the ids looked at last: for a sign of death, and by asking in turn */
    uint32_t count;           /* of the ids below */
    uint16_t ids[REAP_MOST];
    uint64_t records[REAP_MOST];
    struct sweep sweep;
};

/*
 * Two things that a handle remembers of the region, so that it need not look at all nodes for each message. The
 * thread that sets `busy` uses them; another thread, or a signal handler on top, that finds it set does without.
 */
#define HOLES_OPEN 64u /* nodes that may get more holes: those of claims under way */
struct hole_cache {
    _Atomic uint32_t busy;
    uint32_t open_count, open[HOLES_OPEN];
    uint64_t version, head; /* of header.holed, and the link, that this is for */
    uint64_t settled;       /* holes in SETTLED nodes ahead of head */
};

#define ORPHAN_NODES 1024u
struct orphan_cache {
    _Atomic uint32_t busy;
    int64_t until;   /* then the next of those that were passed by is due, by the date */
    uint64_t tail;   /* or when the front has come to this ticket; 0: none of that kind */
    uint32_t count, next, index; /* where the lowest orphan may be: slot `index` of links[next] */
    uint64_t version;            /* of header.orphans, that this is for */
    uint64_t links[ORPHAN_NODES];
};

/* What one thread of the process may touch again without looking: see pin.h. It is that thread's own. */
struct seat {
    alignas(LAYOUT_LINE) _Atomic uint64_t enq_limit; /* tickets of this life before this one are within capacity; 0 */
    _Atomic uintptr_t enq_node, deq_node;            /* where last_enq and last_deq may stand; or 0 */
    _Atomic uint32_t named[2]; /* by SIDE_: the nodes that the participant's entry names for this thread, plus 1 */
};

#define TRIM_MOST 520u /* nodes in a window */
enum held { HELD_NOT, HELD_AS_IT_WAS, HELD_NAMED, HELD_BARE };

/* Giving memory back, window by window from the end of the file on: see trim.c. */
struct trim {
    _Atomic uint32_t busy;    /* 1: a thread of this process is at it; what follows is its own */
    _Atomic uint32_t pending; /* 1: something is begun, to be gone on with */
    uint64_t next;            /* where the window ends that is next, in the file */
    uint64_t target;          /* bytes that the region may keep, 0: as few as possible */
    uint64_t keep;            /* the nodes below are left alone */
    bool split;               /* the lowest node of the last window lost the part that was in it */
    uint8_t held[TRIM_MOST];  /* of the nodes in the window: enum held, and the words that their states had */
    uint64_t before[TRIM_MOST];
};

static inline bool cache_enter(_Atomic uint32_t *busy)
{
    return atomic_fetch_or_explicit(busy, 1, memory_order_acquire) == 0; /* cache:A, pairs with cache_leave */
}
static inline void cache_leave(_Atomic uint32_t *busy)
{
    atomic_store_explicit(busy, 0, memory_order_release); /* cache:A, pairs with cache_enter */
}

struct cq_queue {
    char *path;          /* of the file, absolute. This and the next come first, where tracers look for them */
    unsigned char *base; /* the mapping of the whole region; it carries the participant's lock */
    struct layout_header *header;
    struct layout_participant *participants;
    _Atomic uint64_t *summary, *bitmap, *marks, *states;
    struct geometry geometry;
    uint32_t owner;    /* participant id; 0 on a read-only handle */
    uint64_t record;   /* the participant's, as it was registered */
    uint32_t patience; /* how many spins a short message gets before its slot is voided */
    _Atomic uint32_t *alive; /* MAY_ in the process that opened it, 0 in a forked child (MADV_WIPEONFORK, fork.c) */
    _Atomic int fd;          /* a second description of the file: tests locks, allocates; holds no lock for long */
    bool populates;          /* os_populate works */
    bool may_write;          /* the region is mapped to write */
    uint64_t granule;        /* memory comes and goes in such pieces: os_granule */
    uint64_t device, inode;  /* which file it is */
    char mapped_as[64];               /* another way to the file: by its mapping, where that is allowed */
    cq_queue *sibling, **listed_at;   /* among the handles of this process: fork.c's */
    _Atomic uint32_t keep_unlinked;   /* 1: waits go on though the queue was removed */
    _Atomic uint32_t active;          /* 1: has claimed something, and its participant's entry says so */
    _Atomic uint64_t turn_seen;       /* header.turn as seen last, and when that changed: */
    _Atomic int64_t turn_time;        /* of OS_CLOCK_COARSE */
    _Atomic uint32_t suspect;         /* the owner that was asked about last because it was in the way */
    _Atomic uint32_t suspects;        /* how many were, since: */
    _Atomic int64_t suspect_time;
    struct reap reap;
    struct lookout lookout;           /* see wait.c */
    struct trim trim;
    _Atomic int64_t goes_on_until;    /* on OS_CLOCK: a wait that begins before goes on with one that timed out */
    struct watch *_Atomic watches[2]; /* by SIDE_ */
    bool looks;                       /* consumers always look around */
    bool special;                     /* claims of messages are more than that: consume.c */
    uint32_t deq_ahead;               /* bytes to the slot whose line a consumer asks for: the next, or 0 */
    _Atomic uint32_t usual_slots;     /* slots_per_node, or 0: consumers of this handle always look around (fast.h) */
    _Atomic uint32_t feeding;         /* 1: a thread of this handle is feeding from a source: feed.c */
    _Atomic uint32_t source_hint;     /* the entry of the source that was fed from last, plus 1 */
    cq_queue *letters;                /* an open handle on dead_letter: letter.c's, with the mover's lease */
    _Atomic uint64_t letters_after;   /* until this date spent messages are passed by */
    _Atomic uint64_t next_due;        /* a hint: at this date a message is due that waits for it; or INT64_MAX */
    _Atomic uint32_t cancelled;       /* 1: waits on this handle end (cq_cancel) */
    _Atomic uint32_t spin_misses[2];  /* by SIDE_: waits in a row that had to sleep; see wait.c */
    _Atomic uint64_t swept_next;      /* the node that node_sweep looks at next; this and the next two are hints */
    _Atomic uint64_t swept_enough;    /* so many nodes may be touched before it pays to look for free ones again */
    _Atomic uint64_t swept_head;      /* where head was when all were looked at in vain before a refusal */
    _Atomic uint32_t refusals;        /* since then */

    /* Producers' and consumers' caches, apart because different threads write them all the time. Each is true by
       itself, whatever mixture of them a thread sees: tickets name the only node and life that they can stand in. */
    alignas(LAYOUT_LINE) _Atomic uint64_t last_enq; /* newest ticket installed here *and* wholly published */
    _Atomic uint64_t deq_seen;                      /* a ticket that deq has reached; stale at worst */
    _Atomic uint32_t voids;                         /* suffered, or made for room, since this handle published last */
    alignas(LAYOUT_LINE) _Atomic uint64_t last_deq; /* newest ticket installed here *and* wholly finished */
    _Atomic uint64_t empty_at; /* last_deq when the queue was found empty last; a guess, see claim.c */
    _Atomic uint64_t waited; /* claims before this ticket were waited for; in place of an owner: so patiently, plus 1 */

    struct seat seats[1 + LAYOUT_SEATS];
    alignas(LAYOUT_LINE) struct hole_cache hole_cache;
    struct orphan_cache orphan_cache;

    _Atomic uint64_t reached;   /* the nodes below may be touched; see reach.c, as for the next one */
    _Atomic bool dues_reached;

    struct durable *durable; /* of a durable queue, and a handle that may write; see flush.h */
};

/* What a process may do with a handle at all. */
#define MAY_LOOK 1u
#define MAY_CLAIM 2u /* and look */
#define MAY_SYNC 3u  /* and claim; and what it does is put on the disk: CQ_SYNC */

static inline int handle_usable(const cq_queue *queue)
{
    if (!queue)
        return CQ_EINVAL;
    /* Relaxed: the kernel zeroes it in a child before any of its threads runs. */
    return atomic_load_explicit(queue->alive, memory_order_relaxed) ? CQ_OK : CQ_EFORK;
}

static inline bool handle_syncs(const cq_queue *queue)
{
    /* Relaxed, as above. */
    return queue && atomic_load_explicit(queue->alive, memory_order_relaxed) == MAY_SYNC;
}

/* The usual handle: open to write, and nothing of what it does is to be on the disk before the call returns. */
static inline bool handle_plain(const cq_queue *queue)
{
    /* Relaxed, as above. */
    return likely(queue && atomic_load_explicit(queue->alive, memory_order_relaxed) == MAY_CLAIM);
}

static inline int handle_writable(const cq_queue *queue)
{
    if (handle_plain(queue))
        return CQ_OK;
    int result = handle_usable(queue);
    return result == CQ_OK && !handle_syncs(queue) ? CQ_EREADONLY : result;
}

#endif
