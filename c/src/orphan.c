/*
 * orphan.c - messages to be delivered again: found by position, lowest first, before newer ones.
 *
 * It owns header.orphans, version | dirty, and the marks of nodes that may hold orphans. Whoever makes one marks its
 * node and then raises the version; a search that finds none marks that very version clean. Killed in between, it stays
 * dirty, and what is not marked yet a sweep marks. It must not know why a message is here (its consumer died, or gave
 * it back).
 */
#include "orphan.h"

#include "ends.h"
#include "node.h"
#include "pin.h"
#include "slot.h"
#include "wake.h"

/* A slot of the node became ORPHAN, or was found so: before that is announced. */
void orphan_made(cq_queue *queue, uint32_t node) { node_mark(queue, node, MARK_ORPHANS); }

/* Say that there are orphans. After the node was marked, before the maker does anything else. */
void orphan_announce(cq_queue *queue)
{
    uint64_t version = atomic_load_explicit(&queue->header->orphans, memory_order_relaxed); /* the exchange decides */
    /* orphan_announce:A release, pairs with orphan_version:A: with this version come the ORPHAN slot, its mark, and a
       head that is not before it. */
    for (uint32_t attempt = 0; attempt < RETRY_LIMIT; ++attempt)
        if (atomic_compare_exchange_weak_explicit(&queue->header->orphans, &version, (version + 2) | ORPHANS_DIRTY,
                                                  memory_order_seq_cst, memory_order_relaxed))
            break;
    wake_side(queue, SIDE_CONSUMERS, 1);
}

/* ---- where they are ---------------------------------------------------------------------------------- */

static uint64_t behind(uint64_t reference, uint64_t link)
{
    return sequence_distance(word_sequence(reference), word_sequence(link));
}

/* Links in a heap, the nearest behind `reference` on top. */
static void sift_down(uint64_t reference, uint64_t *links, uint32_t count, uint32_t at)
{
    uint64_t link = links[at];

    for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && behind(reference, links[child + 1]) < behind(reference, links[child]))
            ++child;
        if (behind(reference, link) <= behind(reference, links[child]))
            break;
        links[at] = links[child];
    }
    links[at] = link;
}

/* Make a heap of them from the node `at` on down to the first. */
static void make_heap(uint64_t reference, uint64_t *links, uint32_t count)
{
    for (uint32_t at = count / 2; at-- > 0;)
        sift_down(reference, links, count, at);
}

/* The link of a marked node, or 0: it is in no list, or ahead of the reference, where no orphans are. */
static uint64_t listed_link(cq_queue *queue, uint64_t reference, uint32_t node, uint64_t marks)
{
    /* node_state:A, pairs with help_tail:C, settle:B and node_free:A. */
    uint64_t state = atomic_load_explicit(&queue->states[node], memory_order_acquire);

    if (node_is_listed(state))
        return is_since(word_sequence(state), reference) ? 0 : link_word(word_sequence(state), node);
    if (queue->owner != 0) /* not on a read-only mapping */
        node_unmark(queue, node, marks, MARK_ORPHANS);
    return 0;
}

/*
 * The nodes that may hold orphans and are behind the link `reference` (or it) by less than `nearer` nodes: the furthest
 * `room` of them, furthest first. How many; less than `room`: these are all.
 */
