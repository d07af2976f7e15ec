/*
 * look.c - looking at a queue without changing it: cq_walk, cq_stat, cq_participants. Works on mappings that are
 * read-only.
 *
 * It owns nothing. Whatever it reads may change under its eyes: a copy counts only if the word was the same after
 * it.
 */
#include "look.h"

#include "flush.h"
#include "geometry.h"
#include "memory.h"
#include "node.h"
#include "orphan.h"
#include "os.h"
#include "participant.h"
#include "queue.h"
#include "region.h"
#include "slot.h"
#include "source.h"

#include <stdlib.h>
#include <string.h>

static uint64_t load_count(const _Atomic uint64_t *count)
{
    return atomic_load_explicit(count, memory_order_relaxed); /* counts order nothing */
}

struct walk {
    cq_queue *queue;
    cq_visitor *visitor;
    void *context;
    unsigned char *copy; /* what goes before the message, and the message */
    size_t room;         /* for the message */
    bool brief;          /* without the message's bytes */
};

/* Copy the message out of a slot that holds `word`. CQ_EMPTY: it went. */
static int copy_out(struct walk *walk, struct layout_slot *slot, uint64_t word, size_t *size)
{
    size_t prefix = (size_t)walk->queue->geometry.prefix;

    for (;;) {
        if (walk->copy)
            slot_peek_prefix(walk->queue, slot, walk->copy);
        void *to = walk->copy && !walk->brief ? walk->copy + prefix : NULL;
        int result = slot_peek(walk->queue, slot, word, size, to, walk->room);
        if (atomic_load_explicit(&slot->state, memory_order_relaxed) != word) /* peek:B, after peek:A */
            return CQ_EMPTY;
        if (result != CQ_OK || (walk->copy && (walk->brief || *size <= walk->room)))
            return result;
        free(walk->copy);
        walk->room = *size < 256 || walk->brief ? 256 : *size;
        if (!(walk->copy = malloc(prefix + walk->room))) {
            walk->room = 0;
            return CQ_ENOMEM;
        }
    }
}

/* Show one message. CQ_OK to go on; 1000 when the visitor has seen enough. */
enum { ENOUGH = 1000 };
static int show(struct walk *walk, const struct run *run, uint64_t word)
{
    struct layout_node *node = node_at(walk->queue, run->node);
    cq_message message = {.struct_size = sizeof message,
                          .deliveries = run->deliveries < 0xff ? run->deliveries + 1 : 0xff};
    int result = copy_out(walk, run_slot(walk->queue, run, 0), word, &message.size);

    if (result != CQ_OK)
        return result == CQ_EMPTY ? CQ_OK : result;
    uint64_t deq = atomic_load_explicit(&node->deq, memory_order_acquire); /* end_read:B, pairs with claim_deq:A */
    if (run->deliveries == 0 && (word_sequence(deq) != run->sequence || ticket_index(deq) > run->index))
        return CQ_OK; /* claimed meanwhile, though nobody has recorded that yet */
    message.data = walk->copy + walk->queue->geometry.prefix;
    message.position = run_position(walk->queue, run);
    pin_none(walk->queue); /* it may take any time; what it goes on in afterwards the caller looks up again */
    result = walk->visitor(&message, walk->context) ? ENOUGH : CQ_OK;
    pin_all(walk->queue);
    return result;
}

/* Node by node, the furthest behind first, as many at a time as there is memory for. */
static int walk_orphans(struct walk *walk)
{
    cq_queue *queue = walk->queue;
    /* end_read:A, pairs with swing_head:A. */
    uint64_t reference = atomic_load_explicit(&queue->header->head, memory_order_acquire);
    uint64_t nearer = UINT64_MAX, batches = queue->geometry.node_count / ORPHAN_NODES + 2, word, *links = NULL;
    uint32_t count = 0;
    struct run run;
    int result = CQ_OK;

    if (!orphan_is_dirty(orphan_version(queue)))
        return CQ_OK;
    if (!(links = malloc(ORPHAN_NODES * sizeof *links)))
        return CQ_ENOMEM;
    do {
        count = orphan_nodes(queue, reference, nearer, links, ORPHAN_NODES);
        for (uint32_t i = 0; result == CQ_OK && i < count; ++i)
            for (uint32_t index = 0; result == CQ_OK && orphan_in_node(queue, links[i], index, &run, &word);
                 index = run.index + 1)
                result = show(walk, &run, word);
        if (count > 0)
            nearer = sequence_distance(word_sequence(reference), word_sequence(links[count - 1]));
    } while (result == CQ_OK && count == ORPHAN_NODES && --batches > 0);
    free(links);
    return result;
}

