/* look.h - looking on. */
#ifndef CQ_LOOK_H
#define CQ_LOOK_H

#include "handle.h"

/* What each participant holds, by id. */
struct holdings {
    uint32_t held[LAYOUT_PARTICIPANTS], writing[LAYOUT_PARTICIPANTS];
};

int look_walk(cq_queue *queue, cq_visitor *visitor, void *context);
int look_length(cq_queue *queue, uint64_t *length);
int look_stat(cq_queue *queue, cq_stats *stats);
void look_holdings(cq_queue *queue, uint32_t *held, uint32_t *writing, uint64_t totals[2]);
int look_participants(cq_queue *queue, const struct holdings *holdings, cq_participant_visitor *visitor, void *context);

#endif
