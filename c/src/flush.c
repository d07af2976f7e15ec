/*
 * flush.c - one flush: which facts are written, and what is known once they are on the disk.
 *
 * It owns the words `logged` and `logged_in` of nodes, header.reserved and header.complete. A fact is true whenever it
 * is written, so a flusher that was stopped for long, or died, does no harm and is waited for by nobody. It must not
 * know when a flush is due (sync.c), nor how files are made and removed (segment.c, collect.c). c/DESIGN.md, Power
 * cuts, has the argument.
 */
#include "flush.h"

#include "ends.h"
#include "node.h"
#include "slot.h"

#include <errno.h>
#include <stdlib.h>

#define COPIED_BYTES 4096u        /* of a message, copied at a time */
#define LOGGED_SLOTS 24u   /* a word of `logged` is for so many slots ... */
#define LOGGED_MASK 0xffffffu /* ... and `logged_in` has so much of a generation */

/* ---- what is logged ---------------------------------------------------------------------------------- */

/* Of a slot in the life `sequence`. */
static bool is_logged(struct layout_node *node, uint64_t sequence, uint32_t index)
{
    /* logged:A, pairs with logged:C: with the bit comes `logged_in`. */
    uint64_t word = atomic_load_explicit(&node->logged[index / LOGGED_SLOTS], memory_order_acquire);
    return word_sequence(word) == sequence && (word >> index % LOGGED_SLOTS & 1);
}

/* The generation that a `logged_in` stands for: the last before `now` (or it) with these bits. */
static uint64_t generation_of(uint64_t logged_in, uint64_t now)
{
    return now - ((now - logged_in) & LOGGED_MASK);
}

/* The life's messages may be in this generation from now on. False: the node lives another by now. */
static bool lower_logged_in(struct layout_node *node, const struct durable_mark *mark, uint64_t generation)
{
    uint64_t sequence = word_sequence(mark->link), mine = link_word(sequence, (uint32_t)generation & LOGGED_MASK);
    uint64_t word = atomic_load_explicit(&node->logged_in, memory_order_relaxed); /* the exchange decides */

    if (mark->moves) {
        uint64_t seen = mark->logged_in;
        /* logged:B, as below: if it is still as it was, all that the life has is in this generation. */
        if (atomic_compare_exchange_strong_explicit(&node->logged_in, &seen, mine, memory_order_acq_rel,
                                                    memory_order_relaxed))
            return true;
        word = seen;
    }
    for (uint32_t attempt = 0; attempt < RETRY_LIMIT; ++attempt) {
        if (is_since(word_sequence(word), mark->link))
            return false;
        if (word_sequence(word) == sequence && ((generation - word) & LOGGED_MASK) <= LOGGED_MASK / 2)
            return true; /* older, or this one */
        /* logged:B, before logged:C: whoever sees the bit sees a generation that is not too new. */
        if (atomic_compare_exchange_weak_explicit(&node->logged_in, &word, mine, memory_order_acq_rel,
                                                  memory_order_relaxed))
            return true;
    }
    return false;
}

static void mark_listed(cq_queue *queue, const struct durable_mark *mark, uint64_t generation)
{
    struct layout_node *node = node_at(queue, link_node(mark->link));
    uint64_t sequence = word_sequence(mark->link);

    /* Of a life that is over nothing need be known, and its memory may be gone. */
    if (!node_lives(queue, mark->link) || !lower_logged_in(node, mark, generation))
        return;
    for (uint32_t first = 0; first < queue->geometry.slots_per_node; first += LOGGED_SLOTS) {
        uint64_t bits = 0;
        for (uint32_t i = first; i < first + LOGGED_SLOTS && i < LAYOUT_MAX_SLOTS; ++i)
            bits |= (mark->slots[i / 64] >> i % 64 & 1) << (i - first);
        _Atomic uint64_t *logged = &node->logged[first / LOGGED_SLOTS];
        uint64_t word = atomic_load_explicit(logged, memory_order_relaxed); /* the exchange decides */
        while (bits != 0 && !is_since(word_sequence(word), mark->link)) {
            uint64_t before = word_sequence(word) == sequence ? word : link_word(sequence, 0);
            /* logged:C release, pairs with logged:A. */
            if (atomic_compare_exchange_weak_explicit(logged, &word, before | bits, memory_order_acq_rel,
                                                      memory_order_relaxed))
                break;
        }
    }
}

static void mark_logged(cq_queue *queue, const struct durable_mark *mark, uint64_t generation)
{
    pin_all(queue);
    mark_listed(queue, mark, generation);
    pin_none(queue);
}