static int walk_list(struct walk *walk)
{
    cq_queue *queue = walk->queue;
    uint32_t slots = queue->geometry.slots_per_node;

    /* Each round is a node further, or begins again at head when the node at hand was recycled; so much further that a
       walk ends even if others never stop. */
    uint64_t link = 0;
    uint32_t index = 0;
    for (uint64_t round = 0; round < 2 * queue->geometry.node_count + 16; ++round) {
        if (link == 0) {
            struct end head;
            int result = end_read(queue, SIDE_CONSUMERS, memory_order_acquire, NULL, &head);
            if (result == CQ_ECORRUPT)
                return result;
            link = head.link;
            index = result == CQ_OK ? ticket_index(head.ticket) : 0;
        }
        struct layout_node *node = node_at(queue, link_node(link));
        for (; index < slots && node_lives(queue, link); ++index) { /* each time: show lets its memory go */
            uint64_t word = slot_load(queue, node, index);
            struct run run = run_of(queue, word_sequence(link), link_node(link), index, 1);
            if (word_sequence(word) != word_sequence(link))
                break;
            int result = slot_phase(word) == SLOT_FULL ? show(walk, &run, word) : CQ_OK;
            if (result != CQ_OK)
                return result;
        }
        if (!node_lives(queue, link)) {
            link = 0;
            continue;
        }
        uint64_t next = atomic_load_explicit(&node->next, memory_order_acquire); /* append:A, pairs with append:C */
        if (word_sequence(next) == word_sequence(link) && (index < slots || link_node(next) == NODE_NIL))
            return CQ_OK;
        if (word_sequence(next) == word_sequence(link) && link_node(next) >= queue->geometry.node_count)
            return CQ_ECORRUPT;
        /* walk:A acquire, after append:A; pairs with help_tail:D. A node that tail has not reached has no message, and
           may not be LINKED yet. Of the others, one that is not listed is one that head has passed. */
        if (atomic_load_explicit(&queue->header->tail, memory_order_acquire) == link)
            return CQ_OK;
        link = word_sequence(next) == word_sequence(link)
                   ? link_word(sequence_next(word_sequence(link)), link_node(next))
                   : 0;
        index = 0;
    }
    return CQ_OK;
}

static int walk(cq_queue *queue, cq_visitor *visitor, void *context, bool brief)
{
    struct walk walk = {.queue = queue, .visitor = visitor, .context = context, .brief = brief};

    pin_all(queue);
    int result = walk_orphans(&walk);
    if (result == CQ_OK)
        result = walk_list(&walk);
    pin_none(queue);
    free(walk.copy);
    return result == ENOUGH ? CQ_OK : result;
}

int look_walk(cq_queue *queue, cq_visitor *visitor, void *context) { return walk(queue, visitor, context, false); }

/* ---- numbers --------------------------------------------------------------------------------------- */

/* Both ends at once, and the messages in between. */
static int measure(cq_queue *queue, uint64_t *enq, uint64_t *waiting)
{
    *enq = *waiting = 0;
    for (uint32_t attempt = 0; attempt < 1000; ++attempt) {
        struct end head, tail = {0}, again = {0};
        int front = end_read(queue, SIDE_CONSUMERS, memory_order_seq_cst, NULL, &head);
        int back = end_read(queue, SIDE_PRODUCERS, memory_order_seq_cst, NULL, &tail);
        int still = end_read(queue, SIDE_CONSUMERS, memory_order_seq_cst, NULL, &again);
        if (front == CQ_ECORRUPT || back == CQ_ECORRUPT || still == CQ_ECORRUPT)
            return CQ_ECORRUPT;
        *enq = tail.ticket;
        *waiting = position_distance(tail.ticket, head.ticket, queue->geometry.slots_per_node);
        if (front == RESULT_RETRY || back == RESULT_RETRY || *waiting >= POSITION_BEHIND)
            continue;
        uint64_t holes = queue_count_holes(queue, &head);
        *waiting -= holes < *waiting ? holes : *waiting;
        if (again.ticket == head.ticket) /* so the front was there when the back was read: tickets do not come back */
            return CQ_OK;
    }
    /* Never still: what was read last, of which others may have passed any number between the two ends. */
    if (*waiting > queue->geometry.capacity)
        *waiting = *waiting < POSITION_BEHIND ? queue->geometry.capacity : 0;
    return CQ_OK;
}

