/*
 * participant.c - which participants there are, and which are alive: registering, liveness locks, verdicts.
 *
 * It owns the participants' entries and their lock bytes. The kernel says which are dead, never a time-out, never
 * a process id: a participant holds a lock on its LIVE byte that only its mapping of the region keeps, so that the
 * lock lasts exactly as long as a store through that mapping is possible. It must not know what the dead leave
 * behind (reap.c, sweep.c).
 *
 * An id is not used again while a sweep for its last owner may be under way. A reaper names the ids in its own
 * entry (`reaping`) and then looks again whether they are dead; a newcomer looks at these names after it saw that
 * the id is clean, and takes another id if it is named. One of the two sees the other (name_ids:A, names:A).
 */
#include "participant.h"

#include "memory.h"
#include "os.h"
#include "region.h"

#include <errno.h>
#include <string.h>

/* Far past any file's end; one byte an id, locked while the participant lives. */
#define LIVE_BYTES (UINT64_C(1) << 62)

#define EMERGENCY_ID (LAYOUT_MAX_OWNER + 1) /* for a newcomer that finds no id, and must reap for one */

/* The ids that were ever used: beyond them the entries have no memory. */
uint32_t participant_highest(const cq_queue *queue)
{
    /* highest_id:A, pairs with reach:A. */
    uint32_t highest = atomic_load_explicit(&queue->header->highest_id, memory_order_acquire);
    return highest < LAYOUT_MAX_OWNER ? highest : LAYOUT_MAX_OWNER;
}

/* The same, with the entry of the emergency id where one may be in use. */
uint32_t participant_last_entry(const cq_queue *queue)
{
    uint32_t highest = participant_highest(queue);
    return highest < LAYOUT_MAX_OWNER ? highest : EMERGENCY_ID;
}

/* ---- locks ------------------------------------------------------------------------------------------ */

static int set_lock(int fd, uint32_t id, enum os_lock kind) { return os_lock(fd, LIVE_BYTES + id, kind); }

/* Does another description than fd's hold the lock that `record` says its participant has? */
static enum verdict ask_lock(int fd, uint32_t id, uint64_t record)
{
    bool locked;

    if (os_ask_lock(fd, LIVE_BYTES + id, record & PARTICIPANT_SHARED ? OS_LOCK : OS_LOCK_SHARED, &locked) != 0)
        return VERDICT_UNKNOWN;
    return locked ? VERDICT_ALIVE : VERDICT_DEAD;
}

/* Is fd, at this moment, a description of this region, and do locks work on it? */
bool participant_proves(const cq_queue *queue, int fd)
{
    return region_is_at(queue, fd) &&
           (queue->owner == 0 || ask_lock(fd, queue->owner, queue->record) == VERDICT_ALIVE);
}

/*
 * Is the participant of this record dead? Only a query that surely met the region counts: other threads may close
 * descriptors and open others of the same number at any moment, so the descriptor is proved before and after, and
 * all of it twice. VERDICT_UNKNOWN: nothing is known.
 */
enum verdict participant_ask(const cq_queue *queue, int fd, uint32_t id, uint64_t record)
{
    for (int round = 0; round < 2; ++round) {
        enum verdict verdict = ask_lock(fd, id, record);
        if (verdict != VERDICT_DEAD)
            return verdict;
        if (!participant_proves(queue, fd))
            return VERDICT_UNKNOWN;
    }
    return VERDICT_DEAD;
}

/* ---- registering ------------------------------------------------------------------------------------ */

static bool names(const struct layout_participant *entry, uint32_t id)
{
    for (int word = 0; word < 2; ++word) {
        /* names:A, pairs with name_ids:A. */
        uint64_t ids = atomic_load_explicit(&entry->reaping[word], memory_order_seq_cst);
        for (; ids != 0; ids >>= 16)
            if ((ids & 0xffff) == id)
                return true;
    }
    return false;
}

/* May a sweep for a former owner of this id be under way? */
static bool is_being_reaped(const cq_queue *queue, uint32_t id)
{
    uint32_t highest = participant_highest(queue);

    for (uint32_t other = 1; other <= highest; ++other)
        if (names(&queue->participants[other], id))
            return true;
    return highest == LAYOUT_MAX_OWNER && names(&queue->participants[EMERGENCY_ID], id);
}

