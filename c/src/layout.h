/*
 * layout.h - every byte of the region, and how its 64-bit words are packed.
 *
 * The region is a file format (c/FORMAT.md): little-endian, fixed offsets, indices and never pointers. This file
 * owns the drawing and the packing; beyond naming them it must not know which code reads or writes the bytes, or when.
 *
 *        0  header                      one page
 *     4096  participants                4,096 entries of 256 bytes
 *  1052672  sources                     80 entries of 256 bytes
 *  1073152  summary of the free bitmap  1 bit for 64 words of it
 *        .  free bitmap                 1 bit a node
 *        .  marks                       8 bytes for 16 nodes: which may hold orphans, which have holes
 *        .  dues                        8 bytes a slot: when what was given back for later is due
 *        .  node states                 8 bytes a node
 *        .  nodes                       node_stride bytes each
 */
#ifndef CQ_LAYOUT_H
#define CQ_LAYOUT_H

/* Before anything else is read, which may not even be there for such a machine. */
#if !defined(__SIZEOF_POINTER__) || __SIZEOF_POINTER__ != 8
#error "cqueue needs a 64-bit build: regions are larger than 4 GiB, and locks lie at offsets that 32-bit builds cut off"
#endif
#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "cqueue needs a little-endian machine: the words of a region are little-endian, and used in place"
#endif

#include <assert.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LAYOUT_MAGIC UINT64_C(0x0a0d657565757163) /* "cqueue\r\n" */
#define LAYOUT_FORMAT_VERSION 1u
#define LAYOUT_BYTE_ORDER 0x01020304u
#define LAYOUT_PAGE 4096u
#define LAYOUT_DIRECTORY 1024u
#define LAYOUT_LINE 128u /* two cache lines: processors fetch them in pairs */

#define LAYOUT_MAX_CAPACITY (UINT64_C(1) << 31)
#define LAYOUT_MAX_MESSAGE (UINT64_C(1) << 30)
#define LAYOUT_MAX_SLOTS 256u
#define LAYOUT_MAX_NODES ((UINT64_C(1) << 24) - 2) /* NIL and one spare do not count */
#define LAYOUT_MAX_FILE (UINT64_C(1) << 46)
#define LAYOUT_MAX_OWNER 4094u
#define LAYOUT_PARTICIPANTS 4096u
#define LAYOUT_SEATS 20u /* threads of a participant that can name nodes */
#define LAYOUT_SMALL_MESSAGE 248u /* up to here a slot has no length field of its own */
#define LAYOUT_MAX_HEADERS 65535u
#define LAYOUT_MAX_DELIVERIES 254u
#define LAYOUT_SOURCES 64u      /* that a queue knows at most ... */
#define LAYOUT_SOURCE_SLOTS 80u /* ... and entries for them, with some for newcomers that are just being written */
#define LAYOUT_NAME 200u        /* bytes of a queue's or a source's name */
#define LAYOUT_PAGED_MESSAGE 12288u /* beyond, a slot gets memory page by page, as far as its message reaches */

/* One side's sleepers: a futex word, generation (30 bits) | WATCH | SLEEP. Written by waiters and wakers. */
struct layout_side {
    alignas(LAYOUT_LINE) _Atomic uint32_t word;
};

