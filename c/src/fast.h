/*
 * fast.h - the usual way of one message: behind the last one that this handle passed, while nobody came in between.
 *
 * It owns no state and decides nothing new: what the slow way (enqueue.c, dequeue.c) finds out by reading follows
 * here from one compare-exchange that succeeds. A ticket word names a place in one life of one node and the handle
 * that came there, so if node.enq (node.deq) still is the word that this handle installed, its claim was the newest
 * all the time, there is nothing to record, and the node, not used up, is the last (first) of the list. Anything
 * else takes the slow way, which is the caller's business: nothing here knows it.
 */
#ifndef CQ_FAST_H
#define CQ_FAST_H

#include "node.h"
#include "orphan.h"
#include "pin.h"
#include "slot.h"
#include "trace.h"
#include "wake.h"

#include <string.h>

/* Up to here a copy is made in registers: a call into libc costs as much as the rest of the way, and needs others. */
#define SHORT_BYTES 64u

typedef unsigned char bytes16 __attribute__((vector_size(16)));

/* Two overlapping halves of fixed widths cover all sizes from one width to two. Whole values, which stay in registers
   where arrays would not. */
ALWAYS_INLINE void fast_copy(unsigned char *to, const unsigned char *from, size_t size)
{
    if (size > SHORT_BYTES)
        memcpy(to, from, size);
    else if (size > 32) {
        bytes16 first, second, third, last;
        memcpy(&first, from, 16);
        memcpy(&second, from + 16, 16);
        memcpy(&third, from + size - 32, 16);
        memcpy(&last, from + size - 16, 16);
        memcpy(to, &first, 16);
        memcpy(to + 16, &second, 16);
        memcpy(to + size - 32, &third, 16);
        memcpy(to + size - 16, &last, 16);
    } else if (size > 16) {
        bytes16 first, last;
        memcpy(&first, from, 16);
        memcpy(&last, from + size - 16, 16);
        memcpy(to, &first, 16);
        memcpy(to + size - 16, &last, 16);
    } else if (size >= 8) {
        uint64_t first, last;
        memcpy(&first, from, 8);
        memcpy(&last, from + size - 8, 8);
        memcpy(to, &first, 8);
        memcpy(to + size - 8, &last, 8);
    } else if (size >= 4) {
        uint32_t first, last;
        memcpy(&first, from, 4);
        memcpy(&last, from + size - 4, 4);
        memcpy(to, &first, 4);
        memcpy(to + size - 4, &last, 4);
    } else if (size > 0) {
        to[0] = from[0];
        to[size / 2] = from[size / 2];
        to[size - 1] = from[size - 1];
    }
}

/* A slot that was claimed the usual way, and the ticket of before: the slot's own place. Two words, so that it stays in
   registers; what the slow way needs is made of it there (fast_run). */
struct place {
    struct layout_slot *slot;
    uint64_t ticket;
};

static inline uint64_t place_word(struct place place, uint32_t phase)
{
    return (place.ticket & ~UINT64_C(0xffffff)) | (uint64_t)phase << 12;
}

static inline struct run fast_run(const cq_queue *queue, struct place place)
{
    uint32_t index = ticket_index(place.ticket);
    unsigned char *node = (unsigned char *)place.slot - queue->geometry.slot_stride * index - LAYOUT_NODE_HEADER;
    struct run run = {.sequence = word_sequence(place.ticket), .index = index, .count = 1,
                      .node = node_number(queue, (struct layout_node *)(void *)node),
                      .slots = (unsigned char *)place.slot};
    return run;
}

/* The claim at a place is over: nothing of it is left for a recorder to do. */
static inline void fast_remember(_Atomic uint64_t *last, struct place place)
{
    /* remember:A release, pairs with remember:B: threads of one handle may rely on each other's claims. */
    atomic_store_explicit(last, place.ticket + ticket_word(0, 1, 0), memory_order_release);
}

/* A slot's line comes from the other side's processor. So that of a later one is asked for at each message. A
   producer asks some slots ahead: with fewer between, streams wait for the line; with more, consumers that are close
   behind take it away again. A consumer asks for the next slot alone, which then is at hand while it looks for a
   message (deq_ahead; 0 where the next is in the same line). */
