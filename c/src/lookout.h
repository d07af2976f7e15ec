/* lookout.h - looking around. */
#ifndef CQ_LOOKOUT_H
#define CQ_LOOKOUT_H

#include "handle.h"

bool lookout_look(cq_queue *queue);
bool lookout_see_removal(cq_queue *queue);

#endif
