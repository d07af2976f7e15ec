/*
 * source.c - sources: where messages come from, and how far each has come.
 *
 * It owns the table of sources, and a slot's way from FED to FULL (or VOID). It must not know what a message is, nor
 * how its slot was claimed (feed.c).
 *
 * A message and its number become visible in one step, though they are two words. The feeder makes its slot FED: a
 * proposal, which no consumer takes. Its number and its place stand in the feeder's own entry, which has room for
 * one proposal at a time. Then the source's word `decided` is changed from none to that feeder, if the number is
 * above the source's: this decides. What is decided is finished in this order, by whoever comes by: the source's
 * number is raised, the slot becomes FULL, `decided` names nobody again (in a new version). A proposal whose number
 * is not above the source's is refused: its slot becomes VOID, and its feeder finds it so.
 *
 * Anybody who meets a FED slot settles it: consumers at the front, sweeps, other feeders by way of `decided`. So
 * nobody waits for a feeder, and a dead one's proposal is enqueued with its number or not at all. Why a slow helper
 * does no harm: a number that was decided once may be raised to again, it only rises; a slot is FED once in its
 * life; `decided` has a version. While `decided` names nobody in one version, the number stands still, so that all
 * who judge a proposal then judge alike.
 */
#include "source.h"

#include "queue.h"
#include "wake.h"

#include <string.h>

/* header.sources: bit 0: the table has memory; 8 bits: the newest entry, plus 1; the rest: how many there are. */
static uint32_t newest_of(uint64_t table) { return (uint32_t)(table >> 8) & 0xff; }
static uint32_t count_of(uint64_t table) { return (uint32_t)(table >> 16) & 0xff; }
static uint64_t table_word(uint32_t count, uint32_t newest)
{
    return (uint64_t)count << 16 | (uint64_t)newest << 8 | SOURCES_HAVE_MEMORY;
}

static uint64_t state_word(enum source_phase phase, uint32_t owner) { return (uint64_t)phase << 12 | owner; }
static enum source_phase phase_of(uint64_t state) { return (enum source_phase)(state >> 12 & 3); }

/* ---- the table --------------------------------------------------------------------------------------- */

/* 0: it has no memory, and there are none. */
uint64_t source_table(const cq_queue *queue)
{
    /* sources:A, pairs with sources:B: with the word come the newest entry's name, and all older ones. */
    uint64_t table = atomic_load_explicit(&queue->header->sources, memory_order_acquire);
    return newest_of(table) <= LAYOUT_SOURCE_SLOTS ? table : table & ~UINT64_C(0xff00);
}

/* While a region is made, and nobody else is there: the entry is this source. The table has memory, and its word is to
   be source_words of all. */
void source_put(cq_queue *queue, uint32_t entry, const char *name, uint32_t length, uint64_t number)
{
    struct layout_source *source = source_at(queue, entry);

    atomic_init(&source->state, state_word(SOURCE_KNOWN, 0));
    atomic_init(&source->number, number);
    source->length = length;
    memcpy(source->name, name, length);
}
uint64_t source_words(uint32_t count) { return table_word(count, 0); }

/* The caller has given the table memory. True: nobody has before. */
bool source_give_memory(cq_queue *queue)
{
    uint64_t none = 0;
    /* sources:B release, pairs with sources:A: the table has memory. */
    return atomic_compare_exchange_strong_explicit(&queue->header->sources, &none, table_word(0, 0),
                                                   memory_order_acq_rel, memory_order_relaxed);
}

uint32_t source_count(const cq_queue *queue) { return count_of(source_table(queue)); }

static uint64_t load_entry(const cq_queue *queue, uint32_t source)
{
    /* source_state:A, pairs with source_state:B. KNOWN: the name is written. */
    return atomic_load_explicit(&source_at(queue, source)->state, memory_order_acquire);
}

/* From the exact word. */
static bool change_entry(cq_queue *queue, uint32_t source, uint64_t from, uint64_t to)
{
    /* source_state:B release, pairs with source_state:A: the name is written. */
    return atomic_compare_exchange_strong_explicit(&source_at(queue, source)->state, &from, to, memory_order_acq_rel,
                                                   memory_order_relaxed);
}

