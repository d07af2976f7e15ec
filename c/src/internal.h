/*
 * internal.h - the handle, and what the files of the library offer each other.
 *
 * It owns the process-local side of a queue: pointers, geometry copied from the region once, caches. Nothing here is
 * shared between processes.
 */
#ifndef CQ_INTERNAL_H
#define CQ_INTERNAL_H

#include "cqueue.h"
#include "layout.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define RETRY_LIMIT (1u << 24)     /* a lock-free loop that fails this often meets a hostile peer, not contention */
#define WAIT_BITS 3u              /* of a side's word: somebody sleeps, or watches */
#define LOOK_INTERVAL_NS 80000000 /* between two looks for the dead: 100 ms is promised */

/* As in linux/futex.h, which not every C library's headers go together with. */
#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAKE_BITSET 10
#define FUTEX_PRIVATE_FLAG 128
#define FUTEX_WAIT_PRIVATE (FUTEX_WAIT | FUTEX_PRIVATE_FLAG)
#define FUTEX_WAKE_PRIVATE (FUTEX_WAKE | FUTEX_PRIVATE_FLAG)

#if defined(__x86_64__)
#define cpu_relax() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define cpu_relax() __asm__ volatile("isb" ::: "memory")
#else
#define cpu_relax() ((void)0)
#endif

/* The shape of a region, validated once and then only read from here. */
struct geometry {
    uint64_t capacity, max_message_size, hole_slots, spare_nodes;
    uint64_t slot_stride, node_stride, node_count;
    uint64_t bitmap_offset, marks_offset, states_offset, nodes_offset, file_size;
    uint32_t slots_per_node;
};

/* cq_fd: see watch.c. */
struct watch;

/* Which thread of the handle looks around while it sleeps: see wait.c. */
struct lookout {
    _Atomic uint32_t taken;    /* 1: a thread of this handle is at it */
    _Atomic uint32_t sleeping; /* threads of this handle that sleep */
    _Atomic uint32_t nudges;   /* looks in a row that found somebody asleep for nothing */
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

/* Looking for the dead, and sweeping for up to REAP_MOST of them at a time: see participant.c. */
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

/* What each participant holds, by id. */
struct holdings {
    uint32_t held[LAYOUT_PARTICIPANTS], writing[LAYOUT_PARTICIPANTS];
};

/*
 * Two things that a handle remembers of the region, so that it need not look at all nodes for each message. Who sets
 * `busy` uses them; another thread, or a signal handler on top, that finds it set does without.
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
    uint32_t count, next, index; /* where the lowest orphan may be: slot `index` of links[next] */
    uint64_t version;            /* of header.orphans, that this is for */
    uint64_t links[ORPHAN_NODES];
};

static inline bool cache_enter(_Atomic uint32_t *busy)
{
    return atomic_fetch_or_explicit(busy, 1, memory_order_acquire) == 0; /* pairs with the release below */
}
static inline void cache_leave(_Atomic uint32_t *busy) { atomic_store_explicit(busy, 0, memory_order_release); }