/* Memory for the entry. Others read it only up to highest_id, which is raised afterwards. */
static int reach(cq_queue *queue, uint32_t id)
{
    /* Relaxed: the exchange decides. */
    uint32_t highest = atomic_load_explicit(&queue->header->highest_id, memory_order_relaxed);

    if (id <= highest)
        return CQ_OK;
    uint64_t begin = (LAYOUT_PARTICIPANTS_OFFSET + id * sizeof(struct layout_participant)) / LAYOUT_PAGE * LAYOUT_PAGE;
    int result = memory_allocate(queue, NULL, begin, LAYOUT_PAGE);
    if (result != CQ_OK)
        return result == CQ_ENOMEM ? CQ_ENOSPACE : result;
    uint32_t reached = id < LAYOUT_MAX_OWNER ? id : LAYOUT_MAX_OWNER;
    /* reach:A release, pairs with highest_id:A: the entry has memory. */
    while (highest < reached && !atomic_compare_exchange_weak_explicit(&queue->header->highest_id, &highest, reached,
                                                                       memory_order_release, memory_order_relaxed))
        ;
    return CQ_OK;
}

/* Write what people and other participants want to know. After the record, by its owner; what stood there before is
   of an earlier one, at worst an id named for nothing and a mark that something may have been claimed. */
static void introduce(struct layout_participant *me)
{
    char name[16];
    uint64_t words[2];

    os_program_name(name);
    memcpy(words, name, sizeof words);
    for (int i = 0; i < 2; ++i) {
        atomic_store_explicit(&me->reaping[i], 0, memory_order_relaxed);
        atomic_store_explicit(&me->waiting[i], 0, memory_order_relaxed);
        atomic_store_explicit(&me->command[i], words[i], memory_order_relaxed);
    }
    for (uint32_t i = 0; i < LAYOUT_SEATS; ++i)
        for (int side = 0; side < 2; ++side)
            atomic_store_explicit(&me->names[i][side], 0, memory_order_relaxed);
    atomic_store_explicit(&me->pins, 0, memory_order_relaxed);
    atomic_store_explicit(&me->since, 0, memory_order_relaxed);
    atomic_store_explicit(&me->active, 0, memory_order_relaxed);
    atomic_store_explicit(&me->pid, os_process(), memory_order_relaxed);
}

/* CQ_ELIMIT: another description's lock is in the way. Anything else is true of all ids. */
static int result_of_lock(int error)
{
    switch (error) {
    case EAGAIN: case EACCES: return CQ_ELIMIT;
    case EOPNOTSUPP: return CQ_EFILESYSTEM;
    default: return CQ_ESYSTEM;
    }
}

/* Become the owner of this id if it is clean. lock_fd is the description whose mapping will carry the lock.
   CQ_ELIMIT: not this one. Other errors: none. */
static int claim_id(cq_queue *queue, int lock_fd, uint32_t id, bool shared)
{
    struct layout_participant *me = &queue->participants[id];
    bool fresh = id > participant_highest(queue);
    uint64_t record = fresh ? 0 : participant_record(queue, id);

    if (record & PARTICIPANT_USED)
        return CQ_ELIMIT;
    int error = set_lock(lock_fd, id, shared ? OS_LOCK_SHARED : OS_LOCK);
    if (error != 0)
        return result_of_lock(error);
    int result = reach(queue, id);
    if (result == CQ_OK) {
        record = participant_record(queue, id); /* record:A, before names:A: clean, and then not named */
        if (!(record & PARTICIPANT_USED) && !is_being_reaped(queue, id)) {
            uint64_t mine = ((record + PARTICIPANT_INCARNATION) & ~PARTICIPANT_SHARED) | PARTICIPANT_USED |
                            (shared ? PARTICIPANT_SHARED : 0);
            /* register:A release, pairs with record:A. seq_cst as all that decides about ids. An exchange: of two with
               read locks one wins. */
            if (atomic_compare_exchange_strong_explicit(&me->record, &record, mine, memory_order_seq_cst,
                                                        memory_order_relaxed)) {
                queue->owner = id;
                queue->record = mine;
                introduce(me);
                atomic_store_explicit(&queue->header->free_id, id + 1, memory_order_relaxed); /* a hint */
                return CQ_OK;
            }
        }
        result = CQ_ELIMIT;
    }
    set_lock(lock_fd, id, OS_UNLOCK);
    return result;
}