/* The newest entry becomes KNOWN: before that it is only in the table's word. Anybody may. */
static void help_newest(cq_queue *queue, uint64_t table)
{
    uint32_t newest = newest_of(table);

    if (newest == 0 || queue->owner == 0)
        return;
    uint64_t state = load_entry(queue, newest - 1);
    if (phase_of(state) == SOURCE_TAKEN)
        change_entry(queue, newest - 1, state, state_word(SOURCE_KNOWN, 0));
}

static bool is_known(const cq_queue *queue, uint64_t table, uint32_t source)
{
    return newest_of(table) == source + 1 || phase_of(load_entry(queue, source)) == SOURCE_KNOWN;
}

static uint32_t length_of(const cq_queue *queue, uint32_t source)
{
    uint32_t length = *(const volatile uint32_t *)&source_at(queue, source)->length; /* read once: see slot_size */
    return length <= LAYOUT_NAME ? length : LAYOUT_NAME;
}

static bool has_name(const cq_queue *queue, uint32_t source, const char *name, uint32_t length)
{
    return length_of(queue, source) == length && memcmp(source_at(queue, source)->name, name, length) == 0;
}

/* False: the entry is no source. */
bool source_name(const cq_queue *queue, uint32_t source, char name[LAYOUT_NAME + 1])
{
    uint64_t table = source_table(queue);

    if (table == 0 || !is_known(queue, table, source))
        return false;
    uint32_t length = length_of(queue, source);
    memcpy(name, source_at(queue, source)->name, length);
    name[length] = '\0';
    return true;
}

static bool search_table(cq_queue *queue, uint64_t table, const char *name, uint32_t length, uint32_t *source)
{
    uint32_t hint = atomic_load_explicit(&queue->source_hint, memory_order_relaxed); /* a hint */

    for (uint32_t i = 0, at; i <= LAYOUT_SOURCE_SLOTS; ++i) {
        if (i == 0 && hint == 0)
            continue;
        at = i == 0 ? hint - 1 : i - 1;
        if (!is_known(queue, table, at) || !has_name(queue, at, name, length))
            continue;
        *source = at;
        atomic_store_explicit(&queue->source_hint, at + 1, memory_order_relaxed); /* a hint */
        return true;
    }
    return false;
}

bool source_find(cq_queue *queue, const char *name, uint32_t length, uint32_t *source)
{
    uint64_t table = source_table(queue);
    return table != 0 && search_table(queue, table, name, length, source);
}

/* An entry to write the name into. */
static bool take_entry(cq_queue *queue, uint32_t *source)
{
    for (uint32_t i = 0; i < LAYOUT_SOURCE_SLOTS; ++i)
        if (load_entry(queue, i) == state_word(SOURCE_FREE, 0) &&
            change_entry(queue, i, state_word(SOURCE_FREE, 0), state_word(SOURCE_TAKEN, queue->owner))) {
            *source = i;
            return true;
        }
    return false;
}

/*
 * The source of this name, made known if it is not. The table has memory. A name is in the table once: it is added
 * by an exchange of the table's word, which fails if any other was added since all were looked at.
 */
int source_make(cq_queue *queue, const char *name, uint32_t length, uint32_t *source)
{
    uint64_t mine = state_word(SOURCE_TAKEN, queue->owner);
    uint32_t entry = LAYOUT_SOURCE_SLOTS;
    int result = RESULT_RETRY;

    for (uint32_t attempt = 0; result == RESULT_RETRY && attempt < RETRY_LIMIT; ++attempt) {
        uint64_t table = source_table(queue);
        help_newest(queue, table);
        if (search_table(queue, table, name, length, source))
            result = CQ_OK;
        else if (count_of(table) >= LAYOUT_SOURCES ||
                 (entry == LAYOUT_SOURCE_SLOTS && !take_entry(queue, &entry)))
            result = CQ_ESOURCES;
        else {
            memcpy(source_at(queue, entry)->name, name, length);
            source_at(queue, entry)->length = length;
            /* sources:B release, pairs with sources:A: the name comes with the word. */
            if (atomic_compare_exchange_strong_explicit(&queue->header->sources, &table,
                                                        table_word(count_of(table) + 1, entry + 1),
                                                        memory_order_acq_rel, memory_order_relaxed)) {
                change_entry(queue, entry, mine, state_word(SOURCE_KNOWN, 0));
                *source = entry;
                return CQ_OK;
            }
        }
    }
    if (entry < LAYOUT_SOURCE_SLOTS)
        change_entry(queue, entry, mine, state_word(SOURCE_FREE, 0));
    return result == RESULT_RETRY ? CQ_ECORRUPT : result;
}

