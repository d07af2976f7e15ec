/*
 * facts.h - what is in the durable directory, byte by byte (c/FORMAT.md): the lock file, segments, records.
 *
 * It owns the drawing, and how records are sealed and told from other bytes. It must not know files, nor what follows
 * from a fact.
 */
#ifndef CQ_FACTS_H
#define CQ_FACTS_H

#include "crc32c.h"
#include "disk.h"
#include "layout.h"

#define FACTS_LOCK_FILE "lock"
#define FACTS_LOCK_MAGIC UINT64_C(0x0a4c657565757163)    /* "cqueueL\n" */
#define FACTS_SEGMENT_MAGIC UINT64_C(0x0a53657565757163) /* "cqueueS\n" */
#define FACTS_VERSION 1u
#define FACTS_ID 16u
#define FACTS_RESTORED "restored" /* a file of this name: the directory is a copy */
enum facts_lock_byte { FACTS_IN_USE = 0, FACTS_MAKING = 1 };

/* The lock file. */
struct facts_lock {
    uint64_t magic;                /*  0 */
    uint32_t version, reserved;    /*  8 */
    uint8_t incarnation[FACTS_ID]; /* 16 of the region that the directory serves */
    uint8_t boot[FACTS_ID];        /* 32 in which that was made */
    uint8_t id[FACTS_ID];          /* 48 the region's */
    uint64_t inode;                /* 64 of this file: a copy has another */
    char region[4024];             /* 72 the path of the region's file */
};

/* What a region was made with: enough to make it anew. */
struct facts_shape {
    uint64_t capacity, max_message_size, hole_slots, spare_nodes, max_memory, reserve;
    int64_t created;
    uint32_t slots_per_node, permissions;
    uint64_t features, max_headers, max_deliveries;
    int64_t time_to_live;
    char dead_letter[208];
};

/* The beginning of a segment. */
struct facts_head {
    uint64_t magic;               /*  0 */
    uint32_t version, crc;        /*  8 */
    uint8_t segment_id[FACTS_ID]; /* 16 */
    uint8_t id[FACTS_ID];         /* 32 the region's */
    uint8_t boot[FACTS_ID];       /* 48 in which it was written */
    uint64_t generation;          /* 64 */
    struct facts_shape shape;     /* 72 */
    uint8_t zeros[136];           /* 376 */
};

/* FED: a MESSAGE whose body begins with a layout_feed. */
enum fact_kind { FACT_MESSAGE = 1, FACT_STATE = 2, FACT_FED = 3 };

/* A record; its body follows, up to a multiple of 8. */
struct fact {
    uint32_t crc, size;        /*  0 */
    uint64_t ticket;           /*  8 */
    uint64_t position;         /* 16 */
    uint32_t kind, deliveries; /* 24 */
};

/* The body of a STATE: this, the runs, and the sources. */
struct fact_state {
    uint64_t reserve, runs, sources;
    uint64_t messages;      /* records of the same flush that go before it in the file: else it was torn */
    uint64_t moved, moving; /* to dead_letter: how many, and the position of the next one, if it is known; 0 */
};
struct fact_run {
    uint64_t position;
    uint32_t count, deliveries;
};
/* Its name follows, up to a multiple of 8. */
struct fact_source {
    uint64_t number;
    uint32_t entry, length;
};

static_assert(sizeof(struct facts_lock) == LAYOUT_PAGE && offsetof(struct facts_lock, region) == 72, "as drawn");
static_assert(sizeof(struct facts_head) == 512 && offsetof(struct facts_head, shape) == 72 &&
              offsetof(struct facts_head, zeros) == 376, "as drawn");
static_assert(sizeof(struct fact) == 32 && sizeof(struct fact_state) == 48, "as drawn");
static_assert(sizeof(struct fact_run) == 16 && sizeof(struct fact_source) == 16, "as drawn");

static inline uint64_t fact_bytes(uint32_t size) { return sizeof(struct fact) + ((uint64_t)size + 7) / 8 * 8; }

static inline uint64_t fact_source_bytes(uint32_t length)
{
    return sizeof(struct fact_source) + ((uint64_t)length + 7) / 8 * 8;
}

/* The position of a ticket: one behind a node is the first of the next. */
static inline uint64_t fact_position(uint64_t ticket, uint32_t slots)
{
    uint64_t sequence = word_sequence(ticket), index = ticket_index(ticket);
    return index < slots ? sequence * slots + index : sequence_next(sequence) * slots;
}
/* And back, without an owner. */
static inline uint64_t fact_ticket(uint64_t position, uint32_t slots)
{
    return ticket_word(position / slots, (uint32_t)(position % slots), 0);
}

struct facts_shape facts_shape_of(const struct layout_header *header, uint32_t permissions);
void facts_name(const struct facts_head *head, char name[DISK_NAME]);
bool facts_is_name(const char *name, uint64_t *generation);
uint32_t facts_begin_crc(const struct crc32c *crc, const uint8_t segment_id[FACTS_ID], uint64_t offset,
                         const struct fact *fact);
void facts_seal_head(const struct crc32c *crc, struct facts_head *head);
bool facts_check_head(const struct crc32c *crc, const struct facts_head *head);
bool facts_next(const struct crc32c *crc, const uint8_t segment_id[FACTS_ID], const unsigned char *bytes, uint64_t size,
                uint64_t *offset, struct fact *fact);
bool facts_next_source(const unsigned char *body, uint64_t size, uint64_t *offset, struct fact_source *source,
                       const char **name);

#endif