#define FETCH_AHEAD 4

/* With the thread's seat. */
ALWAYS_INLINE bool fast_claim_seated(cq_queue *queue, const struct seat *seat, struct place *place)
{
    /* remember:B acquire, pairs with remember:A: threads of one handle may rely on each other. */
    uint64_t ticket = atomic_load_explicit(&queue->last_enq, memory_order_acquire);
    /* Relaxed: both are this thread's, and belong to the ticket or make what follows fail. The node is named. */
    uint64_t limit = atomic_load_explicit(&seat->enq_limit, memory_order_relaxed);
    struct layout_node *node = (void *)atomic_load_explicit(&seat->enq_node, memory_order_relaxed);

    /* In the life of `limit` and before it. Lives are further apart than the longest node. */
    if (unlikely(limit - ticket - 1 >= LAYOUT_MAX_SLOTS << 12))
        return false;
    *place = (struct place){slot_at(queue, node, ticket_index(ticket)), ticket};
    prefetch_to_write(place->slot);
    /* claim_enq:A, pairs with end_read:B, as in enqueue.c. The owner of the new word is the owner of the old. */
    if (unlikely(!atomic_compare_exchange_strong_explicit(&node->enq, &ticket, ticket + ticket_word(0, 1, 0),
                                                          memory_order_seq_cst, memory_order_relaxed)))
        return false;
    prefetch_to_write((const unsigned char *)place->slot + FETCH_AHEAD * queue->geometry.slot_stride);
    return true;
}

/* Claim one slot to write into. False: the slow way. */
ALWAYS_INLINE bool fast_claim_enq(cq_queue *queue, struct place *place)
{
    struct sitter *me = seat_me();
    const struct seat *seat = pin_enter(queue, me);
    if (likely(fast_claim_seated(queue, seat, place))) {
        pin_leave(queue, me, seat); /* twice: one test less in the usual way */
        return true;
    }
    pin_leave(queue, me, seat);
    return false;
}

/* Make the slot FULL; the caller has written the message. False: the slow way. */
ALWAYS_INLINE bool fast_publish(struct place place, uint64_t word, uint32_t full)
{
    /* publish:B, pairs with slot_load:A, as in enqueue_publish. */
    return likely(!is_same_life(word, place.ticket) &&
                  atomic_compare_exchange_strong_explicit(&place.slot->state, &word, place_word(place, full),
                                                          memory_order_seq_cst, memory_order_relaxed));
}

/* Copy a message of up to PATIENT_BYTES into a claimed slot and make it FULL. False: enqueue_publish does it again. */
ALWAYS_INLINE bool fast_fill(cq_queue *queue, struct place place, const void *data, size_t size)
{
    /* publish:A, pairs with finish:A by way of recycle:A: the last life's reader is done with the bytes. */
    uint64_t word = atomic_load_explicit(&place.slot->state, memory_order_acquire);

    fast_copy(slot_payload(queue, place.slot), data, size);
    if (unlikely(!fast_publish(place, word, SLOT_FULL | slot_set_size(queue, place.slot, size))))
        return false;
    TRACE(enqueue, queue, place.slot, size);
    return true;
}

/* The same for the slot of fast_claim_enq. */
ALWAYS_INLINE bool fast_send(cq_queue *queue, struct place place, const void *data, size_t size)
{
    if (unlikely(!fast_fill(queue, place, data, size)))
        return false;
    fast_remember(&queue->last_enq, place);
    return true;
}

/* What a look at the front found. */
enum seen {
    SEEN_MESSAGE, /* and claimed it: `place`, where `word` stands */
    SEEN_NOTHING, /* the slot is untouched; fast_is_empty says what that means */
    SEEN_OTHER    /* the slow way */
};

struct sight {
    struct place place;
    uint64_t word;
};