struct cq_queue {
    unsigned char *base; /* the mapping of the whole region; it carries the participant's lock */
    struct layout_header *header;
    struct layout_participant *participants;
    _Atomic uint64_t *summary, *bitmap, *marks, *states;
    struct geometry geometry;
    uint32_t owner;    /* participant id; 0 on a read-only handle */
    uint64_t record;   /* the participant's, as it was registered */
    uint32_t patience; /* how many spins a short message gets before its slot is voided */
    _Atomic uint32_t *alive; /* 1 in the process that opened it, 0 in a forked child (MADV_WIPEONFORK, fork.c) */
    _Atomic int fd;          /* a second description of the file: tests locks, allocates; holds no lock for long */
    bool populates;          /* the kernel knows MADV_POPULATE_WRITE */
    dev_t device;
    ino_t inode;
    char *path;                       /* absolute */
    char mapped_as[64];               /* another way to the file: its mapping in /proc, for who may go there */
    cq_queue *sibling, **listed_at;   /* among the handles of this process: fork.c's */
    _Atomic uint32_t keep_unlinked;   /* 1: waits go on though the queue was removed */
    _Atomic uint32_t active;          /* 1: has claimed something, and its participant's entry says so */
    _Atomic uint64_t turn_seen;       /* header.turn as seen last, and when that changed: */
    _Atomic int64_t turn_time;        /* nanoseconds of wait_clock_coarse */
    _Atomic uint32_t suspect;         /* the owner that was asked about last because it was in the way */
    _Atomic uint32_t suspects;        /* how many were, since: */
    _Atomic int64_t suspect_time;
    struct reap reap;
    struct lookout lookout;           /* see wait.c */
    _Atomic int64_t goes_on_until;    /* on wait_clock: a wait that begins before goes on with one that timed out */
    struct watch *_Atomic watches[2]; /* by SIDE_ */
    _Atomic uint32_t cancelled;       /* 1: waits on this handle end (cq_cancel) */
    _Atomic uint64_t swept_next;      /* the node that node_sweep looks at next; this and the next two are hints */
    _Atomic uint64_t swept_enough;    /* so many nodes may be touched before it pays to look for free ones again */
    _Atomic uint64_t swept_head;      /* where head was when all were looked at in vain before a refusal */
    _Atomic uint32_t refusals;        /* since then */

    /* Producers' and consumers' caches, apart because different threads write them all the time. Each is true by itself,
       whatever mixture of them a thread sees: tickets name the only node and life that they can stand in. */
    alignas(LAYOUT_LINE) _Atomic uint64_t last_enq; /* newest ticket installed here *and* wholly published */
    _Atomic uint64_t enq_limit;                     /* tickets of this life before this one are within capacity */
    _Atomic uint64_t deq_seen;                      /* a ticket that deq has reached; stale at worst */
    _Atomic uint32_t enq_node;                      /* where last_enq may stand */
    _Atomic uint32_t voids;                         /* suffered, or made for room, since this handle published last */
    alignas(LAYOUT_LINE) _Atomic uint64_t last_deq; /* newest ticket installed here *and* wholly finished */
    _Atomic uint32_t deq_node;                      /* where last_deq may stand */
    _Atomic uint64_t waited; /* claims before this ticket were waited for; in place of an owner: so patiently, plus 1 */

    alignas(LAYOUT_LINE) struct hole_cache hole_cache;
    struct orphan_cache orphan_cache;
};

/* Slots claimed together: count of them from index on, in the life `sequence` of a node. */
struct run {
    uint64_t sequence;
    uint32_t node, index, count;
    uint32_t deliveries; /* of the message when an orphan was claimed, else 0 */
    unsigned char *slots; /* where the first of them is: working it out anew costs as much as the rest of a short message */
};

enum side { SIDE_CONSUMERS = 0, SIDE_PRODUCERS = 1 };

#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)
/* The usual way of one message is compiled as one piece; what is seldom needed is kept out of it. */
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define SELDOM __attribute__((noinline, cold))

/* Internal results, beside the public ones. */
enum { RESULT_RETRY = 100, RESULT_VOIDED = 101 };

static inline uint64_t round_up(uint64_t value, uint64_t multiple) { return (value + multiple - 1) / multiple * multiple; }
static inline uint64_t page_size(void) { return (uint64_t)sysconf(_SC_PAGESIZE); }

static inline struct layout_node *node_at(const cq_queue *queue, uint32_t node)
{
    return (struct layout_node *)(void *)(queue->base + queue->geometry.nodes_offset +
                                          queue->geometry.node_stride * node);
}

static inline uint32_t node_number(const cq_queue *queue, const struct layout_node *node)
{
    uint64_t offset = (uint64_t)((const unsigned char *)node - queue->base);
    return (uint32_t)((offset - queue->geometry.nodes_offset) / queue->geometry.node_stride);
}

