/*
 * leave.c - what reap.c does between a sweep and the next use of an id, with the accesses announced.
 *
 * It owns nothing. reap.c itself asks the kernel who is dead, and is not part of the model.
 */
#include "lease.h"

void model_drop_leases(cq_queue *queue, uint32_t owner);

void model_drop_leases(cq_queue *queue, uint32_t owner) { lease_drop_all(queue, owner); }
