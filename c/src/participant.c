/*
 * participant.c - who is alive: registering, looking for the dead, reaping them.
 *
 * It owns the participants' entries and their lock bytes. The kernel says who is dead, never a time-out, never a process id:
 * a participant holds an open-file-description lock on its LIVE byte through a description that only its mapping of
 * the region keeps open, so that the lock lasts exactly as long as somebody can store through that mapping. It must not know
 * what a sweep does to slots.
 *
 * One look an interval is made for the whole queue, by whoever comes first: looks are numbered by header.turn, and each
 * handle measures with its own clock for how long the number has stood still. A look asks a bounded number of participants:
 * first the owner of what is in the way and those whose process is gone, then the others in turn.
 *
 * An id is not used again while somebody may sweep for its last owner. Whoever is going to sweep names the ids in its own
 * entry (`reaping`) and then looks again whether they are dead; whoever registers looks at these names after it saw that the
 * id is clean, and takes another id if it is named. One of the two sees the other (P2 and P3).
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Far past any file's end; one byte an id, locked while the participant lives. */
#define LIVE_BYTES (INT64_C(1) << 62)

/* record: incarnation << 2 | SHARED | USED. SHARED: the lock is a read lock, because a process that may only read the region
   had one in the way of a write lock; then any lock counts, else write locks alone. */
#define USED UINT64_C(1)
#define SHARED UINT64_C(2)
#define INCARNATION UINT64_C(4)

#define ALL_IDS UINT32_MAX /* of look_around's limits */
#define ASKED_IN_TURN 96u  /* lock queries a look, beside those for suspects */
#define ASKED_SUSPECTS 32u
#define HINTS 1024u             /* processes a look asks the kernel for by number */
#define SWEEP_BUDGET UINT64_C(32768) /* slots that a call which does not block looks at, on behalf of the dead */
#define LEAVE_BUDGET (8 * SWEEP_BUDGET)      /* the same, of who closes a handle: some milliseconds */
#define REAP_COST UINT64_C(4096) /* what asking and cleaning for some ids counts in slots */
#define EMERGENCY_ID (LAYOUT_MAX_OWNER + 1) /* reaps in the name of who finds no id to register with */

static uint64_t load_record(const cq_queue *queue, uint32_t id)
{
    return atomic_load_explicit(&queue->participants[id].record, memory_order_seq_cst); /* I1, pairs with I2, I3 */
}

/* The ids that were ever used: beyond them the entries have no memory. */
static uint32_t highest_id(const cq_queue *queue)
{
    uint32_t highest = atomic_load_explicit(&queue->header->highest_id, memory_order_acquire); /* I4 */
    return highest < LAYOUT_MAX_OWNER ? highest : LAYOUT_MAX_OWNER;
}

/* ---- locks ------------------------------------------------------------------------------------------ */

static bool set_lock(int fd, uint32_t id, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = LIVE_BYTES + id, .l_len = 1};
    return fcntl(fd, F_OFD_SETLK, &lock) == 0; /* non-blocking: not interrupted, no cancellation point */
}

enum answer { UNLOCKED, LOCKED, NO_ANSWER };

/* Does another description than fd's hold the lock that `record` says its participant has? */
static enum answer ask_lock(int fd, uint32_t id, uint64_t record)
{
    struct flock lock = {.l_type = record & SHARED ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET, .l_start = LIVE_BYTES + id,
                         .l_len = 1};
    if (fcntl(fd, F_OFD_GETLK, &lock) != 0)
        return NO_ANSWER;
    return lock.l_type == F_UNLCK ? UNLOCKED : LOCKED;
}

/* Is fd, at this moment, a description of this region, and do locks work on it? */
static bool proves(const cq_queue *queue, int fd)
{
    return region_is_at(queue, fd) &&
           (queue->owner == 0 || ask_lock(fd, queue->owner, queue->record) == LOCKED);
}

/*
 * Is the participant of this record dead? Only a query that surely met the region counts: other threads may close
 * descriptors and open others of the same number at any moment, so the descriptor is proved before and after, and all of it
 * twice. NO_ANSWER: nothing is known.
 */
static enum answer ask(const cq_queue *queue, int fd, uint32_t id, uint64_t record)
{
    for (int round = 0; round < 2; ++round) {
        enum answer answer = ask_lock(fd, id, record);
        if (answer != UNLOCKED)
            return answer;
        if (!proves(queue, fd))
            return NO_ANSWER;
    }
    return UNLOCKED;
}

