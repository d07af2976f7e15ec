/*
 * participant.c - who is alive, and reaping who is not.
 *
 * It owns the participants' records and their lock bytes. The kernel says who is dead, never a time-out, never a process id:
 * a participant holds an open-file-description lock on its LIVE byte through a description that only its mapping of
 * the region keeps open, so that the lock lasts exactly as long as somebody can store through that mapping. It must not know
 * what a sweep does to slots.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

/* Far past any file's end; two bytes an id. LIVE: write-locked while the participant lives. REAP: read-locked by reapers,
   write-locked by who registers, so that an id is not used again while a reaper that saw its last owner dead may act. */
#define LIVE_BYTES (INT64_C(1) << 62)
#define REAP_BYTES (LIVE_BYTES + LAYOUT_PARTICIPANTS)

#define USED UINT64_C(1) /* record: incarnation << 1 | USED */

/* A fork between opening a description and closing it would hand the child a copy, and with it our locks. */
static pthread_mutex_t fork_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

static void lock_before_fork(void) { pthread_mutex_lock(&fork_mutex); }
static void unlock_after_fork(void) { pthread_mutex_unlock(&fork_mutex); }
static void guard_forks(void) { pthread_atfork(lock_before_fork, unlock_after_fork, unlock_after_fork); }

void participant_fork_lock(void)
{
    pthread_once(&fork_once, guard_forks);
    pthread_mutex_lock(&fork_mutex);
}

void participant_fork_unlock(void) { pthread_mutex_unlock(&fork_mutex); }

static bool set_lock(int fd, off_t byte, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    return fcntl(fd, F_OFD_SETLK, &lock) == 0; /* non-blocking: not interrupted, no cancellation point */
}

/* Does a description other than fd's hold a lock on the byte? */
static bool is_locked(int fd, off_t byte)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

static uint64_t load_record(const cq_queue *queue, uint32_t id)
{
    return atomic_load_explicit(&queue->participants[id].record, memory_order_acquire); /* I1, pairs with I2 */
}

/* Become the owner of a clean id. lock_fd is the description whose mapping will carry the lock. */
static int claim_id(cq_queue *queue, int lock_fd)
{
    for (uint32_t id = 1; id <= LAYOUT_MAX_OWNER; ++id) {
        uint64_t record = load_record(queue, id);
        if (record & USED || !set_lock(lock_fd, REAP_BYTES + id, F_WRLCK))
            continue;
        if (set_lock(lock_fd, LIVE_BYTES + id, F_WRLCK)) {
            record = load_record(queue, id);
            if (!(record & USED)) {
                struct layout_participant *me = &queue->participants[id];
                atomic_store_explicit(&me->waiting, 0, memory_order_relaxed); /* I2 publishes both */
                atomic_store_explicit(&me->pid, (uint32_t)getpid(), memory_order_relaxed);
                /* I2 release, pairs with I1. A store will do: the id's locks are ours. */
                atomic_store_explicit(&me->record, (record + 2) | USED, memory_order_release);
                queue->owner = id;
                set_lock(lock_fd, REAP_BYTES + id, F_UNLCK);
                return CQ_OK;
            }
            set_lock(lock_fd, LIVE_BYTES + id, F_UNLCK);
        }
        set_lock(lock_fd, REAP_BYTES + id, F_UNLCK);
    }
    return CQ_ELIMIT;
}

/* Sweep for the ids found dead, and only then let them be used again. */
static int reap_ids(cq_queue *queue, int fd, const uint16_t *ids, const uint64_t *records, uint32_t count,
                    cq_recovery *recovery)
{
    struct owner_set dead = {{0}};

    for (uint32_t i = 0; i < count; ++i)
        dead.bits[ids[i] / 64] |= UINT64_C(1) << ids[i] % 64;
    int result = sweep_owners(queue, &dead, recovery);
    uint32_t reaped = 0;
    for (uint32_t i = 0; i < count; ++i) {
        uint64_t record = records[i];
        /* I3 release, pairs with I1: the sweep is over. Failure: another reaper was faster. */
        if (result == CQ_OK &&
            atomic_compare_exchange_strong_explicit(&queue->participants[ids[i]].record, &record, record & ~USED,
                                                    memory_order_acq_rel, memory_order_relaxed))
            ++reaped;
        set_lock(fd, REAP_BYTES + ids[i], F_UNLCK);
    }
    atomic_fetch_add_explicit(&queue->header->reaped, reaped, memory_order_relaxed); /* a count */
    if (recovery)
        recovery->participants += reaped;
    return result < 0 ? result : (int)reaped;
}

