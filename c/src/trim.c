/*
 * trim.c - giving the memory of free nodes back to the file system.
 *
 * It owns when that is done, and in which pieces. It must not know how a node becomes free, nor how it gets memory
 * again (node.c, supply.c).
 *
 * Who takes the turn of looking around (reap.c) also looks whether a period is over: some turns, more of them if nodes
 * that were emptied were needed again soon. If the region has more memory than the nodes that were in use in the period
 * need, and a little, the rest is given back: from the end of the file on, since the lowest nodes are used first. One
 * piece is a window of the file. The free nodes that overlap it are taken, and what they fill of the window is punched
 * out, page by page or granule by granule; then they are free again, and BARE. So who holds a node may rely on its
 * memory, and whoever dies in the middle leaves BARE(dead), which a sweep makes BARE.
 *
 * A call touches a node in which it holds nothing only while it names it, or pins all (pin.h), and after it saw that
 * the node lives, in memory that stays. A taken node that is named is left alone, and so are all while somebody pins.
 */
#include "trim.h"

#include "geometry.h"
#include "memory.h"
#include "node.h"
#include "os.h"
#include "participant.h"
#include "slot.h"
#include "trace.h"
#include "wake.h"

#include <errno.h>

#define PERIOD 3u                        /* turns */
#define PATIENCE_MOST 6u                 /* doublings of it */
#define SLACK (UINT64_C(1) << 19)        /* bytes of free nodes that nobody minds */
#define WINDOWS 16u                      /* looked at in a piece ... */
#define PIECE_NS INT64_C(250000)         /* ... and no more after this time: a call must not take long for others */
#define PIN_TRIES 64u                    /* yields, until calls that may go anywhere are over */

/* The nodes of a window, and which of them are held: see give_window. */
struct window {
    uint64_t begin, end;  /* in the file */
    uint64_t first, last; /* nodes, behind the last */
};

static bool trim_enter(cq_queue *queue)
{
    /* cache:A, pairs with trim_leave. */
    return atomic_fetch_or_explicit(&queue->trim.busy, 1, memory_order_acquire) == 0;
}
static void trim_leave(cq_queue *queue)
{
    atomic_store_explicit(&queue->trim.busy, 0, memory_order_release); /* cache:A, pairs with trim_enter */
}

/* Something is begun, or all is done. Until then also consumers that find a message each time go on with it. Hints. */
static void set_pending(cq_queue *queue, bool pending)
{
    atomic_store_explicit(&queue->trim.pending, pending, memory_order_relaxed);
    atomic_store_explicit(&queue->usual_slots, pending || queue->looks ? 0 : queue->geometry.slots_per_node,
                          memory_order_relaxed);
}

static uint64_t place_in_file(const cq_queue *queue, uint64_t node)
{
    return queue->geometry.nodes_offset + node * queue->geometry.node_stride;
}

/* Of a multiple of what memory is given in, and with no more nodes than TRIM_MOST. */
static uint64_t window_size(const cq_queue *queue)
{
    uint64_t stride = queue->geometry.node_stride;
    if (stride < LAYOUT_PAGE)
        return stride * (TRIM_MOST - 4) / LAYOUT_PAGE * LAYOUT_PAGE;
    return round_up(stride, TRIM_WINDOW);
}

/* The window that ends at `end`, or before; false: there is none. */
static bool window_before(cq_queue *queue, uint64_t end, struct window *window)
{
    const struct geometry *g = &queue->geometry;
    uint64_t size = window_size(queue), touched = node_touched(queue);
    uint64_t keep = queue->trim.keep > g->reserved_nodes ? queue->trim.keep : g->reserved_nodes;
    uint64_t least = place_in_file(queue, keep);

    if (end > place_in_file(queue, touched))
        end = place_in_file(queue, touched);
    if (end <= least)
        return false;
    window->end = end;
    window->begin = (end - 1) / size * size;
    window->first = window->begin <= least ? keep : (window->begin - g->nodes_offset) / g->node_stride;
    window->last = (end - g->nodes_offset + g->node_stride - 1) / g->node_stride;
    return true;
}

/* Is a call under way that may touch any node, of anybody but the dead? */
static bool is_pinned(cq_queue *queue)
{
    uint32_t last = participant_last_entry(queue);

    for (uint32_t id = 1; id <= last; ++id)
        /* pin:D acquire, after strip:A; pairs with pin:C. */
        if (atomic_load_explicit(&queue->participants[id].pins, memory_order_acquire) != 0 &&
            !participant_is_gone(queue, id))
            return true;
    return false;
}

