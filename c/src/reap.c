/*
 * reap.c - finding the dead, and sweeping for them.
 *
 * It owns the turns of looking, and this handle's place in a sweep. It must not know how death is proved
 * (participant.c), nor what a sweep does to slots (sweep.c).
 *
 * One look an interval is made for the whole queue, by whoever comes first: looks are numbered by header.turn, and
 * each handle measures with its own clock for how long the number has stood still. A look asks a bounded number of
 * participants: first the owner of what is in the way and those whose process is gone, then the others in turn.
 */
#include "reap.h"

#include "front.h"
#include "lease.h"
#include "os.h"
#include "participant.h"
#include "region.h"
#include "sweep.h"
#include "trace.h"

#include <errno.h>

#define LOOK_ALL UINT32_MAX /* of look_around's limits */
#define ASKED_IN_TURN 96u   /* lock queries a look, beside those for suspects */
#define LOOKS_A_SECOND 9     /* of LOOK_INTERVAL_NS; and a fifth of it is left for what comes late */
#define ASKED_SUSPECTS 32u
#define HINTS 1024u         /* processes a look asks the kernel for by number */

/* In slots looked at on behalf of the dead: by a call that does not block; when a handle is closed, some milliseconds;
   and what asking and cleaning for some ids counts. */
#define SWEEP_BUDGET UINT64_C(32768)
#define LEAVE_BUDGET (8 * SWEEP_BUDGET)
#define REAP_COST UINT64_C(4096)

/* Of the threads of a handle one at a time reaps; the others, and signal handlers, take that for done. */
static bool begin_reaping(cq_queue *queue)
{
    /* reaping:A, pairs with reaping:B. */
    return atomic_exchange_explicit(&queue->reap.busy, 1, memory_order_acquire) == 0;
}

static void end_reaping(cq_queue *queue)
{
    atomic_store_explicit(&queue->reap.busy, 0, memory_order_release); /* reaping:B, pairs with reaping:A */
}

