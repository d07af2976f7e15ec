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

#include <sys/stat.h>
#include <sys/types.h>

#define RETRY_LIMIT (1u << 24)     /* a lock-free loop that fails this often meets a hostile peer, not contention */
#define WAIT_BITS 3u              /* of a side's word: somebody sleeps, or watches */
#define LOOK_INTERVAL_NS 100000000 /* how long a death may go unnoticed by somebody who waits */

#if defined(__x86_64__) || defined(__i386__)
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
    uint64_t bitmap_offset, states_offset, nodes_offset, file_size;
    uint32_t slots_per_node;
};

/* cq_fd: see watch.c. */
struct watch;

struct cq_queue {
    unsigned char *base; /* the mapping of the whole region; it carries the participant's lock */
    struct layout_header *header;
    struct layout_participant *participants;
    _Atomic uint64_t *summary, *bitmap, *states;
    struct geometry geometry;
    uint32_t owner; /* participant id; 0 on a read-only handle */
    uint32_t patience;
    const _Atomic uint32_t *alive; /* 1 in the process that opened it, 0 in a forked child (MADV_WIPEONFORK) */
    _Atomic int fd;                /* a second description of the file: tests locks, allocates; holds no lock for long */
    dev_t device;
    ino_t inode;
    char *path;
    _Atomic int64_t last_look;        /* monotonic time of the last look for dead participants */
    struct watch *_Atomic watches[2]; /* by SIDE_ */

    /* Producers' and consumers' caches, apart because different threads write them all the time. Each is true by itself,
       whatever mixture of them a thread sees: tickets name the only node and life that they can stand in. */
    alignas(LAYOUT_LINE) _Atomic uint64_t last_enq; /* newest ticket installed here *and* wholly published */
    _Atomic uint64_t enq_limit;                     /* tickets of this life before this one are within capacity */
    _Atomic uint64_t deq_seen;                      /* a ticket that deq has reached; stale at worst */
    _Atomic uint32_t enq_node;                      /* where last_enq may stand */
    alignas(LAYOUT_LINE) _Atomic uint64_t last_deq; /* newest ticket installed here *and* wholly finished */
    _Atomic uint32_t deq_node;                      /* where last_deq may stand */
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

static inline struct layout_node *node_at(const cq_queue *queue, uint32_t node)
{
    return (struct layout_node *)(void *)(queue->base + queue->geometry.nodes_offset +
                                          queue->geometry.node_stride * node);
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
void queue_raise_last_hole(cq_queue *queue, uint64_t sequence, uint32_t index);
int queue_count_holes(cq_queue *queue, uint64_t head, uint64_t from, uint64_t to, uint64_t *holes);

/* ---- enqueue.c: claiming slots to write, publishing ---- */
int enqueue_claim(cq_queue *queue, size_t want, struct run *run);
int enqueue_publish(cq_queue *queue, const struct run *run, uint32_t index, const void *data, size_t size);
void enqueue_abandon(cq_queue *queue, const struct run *run, uint32_t from);
int enqueue_messages(cq_queue *queue, const cq_slice *messages, size_t count, size_t *done);
bool enqueue_has_room(cq_queue *queue);

/* ---- dequeue.c: claiming messages, voiding ---- */
int dequeue_claim(cq_queue *queue, size_t want, size_t room, struct run *run, size_t *needed);
bool dequeue_has_message(cq_queue *queue);

/* ---- orphan.c: messages to be delivered again ---- */
#define ORPHANS_DIRTY UINT64_C(1)

static inline uint64_t orphan_version(const cq_queue *queue)
{
    return atomic_load_explicit(&queue->header->orphans, memory_order_seq_cst); /* O2, pairs with O1 */
}

static inline bool orphan_is_dirty(uint64_t version) { return version & ORPHANS_DIRTY; }
bool orphan_next(cq_queue *queue, uint64_t reference, uint64_t *distance, struct run *run, uint64_t *word);
int orphan_claim(cq_queue *queue, size_t room, struct run *run, size_t *needed, uint64_t *version);
void orphan_announce(cq_queue *queue);

/* ---- node.c: free nodes ---- */
uint64_t node_touched(const cq_queue *queue);
int node_take(cq_queue *queue, uint32_t *node);
void node_free(cq_queue *queue, uint32_t node, uint64_t expected);
bool node_behind_head(cq_queue *queue, uint64_t sequence);
bool node_recycle(cq_queue *queue, uint32_t node, uint64_t sequence);
uint32_t node_sweep(cq_queue *queue);

/* ---- participant.c: who is alive ---- */
int participant_register(cq_queue *queue, int lock_fd);
int participant_verify(cq_queue *queue);
void participant_leave(cq_queue *queue);
int participant_reap(cq_queue *queue, bool wait, cq_recovery *recovery);
void participant_look(cq_queue *queue);
void participant_suspect(cq_queue *queue, uint32_t owner);
uint32_t participant_count(cq_queue *queue, uint32_t waiting[2]);
void participant_fork_lock(void);
void participant_fork_unlock(void);

/* ---- sweep.c: finishing or undoing what dead owners left ---- */
struct owner_set {
    uint64_t bits[LAYOUT_PARTICIPANTS / 64];
};
int sweep_owners(cq_queue *queue, const struct owner_set *dead, cq_recovery *recovery);

/* ---- region.c, create.c: the file ---- */
int region_path(const char *name, const char *directory, char **path);
int region_geometry(uint64_t capacity, uint64_t max_message_size, uint32_t slots, uint64_t hole_slots,
                    uint64_t spare_nodes, struct geometry *geometry);
int region_read_header(int fd, struct layout_header *header, uint64_t *file_size);
int region_check_header(const struct layout_header *header, uint64_t file_size, struct geometry *geometry);
int region_open(const char *path, const cq_config *config, bool read_only, cq_queue *queue, int *lock_fd);
void region_close(cq_queue *queue);
bool region_is(const cq_queue *queue, const struct stat *status);
bool region_is_linked(const cq_queue *queue);
int region_descriptor(cq_queue *queue);
int region_allocate_node(int fd, const struct geometry *geometry, uint64_t node);
int region_allocate(int fd, uint64_t offset, uint64_t size);
int region_filesystem(int fd, uint32_t flags);
int create_file(const char *path, const char *directory, const cq_config *config, struct stat *made);
int result_of_errno(int error);

/* ---- api.c: messages from wherever they are ---- */
int api_claim(cq_queue *queue, size_t want, size_t room, struct run *run, size_t *needed);

/* ---- look.c: looking on ---- */
int look_walk(cq_queue *queue, cq_visitor *visitor, void *context);
int look_stat(cq_queue *queue, cq_stats *stats);

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
void wait_yield(void);
int64_t wait_clock(void);
uint32_t wait_announce_watch(cq_queue *queue, enum side side);
bool wait_for_watch(cq_queue *queue, enum side side, uint32_t word);
void wait_nudge_watches(cq_queue *queue, enum side side);
int watch_open(cq_queue *queue, enum side side, int *fd);
bool watch_clear(cq_queue *queue, enum side side);
void watch_close(cq_queue *queue, bool forked);

#endif