/* ---- registering ------------------------------------------------------------------------------------ */

static bool names(const struct layout_participant *entry, uint32_t id)
{
    for (int word = 0; word < 2; ++word) {
        uint64_t ids = atomic_load_explicit(&entry->reaping[word], memory_order_seq_cst); /* P3, pairs with P2 */
        for (; ids != 0; ids >>= 16)
            if ((ids & 0xffff) == id)
                return true;
    }
    return false;
}

/* May somebody be sweeping for a former owner of this id? */
static bool is_being_reaped(const cq_queue *queue, uint32_t id)
{
    uint32_t highest = highest_id(queue);

    for (uint32_t other = 1; other <= highest; ++other)
        if (names(&queue->participants[other], id))
            return true;
    return highest == LAYOUT_MAX_OWNER && names(&queue->participants[EMERGENCY_ID], id);
}

/* Memory for the entry. Others read it only up to highest_id, which is raised afterwards. */
static int reach(cq_queue *queue, int fd, uint32_t id)
{
    uint32_t highest = atomic_load_explicit(&queue->header->highest_id, memory_order_relaxed); /* the exchange decides */

    if (id <= highest)
        return CQ_OK;
    uint64_t begin = (LAYOUT_PARTICIPANTS_OFFSET + id * sizeof(struct layout_participant)) / LAYOUT_PAGE * LAYOUT_PAGE;
    int result = memory_allocate(queue, fd, begin, LAYOUT_PAGE);
    if (result != CQ_OK)
        return result == CQ_ENOMEM ? CQ_ENOSPACE : result;
    uint32_t reached = id < LAYOUT_MAX_OWNER ? id : LAYOUT_MAX_OWNER;
    /* I4 release, pairs with highest_id: the entry has memory. */
    while (highest < reached && !atomic_compare_exchange_weak_explicit(&queue->header->highest_id, &highest, reached,
                                                                       memory_order_release, memory_order_relaxed))
        ;
    return CQ_OK;
}

/* Write what people and other participants want to know. After the record, by the one whose it is; what stood there before is
   of an earlier owner, at worst an id named for nothing and a mark that something may have been claimed. */
static void introduce(struct layout_participant *me)
{
    const char *name = program_invocation_short_name; /* a thread may be called anything */
    uint64_t words[2] = {0, 0};

    memcpy(words, name, strnlen(name, sizeof words - 1));
    for (int i = 0; i < 2; ++i) {
        atomic_store_explicit(&me->reaping[i], 0, memory_order_relaxed);
        atomic_store_explicit(&me->waiting[i], 0, memory_order_relaxed);
        atomic_store_explicit(&me->command[i], words[i], memory_order_relaxed);
    }
    atomic_store_explicit(&me->since, 0, memory_order_relaxed);
    atomic_store_explicit(&me->active, 0, memory_order_relaxed);
    atomic_store_explicit(&me->pid, (uint32_t)getpid(), memory_order_relaxed);
}

/* Become the owner of this id if it is clean. lock_fd is the description whose mapping will carry the lock. CQ_ELIMIT: not
   this one. */