/* While a region is made: the slot's message is on the disk, in this generation. Nobody else is there. */
void flush_note(cq_queue *queue, uint32_t number, uint64_t sequence, uint32_t index, uint64_t generation)
{
    struct durable_mark mark = {.link = link_word(sequence, number)};

    mark.slots[index / 64] = UINT64_C(1) << index % 64;
    mark_logged(queue, &mark, generation);
}

/* ---- the scan ---------------------------------------------------------------------------------------- */

struct scan {
    cq_queue *queue;
    struct flush *flush;
    struct end head;
    uint64_t tail;     /* the link, before anything was looked at */
    uint64_t complete; /* header.complete */
    bool counts;       /* only: nothing is written */
    uint64_t unsynced;
};

/* The array, with room for one more of `size` bytes; NULL: there is no memory, and it is as it was. */
static void *with_room(void *array, size_t count, size_t *room, size_t size)
{
    size_t more = *room ? 2 * *room : 64;

    if (count < *room)
        return array;
    void *larger = realloc(array, more * size);
    if (larger)
        *room = more;
    return larger;
}

/* FULL, READING, ORPHAN: there is a message, and its bytes stay. */
static bool is_live(uint64_t word, uint64_t sequence)
{
    uint32_t phase = slot_phase(word);
    return word_sequence(word) == sequence && (phase == SLOT_FULL || phase == SLOT_READING || phase == SLOT_ORPHAN);
}

/* A part of the slot, from `offset` of its payload on, becomes a part of the record. */
static int copy_part(struct scan *scan, struct layout_slot *slot, ptrdiff_t offset, size_t size)
{
    unsigned char piece[COPIED_BYTES];
    int error = 0;

    for (size_t done = 0; done < size && error == 0; done += sizeof piece) {
        size_t part = size - done < sizeof piece ? size - done : sizeof piece;
        slot_read(scan->queue, slot, offset + (ptrdiff_t)done, piece, part);
        error = segment_body(&scan->queue->durable->segment, piece, part);
    }
    return error;
}

/* Append the message of a slot that held `word`. *there: it was there all the time. */
static int write_message(struct scan *scan, struct layout_slot *slot, uint64_t word, const struct slot_before *before,
                         struct fact *fact, bool *there)
{
    struct segment *segment = &scan->queue->durable->segment;
    bool fed = before->feed.source != 0;
    size_t size;
    int error;

    if (slot_size(scan->queue, slot, word, &size) != CQ_OK) {
        *there = false; /* overwritten, or a hostile peer's */
        return 0;
    }
    fact->kind = fed ? FACT_FED : FACT_MESSAGE;
    fact->size = (uint32_t)(slot_before_bytes(before) + size);
    if ((error = segment_fact(segment, fact)) == 0 &&
        (error = segment_body(segment, &before->feed, fed ? sizeof before->feed : 0)) == 0 &&
        (error = segment_body(segment, before->bytes, before->size)) == 0 &&
        (error = copy_part(scan, slot, before->headers_at, before->headers)) == 0)
        error = copy_part(scan, slot, 0, size);
    /* peek:A, before peek:B; meets publish:B and finish:A: the bytes were read before the state is read again. */
    fence(memory_order_acquire);
    if (error != 0)
        return error;
    /* peek:B, after peek:A. */
    *there = is_live(atomic_load_explicit(&slot->state, memory_order_relaxed), word_sequence(word));
    if (!*there)
        return segment_drop_fact(segment);
    ++scan->queue->durable->state.messages;
    return segment_end_fact(segment);
}

/* What a flush found out about a node. */
struct finding {
    struct durable_mark mark;
    bool writes, unfinished, stays, is_behind;
    uint32_t before; /* slots before this one are behind D */
};

static int scan_slot(struct scan *scan, struct layout_node *node, uint32_t index, uint64_t word,
                     struct finding *finding)
{
    const struct flush *flush = scan->flush;
    struct layout_slot *slot = slot_at(scan->queue, node, index);
    uint64_t sequence = word_sequence(finding->mark.link);
    bool behind = index < finding->before, logged = is_logged(node, sequence, index), there = true;
    uint32_t deliveries = behind && slot_phase(word) == SLOT_FULL ? 1 : slot_deliveries(word);
    struct fact fact = {.ticket = flush->ticket, .deliveries = deliveries,
                        .position = sequence * scan->queue->geometry.slots_per_node + index};
    struct slot_before before = {.size = 0};
    size_t size;
    int error;

