/* flush.h - putting a queue on the disk. */
#ifndef CQ_FLUSH_H
#define CQ_FLUSH_H

#include "state.h"

/* So many sequences may be used before another flush says so; the next one is written when half of them are left. */
#define RESERVE_STEP (UINT64_C(1) << 20)
#ifdef CQ_TESTING
#include "testing.h"
#define reserve_step() (cq_testing.reserve_step ? cq_testing.reserve_step : RESERVE_STEP)
#else
#define reserve_step() RESERVE_STEP
#endif

/* Of a node in the life that `link` names: the slots that the flush under way has written, and whether these are all
   that hold a message, so that nothing older is needed for it. */
struct durable_mark {
    uint64_t link;
    uint64_t slots[LAYOUT_MAX_SLOTS / 64];
    uint64_t logged_in; /* the node's word, as it was */
    bool moves;
};

struct durable {
    struct segment segment;
    _Atomic uint32_t busy; /* 1: a thread of this handle flushes; what follows, and the segment, is its own */
    struct durable_mark *marks;
    size_t mark_count, mark_room;
    struct statement state;
};
/* One flush. */
struct flush {
    uint64_t ticket;
    uint64_t deq;        /* D, a ticket */
    bool collects;       /* files are to be removed afterwards: look at all nodes, for the next three */
    uint64_t move_before; /* messages that only generations before this one have are written again */
    uint64_t complete;   /* a sequence: nodes before it, from D on, hold nothing that is not logged; 0: not known */
    uint64_t oldest;     /* generation that is still needed when this is done */
    uint64_t live;       /* bytes of the records of all messages in the queue */
};

int flush_write(cq_queue *queue, struct flush *flush);
bool flush_conclude(cq_queue *queue, const struct flush *flush);
void flush_note(cq_queue *queue, uint32_t node, uint64_t sequence, uint32_t index, uint64_t generation);
uint64_t flush_unsynced(cq_queue *queue);

static inline uint64_t flush_sequence_ahead(uint64_t sequence, uint64_t by)
{
    return (sequence - 1 + by) % SEQUENCE_MAX + 1;
}

#endif
