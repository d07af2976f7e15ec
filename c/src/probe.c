/*
 * probe.c - is there something to do for the callers of a side? Without doing it.
 *
 * It owns nothing. Its answers are hints, but "no" was true at an instant during the call: a caller that sleeps
 * afterwards misses nothing. It must not change what messages there are.
 */
#include "probe.h"

#include "front.h"
#include "node.h"
#include "orphan.h"
#include "os.h"
#include "room.h"
#include "supply.h"

/* May dequeue_make_room make room? */
static bool may_make_room(cq_queue *queue)
{
    struct front front;
    uint64_t later;

    return front_find(queue, NULL, &front) == CQ_OK && word_sequence(front.word) == word_sequence(front.deq) &&
           slot_phase(front.word) == SLOT_WRITING && word_owner(front.word) != queue->owner &&
           front_find_later(queue, front.node, front.deq, &later) != CQ_OK;
}

static bool has_room(cq_queue *queue)
{
    for (uint32_t attempt = 0; attempt < RETRY_LIMIT; ++attempt) {
        struct end end;
        uint64_t room;
        pin_all(queue);
        int result = end_read(queue, SIDE_PRODUCERS, memory_order_acquire, NULL, &end);
        if (result == CQ_OK)
            result = room_for(queue, &end, 1, &room);
        bool makes = result == CQ_FULL && may_make_room(queue);
        /* append:A, pairs with append:C: a node is appended, tail is late */
        bool appended = result == CQ_OK &&
                        link_node(atomic_load_explicit(&end.node->next, memory_order_acquire)) != NODE_NIL;
        pin_none(queue);
        if (result == RESULT_RETRY)
            continue;
        if (result == CQ_FULL)
            return makes;
        /* The capacity may have room and the queue none, because what its nodes hold is held, or no memory is left.
           Not CQ_OK: the enqueue that follows reports it. */
        return result != CQ_OK || ticket_index(end.ticket) < queue->geometry.slots_per_node || appended ||
               supply_has_node(queue);
    }
    return true;
}

static bool has_message_pinned(cq_queue *queue)
{
    for (uint32_t attempt = 0; attempt < RETRY_LIMIT; ++attempt) {
        struct end end;
        int result = end_read(queue, SIDE_CONSUMERS, memory_order_seq_cst, NULL, &end);
        if (result == RESULT_RETRY)
            continue;
        if (result != CQ_OK)
            return true; /* the dequeue that follows reports it */
        /* front:A, pairs with append:C. */
        uint64_t next = atomic_load_explicit(&end.node->next, memory_order_seq_cst);
        uint64_t later;
        bool has = ticket_index(end.ticket) >= queue->geometry.slots_per_node ? link_node(next) != NODE_NIL : true;
        if (ticket_index(end.ticket) < queue->geometry.slots_per_node) {
            uint64_t word = slot_load(queue, end.node, ticket_index(end.ticket));
            if (word_sequence(word) != word_sequence(end.ticket))
                has = false;
            else if (slot_phase(word) == SLOT_WRITING)
                has = front_find_later(queue, end.node, end.ticket, &later) != CQ_EMPTY;
        }
        /* gap:A, pairs with claim_deq:A: what the loads above found was at the front. */
        if (has || (atomic_load_explicit(&end.node->deq, memory_order_seq_cst) == end.ticket &&
                    atomic_load_explicit(&queue->header->head, memory_order_seq_cst) == end.link))
            return has;
    }
    return true;
}

static bool has_message(cq_queue *queue)
{
    pin_all(queue);
    bool has = has_message_pinned(queue);
    pin_none(queue);
    return has;
}

bool probe_side(cq_queue *queue, enum side side)
{
    if (side == SIDE_PRODUCERS)
        return has_room(queue);
    bool dirty = orphan_is_dirty(orphan_version(queue)), message = has_message(queue);
    struct terms terms = {.until = INT64_MAX, .last = !message};

    if (!dirty || message)
        return message;
    terms.date = os_clock(OS_DATE_COARSE);
    bool waits = orphan_waits(queue, &terms);
    /* Relaxed: a hint, for those that sleep (wait.c). */
    atomic_store_explicit(&queue->next_due, (uint64_t)(waits ? INT64_MAX : terms.until), memory_order_relaxed);
    return waits;
}
