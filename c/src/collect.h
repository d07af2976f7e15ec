/* collect.h - removing the files that nobody needs any more. */
#ifndef CQ_COLLECT_H
#define CQ_COLLECT_H

#include "flush.h"

uint64_t collect_begin(cq_queue *queue, struct flush *flush);
void collect_end(cq_queue *queue, const struct flush *flush);

#endif