/* Name the ids that are going to be swept for, or none. */
static void name_ids(cq_queue *queue)
{
    const struct reap *reap = &queue->reap;
    uint64_t words[2] = {0, 0};

    for (uint32_t i = 0; i < reap->count; ++i)
        words[i / 4] |= (uint64_t)reap->ids[i] << i % 4 * 16;
    for (int word = 0; word < 2; ++word) /* name_ids:A, meets names:A */
        atomic_store_explicit(&queue->participants[queue->owner].reaping[word], words[word], memory_order_seq_cst);
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
        /* record:A, after name_ids:A; pairs with register:A and clean:A: used by the same owner still. */
        if (participant_record(queue, id) != reap->records[i] ||
            participant_ask(queue, fd, id, reap->records[i]) != VERDICT_DEAD)
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

/* The sweep is done: the ids may be used again. */
static uint32_t finish_sweep(cq_queue *queue, int fd, int result)
{
    struct reap *reap = &queue->reap;
    uint32_t reaped = 0;

    for (uint32_t i = 0; i < reap->count && result == CQ_OK; ++i) {
        struct layout_participant *entry = &queue->participants[reap->ids[i]];
        uint64_t record = reap->records[i];
        if (participant_ask(queue, fd, reap->ids[i], record) != VERDICT_DEAD)
            continue;
        uint32_t process = atomic_load_explicit(&entry->pid, memory_order_relaxed); /* for people */
        for (int word = 0; word < 2; ++word)
            atomic_store_explicit(&entry->reaping[word], 0, memory_order_seq_cst); /* name_ids:A: its sweeps are over */
        lease_drop_all(queue, reap->ids[i]); /* after the sweep: the next consumer finds what this one held */
        if (!participant_clean(queue, reap->ids[i], record))
            continue;
        TRACE(reaped, queue, reap->ids[i], process);
        ++reaped;
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
    int result = reap->active ? sweep_step(&reap->sweep, budget) : CQ_OK; /* without a claim nothing was left */

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
    uint64_t record = participant_record(queue, id);

    if (id == queue->owner || !(record & PARTICIPANT_USED))
        return true;
    for (uint32_t i = 0; i < reap->count; ++i)
        if (reap->ids[i] == id)
            return true;
    enum verdict verdict = participant_ask(queue, fd, id, record);
    if (verdict == VERDICT_DEAD) {
        reap->ids[reap->count] = (uint16_t)id;
        reap->records[reap->count++] = record;
    }
    return verdict != VERDICT_UNKNOWN;
}

/* Collect dead participants among the suspects, `hints` entries from the last place on; and estimate how many sleep. */
static bool collect_suspects(cq_queue *queue, int fd, uint32_t hints)
{
    struct reap *reap = &queue->reap;
    uint32_t highest = participant_highest(queue), all = hints < highest ? hints : highest;
    uint32_t asked = 0, sleepers = 0, n = 0;

    for (; n < all && asked < ASKED_SUSPECTS && reap->count < REAP_MOST; ++n) {
        reap->hint = reap->hint < highest ? reap->hint + 1 : 1;
        const struct layout_participant *entry = &queue->participants[reap->hint];
        if (!(participant_record(queue, reap->hint) & PARTICIPANT_USED))
            continue;
        bool asleep = (atomic_load_explicit(&entry->waiting[0], memory_order_relaxed) | /* counts, and a hint */
                       atomic_load_explicit(&entry->waiting[1], memory_order_relaxed)) != 0;
        sleepers += asleep;
        /* One that never claimed anything, or sleeps, seldom holds something: those are asked in turn. */
        if (!asleep && reap->hint != queue->owner && atomic_load_explicit(&entry->active, memory_order_relaxed) &&
            /* A reason to ask, no more. */
            os_process_is_gone(atomic_load_explicit(&entry->pid, memory_order_relaxed))) {
            ++asked;
            if (!consider(queue, fd, reap->hint))
                return false;
        }
    }
    if (n == all && n > 0)
        atomic_store_explicit(&queue->header->sleepers, sleepers * highest / n, memory_order_relaxed); /* a hint */
    return true;
}

/* Each look goes on where the one before ended, whoever makes it: handles that come and go would look at the lowest
   ids only. */
static void begin_at_turn(cq_queue *queue, uint64_t turn)
{
    uint32_t highest = participant_highest(queue);

    if (highest == 0) /* not with this handle among them, but a region may say anything */
        return;
    queue->reap.hint = (uint32_t)(turn * HINTS % highest);
    queue->reap.next = (uint32_t)(turn * ASKED_IN_TURN % highest);
}

/* Collect dead participants among all, `most` queries from the last place on. True: went all around. */
static bool collect_in_turn(cq_queue *queue, int fd, uint32_t most)
{
    struct reap *reap = &queue->reap;
    uint32_t highest = participant_highest(queue), asked = 0;

    for (uint32_t n = 0; n < highest; ++n) {
        if (asked == most || reap->count == REAP_MOST)
            return false;
        reap->next = reap->next < highest ? reap->next + 1 : 1;
        if (reap->next == queue->owner || !(participant_record(queue, reap->next) & PARTICIPANT_USED))
            continue;
        ++asked;
        if (!consider(queue, fd, reap->next))
            return true;
    }
    return true;
}

/*
 * Look around once: the suspect (0: none), those whose process seems gone, then `most` others in turn; and sweep
 * for those found dead, as far as *budget goes. How many were reaped, or an error. With begin_reaping.
 */
static int look_around(cq_queue *queue, int fd, uint32_t suspect, uint32_t most, uint64_t *budget,
                       cq_recovery *recovery)
{
    struct reap *reap = &queue->reap;
    uint32_t hints = most == LOOK_ALL || most == 0 ? 0 : HINTS;
    int total = 0, result;

    reap->more = false;
    for (uint32_t round = 0; round < LAYOUT_MAX_OWNER; ++round) {
        bool around = false;
        if (!reap->sweeping) {
            reap->count = 0;
            bool sure = (suspect == 0 || suspect > participant_highest(queue) || consider(queue, fd, suspect)) &&
                        collect_suspects(queue, fd, hints);
            suspect = 0;
            around = !sure || (reap->count < REAP_MOST && (collect_in_turn(queue, fd, most) || most != LOOK_ALL));
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

/* There is no descriptor to find out anything with: what is begun is found again by a handle that has one. */
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
int reap_all(cq_queue *queue, cq_recovery *recovery)
{
    uint64_t budget = UINT64_MAX;

    while (!begin_reaping(queue))
        os_yield(); /* another thread of this handle, which does not wait for anybody */
    int fd = participant_is_alone(queue) ? -1 : region_descriptor(queue);
    queue->reap.next = 0; /* all around from the beginning, even if it was half-way */
    int result = fd >= 0 && participant_proves(queue, fd) ? look_around(queue, fd, 0, LOOK_ALL, &budget, recovery) : 0;
    pause_reaping(queue);
    return result;
}

/* Every id is used: reap in the name of the one that is kept for this. */
void reap_for_id(cq_queue *queue, int lock_fd)
{
    if (!participant_enter_emergency(queue, lock_fd))
        return;
    reap_all(queue, NULL);
    participant_leave_emergency(queue, lock_fd);
}

/* ---- looking ---------------------------------------------------------------------------------------- */

/* Between two looks of the whole queue. More often when there are so many handles that a look asks few of them: then
   the looks of a second have to ask all, although each begins up to a step of the coarse clock late, and some much
   later. */
int64_t reap_interval(const cq_queue *queue)
{
    int64_t highest = participant_highest(queue), within_a_second = LOOKS_A_SECOND * ASKED_IN_TURN;
    if (highest <= within_a_second)
        return LOOK_INTERVAL_NS;
    return (LOOK_INTERVAL_NS * within_a_second - OS_CLOCK_STEP * (highest - within_a_second)) / highest;
}

/* Is a look due: has the turn stood still for an interval, by this handle's clock? */
static bool look_is_due(cq_queue *queue, uint64_t turn)
{
    int64_t now = os_clock(OS_CLOCK_COARSE);

    /* Relaxed all: hints, of which threads may see any mixture; the exchange of the turn lets one of them look. */
    if (atomic_load_explicit(&queue->turn_seen, memory_order_relaxed) != turn) {
        atomic_store_explicit(&queue->turn_seen, turn, memory_order_relaxed);
        atomic_store_explicit(&queue->turn_time, now, memory_order_relaxed);
        return false;
    }
    return now - atomic_load_explicit(&queue->turn_time, memory_order_relaxed) >= reap_interval(queue);
}

/* A look by this handle, in the turn that it has, or going on with what it began. With begin_reaping. How many were
   reaped, or an error. */
static int look_in_turn(cq_queue *queue, int fd, bool begun, uint64_t turn)
{
    uint64_t budget = SWEEP_BUDGET;

    if (!begun)
        begin_at_turn(queue, turn);
    return look_around(queue, fd, begun ? 0 : front_blocker(queue), ASKED_IN_TURN, &budget, NULL);
}

/* Look for the dead if a look is due, or go on with the sweep that this handle began. True: something was put right. */
bool reap_look(cq_queue *queue, enum reap_look *look)
{
    uint64_t turn = atomic_load_explicit(&queue->header->turn, memory_order_relaxed); /* a number, orders nothing */
    bool begun = reap_is_pending(queue);
    int result = 0;

    *look = REAP_NOT_DUE;
    if ((!look_is_due(queue, turn) && !begun) || !begin_reaping(queue))
        return false;
    /* A turn is taken only by a handle that can look: raising it for nothing would keep all others from looking. */
    bool alone = !begun && participant_is_alone(queue);
    int fd = alone ? -1 : region_descriptor(queue);
    if (!alone && (fd < 0 || !participant_proves(queue, fd))) {
        drop_sweep(queue);
        *look = REAP_BLIND;
    } else if (begun) {
        result = look_in_turn(queue, fd, true, turn);
        *look = REAP_WENT_ON;
    } else if (atomic_compare_exchange_strong_explicit(&queue->header->turn, &turn, turn + 1, memory_order_relaxed,
                                                       memory_order_relaxed)) {
        result = alone ? 0 : look_in_turn(queue, fd, false, turn);
        atomic_store_explicit(&queue->turn_seen, turn + 1, memory_order_relaxed);
        TRACE(look, queue, turn, result);
        *look = REAP_LOOKED;
    }
    if (*look == REAP_BLIND || *look == REAP_LOOKED) /* not again in each call */
        atomic_store_explicit(&queue->turn_time, os_clock(OS_CLOCK_COARSE), memory_order_relaxed);
    pause_reaping(queue);
    return result > 0;
}

/* A slot of this owner was in the way: may it be asked about? Not twice in a row, and not too many in an interval. */
static bool may_suspect(cq_queue *queue, uint32_t owner)
{
    int64_t now = os_clock(OS_CLOCK_COARSE);

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
void reap_suspect(cq_queue *queue, uint32_t owner)
{
    uint64_t budget = SWEEP_BUDGET;

    if (owner == 0 || owner == queue->owner || !may_suspect(queue, owner) || !begin_reaping(queue))
        return;
    int error = errno, fd = region_descriptor(queue);
    if (fd >= 0 && participant_proves(queue, fd))
        look_around(queue, fd, owner, 0, &budget, NULL);
    errno = error;
    pause_reaping(queue);
}

/* ---- leaving ---------------------------------------------------------------------------------------- */

/*
 * Give back what the handle holds, and its id. The lock goes with the mapping, after this. In a large backlog that
 * was never swept not everything is found at once: then the record stays, and is reaped like a dead one's.
 */
void reap_leave(cq_queue *queue)
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
    if (result != CQ_OK)
        return;
    lease_drop_all(queue, queue->owner);
    participant_clean(queue, queue->owner, queue->record);
}
