/*
 * queue.c - the algorithm: an unrolled Michael-Scott queue with tickets that name their owner.
 *
 * After M. M. Michael and M. L. Scott, "Simple, Fast, and Practical Non-Blocking and Blocking Concurrent Queue
 * Algorithms", PODC 1996. It owns head, tail, the tickets (node.enq, node.deq), node.next and the states of slots
 * on their way untouched -> WRITING -> FULL -> READING -> DONE. It must not know about files, names, time or death:
 * where a node needs memory, or it is time to look for the dead, it says so. All that it has the system do is to wake
 * sleepers (wake.c).
 * c/DESIGN.md has the argument and the labels at memory orders.
 *
 * Two invariants carry it:
 *   RECORD  a ticket word moves past a ticket only when that ticket's slot names its owner (or is finished);
 *   PREFIX  the touched slots of a node are a prefix, and a node is appended only when all slots before are touched.
 * From PREFIX: an untouched slot at deq means that nothing behind it was published, so consumers do not
 * read enq until they have to be patient.
 */
#include "queue.h"

#include "wake.h"

/* ---- recording ------------------------------------------------------------------------------------- */

/* Write WRITING(owner) into the slots of the newest claim that their owner has not touched yet, lowest first. */
void queue_record_enq(cq_queue *queue, struct layout_node *node, uint64_t ticket)
{
    uint64_t sequence = word_sequence(ticket);
    uint32_t end = ticket_index(ticket);

    if (end == 0 || end > queue->geometry.slots_per_node ||
        word_sequence(slot_load(queue, node, end - 1)) == sequence)
        return;
    uint32_t low = end - 1;
    while (low > 0 && word_sequence(slot_load(queue, node, low - 1)) != sequence)
        --low;
    for (; low < end; ++low) {
        /* record_enq:A, pairs with record_enq:C and publish:B. If the ticket is still this one at record_enq:B, the
           slot was untouched in *this* life, and the exact word cannot come back once it is touched. */
        uint64_t word = slot_load(queue, node, low);
        while (word_sequence(word) != sequence) {
            /* record_enq:B, after record_enq:A; pairs with claim_enq:A. */
            if (atomic_load_explicit(&node->enq, memory_order_acquire) != ticket)
                return;
            /* record_enq:C release, pairs with record_enq:A and slot_load:A: the claim is visible with its record.
               Failure: another process touched the slot; or a recorder of an older life did, which was stopped before
               the node lost its memory, so that the slot was 0 once more. */
            if (atomic_compare_exchange_strong_explicit(&slot_at(queue, node, low)->state, &word,
                                                        slot_word(sequence, 0, SLOT_WRITING, word_owner(ticket)),
                                                        memory_order_acq_rel, memory_order_acquire))
                break;
        }
    }
}

/* Turn FULL into READING(owner) in the slots of the newest claim, lowest first. Every FULL slot below deq belongs to
   the newest claim, by RECORD, and FULL never comes back in a life, so the exact word is guard enough. */
void queue_record_deq(cq_queue *queue, struct layout_node *node, uint64_t ticket)
{
    uint64_t sequence = word_sequence(ticket);
    uint32_t end = ticket_index(ticket);

    if (word_owner(ticket) == 0 || end == 0 || end > queue->geometry.slots_per_node ||
        !is_full(slot_load(queue, node, end - 1), sequence))
        return;
    uint32_t low = end - 1;
    while (low > 0 && is_full(slot_load(queue, node, low - 1), sequence))
        --low;
    for (; low < end; ++low) {
        uint64_t word = slot_load(queue, node, low); /* record_deq:A, pairs with publish:B and record_deq:B */
        /* record_deq:B release, pairs with record_deq:A and slot_load:A: the claim is visible with its record. */
        if (is_full(word, sequence))
            atomic_compare_exchange_strong_explicit(
                &slot_at(queue, node, low)->state, &word,
                slot_word(sequence, 1, SLOT_READING | slot_short(word), word_owner(ticket)), memory_order_acq_rel,
                memory_order_relaxed);
    }
}

/* ---- holes -------------------------------------------------------------------------------------- */

/*
 * Before a hole is made at `index` - 1 or below, in the node's life `sequence`: raise last_hole to just behind it,
 * and mark the node. last_hole <= deq means that there is no hole in between; and a process that knows all marks of a
 * version of header.holed may rely on there being none in other nodes as long as the version stays.
 */