struct layout_header {
    /* Written once by the creator before the file has a name; read once, at attach. */
    _Atomic uint64_t magic;       /*   0 written last, with release */
    uint32_t format_version;      /*   8 */
    uint32_t byte_order;          /*  12 0x01020304 as the creator stores it */
    uint32_t word_bits;           /*  16 64 */
    uint32_t slots_per_node;      /*  20 K, 1 to 256 */
    uint64_t features;            /*  24 what a reader must know: LAYOUT_DURABLE, FEATURE_... */
    uint64_t capacity;            /*  32 messages */
    uint64_t max_message_size;    /*  40 bytes */
    uint64_t hole_slots;          /*  48 S: given-up positions that cost no capacity */
    uint64_t spare_nodes;         /*  56 X: nodes that may be pinned by held, returned or voided slots */
    uint64_t slot_stride;         /*  64 bytes; this and what follows is derived from the above, and checked */
    uint64_t node_stride;         /*  72 bytes */
    uint64_t node_count;          /*  80 */
    uint64_t summary_offset;      /*  88 */
    uint64_t bitmap_offset;       /*  96 */
    uint64_t states_offset;       /* 104 */
    uint64_t nodes_offset;        /* 112 */
    uint64_t file_size;           /* 120 */
    uint64_t first_position;      /* 128 the first ticket */
    int64_t created;              /* 136 nanoseconds since 1970 */
    uint64_t max_memory;          /* 144 bytes that the file may take of the file system; 0: any number */
    uint64_t reserve;             /* 152 bytes that it was given from the beginning, and keeps */

    alignas(LAYOUT_LINE) _Atomic uint64_t tail; /* 256 link: the node producers claim in; tail >= head */
    alignas(LAYOUT_LINE) _Atomic uint64_t head; /* 384 link: the node consumers claim in */
    _Atomic uint64_t orphans;                   /* 392 version (63) | dirty: an orphan may exist */
    alignas(LAYOUT_LINE) _Atomic uint64_t touched; /* 512 nodes that have memory: only grows, <= node_count */
    _Atomic uint64_t last_hole;                    /* 520 position behind the last hole, or before; only grows */
    _Atomic uint64_t holed;                        /* 528 raised before a node's life gets its first hole; only grows */
    struct layout_side consumers;                  /* 640 consumers that sleep until there is a message */
    struct layout_side producers;                  /* 768 producers that sleep until there is room */
    alignas(LAYOUT_LINE) _Atomic uint64_t holes;   /* 896 slots given up, of any kind; counts for cq_stat */
    _Atomic uint64_t voided;                       /* 904 by consumers */
    _Atomic uint64_t redelivered;                  /* 912 */
    _Atomic uint64_t returned;                     /* 920 */
    _Atomic uint64_t reaped;                       /* 928 */
    alignas(LAYOUT_LINE) _Atomic uint64_t turn;    /* 1024 looks for the dead begun, by anybody; only grows */
    _Atomic uint32_t highest_id;                   /* 1032 ids beyond were never used, have no memory; only grows */
    _Atomic uint32_t free_id;                      /* 1036 a hint: the lowest id that may be free */
    _Atomic uint32_t removed;                      /* 1040 a hint: 1 once a handle saw that the region has no name */
    _Atomic uint32_t lookout;                      /* 1044 a hint: the handle that looks around while all sleep; 0 */
    _Atomic uint32_t sleepers;                     /* 1048 a hint: handles that slept at the last look */
    alignas(LAYOUT_LINE) _Atomic uint64_t needed;  /* 1152 a hint: most nodes in use at a time in this period */
    _Atomic uint64_t period;                       /* 1160 a hint: the turn in which the period began */
    _Atomic uint32_t patience;                     /* 1168 a hint: periods are doubled so often */
    _Atomic uint32_t regrets;                      /* 1172 a hint: nodes that had to get memory again in this period */
    _Atomic uint64_t trimmed;                      /* 1176 bytes given back; a count for cq_stat */

    /* Written once by the creator, as those up to `durable`. */
    alignas(LAYOUT_LINE) uint8_t id[16];           /* 1280 random: no other region has it */