uint32_t orphan_nodes(cq_queue *queue, uint64_t reference, uint64_t nearer, uint64_t *links, uint32_t room)
{
    uint64_t touched = node_touched(queue);
    uint32_t count = 0;

    for (uint64_t base = 0; base < touched; base += MARK_NODES) {
        uint64_t marks = node_marks(queue, base); /* marks:A, pairs with mark:A */
        for (uint64_t left = marks & 0xffff; left != 0; left &= left - 1) {
            uint64_t node = base + (uint64_t)__builtin_ctzll(left);
            uint64_t link = node < touched ? listed_link(queue, reference, (uint32_t)node, marks) : 0;
            if (link == 0 || behind(reference, link) >= nearer)
                continue;
            if (count < room) {
                links[count++] = link;
                if (count == room)
                    make_heap(reference, links, count);
            } else if (behind(reference, link) > behind(reference, links[0])) {
                links[0] = link;
                sift_down(reference, links, count, 0);
            }
        }
    }
    if (count < room)
        make_heap(reference, links, count);
    for (uint32_t left = count; left > 1;) { /* the nearest of those left goes last */
        uint64_t nearest = links[0];
        links[0] = links[--left];
        links[left] = nearest;
        sift_down(reference, links, left, 0);
    }
    return count;
}

/* The first orphan from `index` on in the node that `link` names: *run (with deliveries so far) and *word. All is
   pinned. The link may be an old one. */
bool orphan_in_node(cq_queue *queue, uint64_t link, uint32_t index, struct run *run, uint64_t *word)
{
    if (!node_lives(queue, link))
        return false;
    for (; index < queue->geometry.slots_per_node; ++index) {
        *word = slot_load(queue, node_at(queue, link_node(link)), index);
        if (word_sequence(*word) != word_sequence(link) || slot_phase(*word) != SLOT_ORPHAN)
            continue;
        *run = run_of(queue, word_sequence(link), link_node(link), index, 1);
        run->deliveries = slot_deliveries(*word);
        return true;
    }
    return false;
}

/* ---- those whose time has not come ------------------------------------------------------------------ */

_Atomic uint64_t *orphan_due(const cq_queue *queue, const struct run *run)
{
    reach_due(queue);
    return (_Atomic uint64_t *)(void *)(queue->base + queue->geometry.dues_offset) +
           ((uint64_t)run->node * queue->geometry.slots_per_node + run->index);
}

/* Is the orphan to go to dead_letter instead? */
bool orphan_is_spent(const cq_queue *queue, const struct run *run, uint64_t word, int64_t date)
{
    const struct geometry *g = &queue->geometry;

    if (g->max_deliveries != 0 && slot_deliveries(word) >= g->max_deliveries)
        return true;
    return g->time_to_live != 0 && queue->header->dead_letter[0] != '\0' &&
           slot_is_expired(queue, run_slot(queue, run, 0), date);
}

/* Has the front come to this ticket? */
static bool has_come(const cq_queue *queue, uint64_t front, uint64_t ticket)
{
    return position_distance(front, ticket, queue->geometry.slots_per_node) < POSITION_BEHIND;
}

/* May it be delivered now? If not, the terms say when. */
static bool is_due(const cq_queue *queue, struct terms *terms, const struct run *run, uint64_t word)
{
    int64_t until = INT64_MIN;

    if (word_owner(word) == ORPHAN_LATER) {
        /* Relaxed: written before the slot became this word, of which the caller has seen it. */
        uint64_t due = atomic_load_explicit(orphan_due(queue, run), memory_order_relaxed);
        if (due & DUE_TAIL) {
            uint64_t ticket = due << 12;
            if (terms->last || has_come(queue, terms->front, ticket))
                return true;
            if (terms->tail == 0 || !has_come(queue, ticket, terms->tail))
                terms->tail = ticket;
            return false;
        }
        until = (int64_t)due;
    }
    if (orphan_is_spent(queue, run, word, terms->date)) {
        /* Relaxed: a time to try again. */
        int64_t after = (int64_t)atomic_load_explicit(&queue->letters_after, memory_order_relaxed);
        until = until > after ? until : after;
    }
    if (until <= terms->date)
        return true;
    terms->until = until < terms->until ? until : terms->until;
    return false;
}

/* The first from `index` on that may be delivered now. */
static bool due_in_node(cq_queue *queue, struct terms *terms, uint64_t link, uint32_t index, struct run *run,
                        uint64_t *word)
{
    for (; orphan_in_node(queue, link, index, run, word); index = run->index + 1)
        if (is_due(queue, terms, run, *word))
            return true;
    return false;
}