void queue_announce_hole(cq_queue *queue, uint32_t number, uint64_t sequence, uint32_t index)
{
    struct layout_node *node = node_at(queue, number);
    uint64_t raised = ticket_word(sequence, index, 0);
    /* Acquire, pairs with another maker's announce_hole:A: its raise comes before this hole as well. */
    uint64_t last = atomic_load_explicit(&queue->header->last_hole, memory_order_acquire);

    while (position_distance(raised, last, queue->geometry.slots_per_node) - 1 < POSITION_BEHIND &&
           /* announce_hole:A release, pairs with count_holes:A: the raise is visible with the hole. */
           !atomic_compare_exchange_weak_explicit(&queue->header->last_hole, &last, raised, memory_order_acq_rel,
                                                  memory_order_acquire))
        ;
    /* announce_hole:B, pairs with announce_hole:D: an earlier call made the mark and raised the version. A very late
       one writes an old life here; then it is done once more. */
    if (atomic_load_explicit(&node->holed, memory_order_acquire) == sequence)
        return;
    node_mark(queue, number, MARK_HOLES);
    /* announce_hole:C release, pairs with count_holes:B: with the new version comes the mark. Not before the mark, and
       not skipped by anybody until it is done: a hole may follow of which nobody else sees more than the mark. */
    atomic_fetch_add_explicit(&queue->header->holed, 1, memory_order_seq_cst);
    /* announce_hole:D, pairs with announce_hole:B: mark and version come with it. */
    atomic_store_explicit(&node->holed, sequence, memory_order_release);
}

/* Of a node: the holes from `index` on. */
static uint32_t holes_in_node(const cq_queue *queue, uint32_t number, uint64_t sequence, uint32_t index)
{
    uint32_t holes = 0;

    for (; index < queue->geometry.slots_per_node; ++index) {
        uint64_t word = slot_load(queue, node_at(queue, number), index);
        if (word_sequence(word) != sequence)
            break; /* PREFIX: nothing behind it is touched */
        holes += is_hole(word, sequence);
    }
    return holes;
}

/* The holes of a node ahead of `head`, in whatever life it is. *open: there may be more later. */
static uint64_t holes_ahead(cq_queue *queue, uint32_t number, uint64_t head, bool *open)
{
    /* node_state:A, pairs with help_tail:C and settle:B: with SETTLED comes the number of holes. */
    uint64_t state = atomic_load_explicit(&queue->states[number], memory_order_acquire);

    *open = false;
    if (!node_is_listed(state) || !is_since(word_sequence(state), head))
        return 0;
    if (ticket_index(state) == NODE_SETTLED)
        return word_owner(state);
    *open = true;
    return holes_in_node(queue, number, word_sequence(state), 0);
}

/* Of all nodes ahead of `head` that are marked. What is settled goes into the cache, if there is one, the rest is
   counted anew each time. */
static uint64_t holes_marked(cq_queue *queue, uint64_t head, uint64_t version, struct hole_cache *cache)
{
    uint64_t touched = node_touched(queue), settled = 0, holes = 0, base = 0;
    uint32_t count = 0;

    for (; base < touched; base += MARK_NODES)
        for (uint64_t marks = node_marks(queue, base) >> MARK_HOLES & 0xffff; marks != 0; marks &= marks - 1) {
            uint32_t number = (uint32_t)(base + (uint64_t)__builtin_ctzll(marks));
            bool open;
            if (number >= touched)
                break;
            if (queue->owner != 0) { /* not on a read-only mapping */
                /* node_state:A, pairs with help_tail:C and settle:B. */
                uint64_t state = atomic_load_explicit(&queue->states[number], memory_order_acquire);
                if (is_since(word_sequence(state), head))
                    node_settle(queue, number, state);
            }
            uint64_t found = holes_ahead(queue, number, head, &open);
            holes += found;
            settled += open ? 0 : found;
            if (open && cache && count < HOLES_OPEN)
                cache->open[count] = number;
            count += open;
        }
    if (cache) {
        cache->version = version;
        cache->head = count <= HOLES_OPEN ? head : 0; /* 0: no link, nothing is remembered */
        cache->settled = settled;
        cache->open_count = count;
    }
    return holes;
}

/*
 * Count the holes from head's ticket on. Those of settled nodes are remembered while head stays and no other node
 * gets holes. Positions that consumers pass meanwhile may count too, they are DONE: a count that is too high only
 * where deq has moved on, and never beyond that.
 */