/* ---- deciding ---------------------------------------------------------------------------------------- */

static uint64_t load_decided(const cq_queue *queue, uint32_t source)
{
    /* decided:A, pairs with decided:B: none: the number is that of this version. A feeder: its entry is written. */
    return atomic_load_explicit(&source_at(queue, source)->decided, memory_order_seq_cst);
}

static bool change_decided(cq_queue *queue, uint32_t source, uint64_t from, uint32_t feeder)
{
    uint64_t to = ((from >> 12) + 1) << 12 | feeder;
    /* decided:B release, pairs with decided:A: the number is raised, and the slot FULL, before it names nobody again.
       seq_cst: where it names a feeder, that is where the enqueue takes effect. */
    return atomic_compare_exchange_strong_explicit(&source_at(queue, source)->decided, &from, to, memory_order_seq_cst,
                                                   memory_order_relaxed);
}

uint64_t source_number(const cq_queue *queue, uint32_t source)
{
    /* source_number:A, pairs with raise_number:A; before decided:A is read again. */
    return atomic_load_explicit(&source_at(queue, source)->number, memory_order_acquire);
}

static void raise_number(cq_queue *queue, uint32_t source, uint64_t number)
{
    uint64_t now = source_number(queue, source);

    /* raise_number:A release, pairs with source_number:A: before the slot is FULL. */
    while (now < number && !atomic_compare_exchange_weak_explicit(&source_at(queue, source)->number, &now, number,
                                                                  memory_order_acq_rel, memory_order_acquire))
        ;
}

/* Relaxed: what the owner wrote before its slot was FED, or `decided` named it, of which the caller has seen one; and
   what is read counts only if that is the same afterwards. */
static uint64_t load_feed(const _Atomic uint64_t *field) { return atomic_load_explicit(field, memory_order_relaxed); }

static void publish_pinned(cq_queue *queue, uint32_t source, uint32_t feeder, uint64_t link, uint64_t index)
{
    struct layout_node *node = node_at(queue, link_node(link));
    uint64_t word = slot_load(queue, node, (uint32_t)index);
    if (!is_fed(word, word_sequence(link)) || word_owner(word) != feeder || slot_deliveries(word) != source)
        return;
    /* publish_fed:A release, pairs with slot_load:A: payload and size are visible, as in publish:B; and the number. */
    if (atomic_compare_exchange_strong_explicit(&slot_at(queue, node, (uint32_t)index)->state, &word,
                                                slot_word(word_sequence(link), 0, SLOT_FULL | slot_short(word), 0),
                                                memory_order_seq_cst, memory_order_relaxed))
        wake_side(queue, SIDE_CONSUMERS, 1);
}

/* Make the slot of a decided proposal FULL. */
static void publish_fed(cq_queue *queue, uint32_t source, uint32_t feeder, uint64_t link, uint64_t index)
{
    if (link == 0 || !link_is_valid(queue, link) || index >= queue->geometry.slots_per_node)
        return; /* it has no slot; or a region that says anything */
    pin_all(queue); /* another process may have finished it, and its node may have gone */
    if (node_lives(queue, link))
        publish_pinned(queue, source, feeder, link, index);
    pin_none(queue);
}

