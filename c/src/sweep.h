/* sweep.h - finishing or undoing what dead owners left. */
#ifndef CQ_SWEEP_H
#define CQ_SWEEP_H

#include "handle.h"

void sweep_begin(struct sweep *sweep, cq_queue *queue, const struct owner_set *dead);
int sweep_step(struct sweep *sweep, uint64_t *budget);

#endif