    /* Of durable queues; 0 in others. The first four are written once, too. */
    alignas(LAYOUT_LINE) uint8_t incarnation[16];  /* 1408 random: which region of those with this id */
    uint8_t boot[16];                              /* 1424 the run of the system that it was made in */
    uint64_t origin_spare_nodes;                   /* 1440 X as the queue was created with */
    uint64_t recovered;                            /* 1448 messages that it was made with */
    alignas(LAYOUT_LINE) _Atomic uint64_t flush_begun; /* 1536 the newest flush; only grows, as the next two */
    _Atomic uint64_t flush_done;                   /* 1544 flushes up to this one are on the disk, or a later one is */
    _Atomic uint64_t flush_failed;                 /* 1552 a hint: the newest that failed */
    _Atomic uint64_t gathered;                     /* 1560 a hint: flush (48) | callers that came since it began (16) */
    _Atomic int64_t flush_time;                    /* 1568 a hint: nanoseconds that a flush took */
    _Atomic uint32_t expected;                     /* 1576 a hint: callers of the last flush, or during it */
    _Atomic uint32_t flush_word;                   /* 1580 callers sleep on it until a flush ends */
    alignas(LAYOUT_LINE) _Atomic uint64_t generation; /* 1664 of segments; only grows */
    _Atomic uint64_t reserved_sequence;            /* 1672 may not be used yet, nor what follows; on the disk too */
    _Atomic uint64_t reserve_asked;                /* 1680 the same, perhaps not on the disk yet */
    _Atomic uint64_t complete;                     /* 1688 nodes of the list before this sequence are logged; 0 */
    _Atomic uint64_t generation_bytes;             /* 1696 written in this generation; this and the rest are hints */
    _Atomic uint64_t segments;                     /* 1704 files in the directory */
    _Atomic uint64_t disk_bytes;                   /* 1712 their bytes */
    _Atomic uint64_t live_bytes;                   /* 1720 bytes of records of messages, when last counted */
    _Atomic int32_t disk_error;                    /* 1728 the last result of a flush that failed, 0 if it went well */
    alignas(LAYOUT_LINE) char directory[1024];     /* 1792 the absolute path; written once */

    /* More that is written once: what becomes of messages on their way. */
    alignas(LAYOUT_LINE) uint64_t max_headers;     /* 2816 bytes of a slot for headers; 0: none */
    uint64_t max_deliveries;                       /* 2824 then a message goes to dead_letter; 0: no limit */
    int64_t time_to_live;                          /* 2832 nanoseconds; 0: no limit */
    char dead_letter[208];                         /* 2840 a queue's name, ending with a 0; empty: none */
    alignas(LAYOUT_LINE) _Atomic uint64_t consumer; /* 3072 lease: the only consumer; 0 */
    _Atomic uint64_t mover;                        /* 3080 lease: who is moving a message to dead_letter; 0 */
    _Atomic uint64_t moving;                       /* 3088 ticket: the message that is, or was, moved; 0 */
    _Atomic uint64_t moved;                        /* 3096 messages that went to dead_letter: the number of the last */
    _Atomic int64_t move_result;                   /* 3104 what the last try came to */
    _Atomic uint64_t expired;                      /* 3112 a count for cq_stat */
    alignas(LAYOUT_LINE) _Atomic uint64_t sources; /* 3200 has memory | count | newest: see source.c */
};

/* An open handle. Entry 0 is nobody's. */
struct layout_participant {
    alignas(LAYOUT_LINE) _Atomic uint64_t record; /* 0 incarnation (63) | used: by newcomers with its lock, reapers */
    _Atomic uint64_t reaping[2];  /*  8 up to 8 ids of 16 bits that this participant may sweep for */
    _Atomic int64_t since;        /* 24 nanoseconds since 1970: its first sleeping thread fell asleep */
    _Atomic uint32_t waiting[2];  /* 32 threads asleep: consumers, producers */
    _Atomic uint32_t pid;         /* 40 for people to read, and a hint that it may be dead */
    _Atomic uint32_t active;      /* 44 1: may have claimed something since it registered; 0: surely not */
    _Atomic uint64_t command[2];  /* 48 the program's name, for people to read */
    _Atomic uint32_t pins;        /* 64 calls under way that may touch any node */
    _Atomic uint64_t feed_number; /* 72 what this participant is feeding: its number in the source, */
    _Atomic uint64_t feed_link;   /* 80 and the node of its slot (0: there is none) */
    _Atomic uint64_t feed_index;  /* 88 and the slot */
    _Atomic uint32_t names[LAYOUT_SEATS][2]; /* 96 nodes that its threads may touch at any time, plus 1; 0: none */
};

