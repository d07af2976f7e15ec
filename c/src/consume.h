/* consume.h - claims of messages as callers want them. */
#ifndef CQ_CONSUME_H
#define CQ_CONSUME_H

#include "claim.h"

int consume_special(cq_queue *queue, size_t want, size_t room, struct run *run, size_t *needed);

/* As claim_messages. */
static inline int consume_claim(cq_queue *queue, size_t want, size_t room, struct run *run, size_t *needed)
{
    if (likely(!queue->special))
        return claim_messages(queue, want, room, run, needed);
    return consume_special(queue, want, room, run, needed);
}

#endif