/* Finish what is decided. */
static void finish_decided(cq_queue *queue, uint32_t source, uint64_t decided)
{
    uint32_t feeder = word_owner(decided);
    const struct layout_participant *entry = &queue->participants[feeder];

    if (feeder > LAYOUT_MAX_OWNER)
        return;
    uint64_t number = load_feed(&entry->feed_number), link = load_feed(&entry->feed_link);
    uint64_t index = load_feed(&entry->feed_index);
    fence(memory_order_acquire); /* decided:C, before decided:A: these were read before it is looked at again */
    if (load_decided(queue, source) != decided)
        return;
    raise_number(queue, source, number);
    publish_fed(queue, source, feeder, link, index);
    change_decided(queue, source, decided, 0);
}

/* The source's number. All messages up to it are FULL, or were: what is decided is finished, and what raised the number
   before that was finished before. */
uint64_t source_settled(cq_queue *queue, uint32_t source)
{
    /* source_number:B, after flush:A and before decided:A; pairs with raise_number:A. */
    uint64_t number = atomic_load_explicit(&source_at(queue, source)->number, memory_order_seq_cst);
    uint64_t decided = load_decided(queue, source);

    if (word_owner(decided) != 0)
        finish_decided(queue, source, decided);
    return number;
}

/* A proposal is not above the source's number: its feeder is to give the slot up. */
static void refuse_proposal(cq_queue *queue, uint32_t node, uint32_t index, uint64_t word)
{
    struct layout_slot *slot = slot_at(queue, node_at(queue, node), index);

    queue_announce_hole(queue, node, word_sequence(word), index + 1);
    /* void:A release, pairs with slot_load:A. */
    if (atomic_compare_exchange_strong_explicit(&slot->state, &word,
                                                slot_word(word_sequence(word), 0, SLOT_VOID, word_owner(word)),
                                                memory_order_acq_rel, memory_order_relaxed))
        atomic_fetch_add_explicit(&queue->header->holes, 1, memory_order_relaxed); /* a count */
}

/* Decide for this feeder, if its number is above the source's and nobody else's is decided. False: look again. */
static bool decide_for(cq_queue *queue, uint32_t source, uint32_t feeder, uint64_t decided, uint64_t number,
                       bool *above)
{
    *above = number > source_number(queue, source);
    fence(memory_order_acquire); /* decided:C, as in finish_decided */
    return load_decided(queue, source) == decided && (!*above || change_decided(queue, source, decided, feeder));
}

/* Settle the slot at `index`, where `word` was seen: FULL afterwards, or VOID. Anybody may who keeps the node's
   memory. */
void source_settle(cq_queue *queue, uint32_t node, uint32_t index, uint64_t word)
{
    uint32_t feeder = word_owner(word), source = slot_deliveries(word);
    bool above;

    if (source_table(queue) == 0 || source >= LAYOUT_SOURCE_SLOTS || feeder == 0 || feeder > LAYOUT_MAX_OWNER)
        return; /* a region that says anything: the slot stays, and callers' loops have bounds */
    for (uint32_t attempt = 0; attempt < RETRY_LIMIT; ++attempt) {
        uint64_t decided = load_decided(queue, source);
        if (word_owner(decided) > LAYOUT_MAX_OWNER)
            return;
        if (word_owner(decided) != 0) {
            finish_decided(queue, source, decided);
            if (slot_load(queue, node_at(queue, node), index) != word)
                return;
            continue;
        }
        uint64_t number = load_feed(&queue->participants[feeder].feed_number);
        fence(memory_order_acquire); /* decided:C: read before the slot is looked at again */
        if (slot_load(queue, node_at(queue, node), index) != word)
            return;
        if (!decide_for(queue, source, feeder, decided, number, &above))
            continue;
        if (!above) {
            refuse_proposal(queue, node, index, word);
            return;
        }
    }
}

/* Nothing of this handle is decided any more: what it says of itself may change. */
static void leave_source(cq_queue *queue, uint32_t source)
{
    uint64_t decided;

    while (word_owner(decided = load_decided(queue, source)) == queue->owner)
        finish_decided(queue, source, decided);
}