/* The nodes of the window that a participant names. */
static void mark_named(const cq_queue *queue, const struct window *window, struct trim *trim, uint32_t id)
{
    for (uint32_t i = 0; i < 2 * LAYOUT_SEATS; ++i) {
        /* name:C acquire, after strip:A; pairs with name:A. */
        uint64_t node = atomic_load_explicit(&queue->participants[id].names[i / 2][i % 2], memory_order_acquire);
        if (node-- > 0 && node >= window->first && node < window->last &&
            participant_record(queue, id) & PARTICIPANT_USED)
            trim->held[node - window->first] = HELD_NAMED;
    }
}

/* Which nodes of the window may somebody touch who holds nothing in them? Those that are named; or all, while a call is
   under way that may go anywhere. It gets a little time. */
static void mark_pinned(cq_queue *queue, const struct window *window, struct trim *trim)
{
    uint32_t tries = 0;

    fence(memory_order_seq_cst); /* strip:A, after node_take:A; meets pin:B and name:B */
    while (is_pinned(queue) && tries++ < PIN_TRIES)
        os_yield();
    if (tries > PIN_TRIES)
        for (uint64_t i = 0; i < window->last - window->first; ++i)
            trim->held[i] = trim->held[i] == HELD_NOT ? HELD_NOT : HELD_NAMED;
    uint32_t last = participant_last_entry(queue); /* after strip:A, as the names */
    for (uint32_t id = 1; id <= last; ++id)
        mark_named(queue, window, trim, id);
}

/* From the node's slots on, nobody may rely on memory any more. Before it goes. */
static void lower_marks(cq_queue *queue, uint64_t node)
{
    struct layout_node *lowered = node_at(queue, (uint32_t)node);

    for (uint32_t i = 0; i < queue->geometry.slots_per_node; ++i) /* the node is this call's */
        atomic_store_explicit(&slot_at(queue, lowered, i)->pages, 0, memory_order_relaxed);
}

/* Punch out what the nodes from `first` to before `last` fill of the window. */
static void punch_run(cq_queue *queue, const struct window *window, struct trim *trim, uint64_t first, uint64_t last)
{
    uint64_t from = round_up(place_in_file(queue, first), queue->granule), to = place_in_file(queue, last);

    to -= to % queue->granule;
    from = from > window->begin ? from : window->begin;
    to = to < window->end ? to : window->end - window->end % queue->granule;
    if (from >= to)
        return;
    reach_node(queue, last - 1);
    for (uint64_t n = first; n < last; ++n)
        if (place_in_file(queue, n) < to && place_in_file(queue, n + 1) > from) {
            if (queue->geometry.paged && ticket_index(trim->before[n - window->first]) == NODE_FREE)
                lower_marks(queue, n);
            trim->held[n - window->first] = HELD_BARE;
        }
    os_punch(queue->base + from, to - from); /* where that is not possible the memory stays, and nobody relies on it */
}

/* Give back what free nodes have in the window. Also if none of them has memory by its state: where the lowest of the
   window before has lost only a part (`split`), or a process that locks all of its memory has given them some. */
static void give_window(cq_queue *queue, const struct window *window, struct trim *trim)
{
    uint64_t count = window->last - window->first, run = 0, held = 0, before, after;
    bool worth = trim->split || os_is_resident(queue->base + (window->end - 1) / os_page_size() * os_page_size());

    trim->split = false;
    for (uint64_t n = window->first; n < window->last && !worth; ++n)
        worth = ticket_index(atomic_load_explicit(&queue->states[n], memory_order_relaxed)) == NODE_FREE; /* a hint */
    if (!worth || count > TRIM_MOST)
        return;
    for (uint64_t i = count; i-- > 0; held += trim->held[i] != HELD_NOT)
        trim->held[i] = node_strip(queue, window->first + i, &trim->before[i]) ? HELD_AS_IT_WAS : HELD_NOT;
    if (held > 0) {
        uint8_t taken[TRIM_MOST];
        for (uint64_t i = 0; i < count; ++i)
            taken[i] = trim->held[i];
        bool known = memory_taken(queue, &before);
        mark_pinned(queue, window, trim);
        for (uint64_t i = 0; i <= count; ++i)
            if (i < count && trim->held[i] == HELD_AS_IT_WAS)
                ++run;
            else {
                if (run > 0)
                    punch_run(queue, window, trim, window->first + i - run, window->first + i);
                run = 0;
            }
        trim->split = trim->held[0] == HELD_BARE && place_in_file(queue, window->first) < window->begin;
        for (uint64_t i = 0; i < count; ++i)
            if (taken[i] != HELD_NOT)
                node_put_back(queue, window->first + i, trim->before[i], trim->held[i] == HELD_BARE);
        if (known && memory_taken(queue, &after) && after < before) {
            atomic_fetch_add_explicit(&queue->header->trimmed, before - after, memory_order_relaxed); /* a count */
            TRACE(trim, queue, before - after);
        }
        wake_side(queue, SIDE_PRODUCERS, held); /* who found no free node meanwhile */
    }
}

