/* probe.h - whether there is something to do. */
#ifndef CQ_PROBE_H
#define CQ_PROBE_H

#include "handle.h"

bool probe_side(cq_queue *queue, enum side side);

#endif