static inline struct layout_slot *slot_at(const cq_queue *queue, struct layout_node *node, uint32_t index)
{
    return (struct layout_slot *)(void *)((unsigned char *)node + LAYOUT_NODE_HEADER +
                                          queue->geometry.slot_stride * index);
}

static inline struct run run_of(const cq_queue *queue, uint64_t sequence, uint32_t node, uint32_t index, uint32_t count)
{
    struct run run = {sequence, node, index, count, 0, (unsigned char *)slot_at(queue, node_at(queue, node), index)};
    return run;
}

static inline struct layout_slot *run_slot(const cq_queue *queue, const struct run *run, uint32_t index)
{
    return (struct layout_slot *)(void *)(run->slots + queue->geometry.slot_stride * index);
}

static inline uint64_t run_position(const cq_queue *queue, const struct run *run)
{
    return run->sequence * queue->geometry.slots_per_node + run->index;
}

static inline bool link_is_valid(const cq_queue *queue, uint64_t link)
{
    return word_sequence(link) != 0 && link_node(link) < queue->geometry.node_count;
}

static inline bool is_full(uint64_t word, uint64_t sequence)
{
    return word_sequence(word) == sequence && slot_phase(word) == SLOT_FULL;
}

static inline bool is_hole(uint64_t word, uint64_t sequence)
{
    return word_sequence(word) == sequence && (slot_phase(word) == SLOT_VOID || slot_phase(word) == SLOT_DONE);
}