uint64_t queue_count_holes(cq_queue *queue, const struct end *head)
{
    struct hole_cache *cache = &queue->hole_cache;
    uint32_t number = link_node(head->link);
    /* count_holes:A, pairs with announce_hole:A. */
    uint64_t last = atomic_load_explicit(&queue->header->last_hole, memory_order_acquire);
    uint64_t holes = 0;

    if (position_distance(last, head->ticket, queue->geometry.slots_per_node) - 1 >= POSITION_BEHIND)
        return 0; /* none is announced from there on */
    /* count_holes:B, before the marks; pairs with announce_hole:C: the marks of this version are seen. */
    uint64_t version = atomic_load_explicit(&queue->header->holed, memory_order_seq_cst);

    if (node_marks(queue, number) & mark_bit(number, MARK_HOLES))
        holes = holes_in_node(queue, number, word_sequence(head->ticket), ticket_index(head->ticket));
    if (!cache_enter(&cache->busy))
        return holes + holes_marked(queue, head->link, version, NULL);
    if (cache->head == head->link && cache->version == version) {
        holes += cache->settled;
        for (uint32_t i = 0; i < cache->open_count; ++i) {
            bool open;
            holes += holes_ahead(queue, cache->open[i], head->link, &open);
        }
    } else
        holes += holes_marked(queue, head->link, version, cache);
    cache_leave(&cache->busy);
    return holes;
}

/* ---- the list -------------------------------------------------------------------------------------- */

/* Finish an append: mark the node LINKED, then swing tail to it. Anybody may. Returns RESULT_RETRY. */
int queue_help_tail(cq_queue *queue, uint64_t tail, uint64_t next)
{
    uint32_t node = link_node(next);
    uint64_t sequence = sequence_next(word_sequence(tail));

    if (node >= queue->geometry.node_count)
        return CQ_ECORRUPT;
    /* help_tail:A, before help_tail:B; pairs with node_take:A. */
    uint64_t state = atomic_load_explicit(&queue->states[node], memory_order_acquire);
    if (ticket_index(state) == NODE_TAKEN) {
        /* help_tail:B, after help_tail:A; pairs with help_tail:D: while tail is here the node is linked behind it, so
           TAKEN belongs to this append. */
        if (atomic_load_explicit(&queue->header->tail, memory_order_acquire) != tail)
            return RESULT_RETRY;
        /* help_tail:C release, pairs with node_state:A; before help_tail:D: nobody frees a node that tail can reach. */
        atomic_compare_exchange_strong_explicit(&queue->states[node], &state, ticket_word(sequence, NODE_LINKED, 0),
                                                memory_order_acq_rel, memory_order_relaxed);
    }
    /* help_tail:D release, pairs with end_read:A: what prepared the node is visible to claims in it. */
    atomic_compare_exchange_strong_explicit(&queue->header->tail, &tail, link_word(sequence, node),
                                            memory_order_acq_rel, memory_order_relaxed);
    return RESULT_RETRY;
}

/* Move head from a used-up node to the next. RESULT_LOOK if this call did it, else RESULT_RETRY. */
int queue_swing_head(cq_queue *queue, uint64_t head, uint64_t next)
{
    /* end_read:A, pairs with help_tail:D. */
    uint64_t tail = atomic_load_explicit(&queue->header->tail, memory_order_acquire);

    if (tail == head)
        return queue_help_tail(queue, tail, next); /* head never passes tail */
    if (link_node(next) >= queue->geometry.node_count)
        return CQ_ECORRUPT;
    /* swing_head:A release, pairs with end_read:A: the next node is ready to be claimed in. Failure: another process
       moved head. */
    uint64_t expected = head;
    if (atomic_compare_exchange_strong_explicit(&queue->header->head, &expected,
                                                link_word(sequence_next(word_sequence(head)), link_node(next)),
                                                memory_order_acq_rel, memory_order_relaxed)) {
        node_recycle_kept(queue, link_node(head), word_sequence(head)); /* the caller named it, or pinned all */
        return RESULT_LOOK;
    }
    return RESULT_RETRY;
}

/* Move deq past the holes at `index`, which the caller saw there. */
void queue_skip_holes(cq_queue *queue, struct layout_node *node, uint64_t deq)
{
    uint32_t index = ticket_index(deq) + 1;

    while (index < queue->geometry.slots_per_node && is_hole(slot_load(queue, node, index), word_sequence(deq)))
        ++index;
    /* claim_deq:A release, pairs with end_read:B: as a claim that names nobody. */
    if (atomic_compare_exchange_strong_explicit(&node->deq, &deq, ticket_word(word_sequence(deq), index, 0),
                                                memory_order_seq_cst, memory_order_relaxed))
        wake_side(queue, SIDE_PRODUCERS, 1);
}

/* Before a refusal because no node is free: free the nodes that hold nothing but holes in front of the first
   message. CQ_OK: there is none. Else something has moved: RESULT_RETRY or RESULT_LOOK. */