struct orphans {
    uint64_t all, delayed, spent;
};

/* Of one orphan: waits it for its time, or is it to go to dead_letter? */
static void sort_orphan(cq_queue *queue, const struct run *run, uint64_t word, int64_t date, struct orphans *found)
{
    bool later = word_owner(word) == ORPHAN_LATER;
    uint64_t due = later ? load_count(orphan_due(queue, run)) : 0;

    ++found->all;
    found->delayed += later && (due & DUE_TAIL || (int64_t)due > date);
    found->spent += orphan_is_spent(queue, run, word, date);
}

static struct orphans count_orphans(cq_queue *queue)
{
    int64_t date = os_clock(OS_DATE_COARSE);
    struct orphans found = {0, 0, 0};
    uint64_t touched = orphan_is_dirty(orphan_version(queue)) ? node_touched(queue) : 0, word;
    struct run run;

    for (uint64_t base = 0; base < touched; base += MARK_NODES)
        for (uint64_t marks = node_marks(queue, base) & 0xffff; marks != 0; marks &= marks - 1) {
            uint64_t node = base + (uint64_t)__builtin_ctzll(marks);
            if (node >= touched)
                break;
            /* node_state:A, pairs with help_tail:C and settle:B. */
            uint64_t state = atomic_load_explicit(&queue->states[node], memory_order_acquire);
            uint64_t link = link_word(word_sequence(state), (uint32_t)node);
            for (uint32_t index = 0; node_is_listed(state) && orphan_in_node(queue, link, index, &run, &word);
                 index = run.index + 1)
                sort_orphan(queue, &run, word, date, &found);
        }
    return found;
}

int look_length(cq_queue *queue, uint64_t *length)
{
    uint64_t enq, waiting;

    pin_all(queue);
    int result = measure(queue, &enq, &waiting);
    if (result == CQ_OK)
        *length = waiting + count_orphans(queue).all;
    pin_none(queue);
    return result;
}

/* Of one node: messages that are held, and slots claimed for writing. A claim that nobody has recorded yet is its
   newest. */
static void count_node(cq_queue *queue, uint32_t number, uint64_t sequence, uint32_t *held, uint32_t *writing,
                       uint64_t totals[2])
{
    struct layout_node *node = node_at(queue, number);
    uint64_t deq = atomic_load_explicit(&node->deq, memory_order_acquire); /* end_read:B, pairs with claim_deq:A */
    uint64_t enq = atomic_load_explicit(&node->enq, memory_order_acquire); /* end_read:B, pairs with claim_enq:A */

    for (uint32_t i = 0; i < queue->geometry.slots_per_node; ++i) {
        uint64_t word = slot_load(queue, node, i);
        uint32_t phase = slot_phase(word), owner = word_owner(word);
        bool takes = false, writes = false;
        if (word_sequence(word) != sequence) {
            writes = word_sequence(enq) == sequence && i < ticket_index(enq);
            owner = word_owner(enq);
        } else if (phase == SLOT_FULL) {
            takes = word_sequence(deq) == sequence && i < ticket_index(deq);
            owner = word_owner(deq);
        } else {
            takes = phase == SLOT_READING;
            writes = phase == SLOT_WRITING || phase == SLOT_VOID || phase == SLOT_FED;
        }
        totals[0] += takes;
        totals[1] += writes;
        if (held)
            held[owner] += takes;
        if (writing)
            writing[owner] += writes;
        if (word_sequence(word) != sequence && !writes)
            break; /* PREFIX: nothing behind it is claimed */
    }
}

/*
 * What is held, and what is reserved or being written: in all, and (unless NULL) by each of LAYOUT_PARTICIPANTS owners,
 * added to what the caller's arrays have. Nodes ahead of head in which all is published are looked at once, unless the
 * mapping is read-only.
 */