/* Register the handle, with fork_lock held. CQ_ELIMIT: no id is free. `shared`: though a reader may be in the way
   of every write lock. */
int participant_register(cq_queue *queue, int lock_fd, bool shared)
{
    uint32_t first = atomic_load_explicit(&queue->header->free_id, memory_order_relaxed); /* a hint */
    int result = CQ_ELIMIT;

    if (first == 0 || first > participant_highest(queue))
        first = participant_highest(queue) + 1; /* not further: the entries in between would have no memory */
    for (uint32_t n = 0; n < LAYOUT_MAX_OWNER && result == CQ_ELIMIT; ++n)
        result = claim_id(queue, lock_fd, 1 + (first - 1 + n) % LAYOUT_MAX_OWNER, shared);
    return result;
}

/* Have an id for a moment, to reap in its name: the one that is kept for this, which one process at a time may have. */
bool participant_enter_emergency(cq_queue *queue, int lock_fd)
{
    if (set_lock(lock_fd, EMERGENCY_ID, OS_LOCK) != 0)
        return false;
    if (reach(queue, EMERGENCY_ID) != CQ_OK) {
        set_lock(lock_fd, EMERGENCY_ID, OS_UNLOCK);
        return false;
    }
    introduce(&queue->participants[EMERGENCY_ID]);
    queue->owner = EMERGENCY_ID;
    queue->record = PARTICIPANT_USED;
    return true;
}

void participant_leave_emergency(cq_queue *queue, int lock_fd)
{
    queue->owner = 0;
    set_lock(lock_fd, EMERGENCY_ID, OS_UNLOCK);
}

/* Does the mapping alone, with its description closed, still hold the lock? Not on every file system. RESULT_RETRY:
   there is no descriptor to ask, or it was not one of the region any more. */
int participant_verify(cq_queue *queue)
{
    int fd = region_descriptor(queue);
    enum verdict verdict = fd < 0 ? VERDICT_UNKNOWN : ask_lock(fd, queue->owner, queue->record);

    if (verdict == VERDICT_ALIVE)
        return CQ_OK;
    return verdict == VERDICT_DEAD && region_is_at(queue, fd) ? CQ_EFILESYSTEM : RESULT_RETRY;
}

/* The first claim of a handle: from now on its death may leave something. */
void participant_claims(cq_queue *queue)
{
    /* claims:A, before the claim, and seq_cst like it: a reaper that finds this participant dead finds the mark if
       there was a claim. */
    atomic_store_explicit(&queue->participants[queue->owner].active, 1, memory_order_seq_cst);
    atomic_store_explicit(&queue->active, 1, memory_order_release); /* claims:B, pairs with its load */
}

/* Is nobody there, of those who had this id, who could still do anything? */
bool participant_is_gone(cq_queue *queue, uint32_t id)
{
    uint64_t record = id == EMERGENCY_ID ? PARTICIPANT_USED : participant_record(queue, id);
    return !(record & PARTICIPANT_USED) ||
           participant_ask(queue, region_descriptor(queue), id, record) == VERDICT_DEAD;
}

/* Alone, it takes no system call to know that nobody is dead. */
bool participant_is_alone(const cq_queue *queue)
{
    uint32_t highest = participant_highest(queue);

    for (uint32_t id = 1; id <= highest; ++id)
        if (id != queue->owner && participant_record(queue, id) & PARTICIPANT_USED)
            return false;
    return true;
}

/* Nothing is left of this participant: its id may be used again. False: another reaper was faster. */
bool participant_clean(cq_queue *queue, uint32_t id, uint64_t record)
{
    /* clean:A release, pairs with record:A: the sweep is over. */
    if (!atomic_compare_exchange_strong_explicit(&queue->participants[id].record, &record, record & ~PARTICIPANT_USED,
                                                 memory_order_seq_cst, memory_order_relaxed))
        return false;
    if (id < atomic_load_explicit(&queue->header->free_id, memory_order_relaxed)) /* a hint */
        atomic_store_explicit(&queue->header->free_id, id, memory_order_relaxed);
    return true;
}