/* One piece, of some windows. False: all is done. */
static bool trim_step(cq_queue *queue, struct trim *trim)
{
    struct window window;
    uint64_t taken;
    int64_t begun = os_clock(OS_CLOCK);

    for (uint32_t i = 0; i < WINDOWS && (i == 0 || os_clock(OS_CLOCK) - begun < PIECE_NS); ++i) {
        if (!window_before(queue, trim->next, &window) ||
            (trim->target > 0 && !trim->split && (!memory_taken(queue, &taken) || taken <= trim->target)))
            return false;
        give_window(queue, &window, trim);
        trim->next = window.begin;
    }
    return true;
}

static void trim_start(struct trim *trim, uint64_t target, uint64_t keep)
{
    trim->keep = keep;
    trim->next = UINT64_MAX;
    trim->target = target;
    trim->split = false;
}

/* With the turn of looking around: is a period over, and has the region more memory than was needed in it? Relaxed all:
   hints, and one process at a time has the turn. */
void trim_begin(cq_queue *queue)
{
    struct layout_header *header = queue->header;
    const struct geometry *g = &queue->geometry;
    uint64_t turn = atomic_load_explicit(&header->turn, memory_order_relaxed), taken;
    uint32_t patience = atomic_load_explicit(&header->patience, memory_order_relaxed);

    patience = patience < PATIENCE_MOST ? patience : PATIENCE_MOST;
    if (turn - atomic_load_explicit(&header->period, memory_order_relaxed) < (uint64_t)PERIOD << patience)
        return;
    uint64_t needed = atomic_load_explicit(&header->needed, memory_order_relaxed);
    uint64_t head = word_sequence(atomic_load_explicit(&header->head, memory_order_relaxed));
    uint64_t tail = word_sequence(atomic_load_explicit(&header->tail, memory_order_relaxed));
    uint64_t now = sequence_distance(tail, head) + 1;
    bool regretted = atomic_load_explicit(&header->regrets, memory_order_relaxed) > 0;

    needed = needed > now ? needed : now;
    needed = needed < g->node_count ? needed : g->node_count;
    atomic_store_explicit(&header->period, turn, memory_order_relaxed);
    atomic_store_explicit(&header->needed, 0, memory_order_relaxed);
    atomic_store_explicit(&header->regrets, 0, memory_order_relaxed);
    if (regretted)
        patience += patience < PATIENCE_MOST;
    else
        patience -= patience > 0;
    atomic_store_explicit(&header->patience, patience, memory_order_relaxed);
    uint64_t touched = node_touched(queue);
    uint64_t nodes = (needed > g->reserved_nodes ? needed : g->reserved_nodes) * g->node_stride +
                     (queue->granule > SLACK ? 2 * queue->granule : SLACK);
    uint64_t target = round_up(LAYOUT_SUMMARY_OFFSET / 8 + touched * 9, LAYOUT_PAGE) + nodes;

    /* The kernel is not asked where all nodes there ever were are too few. */
    if (touched * g->node_stride <= nodes || !memory_taken(queue, &taken) || taken <= target || !trim_enter(queue))
        return;
    trim_start(&queue->trim, target, g->paged ? needed : needed + SLACK / g->node_stride);
    set_pending(queue, true);
    trim_leave(queue);
}

/* The next piece of what was begun. */
void trim_go_on(cq_queue *queue)
{
    if (!trim_is_pending(queue) || !trim_enter(queue))
        return;
    int error = errno;
    if (!trim_step(queue, &queue->trim))
        set_pending(queue, false);
    errno = error;
    trim_leave(queue);
}

/* Memory is lacking: give back what can be, until there is some; not more than a few pieces. True: there is some. */
bool trim_for(cq_queue *queue)
{
    uint64_t before, after = 0;

    if (!memory_taken(queue, &before) || !trim_enter(queue))
        return false;
    trim_start(&queue->trim, 0, 0);
    for (uint32_t pieces = 0; pieces < WINDOWS && trim_step(queue, &queue->trim); ++pieces)
        if (memory_taken(queue, &after) && after < before)
            break;
    set_pending(queue, false); /* what was begun begins again some time */
    bool given = memory_taken(queue, &after) && after < before;
    trim_leave(queue);
    return given;
}

/* All of it, now. How many bytes. */
uint64_t trim_all(cq_queue *queue)
{
    uint64_t before, after, node = 0;

    node_sweep(queue, &node, UINT64_MAX);
    while (!trim_enter(queue))
        os_yield(); /* another thread of this handle, which does not wait for anybody */
    bool known = memory_taken(queue, &before);
    trim_start(&queue->trim, 0, 0);
    while (trim_step(queue, &queue->trim))
        ;
    set_pending(queue, false);
    trim_leave(queue);
    return known && memory_taken(queue, &after) && after < before ? before - after : 0;
}