void look_holdings(cq_queue *queue, uint32_t *held, uint32_t *writing, uint64_t totals[2])
{
    uint64_t touched = node_touched(queue);
    /* end_read:A, pairs with swing_head:A. */
    uint64_t head = atomic_load_explicit(&queue->header->head, memory_order_acquire);

    totals[0] = totals[1] = 0;
    pin_all(queue);
    for (uint64_t n = 0; n < touched; ++n) {
        /* node_state:A, pairs with help_tail:C and settle:B. */
        uint64_t state = atomic_load_explicit(&queue->states[n], memory_order_acquire);
        bool ahead = is_since(word_sequence(state), head);
        if (!node_is_listed(state) || (ahead && ticket_index(state) == NODE_SETTLED) ||
            (ahead && queue->owner != 0 && node_settle(queue, (uint32_t)n, state)))
            continue;
        count_node(queue, (uint32_t)n, word_sequence(state), held, writing, totals);
    }
    pin_none(queue);
}

/* ---- participants ---------------------------------------------------------------------------------- */

/* True unless it is surely dead. */
static bool lives(cq_queue *queue, int fd, uint32_t id, uint64_t record)
{
    return fd < 0 || participant_ask(queue, fd, id, record) != VERDICT_DEAD;
}

/* How many are alive, and how many of their threads sleep on each side. */
static uint32_t count_participants(cq_queue *queue, uint64_t waiting[2])
{
    int fd = region_descriptor(queue);
    uint32_t alive = 0, highest = participant_highest(queue);

    waiting[SIDE_CONSUMERS] = waiting[SIDE_PRODUCERS] = 0;
    for (uint32_t id = 1; id <= highest; ++id) {
        uint64_t record = participant_record(queue, id);
        if (!(record & PARTICIPANT_USED) || !lives(queue, fd, id, record))
            continue;
        for (int side = 0; side < 2; ++side) /* counts */
            waiting[side] += atomic_load_explicit(&queue->participants[id].waiting[side], memory_order_relaxed);
        ++alive;
    }
    return alive;
}

/* Show each, with how much it holds by `holdings`. */
int look_participants(cq_queue *queue, const struct holdings *holdings, cq_participant_visitor *visitor, void *context)
{
    int fd = region_descriptor(queue);
    uint32_t highest = participant_highest(queue);

    for (uint32_t id = 1; id <= highest; ++id) {
        const struct layout_participant *entry = &queue->participants[id];
        uint64_t record = participant_record(queue, id), words[2];
        if (!(record & PARTICIPANT_USED))
            continue;
        /* All relaxed: for people, who may see a newcomer before it has introduced itself. */
        cq_participant shown = {
            .struct_size = sizeof shown,
            .id = id,
            .pid = atomic_load_explicit(&entry->pid, memory_order_relaxed),
            .alive = lives(queue, fd, id, record),
            .held = holdings->held[id],
            .writing = holdings->writing[id],
            .waiting_consumers = atomic_load_explicit(&entry->waiting[SIDE_CONSUMERS], memory_order_relaxed),
            .waiting_producers = atomic_load_explicit(&entry->waiting[SIDE_PRODUCERS], memory_order_relaxed)};
        if (shown.waiting_consumers || shown.waiting_producers)
            shown.waiting_since = atomic_load_explicit(&entry->since, memory_order_relaxed);
        for (int i = 0; i < 2; ++i)
            words[i] = atomic_load_explicit(&entry->command[i], memory_order_relaxed);
        memcpy(shown.command, words, sizeof shown.command);
        shown.command[sizeof shown.command - 1] = '\0';
        if (visitor(&shown, context))
            break;
    }
    return CQ_OK;
}

/* ---- all numbers ----------------------------------------------------------------------------------- */

struct oldest {
    cq_queue *queue;
    int64_t when;
};

static int see_time(const cq_message *message, void *context)
{
    struct oldest *oldest = context;
    cq_enqueue_time(oldest->queue, message, &oldest->when);
    return 1; /* orphans come first, in their order: it is the oldest */
}