static void write_feed(cq_queue *queue, uint64_t number, uint64_t link, uint64_t index)
{
    struct layout_participant *me = &queue->participants[queue->owner];

    /* Relaxed: propose:A or decided:B publishes them. */
    atomic_store_explicit(&me->feed_number, number, memory_order_relaxed);
    atomic_store_explicit(&me->feed_link, link, memory_order_relaxed);
    atomic_store_explicit(&me->feed_index, index, memory_order_relaxed);
}

/*
 * Publish the message that the caller has written into its claimed slot, with this number. `full`: the phase, with
 * SHORT. CQ_OK; CQ_DUPLICATE, RESULT_VOIDED: the slot is the caller's still, to be given up. One call of a handle at a
 * time.
 */
int source_propose(cq_queue *queue, uint32_t source, const struct run *run, uint32_t full, uint64_t number)
{
    struct layout_slot *slot = run_slot(queue, run, 0);
    uint64_t word = atomic_load_explicit(&slot->state, memory_order_acquire); /* publish:A, as in enqueue_publish */
    uint64_t fed = slot_word(run->sequence, source, SLOT_FED | (full & SLOT_SHORT), queue->owner);

    write_feed(queue, number, link_word(run->sequence, run->node), run->index);
    struct seat *seat = pin_node(queue, SIDE_PRODUCERS, run->node); /* once it is FULL, it may be gone soon */
    do {
        if (word_sequence(word) == run->sequence && slot_phase(word) != SLOT_WRITING) {
            pin_end(queue, seat);
            return slot_phase(word) == SLOT_VOID ? RESULT_VOIDED : CQ_ECORRUPT;
        }
        /* propose:A release, pairs with slot_load:A: message, number and place are visible before FED is. */
    } while (!atomic_compare_exchange_strong_explicit(&slot->state, &word, fed, memory_order_seq_cst,
                                                      memory_order_acquire));
    source_settle(queue, run->node, run->index, fed);
    leave_source(queue, source);
    word = slot_load(queue, node_at(queue, run->node), run->index);
    pin_end(queue, seat);
    bool refused = word_sequence(word) == run->sequence && word_owner(word) == queue->owner &&
                   (slot_phase(word) == SLOT_VOID || slot_phase(word) == SLOT_FED);
    if (refused)
        return slot_phase(word) == SLOT_VOID ? CQ_DUPLICATE : CQ_ECORRUPT;
    return CQ_OK;
}

/* Without a message. CQ_OK, CQ_DUPLICATE. One call of a handle at a time. */
int source_raise(cq_queue *queue, uint32_t source, uint64_t number)
{
    bool above;

    write_feed(queue, number, 0, 0);
    for (uint32_t attempt = 0; attempt < RETRY_LIMIT; ++attempt) {
        uint64_t decided = load_decided(queue, source);
        if (word_owner(decided) != 0)
            finish_decided(queue, source, decided);
        else if (decide_for(queue, source, queue->owner, decided, number, &above)) {
            if (above)
                leave_source(queue, source);
            return above ? CQ_OK : CQ_DUPLICATE;
        }
    }
    return CQ_ECORRUPT;
}

static bool is_among(const struct owner_set *dead, uint32_t owner)
{
    return owner != 0 && (dead->bits[owner / 64] >> owner % 64 & 1);
}

/* After all slots were swept: what is decided for the dead is finished, and entries that they were writing are free. */
void source_sweep(cq_queue *queue, const struct owner_set *dead)
{
    uint64_t table = source_table(queue);

    if (table == 0)
        return;
    help_newest(queue, table);
    for (uint32_t source = 0; source < LAYOUT_SOURCE_SLOTS; ++source) {
        uint64_t state = load_entry(queue, source), decided = load_decided(queue, source);
        if (phase_of(state) == SOURCE_TAKEN && is_among(dead, (uint32_t)state & 0xfff) &&
            newest_of(source_table(queue)) != source + 1)
            change_entry(queue, source, state, state_word(SOURCE_FREE, 0));
        for (; is_among(dead, word_owner(decided)); decided = load_decided(queue, source))
            finish_decided(queue, source, decided);
    }
}
