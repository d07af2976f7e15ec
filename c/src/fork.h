/* fork.h - the handles of this process, and forks. */
#ifndef CQ_FORK_H
#define CQ_FORK_H

#include "handle.h"

void fork_lock(void);
void fork_unlock(void);
int fork_remember(cq_queue *queue);
void fork_forget(cq_queue *queue);
void fork_keep_unlinked(uint64_t device, uint64_t inode);

#endif