/* Where messages come from: LAYOUT_SOURCE_SLOTS entries, which get memory when the first source is made known. */
struct layout_source {
    alignas(LAYOUT_LINE) _Atomic uint64_t state; /*  0 phase (52) | owner: enum source_phase */
    _Atomic uint64_t number;  /*  8 of the newest message from there; only rises, while `decided` names a feeder */
    _Atomic uint64_t decided; /* 16 version (52) | the feeder whose message comes next; 0: none */
    uint32_t length;          /* 24 of the name */
    char name[LAYOUT_NAME];   /* 28 */
};

struct layout_node {
    alignas(LAYOUT_LINE) _Atomic uint64_t enq;  /*   0 ticket: next to claim for writing; owner of the newest claim */
    alignas(LAYOUT_LINE) _Atomic uint64_t deq;  /* 128 ticket: next to claim for reading; deq <= enq in a life */
    alignas(LAYOUT_LINE) _Atomic uint64_t next; /* 256 link: (this sequence, next node or NIL) */
    _Atomic uint64_t holed;                     /* 264 the life whose first hole was announced last */
    _Atomic uint32_t pinned;                    /* 272 a hint: a slot that was not DONE at the last scan */
    _Atomic uint64_t logged[11];                /* 280 life (40) | of 24 slots each: its message is on the disk */
    _Atomic uint64_t logged_in;                 /* 368 life (40) | generation (24) from which they may be needed */
    /* 384: slots_per_node slots of slot_stride bytes */
};
#define LAYOUT_NODE_HEADER 384u

/* max_message_size <= 248: state, then the payload; a message shorter than max_message_size has its size in the
   last byte of the payload and SLOT_SHORT in its state. Larger: state, length, and the payload from 64 on. `pages`: so
   many pages behind the slot's first have memory, at least; of slots beyond LAYOUT_PAGED_MESSAGE only. */
struct layout_slot {
    _Atomic uint64_t state;
    uint32_t length; /* of large slots only */
    _Atomic uint32_t pages;
};
/* Of durable queues, before the payload and what else goes there: where the message comes from. */
struct layout_feed {
    uint64_t source; /* life (40) | entry (24); of another life: it was not fed */
    uint64_t number;
};
#define LAYOUT_SMALL_PAYLOAD 8u
#define LAYOUT_LARGE_PAYLOAD 64u /* at a line of its own, so that a copy moves whole ones */

