/* durable.h - handles on durable queues. */
#ifndef CQ_DURABLE_H
#define CQ_DURABLE_H

#include "home.h"
#include "os.h"

int durable_join(cq_queue *queue, const cq_config *config);
void durable_leave(cq_queue *queue, bool forked);
int durable_revive(cq_queue *queue, const cq_config *config, struct home *home, struct os_status *made);

#endif
