/* watch.h - descriptors for event loops. */
#ifndef CQ_WATCH_H
#define CQ_WATCH_H

#include "handle.h"

int watch_open(cq_queue *queue, enum side side, int *fd);
void watch_clear(cq_queue *queue, enum side side);
void watch_close(cq_queue *queue, bool forked);

#endif
