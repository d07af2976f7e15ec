/*
 * orphan.c - messages to be delivered again: found by position, lowest first, before newer ones.
 *
 * It owns header.orphans, version | dirty, and the marks of nodes that may hold orphans. Whoever makes one marks its
 * node and then raises the version; a search that finds none marks that very version clean. Killed in between, it stays
 * dirty, and what is not marked yet a sweep marks. It must not know why a message is here (its consumer died, or gave
 * it back).
 */
#include "orphan.h"

#include "node.h"
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

/* The first orphan from `index` on in the node that `link` names: *run (with deliveries so far) and *word. */
bool orphan_in_node(cq_queue *queue, uint64_t link, uint32_t index, struct run *run, uint64_t *word)
{
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

/* Has the node an orphan in whatever life? */
static bool has_orphan(cq_queue *queue, uint32_t node)
{
    for (uint32_t i = 0; i < queue->geometry.slots_per_node; ++i)
        if (slot_phase(slot_load(queue, node_at(queue, node), i)) == SLOT_ORPHAN)
            return true;
    return false;
}

/* The same for the whole node, whose mark goes if there is none. The mark may be for a later life than the link's by
   now: then there may be an orphan all the same, and the mark stays. */
static bool in_whole_node(cq_queue *queue, uint64_t link, struct run *run, uint64_t *word)
{
    uint64_t seen = node_marks(queue, link_node(link)); /* marks:A, before the slots */

    if (orphan_in_node(queue, link, 0, run, word))
        return true;
    if (!has_orphan(queue, link_node(link)))
        node_unmark(queue, link_node(link), seen, MARK_ORPHANS);
    return false;
}

/* Without the cache, which another thread is using, or what this signal handler interrupted. */
static bool find_without_cache(cq_queue *queue, uint64_t reference, struct run *run, uint64_t *word)
{
    uint64_t link, nearer = UINT64_MAX;

    for (uint64_t left = queue->geometry.node_count; left > 0; --left, nearer = behind(reference, link))
        if (orphan_nodes(queue, reference, nearer, &link, 1) == 0)
            return false;
        else if (in_whole_node(queue, link, run, word))
            return true;
    return false;
}

/*
 * Find the lowest orphan of those announced by `version`, or any made later. What was found for the same version holds
 * still: since then orphans have only gone. So a node is looked for once, not once for each orphan in it, and many
 * together.
 */
static bool find(cq_queue *queue, uint64_t version, uint64_t reference, struct run *run, uint64_t *word)
{
    struct orphan_cache *cache = &queue->orphan_cache;
    uint64_t nearer = UINT64_MAX;
    bool found = false, more = true;

    if (!cache_enter(&cache->busy))
        return find_without_cache(queue, reference, run, word);
    if (cache->version != version)
        cache->next = cache->index = cache->count = 0;
    else if (cache->count < ORPHAN_NODES)
        more = false;
    for (uint64_t batches = queue->geometry.node_count / ORPHAN_NODES + 2; batches > 0; --batches) {
        for (; !found && cache->next < cache->count; cache->next += !found) {
            uint64_t link = cache->links[cache->next];
            nearer = behind(reference, link);
            found = (cache->index > 0 && orphan_in_node(queue, link, cache->index, run, word)) ||
                    in_whole_node(queue, link, run, word);
            cache->index = found ? run->index : 0;
        }
        if (found || !more)
            break;
        cache->version = version;
        cache->next = 0;
        cache->count = orphan_nodes(queue, reference, nearer, cache->links, ORPHAN_NODES);
        more = cache->count == ORPHAN_NODES;
    }
    cache_leave(&cache->busy);
    return found;
}

/*
 * Claim the oldest orphan. CQ_OK; CQ_EMPTY: there was none, and *version is a clean version of then: nothing was made
 * since if it is the same later. CQ_ETOOSMALL with *needed, or an error.
 */
int orphan_claim(cq_queue *queue, size_t room, struct run *run, size_t *needed, uint64_t *version)
{
    for (uint32_t attempt = 0; attempt < RETRY_LIMIT; ++attempt) {
        *version = orphan_version(queue);
        if (!orphan_is_dirty(*version))
            return CQ_EMPTY;
        uint64_t word;
        /* orphan_claim:A, after orphan_version:A; pairs with swing_head:A. */
        uint64_t reference = atomic_load_explicit(&queue->header->head, memory_order_acquire);
        if (!find(queue, *version, reference, run, &word)) {
            /* orphan_claim:B, after the search: only this version. A newer one stays dirty. */
            atomic_compare_exchange_strong_explicit(&queue->header->orphans, version, *version & ~ORPHANS_DIRTY,
                                                    memory_order_seq_cst, memory_order_relaxed);
            continue;
        }
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