    if (scan->counts) {
        scan->unsynced += !logged;
        return 0;
    }
    struct statement *state = &scan->queue->durable->state;
    if (!logged || flush->collects)
        slot_peek_before(scan->queue, slot, sequence, &before);
    if (!logged && before.feed.source != 0 && !state_has(state, &before.feed)) {
        finding->unfinished = true; /* fed since: it is of the next flush, as its number */
        return 0;
    }
    if (!logged || finding->mark.moves) {
        error = write_message(scan, slot, word, &before, &fact, &there);
        if (error != 0 || !there)
            return error;
        finding->mark.slots[index / 64] |= UINT64_C(1) << index % 64;
        finding->writes = true;
    } else
        finding->stays = true;
    if (flush->collects && slot_size(scan->queue, slot, word, &size) == CQ_OK)
        scan->flush->live += fact_bytes((uint32_t)(slot_before_bytes(&before) + size));
    return behind ? state_add_run(state, fact.position, deliveries) : 0;
}

static int scan_slots(struct scan *scan, struct layout_node *node, struct finding *finding)
{
    uint64_t sequence = word_sequence(finding->mark.link);
    int error = 0;

    for (uint32_t i = 0; i < scan->queue->geometry.slots_per_node && error == 0; ++i) {
        uint64_t word = slot_load(scan->queue, node, i); /* slot_load:A, after flush:A */
        if (word_sequence(word) != sequence) {
            finding->unfinished = true;
            break; /* PREFIX: nothing behind it is touched */
        }
        if (is_live(word, sequence))
            error = scan_slot(scan, node, i, word, finding);
        else
            finding->unfinished |= slot_phase(word) == SLOT_WRITING || slot_phase(word) == SLOT_FED;
    }
    return error;
}

/* From which generation the messages of the node that were not written again are needed. */
static void note_generation(struct scan *scan, struct layout_node *node)
{
    uint64_t now = scan->queue->durable->segment.head.generation;
    /* logged:D, after logged:A; pairs with logged:B: it is not too new for the bits that were seen. */
    uint64_t own = generation_of(atomic_load_explicit(&node->logged_in, memory_order_acquire), now);

    if (own < scan->flush->oldest)
        scan->flush->oldest = own;
}

static int scan_pinned(struct scan *scan, uint32_t number)
{
    cq_queue *queue = scan->queue;
    struct durable *durable = queue->durable;
    struct flush *flush = scan->flush;
    struct layout_node *node = node_at(queue, number);
    /* node_state:A, pairs with help_tail:C and settle:B. */
    uint64_t state = atomic_load_explicit(&queue->states[number], memory_order_acquire);
    uint64_t sequence = word_sequence(state), link = link_word(sequence, number);
    struct finding finding = {.mark = {.link = link}};

    if (!node_is_listed(state))
        return 0;
    bool ahead = is_since(sequence, scan->head.link), is_head = sequence == word_sequence(scan->head.link);
    if (ahead && !flush->collects && scan->complete != 0 && is_since(scan->complete, link))
        return 0;
    finding.before = ahead ? 0 : is_head ? ticket_index(flush->deq) : queue->geometry.slots_per_node;
    /* Relaxed: the exchange at logged:B decides whether it was still this one. */
    finding.mark.logged_in = atomic_load_explicit(&node->logged_in, memory_order_relaxed);
    finding.mark.moves = flush->collects && word_sequence(finding.mark.logged_in) == sequence &&
                         generation_of(finding.mark.logged_in, durable->segment.head.generation) < flush->move_before;
    int error = scan_slots(scan, node, &finding);
    if (error != 0)
        return error;
    if (finding.stays && flush->collects)
        note_generation(scan, node);
    if (finding.unfinished && (ahead || is_head) && is_since(flush->complete, link))
        flush->complete = sequence;
    if (!finding.writes)
        return 0;
    struct durable_mark *marks = with_room(durable->marks, durable->mark_count, &durable->mark_room, sizeof *marks);
    if (!marks)
        return ENOMEM;
    durable->marks = marks;
    durable->marks[durable->mark_count++] = finding.mark;
    return 0;
}

static int scan_node(struct scan *scan, uint32_t number)
{
    pin_all(scan->queue);
    int error = scan_pinned(scan, number);
    pin_none(scan->queue);
    return error;
}