/* The state of a slot that decides what the caller may say or do next. */
static inline uint64_t slot_load(const cq_queue *queue, struct layout_node *node, uint32_t index)
{
    /* D2, R1 seq_cst: acquire pairs with E3 (the payload is visible once FULL is), and the total order makes "empty"
       mean that no enqueue that returned before this call began was missed. */
    return atomic_load_explicit(&slot_at(queue, node, index)->state, memory_order_seq_cst);
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

/* Remember the newest claim once nothing of it is left for a recorder to do. Release pairs with the acquire of who
   compares: threads of one handle may rely on each other's claims. */
static inline void run_remember(cq_queue *queue, _Atomic uint64_t *last, const struct run *run)
{
    atomic_store_explicit(last, ticket_word(run->sequence, run->index + run->count, queue->owner),
                          memory_order_release);
}

/* What a process may do with a handle at all. */
static inline int handle_usable(const cq_queue *queue)
{
    if (!queue)
        return CQ_EINVAL;
    /* Relaxed: the kernel zeroes it in a child before any of its threads runs. */
    return atomic_load_explicit(queue->alive, memory_order_relaxed) ? CQ_OK : CQ_EFORK;
}

static inline int handle_writable(const cq_queue *queue)
{
    int result = handle_usable(queue);
    return result == CQ_OK && queue->owner == 0 ? CQ_EREADONLY : result;
}

#define PATIENT_BYTES 16384u /* a message of more asks whoever waits for its slot for more than queue->patience spins */

/* ---- slot.c: the message in a slot ---- */

/* Messages up to LAYOUT_SMALL_MESSAGE have no length field before them. */
static inline bool slot_is_small(const cq_queue *queue)
{
    return queue->geometry.max_message_size <= LAYOUT_SMALL_MESSAGE;
}

static inline unsigned char *slot_payload(const cq_queue *queue, struct layout_slot *slot)
{
    return (unsigned char *)slot + (slot_is_small(queue) ? 8 : 16);
}

/* Returns what goes with FULL into the slot's state. A message of exactly max_message_size leaves no byte for its
   size in a small slot, and needs none: queues of equal messages get slots of 8 + size bytes. */
static inline uint32_t slot_set_size(const cq_queue *queue, struct layout_slot *slot, size_t size)
{
    if (!slot_is_small(queue)) {
        slot->length = size;
        return 0;
    }
    if (size == queue->geometry.max_message_size)
        return 0;
    slot_payload(queue, slot)[queue->geometry.max_message_size - 1] = (unsigned char)size;
    return SLOT_SHORT;
}

/* The size of a message whose slot is the caller's. Read once, volatile: a hostile peer may change it between two reads. */
static inline int slot_size(const cq_queue *queue, struct layout_slot *slot, uint64_t word, size_t *size)
{
    uint64_t limit = queue->geometry.max_message_size;
    uint64_t found = limit;

    if (!slot_is_small(queue))
        found = *(const volatile uint64_t *)&slot->length;
    else if (slot_short(word))
        found = *(const volatile unsigned char *)&slot_payload(queue, slot)[limit - 1];
    if (found > limit)
        return CQ_ECORRUPT;
    *size = (size_t)found;
    return CQ_OK;
}

int slot_peek(const cq_queue *queue, struct layout_slot *slot, uint64_t word, size_t *size, void *copy, size_t room);

/* ---- queue.c: the list, recording, holes ---- */
void queue_record_enq(cq_queue *queue, struct layout_node *node, uint64_t ticket);
void queue_record_deq(cq_queue *queue, struct layout_node *node, uint64_t ticket);
int queue_append(cq_queue *queue, uint64_t tail, struct layout_node *last);
int queue_help_tail(cq_queue *queue, uint64_t tail, uint64_t next);
int queue_swing_head(cq_queue *queue, uint64_t head, uint64_t next);
void queue_skip_holes(cq_queue *queue, struct layout_node *node, uint64_t deq);
void queue_announce_hole(cq_queue *queue, uint32_t number, uint64_t sequence, uint32_t index);
uint64_t queue_count_holes(cq_queue *queue, uint64_t head, uint64_t deq);

/* ---- enqueue.c: claiming slots to write, publishing ---- */
int enqueue_claim(cq_queue *queue, size_t want, bool insist, struct run *run);
int enqueue_publish(cq_queue *queue, const struct run *run, uint32_t index, const void *data, size_t size);
void enqueue_abandon(cq_queue *queue, const struct run *run, uint32_t from);
int enqueue_messages(cq_queue *queue, const cq_slice *messages, size_t count, size_t *done);
bool enqueue_has_room(cq_queue *queue);

/* ---- dequeue.c: claiming messages, voiding ---- */
int dequeue_claim(cq_queue *queue, size_t want, size_t room, struct run *run, size_t *needed);
bool dequeue_has_message(cq_queue *queue);
uint32_t dequeue_blocker(const cq_queue *queue);
uint32_t dequeue_patience(const cq_queue *queue, size_t size);
int dequeue_make_room(cq_queue *queue);
bool dequeue_may_make_room(cq_queue *queue);

/* ---- orphan.c: messages to be delivered again ---- */
#define ORPHANS_DIRTY UINT64_C(1)

static inline uint64_t orphan_version(const cq_queue *queue)
{
    return atomic_load_explicit(&queue->header->orphans, memory_order_seq_cst); /* O2, pairs with O1 */
}

static inline bool orphan_is_dirty(uint64_t version) { return version & ORPHANS_DIRTY; }
uint32_t orphan_nodes(cq_queue *queue, uint64_t reference, uint64_t nearer, uint64_t *links, uint32_t room);
bool orphan_in_node(cq_queue *queue, uint64_t link, uint32_t index, struct run *run, uint64_t *word);
int orphan_claim(cq_queue *queue, size_t room, struct run *run, size_t *needed, uint64_t *version);
void orphan_made(cq_queue *queue, uint32_t node);
void orphan_announce(cq_queue *queue);

/* Budgets of what goes through many nodes are in slots looked at. A state word counts as an eighth of one, and going to
   a node as four: its lines are far from the last one's. */
enum { COST_OF_STATE = 1, COST_OF_NODE = 32, COST_OF_SLOT = 8 };

/* ---- node.c: free nodes, and what is known of the others ---- */
uint64_t node_touched(const cq_queue *queue);
int node_take(cq_queue *queue, uint32_t *node);
bool node_available(cq_queue *queue);
bool node_free(cq_queue *queue, uint32_t node, uint64_t expected);
bool node_recycle(cq_queue *queue, uint32_t node, uint64_t sequence);
uint32_t node_sweep(cq_queue *queue, uint64_t *node, uint64_t budget);
bool node_settle(cq_queue *queue, uint32_t node, uint64_t state);
uint64_t node_marks(const cq_queue *queue, uint64_t node);
void node_mark(cq_queue *queue, uint64_t node, enum mark mark);
bool node_unmark(cq_queue *queue, uint64_t node, uint64_t seen, enum mark mark);

/* Did the life `sequence` of a node begin after the one that `link` names? By distance on the ring. */
static inline bool is_since(uint64_t sequence, uint64_t link)
{
    return sequence_distance(sequence, word_sequence(link)) - 1 < SEQUENCE_MAX / 2 - 1;
}

/* ---- participant.c: who is alive ---- */
int participant_register(cq_queue *queue, int lock_fd);
int participant_verify(cq_queue *queue);
void participant_leave(cq_queue *queue);
int participant_reap(cq_queue *queue, cq_recovery *recovery);
bool participant_look(cq_queue *queue);
int64_t participant_interval(const cq_queue *queue);
void participant_suspect(cq_queue *queue, uint32_t owner);
uint32_t participant_count(cq_queue *queue, uint64_t waiting[2]);
int participant_walk(cq_queue *queue, const struct holdings *holdings, cq_participant_visitor *visitor, void *context);
void participant_claims(cq_queue *queue);

/* Called before whatever may leave something if this process dies in the middle. */
static inline void participant_active(cq_queue *queue)
{
    if (unlikely(!atomic_load_explicit(&queue->active, memory_order_acquire)))
        participant_claims(queue);
}

/* Is a sweep begun that the next call should go on with? */
static inline bool participant_is_reaping(const cq_queue *queue)
{
    return atomic_load_explicit(&queue->reap.pending, memory_order_relaxed); /* a hint: who reaps decides */
}

/* ---- fork.c: the handles of this process ---- */
void fork_lock(void);
void fork_unlock(void);
int fork_remember(cq_queue *queue);
void fork_forget(cq_queue *queue);
void fork_keep_unlinked(dev_t device, ino_t inode);

/* ---- sweep.c: finishing or undoing what dead owners left ---- */
void sweep_begin(struct sweep *sweep, cq_queue *queue, const struct owner_set *dead);
int sweep_step(struct sweep *sweep, uint64_t *budget);

/* ---- config.c: what callers pass ---- */
#define CONFIG_FIRST 40u /* the sizes of the first version of the interface, which will always be accepted */
#define STATS_FIRST offsetof(cq_stats, reserved)
#define RECOVERY_FIRST 32u
#define MESSAGE_FIRST 48u
#define CONFIG_FLAGS \
    ((uint32_t)(CQ_EXCLUSIVE | CQ_ATTACH | CQ_READ_ONLY | CQ_ANY_FILESYSTEM | CQ_KEEP_UNLINKED | CQ_TRUST))
enum config_fault {
    CONFIG_FINE, CONFIG_FLAG, CONFIG_CONTRADICTION, CONFIG_RESERVED, CONFIG_PERMISSIONS, CONFIG_CAPACITY, CONFIG_MESSAGE,
    CONFIG_HELD
};
bool struct_fits(const void *given, size_t first, size_t known);
int config_complete(const cq_config *given, cq_config *full);
enum config_fault config_fault(const cq_config *config);

/* ---- region.c, create.c: the file ---- */
int region_path(const char *name, const char *directory, char **path);
int region_geometry(uint64_t capacity, uint64_t max_message_size, uint32_t slots, uint64_t hole_slots,
                    uint64_t spare_nodes, struct geometry *geometry);
int region_read_header(int fd, struct layout_header *header, uint64_t *file_size);
int region_check_header(const struct layout_header *header, uint64_t file_size, struct geometry *geometry);
int region_open(const char *path, const cq_config *config, bool read_only, cq_queue *queue, int *lock_fd);
void region_close(cq_queue *queue);
bool region_is(const cq_queue *queue, const struct stat *status);
bool region_is_at(const cq_queue *queue, int fd);
bool region_is_linked(const cq_queue *queue);
bool region_is_removed(cq_queue *queue);
int region_descriptor(cq_queue *queue);
void region_forget(cq_queue *queue);
int region_filesystem(int fd, uint32_t flags);
int create_geometry(const cq_config *config, struct geometry *geometry);
int create_file(const char *path, const cq_config *config, struct stat *made);
int result_of_errno(int error);

/* ---- memory.c: memory for what is about to be used ---- */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif
int memory_allocate_node(cq_queue *queue, int fd, const struct geometry *geometry, uint64_t node);
int memory_allocate(cq_queue *queue, int fd, uint64_t offset, uint64_t size);

/* ---- claim.c: claims that look around before they report that there is nothing ---- */
int claim_messages(cq_queue *queue, size_t want, size_t room, struct run *run, size_t *needed);
int claim_room(cq_queue *queue, bool insist, struct run *run);
bool claim_again(cq_queue *queue, enum side side, int result, uint32_t *tries);

/* ---- look.c: looking on ---- */
int look_walk(cq_queue *queue, cq_visitor *visitor, void *context);
int look_length(cq_queue *queue, uint64_t *length);
int look_stat(cq_queue *queue, cq_stats *stats);
void look_holdings(cq_queue *queue, uint32_t *held, uint32_t *writing, uint64_t totals[2]);

/* ---- wait.c, watch.c: sleeping ---- */
typedef int wait_try(cq_queue *queue, void *context);
void wait_wake_bits(cq_queue *queue, enum side side, uint32_t seen, size_t count);

static inline _Atomic uint32_t *side_word(cq_queue *queue, enum side side)
{
    return side == SIDE_CONSUMERS ? &queue->header->consumers.word : &queue->header->producers.word;
}

/* `count` messages were published, or as many slots came free: wake as many. No system call if nobody sleeps. */
static inline void wait_wake(cq_queue *queue, enum side side, size_t count)
{
    /* K1 seq_cst, pairs with K2: either this load sees the sleeper's bit or his try sees what was published. */
    uint32_t seen = atomic_load_explicit(side_word(queue, side), memory_order_seq_cst);
    if (unlikely(seen & WAIT_BITS))
        wait_wake_bits(queue, side, seen, count);
}

int wait_until(cq_queue *queue, enum side side, int64_t timeout_ns, wait_try *attempt, void *context);
void wait_cancel(cq_queue *queue, bool cancelled);
void wait_yield(void);
int64_t wait_clock(void);
int64_t wait_clock_coarse(void);
bool wait_nudge(cq_queue *queue);
bool wait_is_served(cq_queue *queue, enum side side);
bool wait_see_removal(cq_queue *queue);
uint32_t wait_announce_watch(cq_queue *queue, enum side side);
void wait_for_watch(cq_queue *queue, enum side side, uint32_t word);
void wait_leave_watch(cq_queue *queue, enum side side);
void wait_pass_on(cq_queue *queue, enum side side);
void wait_interrupt(cq_queue *queue, enum side side);
int watch_open(cq_queue *queue, enum side side, int *fd);
void watch_clear(cq_queue *queue, enum side side);
void watch_close(cq_queue *queue, bool forked);

#endif
