/* wait.h - sleeping until there is something to do. */
#ifndef CQ_WAIT_H
#define CQ_WAIT_H

#include "handle.h"

typedef int wait_try(cq_queue *queue, void *context);
int wait_until(cq_queue *queue, enum side side, int64_t timeout_ns, wait_try *attempt, void *context);
void wait_cancel(cq_queue *queue, bool cancelled);
void wait_interrupt(cq_queue *queue, enum side side);
uint32_t wait_announce_watch(cq_queue *queue, enum side side);
void wait_for_watch(cq_queue *queue, enum side side, uint32_t word);
void wait_leave_watch(cq_queue *queue, enum side side);

#endif