static_assert(sizeof(struct layout_side) == LAYOUT_LINE, "a side has its cache lines to itself");
static_assert(offsetof(struct layout_header, capacity) == 32, "drawn at 32");
static_assert(offsetof(struct layout_header, slot_stride) == 64, "drawn at 64");
static_assert(offsetof(struct layout_header, first_position) == 128, "drawn at 128");
static_assert(offsetof(struct layout_header, max_memory) == 144, "drawn at 144");
static_assert(offsetof(struct layout_header, tail) == 256, "drawn at 256");
static_assert(offsetof(struct layout_header, head) == 384, "drawn at 384");
static_assert(offsetof(struct layout_header, orphans) == 392, "drawn at 392");
static_assert(offsetof(struct layout_header, touched) == 512, "drawn at 512");
static_assert(offsetof(struct layout_header, last_hole) == 520, "drawn at 520");
static_assert(offsetof(struct layout_header, holed) == 528, "drawn at 528");
static_assert(offsetof(struct layout_header, consumers) == 640, "drawn at 640");
static_assert(offsetof(struct layout_header, producers) == 768, "drawn at 768");
static_assert(offsetof(struct layout_header, holes) == 896, "drawn at 896");
static_assert(offsetof(struct layout_header, turn) == 1024, "drawn at 1024");
static_assert(offsetof(struct layout_header, id) == 1280, "drawn at 1280");
static_assert(offsetof(struct layout_header, incarnation) == 1408, "drawn at 1408");
static_assert(offsetof(struct layout_header, flush_begun) == 1536, "drawn at 1536");
static_assert(offsetof(struct layout_header, generation) == 1664, "drawn at 1664");
static_assert(offsetof(struct layout_header, directory) == 1792, "drawn at 1792");
static_assert(offsetof(struct layout_header, max_headers) == 2816, "drawn at 2816");
static_assert(offsetof(struct layout_header, consumer) == 3072, "drawn at 3072");
static_assert(offsetof(struct layout_header, sources) == 3200, "drawn at 3200");
static_assert(sizeof(struct layout_header) == 3328 && sizeof(struct layout_header) <= LAYOUT_PAGE, "one page");
static_assert(offsetof(struct layout_header, needed) == 1152, "drawn at 1152");
static_assert(sizeof(struct layout_participant) == 256, "256 bytes a participant");
static_assert(offsetof(struct layout_participant, pins) == 64, "drawn at 64");
static_assert(offsetof(struct layout_participant, names) == 96, "drawn at 96");
static_assert(sizeof(struct layout_node) == LAYOUT_NODE_HEADER, "slots begin at 384");
static_assert(offsetof(struct layout_node, deq) == 128 && offsetof(struct layout_node, next) == 256, "lines apart");
static_assert(sizeof(_Atomic uint64_t) == 8 && ATOMIC_LLONG_LOCK_FREE == 2, "64-bit atomics are plain words");
static_assert(sizeof(_Atomic uint32_t) == 4 && ATOMIC_INT_LOCK_FREE == 2, "32-bit atomics are plain words");

#define LAYOUT_PARTICIPANTS_OFFSET LAYOUT_PAGE
#define LAYOUT_SOURCES_OFFSET (LAYOUT_PARTICIPANTS_OFFSET + LAYOUT_PARTICIPANTS * sizeof(struct layout_participant))
#define LAYOUT_SUMMARY_OFFSET (LAYOUT_SOURCES_OFFSET + LAYOUT_SOURCE_SLOTS * sizeof(struct layout_source))

static_assert(sizeof(struct layout_source) == 256 && LAYOUT_SUMMARY_OFFSET % LAYOUT_PAGE == 0, "whole pages");

/* What a reader must know, in header.features. */
#define LAYOUT_DURABLE UINT64_C(1)    /* there is a directory on a disk */
#define FEATURE_EXCLUSIVE UINT64_C(2) /* one consumer at a time */
#define FEATURE_TIMES UINT64_C(4)     /* slots have times */
#define FEATURES (LAYOUT_DURABLE | FEATURE_EXCLUSIVE | FEATURE_TIMES)

/*
 * Words. Sequences have 40 bits and skip 0, which is what fresh memory holds; they wrap after 2^40 - 1 nodes, so they
 * are only ever compared for equality or by distance on that ring.
 */
#define SEQUENCE_MAX ((UINT64_C(1) << 40) - 1)
#define NODE_NIL 0xffffffu

enum slot_phase {
    SLOT_DONE = 0, SLOT_WRITING = 1, SLOT_FULL = 2, SLOT_READING = 3, SLOT_VOID = 4, SLOT_ORPHAN = 5, SLOT_FED = 6
};
#define ORPHAN_LATER 0xfffu /* in place of an ORPHAN's owner: not before what `dues` says */
/* A due is a date, or with this bit the ticket >> 12 that the front must have reached. */
#define DUE_TAIL (UINT64_C(1) << 63)
enum source_phase { SOURCE_FREE = 0, SOURCE_TAKEN = 1, SOURCE_KNOWN = 2 };
#define SLOT_SHORT 8u /* with FULL, READING and ORPHAN: the size is in the payload's last byte */
/* BARE: as FREE (owner 0) or as TAKEN, but without memory, or with less than a node needs.
   SETTLED: as LINKED, and a scan found all claims of producers finished: each slot is FULL, or a hole that names
   nobody. Nothing but consumers changes such a node, and these come only when it is head. The owner's place in the
   state word has the number of holes. */