static int claim_id(cq_queue *queue, int lock_fd, uint32_t id, bool shared)
{
    struct layout_participant *me = &queue->participants[id];
    bool fresh = id > highest_id(queue);
    uint64_t record = fresh ? 0 : load_record(queue, id);

    if (record & USED || !set_lock(lock_fd, id, shared ? F_RDLCK : F_WRLCK))
        return CQ_ELIMIT;
    int result = reach(queue, lock_fd, id);
    if (result == CQ_OK) {
        record = load_record(queue, id); /* I1 before P3: clean, and then not named */
        if (!(record & USED) && !is_being_reaped(queue, id)) {
            uint64_t mine = ((record + INCARNATION) & ~(USED | SHARED)) | USED | (shared ? SHARED : 0);
            /* I2 release, pairs with I1. seq_cst as all that decides about ids. An exchange: of two with read locks one wins. */
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
    set_lock(lock_fd, id, F_UNLCK);
    return result;
}

static int claim_any_id(cq_queue *queue, int lock_fd, bool shared)
{
    uint32_t first = atomic_load_explicit(&queue->header->free_id, memory_order_relaxed); /* a hint */
    int result = CQ_ELIMIT;

    if (first == 0 || first > highest_id(queue))
        first = highest_id(queue) + 1; /* not further: the entries in between would have no memory */
    for (uint32_t n = 0; n < LAYOUT_MAX_OWNER && result == CQ_ELIMIT; ++n)
        result = claim_id(queue, lock_fd, 1 + (first - 1 + n) % LAYOUT_MAX_OWNER, shared);
    return result;
}

/* Every id is used: reap under the one that is kept for this, which one process at a time may have. */
static void reap_to_register(cq_queue *queue, int lock_fd)
{
    if (!set_lock(lock_fd, EMERGENCY_ID, F_WRLCK))
        return;
    if (reach(queue, lock_fd, EMERGENCY_ID) == CQ_OK) {
        introduce(&queue->participants[EMERGENCY_ID]);
        queue->owner = EMERGENCY_ID;
        queue->record = USED;
        participant_reap(queue, NULL);
        queue->owner = 0;
    }
    set_lock(lock_fd, EMERGENCY_ID, F_UNLCK);
}

/* Register the handle, with fork_lock held. */
int participant_register(cq_queue *queue, int lock_fd)
{
    int result = claim_any_id(queue, lock_fd, false);

    if (result == CQ_ELIMIT) {
        reap_to_register(queue, lock_fd);
        result = claim_any_id(queue, lock_fd, false);
    }
    if (result == CQ_ELIMIT) /* or a reader is in the way of every write lock */
        result = claim_any_id(queue, lock_fd, true);
    return result;
}

/* Does the mapping alone, with its description closed, still hold the lock? Not on every file system. */
int participant_verify(cq_queue *queue)
{
    int fd = region_descriptor(queue);
    if (fd < 0)
        return CQ_ESYSTEM;
    return ask_lock(fd, queue->owner, queue->record) == LOCKED ? CQ_OK : CQ_EFILESYSTEM;
}

/* The first claim of a handle: from now on its death may leave something. */
void participant_claims(cq_queue *queue)
{
    /* Before the claim, and seq_cst like it: who finds this participant dead finds the mark if there was a claim. */
    atomic_store_explicit(&queue->participants[queue->owner].active, 1, memory_order_seq_cst);
    atomic_store_explicit(&queue->active, 1, memory_order_release); /* pairs with the load in participant_active */
}

/* Alone, it takes no system call to know that nobody is dead. */
static bool is_alone(const cq_queue *queue)
{
    uint32_t highest = highest_id(queue);

    for (uint32_t id = 1; id <= highest; ++id)
        if (id != queue->owner && load_record(queue, id) & USED)
            return false;
    return true;
}

/* ---- reaping ---------------------------------------------------------------------------------------- */

/* Of the threads of a handle one at a time reaps; the others, and signal handlers, take that for done. */
static bool begin_reaping(cq_queue *queue)
{
    return atomic_exchange_explicit(&queue->reap.busy, 1, memory_order_acquire) == 0; /* pairs with end_reaping */
}

static void end_reaping(cq_queue *queue) { atomic_store_explicit(&queue->reap.busy, 0, memory_order_release); }

/* Name the ids that are going to be swept for, or none. */
static void name_ids(cq_queue *queue)
{
    const struct reap *reap = &queue->reap;
    uint64_t words[2] = {0, 0};

    for (uint32_t i = 0; i < reap->count; ++i)
        words[i / 4] |= (uint64_t)reap->ids[i] << i % 4 * 16;
    for (int word = 0; word < 2; ++word) /* P2, pairs with P3 */
        atomic_store_explicit(&queue->participants[queue->owner].reaping[word], words[word], memory_order_seq_cst);
}

/* Nothing is left of this participant: its id may be used again. False: another reaper was faster. */
static bool clean(cq_queue *queue, uint32_t id, uint64_t record)
{
    /* I3 release, pairs with I1: the sweep is over. */
    if (!atomic_compare_exchange_strong_explicit(&queue->participants[id].record, &record, record & ~USED,
                                                 memory_order_seq_cst, memory_order_relaxed))
        return false;
    if (id < atomic_load_explicit(&queue->header->free_id, memory_order_relaxed)) /* a hint */
        atomic_store_explicit(&queue->header->free_id, id, memory_order_relaxed);
    return true;
}

/* Sweep for those in reap.ids that are dead still, now that their ids cannot change hands. */
static void begin_sweep(cq_queue *queue, int fd)
{
    struct reap *reap = &queue->reap;
    struct owner_set dead = {{0}};
    uint32_t kept = 0;

    name_ids(queue);
    reap->active = false;
    for (uint32_t i = 0; i < reap->count; ++i) {
        uint32_t id = reap->ids[i];
        /* I1 after P2: used by the same owner still. */
        if (load_record(queue, id) != reap->records[i] || ask(queue, fd, id, reap->records[i]) != UNLOCKED)
            continue;
        /* Relaxed: the kernel's word that its lock is gone comes after all that it stored. */
        reap->active |= atomic_load_explicit(&queue->participants[id].active, memory_order_relaxed) != 0;
        reap->ids[kept] = (uint16_t)id;
        reap->records[kept++] = reap->records[i];
        dead.bits[id / 64] |= UINT64_C(1) << id % 64;
    }
    reap->count = kept;
    reap->sweeping = true;
    sweep_begin(&reap->sweep, queue, &dead);
}

/* The sweep is over: the ids may be used again. */
static uint32_t finish_sweep(cq_queue *queue, int fd, int result)
{
    struct reap *reap = &queue->reap;
    uint32_t reaped = 0;

    for (uint32_t i = 0; i < reap->count && result == CQ_OK; ++i) {
        struct layout_participant *entry = &queue->participants[reap->ids[i]];
        uint64_t record = reap->records[i];
        if (ask(queue, fd, reap->ids[i], record) != UNLOCKED)
            continue;
        for (int word = 0; word < 2; ++word)
            atomic_store_explicit(&entry->reaping[word], 0, memory_order_seq_cst); /* its own sweeps are over */
        reaped += clean(queue, reap->ids[i], record);
    }
    reap->count = 0;
    reap->sweeping = false;
    name_ids(queue);
    atomic_fetch_add_explicit(&queue->header->reaped, reaped, memory_order_relaxed); /* a count */
    return reaped;
}

/* Go on sweeping. *budget is what may be looked at, and what is left of it. How many were reaped, or an error. */
static int go_on(cq_queue *queue, int fd, uint64_t *budget, cq_recovery *recovery)
{
    struct reap *reap = &queue->reap;
    int result = reap->active ? sweep_step(&reap->sweep, budget) : CQ_OK; /* who never claimed anything left nothing */

    if (result == RESULT_RETRY)
        return 0;
    if (recovery) {
        recovery->slots += reap->sweep.slots;
        recovery->messages += reap->sweep.messages;
        recovery->nodes += reap->sweep.nodes;
    }
    uint32_t reaped = finish_sweep(queue, fd, result);
    if (recovery)
        recovery->participants += reaped;
    return result < 0 ? result : (int)reaped;
}

/* Add the participant to those to be swept for if it is dead. False: the descriptor cannot be relied on. */
static bool consider(cq_queue *queue, int fd, uint32_t id)
{
    struct reap *reap = &queue->reap;
    uint64_t record = load_record(queue, id);

    if (id == queue->owner || !(record & USED))
        return true;
    for (uint32_t i = 0; i < reap->count; ++i)
        if (reap->ids[i] == id)
            return true;
    enum answer answer = ask(queue, fd, id, record);
    if (answer == UNLOCKED) {
        reap->ids[reap->count] = (uint16_t)id;
        reap->records[reap->count++] = record;
    }
    return answer != NO_ANSWER;
}

/* Is its process gone, as far as this process can tell? A reason to ask, no more: numbers differ between PID namespaces, and
   are used again. */
static bool is_suspect(const struct layout_participant *entry)
{
    uint32_t pid = atomic_load_explicit(&entry->pid, memory_order_relaxed); /* a hint */
    int before = errno;
    bool gone = pid != 0 && pid <= INT32_MAX && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
    errno = before;
    return gone;
}

/* Collect dead participants among the suspects, `hints` entries from the last place on; and estimate how many sleep. */
static bool collect_suspects(cq_queue *queue, int fd, uint32_t hints)
{
    struct reap *reap = &queue->reap;
    uint32_t highest = highest_id(queue), asked = 0, sleepers = 0, n = 0, all = hints < highest ? hints : highest;

    for (; n < all && asked < ASKED_SUSPECTS && reap->count < REAP_MOST; ++n) {
        reap->hint = reap->hint < highest ? reap->hint + 1 : 1;
        const struct layout_participant *entry = &queue->participants[reap->hint];
        if (!(load_record(queue, reap->hint) & USED))
            continue;
        bool asleep = (atomic_load_explicit(&entry->waiting[0], memory_order_relaxed) | /* counts, and a hint */
                       atomic_load_explicit(&entry->waiting[1], memory_order_relaxed)) != 0;
        sleepers += asleep;
        /* Who never claimed anything or sleeps seldom holds something: those are asked in turn. */
        if (!asleep && reap->hint != queue->owner && atomic_load_explicit(&entry->active, memory_order_relaxed) && is_suspect(entry)) {
            ++asked;
            if (!consider(queue, fd, reap->hint))
                return false;
        }
    }
    if (n == all && n > 0)
        atomic_store_explicit(&queue->header->sleepers, sleepers * highest / n, memory_order_relaxed); /* a hint */
    return true;
}

/* Each look goes on where the one before ended, whoever makes it: handles that come and go would look at the lowest ids only. */
static void begin_at_turn(cq_queue *queue, uint64_t turn)
{
    uint32_t highest = highest_id(queue);

    if (highest == 0) /* not with this handle among them, but who knows what a region says */
        return;
    queue->reap.hint = (uint32_t)(turn * HINTS % highest);
    queue->reap.next = (uint32_t)(turn * ASKED_IN_TURN % highest);
}

/* Collect dead participants among all, `most` queries from the last place on. True: went all around. */
static bool collect_in_turn(cq_queue *queue, int fd, uint32_t most)
{
    struct reap *reap = &queue->reap;
    uint32_t highest = highest_id(queue), asked = 0;

    for (uint32_t n = 0; n < highest; ++n) {
        if (asked == most || reap->count == REAP_MOST)
            return false;
        reap->next = reap->next < highest ? reap->next + 1 : 1;
        if (reap->next == queue->owner || !(load_record(queue, reap->next) & USED))
            continue;
        ++asked;
        if (!consider(queue, fd, reap->next))
            return true;
    }
    return true;
}

/*
 * Look around once: the suspect (0: none), those whose process seems gone, then `most` others in turn; and sweep for those
 * found dead, as far as *budget goes. How many were reaped, or an error. With begin_reaping.
 */
static int look_around(cq_queue *queue, int fd, uint32_t suspect, uint32_t most, uint64_t *budget, cq_recovery *recovery)
{
    struct reap *reap = &queue->reap;
    uint32_t hints = most == ALL_IDS || most == 0 ? 0 : HINTS;
    int total = 0, result;

    reap->more = false;
    for (uint32_t round = 0; round < LAYOUT_MAX_OWNER; ++round) {
        bool around = false;
        if (!reap->sweeping) {
            reap->count = 0;
            bool sure = (suspect == 0 || suspect > highest_id(queue) || consider(queue, fd, suspect)) &&
                        collect_suspects(queue, fd, hints);
            suspect = 0;
            around = !sure || (reap->count < REAP_MOST && (collect_in_turn(queue, fd, most) || most != ALL_IDS));
            if (reap->count == 0)
                break;
            begin_sweep(queue, fd);
        }
        if ((result = go_on(queue, fd, budget, recovery)) < 0)
            return result;
        total += result;
        *budget -= *budget < REAP_COST ? *budget : REAP_COST;
        if (around)
            break;
        if (*budget == 0) {
            reap->more = true;
            break;
        }
    }
    return total;
}

/* There is no descriptor to find out anything with: what is begun is found again by who has one. */
static void drop_sweep(cq_queue *queue)
{
    queue->reap.count = 0;
    queue->reap.sweeping = queue->reap.more = false;
    name_ids(queue);
}

/* Until the next call. Whatever is begun goes on with it, whether or not a look is due then. */
static void pause_reaping(cq_queue *queue)
{
    atomic_store_explicit(&queue->reap.pending, queue->reap.sweeping || queue->reap.more, memory_order_relaxed);
    end_reaping(queue);
}

/* Look at everybody, and finish what is begun. How many were reaped, or an error. */
int participant_reap(cq_queue *queue, cq_recovery *recovery)
{
    uint64_t budget = UINT64_MAX;

    while (!begin_reaping(queue))
        wait_yield(); /* another thread of this handle, which does not wait for anybody */
    int fd = is_alone(queue) ? -1 : region_descriptor(queue);
    queue->reap.next = 0; /* all around from the beginning, even if it was half-way */
    int result = fd >= 0 && proves(queue, fd) ? look_around(queue, fd, 0, ALL_IDS, &budget, recovery) : 0;
    pause_reaping(queue);
    return result;
}

/* ---- looking ---------------------------------------------------------------------------------------- */

/* Between two looks of the whole queue; more often when there are so many that a look asks few of them. */
int64_t participant_interval(const cq_queue *queue)
{
    uint32_t highest = highest_id(queue), within_a_second = 11 * ASKED_IN_TURN;
    return highest <= within_a_second ? LOOK_INTERVAL_NS : LOOK_INTERVAL_NS * within_a_second / highest;
}

/* Is a look due: has the turn stood still for an interval, by this handle's clock? */
static bool look_is_due(cq_queue *queue, uint64_t turn)
{
    int64_t now = wait_clock_coarse();

    /* Relaxed all: hints, of which threads may see any mixture; the exchange of the turn lets one of them look. */
    if (atomic_load_explicit(&queue->turn_seen, memory_order_relaxed) != turn) {
        atomic_store_explicit(&queue->turn_seen, turn, memory_order_relaxed);
        atomic_store_explicit(&queue->turn_time, now, memory_order_relaxed);
        return false;
    }
    return now - atomic_load_explicit(&queue->turn_time, memory_order_relaxed) >= participant_interval(queue);
}

/*
 * Look for the dead if a look is due, or go on with the sweep that this handle began. For every call that has nothing better
 * to do: it is about to report that there is nothing, or woke up. Bounded, async-signal-safe. True: something was put right,
 * and a try is worth it.
 */
bool participant_look(cq_queue *queue)
{
    uint64_t turn = atomic_load_explicit(&queue->header->turn, memory_order_relaxed); /* a number, orders nothing */
    bool begun = participant_is_reaping(queue);
    uint64_t budget = SWEEP_BUDGET;

    if (!look_is_due(queue, turn) && !begun)
        return false;
    if (!begin_reaping(queue))
        return false;
    /* A turn is only taken by who can look: one that bumps it for nothing would keep all others from looking. */
    bool alone = !begun && is_alone(queue);
    int fd = alone ? -1 : region_descriptor(queue), result = 0;
    if (!alone && (fd < 0 || !proves(queue, fd))) {
        drop_sweep(queue);
        atomic_store_explicit(&queue->turn_time, wait_clock_coarse(), memory_order_relaxed); /* not again in each call */
        wait_nudge(queue);
    } else if (begun || atomic_compare_exchange_strong_explicit(&queue->header->turn, &turn, turn + 1, memory_order_relaxed,
                                                                memory_order_relaxed)) {
        if (!begun && !alone)
            begin_at_turn(queue, turn);
        if (!alone)
            result = look_around(queue, fd, begun ? 0 : dequeue_blocker(queue), ASKED_IN_TURN, &budget, NULL);
        if (!begun) {
            atomic_store_explicit(&queue->turn_seen, turn + 1, memory_order_relaxed);
            atomic_store_explicit(&queue->turn_time, wait_clock_coarse(), memory_order_relaxed);
            if (wait_nudge(queue))
                wait_see_removal(queue);
        }
    }
    pause_reaping(queue);
    return result > 0;
}

/* May this owner be asked about, of whom a slot was in the way? Not twice in a row, and not too many in an interval. */
static bool may_suspect(cq_queue *queue, uint32_t owner)
{
    int64_t now = wait_clock_coarse();

    /* Relaxed all: hints. */
    if (now - atomic_load_explicit(&queue->suspect_time, memory_order_relaxed) >= LOOK_INTERVAL_NS) {
        atomic_store_explicit(&queue->suspect_time, now, memory_order_relaxed);
        atomic_store_explicit(&queue->suspects, 0, memory_order_relaxed);
    } else if (atomic_load_explicit(&queue->suspect, memory_order_relaxed) == owner)
        return false;
    atomic_store_explicit(&queue->suspect, owner, memory_order_relaxed);
    return atomic_fetch_add_explicit(&queue->suspects, 1, memory_order_relaxed) < ASKED_SUSPECTS;
}

/* A slot of this owner was in the way: is it dead? Cheap enough to be called for each. */
void participant_suspect(cq_queue *queue, uint32_t owner)
{
    uint64_t budget = SWEEP_BUDGET;

    if (owner == 0 || owner == queue->owner || !may_suspect(queue, owner) || !begin_reaping(queue))
        return;
    int error = errno, fd = region_descriptor(queue);
    if (fd >= 0 && proves(queue, fd))
        look_around(queue, fd, owner, 0, &budget, NULL);
    errno = error;
    pause_reaping(queue);
}

/* ---- leaving ---------------------------------------------------------------------------------------- */

/*
 * Give back what the handle holds, and its id. The lock goes with the mapping, after this. In a large backlog that was never
 * swept not everything is found at once: then the record stays, and is reaped like a dead one's.
 */
void participant_leave(cq_queue *queue)
{
    struct reap *reap = &queue->reap;
    struct owner_set me = {{0}};
    uint64_t budget = LEAVE_BUDGET;
    int result = CQ_OK;

    reap->count = 0; /* what this handle was sweeping for is found again by others */
    name_ids(queue);
    if (atomic_load_explicit(&queue->active, memory_order_relaxed)) { /* no other thread uses the handle */
        me.bits[queue->owner / 64] = UINT64_C(1) << queue->owner % 64;
        sweep_begin(&reap->sweep, queue, &me);
        result = sweep_step(&reap->sweep, &budget);
    }
    if (result == CQ_OK)
        clean(queue, queue->owner, queue->record);
}

/* ---- looking on ------------------------------------------------------------------------------------- */

/* True unless it is surely dead. */
static bool lives(cq_queue *queue, int fd, uint32_t id, uint64_t record)
{
    return fd < 0 || ask(queue, fd, id, record) != UNLOCKED;
}

/* How many are alive, and how many of their threads sleep on each side. */
uint32_t participant_count(cq_queue *queue, uint64_t waiting[2])
{
    int fd = region_descriptor(queue);
    uint32_t alive = 0, highest = highest_id(queue);

    waiting[SIDE_CONSUMERS] = waiting[SIDE_PRODUCERS] = 0;
    for (uint32_t id = 1; id <= highest; ++id) {
        uint64_t record = load_record(queue, id);
        if (!(record & USED) || !lives(queue, fd, id, record))
            continue;
        for (int side = 0; side < 2; ++side) /* counts */
            waiting[side] += atomic_load_explicit(&queue->participants[id].waiting[side], memory_order_relaxed);
        ++alive;
    }
    return alive;
}

/* Show each, with how much it holds by `holdings`. */
int participant_walk(cq_queue *queue, const struct holdings *holdings, cq_participant_visitor *visitor, void *context)
{
    int fd = region_descriptor(queue);
    uint32_t highest = highest_id(queue);

    for (uint32_t id = 1; id <= highest; ++id) {
        const struct layout_participant *entry = &queue->participants[id];
        uint64_t record = load_record(queue, id), words[2];
        if (!(record & USED))
            continue;
        /* All relaxed: for people, who may see a newcomer before it has introduced itself. */
        cq_participant shown = {
            .struct_size = sizeof shown,
            .id = id,
            .pid = atomic_load_explicit(&entry->pid, memory_order_relaxed),
            .alive = lives(queue, fd, id, record),
            .held = holdings->held[id],
            .writing = holdings->writing[id],
            .waiting_consumers = atomic_load_explicit(&entry->waiting[SIDE_CONSUMERS], memory_order_relaxed),
            .waiting_producers = atomic_load_explicit(&entry->waiting[SIDE_PRODUCERS], memory_order_relaxed)};
        if (shown.waiting_consumers || shown.waiting_producers)
            shown.waiting_since = atomic_load_explicit(&entry->since, memory_order_relaxed);
        for (int i = 0; i < 2; ++i)
            words[i] = atomic_load_explicit(&entry->command[i], memory_order_relaxed);
        memcpy(shown.command, words, sizeof shown.command);
        shown.command[sizeof shown.command - 1] = '\0';
        if (visitor(&shown, context))
            break;
    }
    return CQ_OK;
}
