/* consume.h - claims of messages as callers want them. */
#ifndef CQ_CONSUME_H
#define CQ_CONSUME_H

#include "run.h"

int consume_claim(cq_queue *queue, size_t want, size_t room, struct run *run, size_t *needed);

#endif