enum node_phase { NODE_FREE = 0, NODE_TAKEN = 1, NODE_LINKED = 2, NODE_SETTLED = 3, NODE_BARE = 4 };

static inline uint64_t word_sequence(uint64_t word) { return word >> 24; }
static inline uint32_t word_owner(uint64_t word) { return (uint32_t)word & 0xfffu; }

/* Tickets: sequence 40, index 12, owner 12. Node states: the same with the phase for the index. */
static inline uint64_t ticket_word(uint64_t sequence, uint32_t index, uint32_t owner)
{
    return sequence << 24 | (uint64_t)index << 12 | owner;
}
static inline uint32_t ticket_index(uint64_t word) { return (uint32_t)(word >> 12) & 0xfffu; }
static inline bool node_is_listed(uint64_t state) /* LINKED or SETTLED */
{
    return ticket_index(state) == NODE_LINKED || ticket_index(state) == NODE_SETTLED;
}

/* Links: sequence 40, node 24. */
static inline uint64_t link_word(uint64_t sequence, uint32_t node) { return sequence << 24 | node; }
static inline uint32_t link_node(uint64_t word) { return (uint32_t)word & 0xffffffu; }

/* Slot states: sequence 40, deliveries 8, phase 4 (SLOT_SHORT its highest bit), owner 12. */
static inline uint64_t slot_word(uint64_t sequence, uint32_t deliveries, uint32_t phase, uint32_t owner)
{
    return sequence << 24 | (uint64_t)deliveries << 16 | (uint64_t)phase << 12 | owner;
}
static inline uint32_t slot_phase(uint64_t word) { return (uint32_t)(word >> 12) & 7u; }
static inline uint32_t slot_short(uint64_t word) { return (uint32_t)(word >> 12) & SLOT_SHORT; }
static inline uint32_t slot_deliveries(uint64_t word) { return (uint32_t)(word >> 16) & 0xffu; }

/* Marks: of 16 nodes, which may hold orphans (bits 0 to 15), which may have holes in this life (16 to 31), and how
   often a mark for orphans was set (32): a scan that found none in a node takes the mark away from the exact word
   only. */
#define MARK_NODES 16u
enum mark { MARK_ORPHANS = 0, MARK_HOLES = 16 };
#define MARK_VERSION (UINT64_C(1) << 32)
static inline uint64_t mark_bit(uint64_t node, enum mark mark) { return UINT64_C(1) << (node % MARK_NODES + mark); }

static inline uint64_t sequence_next(uint64_t sequence) { return sequence == SEQUENCE_MAX ? 1 : sequence + 1; }

/* How many steps of sequence_next lead from `from` to `to`. */
static inline uint64_t sequence_distance(uint64_t to, uint64_t from)
{
    return to >= from ? to - from : SEQUENCE_MAX - (from - to);
}

/* Positions are written sequence * K + index; these are how many positions lie between two tickets or links of which
   only sequence and index count. A `to` that is behind `from` gives a distance of more than POSITION_BEHIND. */
#define POSITION_BEHIND (UINT64_C(1) << 47)
static inline uint64_t position_distance(uint64_t to, uint64_t from, uint32_t slots)
{
    uint64_t nodes = sequence_distance(word_sequence(to), word_sequence(from));
    uint64_t ahead = nodes > SEQUENCE_MAX / 2 ? UINT64_C(0) - (SEQUENCE_MAX - nodes) : nodes;
    return ahead * slots + ticket_index(to) - ticket_index(from);
}

#endif
