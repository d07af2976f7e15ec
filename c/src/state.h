/* state.h - the record that says what a queue had when a flush began. */
#ifndef CQ_STATE_H
#define CQ_STATE_H

#include "segment.h"

/* How far a source had come. */
struct state_source {
    uint64_t number;
    uint32_t length; /* of the name; 0: there is none in this entry */
    char name[LAYOUT_NAME];
};

struct statement {
    uint64_t position; /* D */
    uint64_t reserve;
    uint64_t messages;      /* records that the same flush has written before it */
    uint64_t moved, moving; /* to dead_letter, see letter.c; `moving` is a position, or 0 */
    struct fact_run *runs;  /* of messages behind D */
    size_t run_count, run_room;
    struct state_source sources[LAYOUT_SOURCE_SLOTS]; /* by their entries */
};

void state_look(cq_queue *queue, struct statement *state);
int state_add_run(struct statement *state, uint64_t position, uint32_t deliveries);
bool state_has(const struct statement *state, const struct layout_feed *feed);
uint64_t state_source_count(const struct statement *state);
int state_write(struct segment *segment, uint64_t ticket, const struct statement *state);
int state_read(const struct fact *fact, const unsigned char *body, struct statement *state);

#endif
