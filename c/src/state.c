/*
 * state.c - the record that says what a queue had when a flush began: which messages behind the front, how far its
 * sources had come, and which message was on its way to the dead letters.
 *
 * It owns the body of a STATE. It must not know which messages there are (flush.c), nor which STATE is believed
 * (legacy.c).
 */
#include "state.h"

#include "source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How far the sources have come, and what is being moved: to be called before anything else of the queue is looked at.
   Every message that this counts is FULL by then, or was; every one that was moved is DONE, but for the next. */
void state_look(cq_queue *queue, struct statement *state)
{
    struct layout_header *header = queue->header;
    uint64_t moved, ticket = 0;

    for (uint32_t i = 0; i < LAYOUT_SOURCE_SLOTS; ++i) {
        struct state_source *source = &state->sources[i];
        char name[LAYOUT_NAME + 1];
        source->length = source_name(queue, i, name) ? (uint32_t)strlen(name) : 0;
        source->number = source->length > 0 ? source_settled(queue, i) : 0;
        memcpy(source->name, name, source->length);
    }
    /* moving:C, after flush:A; pairs with moving:A. `moving` belongs to the number that `moved` says before and after
       it. */
    state->moved = atomic_load_explicit(&header->moved, memory_order_seq_cst);
    for (uint32_t attempt = 0; attempt < RETRY_LIMIT; ++attempt) {
        moved = state->moved;
        ticket = atomic_load_explicit(&header->moving, memory_order_seq_cst);         /* moving:C */
        state->moved = atomic_load_explicit(&header->moved, memory_order_seq_cst); /* moving:C */
        if (state->moved == moved)
            break;
    }
    state->moving = ticket != 0 ? fact_position(ticket, queue->geometry.slots_per_node) : 0;
}

/* Was the message enqueued before its sources were looked at? */
bool state_has(const struct statement *state, const struct layout_feed *feed)
{
    uint32_t entry = link_node(feed->source);
    return entry < LAYOUT_SOURCE_SLOTS && feed->number <= state->sources[entry].number;
}

uint64_t state_source_count(const struct statement *state)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < LAYOUT_SOURCE_SLOTS; ++i)
        count += state->sources[i].length > 0;
    return count;
}

/* One more message behind D; ascending. 0 or ENOMEM. */
int state_add_run(struct statement *state, uint64_t position, uint32_t deliveries)
{
    struct fact_run *last = state->run_count > 0 ? &state->runs[state->run_count - 1] : NULL;

    if (last && last->position + last->count == position && last->deliveries == deliveries &&
        last->count < UINT32_MAX) {
        ++last->count;
        return 0;
    }
    if (state->run_count == state->run_room) {
        size_t room = state->run_room ? 2 * state->run_room : 64;
        struct fact_run *runs = realloc(state->runs, room * sizeof *runs);
        if (!runs)
            return ENOMEM;
        state->runs = runs;
        state->run_room = room;
    }
    state->runs[state->run_count++] = (struct fact_run){position, 1, deliveries};
    return 0;
}

static uint64_t bytes_of(const struct statement *state)
{
    uint64_t bytes = sizeof(struct fact_state) + state->run_count * sizeof *state->runs;

    for (uint32_t i = 0; i < LAYOUT_SOURCE_SLOTS; ++i)
        bytes += state->sources[i].length > 0 ? fact_source_bytes(state->sources[i].length) : 0;
    return bytes;
}

static int write_source(struct segment *segment, uint32_t entry, const struct state_source *source)
{
    static const unsigned char zeros[8];
    struct fact_source fact = {source->number, entry, source->length};
    int error = segment_body(segment, &fact, sizeof fact);

    if (error == 0)
        error = segment_body(segment, source->name, source->length);
    return error != 0 ? error : segment_body(segment, zeros, (8 - source->length % 8) % 8);
}

/* Append it. 0 or an error number. */
int state_write(struct segment *segment, uint64_t ticket, const struct statement *state)
{
    struct fact_state body = {state->reserve, state->run_count, state_source_count(state), state->messages,
                              state->moved, state->moving};
    struct fact fact = {.kind = FACT_STATE, .ticket = ticket, .position = state->position,
                        .size = (uint32_t)bytes_of(state)};
    int error = segment_fact(segment, &fact);

    if (error == 0 && (error = segment_body(segment, &body, sizeof body)) == 0)
        error = segment_body(segment, state->runs, state->run_count * sizeof *state->runs);
    for (uint32_t i = 0; i < LAYOUT_SOURCE_SLOTS && error == 0; ++i)
        if (state->sources[i].length > 0)
            error = write_source(segment, i, &state->sources[i]);
    return error != 0 ? error : segment_end_fact(segment);
}

/* *state, whose runs are replaced, becomes what a record says that facts_next has found. 0 or ENOMEM. */
int state_read(const struct fact *fact, const unsigned char *body, struct statement *state)
{
    struct fact_state read;
    struct fact_source source;
    const char *name;

    memcpy(&read, body, sizeof read);
    uint64_t size = read.runs * sizeof *state->runs, offset = sizeof read + size;
    struct fact_run *runs = malloc((size_t)size + 1);
    if (!runs)
        return ENOMEM;
    memcpy(runs, body + sizeof read, (size_t)size);
    free(state->runs);
    *state = (struct statement){.position = fact->position, .reserve = read.reserve, .messages = read.messages,
                            .moved = read.moved, .moving = read.moving, .runs = runs,
                            .run_count = (size_t)read.runs, .run_room = (size_t)read.runs};
    while (facts_next_source(body, fact->size, &offset, &source, &name)) {
        struct state_source *known = &state->sources[source.entry];
        known->number = source.number;
        known->length = source.length;
        memcpy(known->name, name, source.length);
    }
    return 0;
}