/* CQ_OK, or CQ_ECORRUPT; *error: 0 or an error number. */
static int scan_all(struct scan *scan, int *error)
{
    cq_queue *queue = scan->queue;
    int result = RESULT_RETRY;

    /* end_read:A, pairs with help_tail:D: the nodes up to it are listed. */
    scan->tail = atomic_load_explicit(&queue->header->tail, memory_order_acquire);
    pin_all(queue);
    for (uint32_t attempt = 0; attempt < RETRY_LIMIT && result == RESULT_RETRY; ++attempt)
        result = end_read(queue, SIDE_CONSUMERS, memory_order_seq_cst, NULL, &scan->head); /* D, before any slot */
    pin_none(queue);
    if (result != CQ_OK)
        return CQ_ECORRUPT;
    scan->flush->deq = scan->head.ticket;
    scan->flush->complete = word_sequence(scan->tail);
    /* complete:A, pairs with raise:A: what was complete then is logged. */
    scan->complete = atomic_load_explicit(&queue->header->complete, memory_order_acquire);
    uint64_t touched = node_touched(queue);
    for (uint64_t n = 0; n < touched && *error == 0; ++n)
        *error = scan_node(scan, (uint32_t)n);
    return CQ_OK;
}

/* How many messages no flush has put on the disk. */
uint64_t flush_unsynced(cq_queue *queue)
{
    struct flush none = {0};
    struct scan scan = {.queue = queue, .flush = &none, .counts = true};
    int error = 0;

    return scan_all(&scan, &error) == CQ_OK ? scan.unsynced : 0;
}

/* ---- writing ----------------------------------------------------------------------------------------- */

/* Raise a word of the header that holds a sequence. */
static void raise_sequence(_Atomic uint64_t *word, uint64_t sequence)
{
    uint64_t seen = atomic_load_explicit(word, memory_order_relaxed); /* the exchange decides */

    while ((seen == 0 || is_since(sequence, link_word(seen, 0))) &&
           /* raise:A release, pairs with reserved:A and complete:A: it is on the disk. seq_cst for reserve_asked. */
           !atomic_compare_exchange_weak_explicit(word, &seen, sequence, memory_order_seq_cst, memory_order_relaxed))
        ;
}

/*
 * How far sequences may be used once this flush is done: further than now if less than half of it is left. It is asked
 * for before it is written, so that each STATE has what any flush that is done has written.
 */
static uint64_t reserve_ahead(cq_queue *queue, uint64_t tail)
{
    _Atomic uint64_t *asked = &queue->header->reserve_asked;
    /* asked:A, before the flush is concluded at generation:A; meets generation:B: who ends the generation, and may
       remove what this flush writes, reads it at asked:B. */
    uint64_t left = sequence_distance(atomic_load_explicit(asked, memory_order_seq_cst), word_sequence(tail));

    if (left > SEQUENCE_MAX / 2 || left < reserve_step() / 2)
        raise_sequence(asked, flush_sequence_ahead(word_sequence(tail), reserve_step()));
    return atomic_load_explicit(asked, memory_order_seq_cst); /* asked:B, after generation:B; meets asked:A */
}

/* Write what flush->ticket is for into the handle's segment, and have it on the disk. An error number, -1 if the region
   contradicts itself. */
int flush_write(cq_queue *queue, struct flush *flush)
{
    struct durable *durable = queue->durable;
    struct scan scan = {.queue = queue, .flush = flush};
    int error = 0;

    durable->mark_count = durable->state.run_count = durable->state.messages = 0;
    flush->oldest = durable->segment.head.generation;
    state_look(queue, &durable->state);
    if (scan_all(&scan, &error) != CQ_OK)
        return -1;
    durable->state.reserve = reserve_ahead(queue, scan.tail);
    durable->state.position = fact_position(flush->deq, queue->geometry.slots_per_node);
    if (error == 0)
        error = state_write(&durable->segment, flush->ticket, &durable->state);
    return error != 0 ? error : segment_flush(&durable->segment);
}

/* It is on the disk: say so. False: the segment's generation is over, its files may be gone, and all of this was for
   nothing. */
bool flush_conclude(cq_queue *queue, const struct flush *flush)
{
    struct durable *durable = queue->durable;
    uint64_t generation = durable->segment.head.generation;

    /* generation:A, after the scan; meets generation:B: if it is still this one, whoever ends it scans after this scan,
       and so finds all that was found here, or that it has gone. */
    if (atomic_load_explicit(&queue->header->generation, memory_order_seq_cst) != generation)
        return false;
    for (size_t i = 0; i < durable->mark_count; ++i)
        mark_logged(queue, &durable->marks[i], generation);
    raise_sequence(&queue->header->reserved_sequence, durable->state.reserve);
    raise_sequence(&queue->header->complete, flush->complete);
    uint64_t done = atomic_load_explicit(&queue->header->flush_done, memory_order_relaxed); /* the exchange decides */
    while (done < flush->ticket &&
           /* done:A release, pairs with done:B: what the flush was for is on the disk. */
           !atomic_compare_exchange_weak_explicit(&queue->header->flush_done, &done, flush->ticket,
                                                  memory_order_seq_cst, memory_order_relaxed))
        ;
    return true;
}