/* With fork_mutex held. How many were reaped, or an error. */
static int reap_all(cq_queue *queue, cq_recovery *recovery)
{
    enum { AT_ONCE = 64 };
    uint16_t ids[AT_ONCE];
    uint64_t records[AT_ONCE];
    uint32_t count = 0;
    int total = 0, fd = -1;

    for (uint32_t id = 1; id <= LAYOUT_MAX_OWNER; ++id) {
        uint64_t record = load_record(queue, id);
        if (id == queue->owner || !(record & USED))
            continue;
        /* Without a description that surely is this region's, and locks that surely work, nobody is found dead. Alone, it
           takes no system call to know. */
        if (fd < 0 && ((fd = region_descriptor(queue)) < 0 ||
                       (queue->owner != 0 && !is_locked(fd, LIVE_BYTES + queue->owner))))
            return 0;
        if (is_locked(fd, LIVE_BYTES + id) || !set_lock(fd, REAP_BYTES + id, F_RDLCK))
            continue;
        /* Again, now that the id cannot change hands: USED and not locked means dead. */
        record = load_record(queue, id);
        if (!(record & USED) || is_locked(fd, LIVE_BYTES + id)) {
            set_lock(fd, REAP_BYTES + id, F_UNLCK);
            continue;
        }
        ids[count] = (uint16_t)id;
        records[count++] = record;
        if (count == AT_ONCE) {
            int result = reap_ids(queue, fd, ids, records, count, recovery);
            if (result < 0)
                return result;
            total += result;
            count = 0;
        }
    }
    int result = count > 0 ? reap_ids(queue, fd, ids, records, count, recovery) : 0;
    return result < 0 ? result : total + result;
}

/* Register the handle, with participant_fork_lock held. */
int participant_register(cq_queue *queue, int lock_fd)
{
    int result = reap_all(queue, NULL);
    return result < 0 ? result : claim_id(queue, lock_fd);
}

/* Does the mapping alone, with its description closed, still hold the lock? Not on every file system. */
int participant_verify(cq_queue *queue)
{
    int fd = region_descriptor(queue);
    if (fd < 0)
        return CQ_ESYSTEM;
    return is_locked(fd, LIVE_BYTES + queue->owner) ? CQ_OK : CQ_EFILESYSTEM;
}

/* Give back what the handle holds and its id. The lock goes with the mapping, after this. */
void participant_leave(cq_queue *queue)
{
    struct owner_set me = {{0}};
    uint64_t record = load_record(queue, queue->owner);

    me.bits[queue->owner / 64] = UINT64_C(1) << queue->owner % 64;
    if (sweep_owners(queue, &me, NULL) == CQ_OK)
        atomic_compare_exchange_strong_explicit(&queue->participants[queue->owner].record, &record, record & ~USED,
                                                memory_order_acq_rel, memory_order_relaxed); /* I3 */
}

/*
 * Reap the dead participants. `wait`: even if another thread of this process is at it, or forks. Otherwise that counts
 * as done, which is what callers in the middle of an operation (and in signal handlers) need. How many, or an error.
 */
int participant_reap(cq_queue *queue, bool wait, cq_recovery *recovery)
{
    if (wait)
        participant_fork_lock();
    else if (pthread_mutex_trylock(&fork_mutex) != 0)
        return 0;
    int result = reap_all(queue, recovery);
    pthread_mutex_unlock(&fork_mutex);
    return result;
}

/* Reap if the last look was long enough ago. */
void participant_look(cq_queue *queue)
{
    int64_t now = wait_clock();
    int64_t last = atomic_load_explicit(&queue->last_look, memory_order_relaxed); /* a hint, orders nothing */

    if (now - last >= LOOK_INTERVAL_NS &&
        atomic_compare_exchange_strong_explicit(&queue->last_look, &last, now, memory_order_relaxed,
                                                memory_order_relaxed))
        participant_reap(queue, false, NULL);
}

/* A slot of this owner was in the way: is it dead? */
void participant_suspect(cq_queue *queue, uint32_t owner)
{
    int fd = region_descriptor(queue);
    if (owner != queue->owner && fd >= 0 && !is_locked(fd, LIVE_BYTES + owner))
        participant_reap(queue, false, NULL);
}

/* How many are alive, and how many of their threads sleep on each side. */
uint32_t participant_count(cq_queue *queue, uint32_t waiting[2])
{
    int fd = region_descriptor(queue);
    uint32_t alive = 0;

    waiting[SIDE_CONSUMERS] = waiting[SIDE_PRODUCERS] = 0;
    for (uint32_t id = 1; id <= LAYOUT_MAX_OWNER; ++id) {
        if (!(load_record(queue, id) & USED) || (fd >= 0 && !is_locked(fd, LIVE_BYTES + id)))
            continue;
        uint32_t counts = atomic_load_explicit(&queue->participants[id].waiting, memory_order_relaxed);
        waiting[SIDE_CONSUMERS] += counts & 0xffff;
        waiting[SIDE_PRODUCERS] += counts >> 16;
        ++alive;
    }
    return alive;
}