/* ---- finding and claiming ---------------------------------------------------------------------------- */

/* Has the node an orphan in whatever life? */
static bool has_orphan(cq_queue *queue, uint32_t node)
{
    /* node_state:A, pairs with help_tail:C and node_free:A: in no list it has none, and perhaps no memory. */
    if (!node_is_listed(atomic_load_explicit(&queue->states[node], memory_order_acquire)))
        return false;
    for (uint32_t i = 0; i < queue->geometry.slots_per_node; ++i)
        if (slot_phase(slot_load(queue, node_at(queue, node), i)) == SLOT_ORPHAN)
            return true;
    return false;
}

/* The same for the whole node, whose mark goes if there is none. The mark may be for a later life than the link's by
   now: then there may be an orphan all the same, and the mark stays. */
static bool in_whole_node(cq_queue *queue, struct terms *terms, uint64_t link, struct run *run, uint64_t *word)
{
    uint64_t seen = node_marks(queue, link_node(link)); /* marks:A, before the slots */

    if (due_in_node(queue, terms, link, 0, run, word))
        return true;
    if (!has_orphan(queue, link_node(link)))
        node_unmark(queue, link_node(link), seen, MARK_ORPHANS);
    return false;
}

/* Without the cache, which another thread is using, or what this signal handler interrupted. */
static bool find_without_cache(cq_queue *queue, struct terms *terms, uint64_t reference, struct run *run,
                               uint64_t *word)
{
    uint64_t link, nearer = UINT64_MAX;

    for (uint64_t left = queue->geometry.node_count; left > 0; --left, nearer = behind(reference, link))
        if (orphan_nodes(queue, reference, nearer, &link, 1) == 0)
            return false;
        else if (in_whole_node(queue, terms, link, run, word))
            return true;
    return false;
}

/* What was passed by before is due by now. */
static bool has_changed(const cq_queue *queue, const struct orphan_cache *cache, const struct terms *terms)
{
    return cache->until <= terms->date ||
           (cache->tail != 0 && (terms->last || has_come(queue, terms->front, cache->tail)));
}

/*
 * Find the lowest orphan of those announced by `version`, or any made later. What was found for the same version holds
 * still: since then orphans have only gone. So a node is looked for once, not once for each orphan in it, and many
 * together.
 */
static bool find(cq_queue *queue, struct terms *terms, uint64_t version, uint64_t reference, struct run *run,
                 uint64_t *word)
{
    struct orphan_cache *cache = &queue->orphan_cache;
    uint64_t nearer = UINT64_MAX;
    bool found = false, more = true;

    if (!cache_enter(&cache->busy))
        return find_without_cache(queue, terms, reference, run, word);
    if (cache->version != version || has_changed(queue, cache, terms)) {
        cache->next = cache->index = cache->count = 0;
        cache->until = INT64_MAX;
        cache->tail = 0;
    } else if (cache->count < ORPHAN_NODES)
        more = false;
    terms->until = cache->until;
    terms->tail = cache->tail;
    for (uint64_t batches = queue->geometry.node_count / ORPHAN_NODES + 2; batches > 0; --batches) {
        for (; !found && cache->next < cache->count; cache->next += !found) {
            uint64_t link = cache->links[cache->next];
            nearer = behind(reference, link);
            found = (cache->index > 0 && due_in_node(queue, terms, link, cache->index, run, word)) ||
                    in_whole_node(queue, terms, link, run, word);
            cache->index = found ? run->index : 0;
        }
        if (found || !more)
            break;
        cache->version = version;
        cache->next = 0;
        cache->count = orphan_nodes(queue, reference, nearer, cache->links, ORPHAN_NODES);
        more = cache->count == ORPHAN_NODES;
    }
    cache->until = terms->until;
    cache->tail = terms->tail;
    cache_leave(&cache->busy);
    return found;
}

