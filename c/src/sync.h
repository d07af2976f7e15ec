/* sync.h - when a queue is put on the disk, and by whom. */
#ifndef CQ_SYNC_H
#define CQ_SYNC_H

#include "flush.h"

/* SYNC_PATIENT: wait for other flushes as long as they are not done, whatever cq_cancel says. */
#define SYNC_PATIENT INT64_MIN

int sync_now(cq_queue *queue, int64_t timeout_ns);
int sync_reserve(cq_queue *queue, uint64_t tail);

/* A call on any handle has done what `result` says: if the handle is to, put that on the disk. CQ_EIO: it is done, and
   that failed. */
static inline int sync_after(cq_queue *queue, int result)
{
    bool fails = result == CQ_OK && handle_syncs(queue) && sync_now(queue, SYNC_PATIENT) != CQ_OK;
    return fails ? CQ_EIO : result;
}

#endif