static int skip_leading_holes_pinned(cq_queue *queue)
{
    struct end head;
    int result = end_read(queue, SIDE_CONSUMERS, memory_order_acquire, NULL, &head);

    if (result != CQ_OK)
        return result == RESULT_RETRY ? RESULT_RETRY : CQ_OK;
    if (ticket_index(head.ticket) < queue->geometry.slots_per_node) {
        if (!is_hole(slot_load(queue, head.node, ticket_index(head.ticket)), word_sequence(head.ticket)))
            return CQ_OK;
        queue_record_deq(queue, head.node, head.ticket);
        queue_skip_holes(queue, head.node, head.ticket);
        return RESULT_RETRY;
    }
    uint64_t next = atomic_load_explicit(&head.node->next, memory_order_acquire); /* append:A, pairs with append:C */
    if (word_sequence(next) != word_sequence(head.link) || link_node(next) == NODE_NIL)
        return CQ_OK;
    result = queue_swing_head(queue, head.link, next);
    return result == RESULT_LOOK ? RESULT_LOOK : RESULT_RETRY;
}

static int skip_leading_holes(cq_queue *queue)
{
    pin_all(queue);
    int result = skip_leading_holes_pinned(queue);
    pin_none(queue);
    return result;
}

/* The new node's words, before it can be found. Relaxed: append:C publishes them. */
static void prepare_node(struct layout_node *node, uint64_t sequence)
{
    atomic_store_explicit(&node->enq, ticket_word(sequence, 0, 0), memory_order_relaxed);
    atomic_store_explicit(&node->deq, ticket_word(sequence, 0, 0), memory_order_relaxed);
    atomic_store_explicit(&node->next, link_word(sequence, NODE_NIL), memory_order_relaxed);
}

/* Append a node behind the end `tail`, whose slots are all claimed and touched. RESULT_RETRY or RESULT_LOOK: read
   the end again. RESULT_MEMORY: as node_take. */
int queue_append(cq_queue *queue, const struct end *tail, struct growth *growth)
{
    uint64_t next = atomic_load_explicit(&tail->node->next, memory_order_acquire); /* append:A, pairs with append:C */
    uint32_t fresh = 0;
    int moved;

    /* end_read:C, after append:A: `next` was read in this life of the node. */
    if (atomic_load_explicit(&queue->header->tail, memory_order_acquire) != tail->link)
        return RESULT_RETRY;
    if (word_sequence(next) != word_sequence(tail->link))
        return CQ_ECORRUPT;
    if (link_node(next) != NODE_NIL)
        return queue_help_tail(queue, tail->link, next);

    int result = node_take(queue, growth, &fresh);
    if (result == RESULT_MEMORY)
        return result;
    if (result != CQ_OK && (moved = skip_leading_holes(queue)) != CQ_OK)
        return moved;
    /* append:B, after node_take:A; pairs with help_tail:D. Only now, with the node in hand, is tail's sequence newer
       than any life this node had. Numbering it from a tail read earlier could repeat one of its sequences. */
    bool same = atomic_load_explicit(&queue->header->tail, memory_order_seq_cst) == tail->link;
    if (result != CQ_OK)
        return same ? result : RESULT_RETRY;
    /* Relaxed: the node is this call's. */
    uint64_t mine = ticket_word(word_sequence(atomic_load_explicit(&queue->states[fresh], memory_order_relaxed)),
                                NODE_TAKEN, queue->owner);
    if (!same) {
        node_free(queue, fresh, mine);
        return RESULT_RETRY;
    }
    prepare_node(node_at(queue, fresh), sequence_next(word_sequence(tail->link)));
    uint64_t nil = link_word(word_sequence(tail->link), NODE_NIL), link = link_word(word_sequence(tail->link), fresh);
    /* append:C release, pairs with append:A and front:A: the node is prepared. seq_cst: front:A decides empty. */
    if (!atomic_compare_exchange_strong_explicit(&tail->node->next, &nil, link, memory_order_seq_cst,
                                                 memory_order_relaxed)) {
        node_free(queue, fresh, mine);
        return RESULT_RETRY;
    }
    /* Full of claims: count its holes now, if it has any, while it is in the cache, and nobody needs to again. */
    uint32_t full = link_node(tail->link);
    if (node_marks(queue, full) & mark_bit(full, MARK_HOLES))
        node_settle(queue, full, ticket_word(word_sequence(tail->link), NODE_LINKED, 0));
    return queue_help_tail(queue, tail->link, link);
}
