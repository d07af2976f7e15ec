/* participant.h - which participants there are, and which are alive. */
#ifndef CQ_PARTICIPANT_H
#define CQ_PARTICIPANT_H

#include "handle.h"

/* record: incarnation << 2 | SHARED | USED. SHARED: the lock is a read lock, because a process that may only read
   the region had one in the way of a write lock; then any lock counts, else write locks alone. */
#define PARTICIPANT_USED UINT64_C(1)
#define PARTICIPANT_SHARED UINT64_C(2)
#define PARTICIPANT_INCARNATION UINT64_C(4)

/* UNKNOWN: the descriptor cannot be relied on. */
enum verdict { VERDICT_DEAD, VERDICT_ALIVE, VERDICT_UNKNOWN };

int participant_register(cq_queue *queue, int lock_fd, bool shared);
bool participant_enter_emergency(cq_queue *queue, int lock_fd);
void participant_leave_emergency(cq_queue *queue, int lock_fd);
int participant_verify(cq_queue *queue);
bool participant_clean(cq_queue *queue, uint32_t id, uint64_t record);
void participant_claims(cq_queue *queue);
bool participant_is_gone(cq_queue *queue, uint32_t id);
uint32_t participant_last_entry(const cq_queue *queue);
bool participant_is_alone(const cq_queue *queue);
uint32_t participant_highest(const cq_queue *queue);
bool participant_proves(const cq_queue *queue, int fd);
enum verdict participant_ask(const cq_queue *queue, int fd, uint32_t id, uint64_t record);

static inline uint64_t participant_record(const cq_queue *queue, uint32_t id)
{
    /* record:A, pairs with register:A and clean:A. */
    return atomic_load_explicit(&queue->participants[id].record, memory_order_seq_cst);
}

/* Called before whatever may leave something if this process dies in the middle. */
static inline void participant_active(cq_queue *queue)
{
    /* claims:B, pairs with the store in participant_claims. */
    if (unlikely(!atomic_load_explicit(&queue->active, memory_order_acquire)))
        participant_claims(queue);
}

#endif