/* 0: no message waits, or they have no times. */
static int64_t oldest_age(cq_queue *queue)
{
    struct oldest oldest = {queue, 0};

    if (!slot_has_times(queue) || walk(queue, see_time, &oldest, true) != CQ_OK || oldest.when == 0)
        return 0;
    int64_t date = os_clock(OS_DATE_COARSE);
    uint64_t age = (uint64_t)date - (uint64_t)oldest.when; /* a region may say anything */
    return date <= oldest.when ? 0 : age > INT64_MAX ? INT64_MAX : (int64_t)age;
}

static void stat_durable(cq_queue *queue, cq_stats *stats)
{
    const struct layout_header *header = queue->header;

    stats->durable = 1;
    stats->disk_error = atomic_load_explicit(&header->disk_error, memory_order_relaxed); /* for people */
    stats->flushes_begun = load_count(&header->flush_begun);
    stats->flushes_done = load_count(&header->flush_done);
    stats->unsynced = flush_unsynced(queue);
    stats->segments = load_count(&header->segments);
    stats->disk_bytes = load_count(&header->disk_bytes);
    stats->recovered = header->recovered;
}

static int stat_pinned(cq_queue *queue, cq_stats *stats)
{
    const struct layout_header *header = queue->header;
    const struct geometry *g = &queue->geometry;
    uint64_t enq, waiting, asleep[2], totals[2];
    int result = measure(queue, &enq, &waiting);

    if (result != CQ_OK)
        return result;
    memset(stats, 0, sizeof *stats);
    stats->struct_size = sizeof *stats;
    stats->format_version = LAYOUT_FORMAT_VERSION;
    stats->capacity = g->capacity;
    stats->max_message_size = g->max_message_size;
    stats->slots_per_node = g->slots_per_node;
    stats->nodes = g->node_count;
    stats->file_size = g->file_size;
    stats->created = header->created;
    struct orphans orphans = count_orphans(queue);
    stats->orphans = orphans.all;
    stats->delayed = orphans.delayed;
    stats->spent = orphans.spent;
    stats->length = waiting + stats->orphans;
    stats->enqueued = position_distance(enq, header->first_position, g->slots_per_node) - load_count(&header->holes);
    stats->dequeued = stats->enqueued - waiting;
    stats->redelivered = load_count(&header->redelivered);
    stats->returned = load_count(&header->returned);
    stats->voided = load_count(&header->voided);
    stats->reaped = load_count(&header->reaped);
    stats->participants = count_participants(queue, asleep);
    stats->waiting_consumers = (uint32_t)asleep[SIDE_CONSUMERS];
    stats->waiting_producers = (uint32_t)asleep[SIDE_PRODUCERS];
    for (uint64_t n = 0, touched = node_touched(queue); n < touched; ++n) {
        uint64_t state = load_count(&queue->states[n]);
        stats->nodes_touched += ticket_index(state) != NODE_BARE;
        stats->nodes_linked += node_is_listed(state);
    }
    look_holdings(queue, NULL, NULL, totals);
    stats->held = totals[0];
    stats->writing = totals[1];
    stats->max_held = geometry_held(g);
    stats->max_memory = g->max_memory;
    stats->reserve = header->reserve;
    stats->trimmed = load_count(&header->trimmed);
    memcpy(stats->id, header->id, sizeof stats->id);
    stats->max_headers = g->max_headers;
    stats->max_deliveries = g->max_deliveries;
    stats->time_to_live = g->time_to_live;
    stats->enqueue_times = slot_has_times(queue);
    stats->exclusive_consumer = (g->features & FEATURE_EXCLUSIVE) != 0;
    stats->consumer = (uint32_t)load_count(&header->consumer);
    stats->sources = source_count(queue);
    stats->oldest_age = oldest_age(queue);
    stats->expired = load_count(&header->expired);
    stats->dead_lettered = load_count(&header->moved);
    stats->dead_letter_result = atomic_load_explicit(&header->move_result, memory_order_relaxed); /* for people */
    memcpy(stats->dead_letter, header->dead_letter, sizeof stats->dead_letter - 1); /* it ends, whatever it is by now */
    if (header->features & LAYOUT_DURABLE)
        stat_durable(queue, stats);
    memory_taken(queue, &stats->memory);
    stats->unlinked = !region_is_linked(queue);
    return CQ_OK;
}

int look_stat(cq_queue *queue, cq_stats *stats)
{
    pin_all(queue);
    int result = stat_pinned(queue, stats);
    pin_none(queue);
    return result;
}
