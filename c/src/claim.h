/* claim.h - claims that look around before they report that there is nothing. */
#ifndef CQ_CLAIM_H
#define CQ_CLAIM_H

#include "run.h"

int claim_messages(cq_queue *queue, size_t want, size_t room, struct run *run, size_t *needed);
int claim_room(cq_queue *queue, size_t size, bool insist, struct run *run);
bool claim_nothing(cq_queue *queue, uint64_t ticket);
bool claim_again(cq_queue *queue, enum side side, int result, uint32_t *tries);

#endif