/* With the thread's seat. */
ALWAYS_INLINE enum seen fast_look(cq_queue *queue, const struct seat *seat, struct sight *look)
{
    uint64_t version = orphan_version(queue); /* first, see fast_is_empty */
    /* remember:B, pairs with remember:A. */
    uint64_t ticket = atomic_load_explicit(&queue->last_deq, memory_order_acquire);
    /* Relaxed, as enq_node. */
    struct layout_node *node = (void *)atomic_load_explicit(&seat->deq_node, memory_order_relaxed);
    uint32_t index = ticket_index(ticket);

    /* Relaxed: 0 is a wish. */
    if (unlikely(orphan_is_dirty(version) || !node ||
                 index >= atomic_load_explicit(&queue->usual_slots, memory_order_relaxed)))
        return SEEN_OTHER;
    look->place = (struct place){slot_at(queue, node, index), ticket};
    look->word = slot_load(queue, node, index);
    if (unlikely(!is_full_at(look->word, ticket)))
        return is_same_life(look->word, ticket) ? SEEN_OTHER : SEEN_NOTHING;
    /* claim_deq:A, pairs with end_read:B, as in dequeue.c. */
    if (unlikely(!atomic_compare_exchange_strong_explicit(&node->deq, &ticket, ticket + ticket_word(0, 1, 0),
                                                          memory_order_seq_cst, memory_order_relaxed)))
        return SEEN_OTHER;
    return SEEN_MESSAGE;
}

/* Claim the message at the front. The caller wakes a producer. */
ALWAYS_INLINE enum seen fast_claim_deq(cq_queue *queue, struct sight *look)
{
    struct sitter *me = seat_me();
    const struct seat *seat = pin_enter(queue, me);
    enum seen seen = fast_look(queue, seat, look);
    if (likely(seen == SEEN_MESSAGE)) { /* as fast_claim_enq */
        pin_leave(queue, me, seat);
        return SEEN_MESSAGE;
    }
    pin_leave(queue, me, seat);
    return seen;
}

/* After SEEN_NOTHING: was the queue empty? Then one look at the producers' line has told it. The list was empty all the
   time, so it was when there were no orphans. */
static inline bool fast_is_empty(cq_queue *queue, uint64_t ticket)
{
    struct sitter *me = seat_me();
    const struct seat *seat = pin_enter(queue, me);
    /* Relaxed, as enq_node. NULL if a signal handler came in between. */
    struct layout_node *node = (void *)atomic_load_explicit(&seat->deq_node, memory_order_relaxed);
    /* gap:A, after the slot was read; pairs with claim_deq:A: the slot was at the front all the time. */
    bool empty = node && atomic_load_explicit(&node->deq, memory_order_seq_cst) == ticket;

    pin_leave(queue, me, seat);
    return empty;
}

/* After the last slot of a claimed run became DONE. */
ALWAYS_INLINE void fast_finished(cq_queue *queue, const struct run *run)
{
    if (run->deliveries <= 1) /* an orphan has no place behind deq */
        run_remember(queue, &queue->last_deq, run);
    /* Only a try, and relaxed: the swinger of head tries too, and node_sweep finds what both missed. */
    if (unlikely(word_sequence(atomic_load_explicit(&queue->header->head, memory_order_relaxed)) != run->sequence))
        node_recycle(queue, run->node, run->sequence);
}

/* Done with the slot at `index` of a claimed run; the caller has finished those before it. */
ALWAYS_INLINE void fast_finish(cq_queue *queue, const struct run *run, uint32_t index)
{
    struct layout_slot *slot = run_slot(queue, run, index);

    /* finish:A release, pairs with recycle:A: reading is over before the node may be used again. A store will do:
       nobody else moves a slot of a live owner on from FULL or READING. */
    atomic_store_explicit(&slot->state, slot_word(run->sequence, 0, SLOT_DONE, 0), memory_order_release);
    if (index + 1 == run->count)
        fast_finished(queue, run);
}

/* As fast_finish, for a place. False: the node may be free, see fast_finished. */
ALWAYS_INLINE bool fast_done(cq_queue *queue, struct place place)
{
    /* finish:A release, pairs with recycle:A, as in fast_finish. */
    atomic_store_explicit(&place.slot->state, place_word(place, SLOT_DONE), memory_order_release);
    fast_remember(&queue->last_deq, place);
    prefetch_to_write((const unsigned char *)place.slot + queue->deq_ahead);
    uint64_t head = atomic_load_explicit(&queue->header->head, memory_order_relaxed); /* as in fast_finished */
    return likely(is_same_life(head, place.ticket));
}

#endif