/* From where the next orphan is looked for. */
static uint64_t begin_search(cq_queue *queue, struct terms *terms)
{
    struct end head;
    /* orphan_claim:A, after orphan_version:A; pairs with swing_head:A. */
    uint64_t reference = atomic_load_explicit(&queue->header->head, memory_order_acquire);

    if (end_read(queue, SIDE_CONSUMERS, memory_order_acquire, NULL, &head) == CQ_OK)
        terms->front = head.ticket;
    else
        terms->front = ticket_word(word_sequence(reference), 0, 0);
    terms->until = INT64_MAX;
    terms->tail = 0;
    return reference;
}

/* Is there one that may be delivered now? */
bool orphan_waits(cq_queue *queue, struct terms *terms)
{
    uint64_t version = orphan_version(queue), word;
    struct run run;

    if (!orphan_is_dirty(version))
        return false;
    pin_all(queue); /* as orphan_claim */
    bool found = find(queue, terms, version, begin_search(queue, terms), &run, &word);
    pin_none(queue);
    return found;
}

/*
 * Claim the oldest orphan. CQ_OK; CQ_EMPTY: there was none, and *version is a clean version of then: nothing was
 * made since if it is the same later; or a dirty one, and the terms say when the next is due. RESULT_SPENT: *run is
 * one that is to go to dead_letter, and nobody has claimed it. CQ_ETOOSMALL with *needed, or an error.
 */
static int claim_pinned(cq_queue *queue, struct terms *terms, size_t room, struct run *run, size_t *needed,
                        uint64_t *version)
{
    for (uint32_t attempt = 0; attempt < RETRY_LIMIT; ++attempt) {
        *version = orphan_version(queue);
        if (!orphan_is_dirty(*version))
            return CQ_EMPTY;
        uint64_t word, reference = begin_search(queue, terms);
        if (!find(queue, terms, *version, reference, run, &word)) {
            if (terms->until != INT64_MAX || terms->tail != 0)
                return CQ_EMPTY;
            /* orphan_claim:B, after the search: only this version. A newer one stays dirty. */
            atomic_compare_exchange_strong_explicit(&queue->header->orphans, version, *version & ~ORPHANS_DIRTY,
                                                    memory_order_seq_cst, memory_order_relaxed);
            continue;
        }
        if (orphan_is_spent(queue, run, word, terms->date))
            return RESULT_SPENT;
        struct layout_slot *slot = run_slot(queue, run, 0);
        size_t size = 0;
        int result = room == SIZE_MAX ? CQ_OK : slot_peek(queue, slot, word, &size, NULL, 0);
        if (result != CQ_OK || (room != SIZE_MAX && size > room)) {
            if (atomic_load_explicit(&slot->state, memory_order_acquire) != word) /* peek:B, after peek:A */
                continue;
            *needed = size;
            return result != CQ_OK ? result : CQ_ETOOSMALL;
        }
        run->deliveries += run->deliveries < 0xff;
        /* orphan_claim:C acquire, pairs with finish:A, which made it ORPHAN: its last reader is done. */
        if (atomic_compare_exchange_strong_explicit(
                &slot->state, &word,
                slot_word(run->sequence, run->deliveries, SLOT_READING | slot_short(word), queue->owner),
                memory_order_seq_cst, memory_order_relaxed)) {
            atomic_fetch_add_explicit(&queue->header->redelivered, 1, memory_order_relaxed); /* a count */
            return CQ_OK;
        }
    }
    return CQ_ECORRUPT;
}

int orphan_claim(cq_queue *queue, struct terms *terms, size_t room, struct run *run, size_t *needed, uint64_t *version)
{
    pin_all(queue); /* it goes to any node */
    int result = claim_pinned(queue, terms, room, run, needed, version);
    pin_none(queue);
    return result;
}
