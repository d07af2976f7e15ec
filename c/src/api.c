/*
 * api.c - the public functions that move no message: looking on, recovering, cancelling, descriptors.
 *
 * It owns the checks of what callers pass, and the structures that they get. It must not know where the answers
 * come from.
 */
#include "claim.h"
#include "config.h"
#include "lease.h"
#include "look.h"
#include "lookout.h"
#include "probe.h"
#include "reap.h"
#include "sync.h"
#include "trim.h"
#include "wait.h"
#include "wake.h"
#include "watch.h"

#include <stdlib.h>
#include <string.h>

/* Whoever only looks on may be the only one that asks: a look for the dead may be due here too. */
static int look_usable(cq_queue *queue)
{
    int result = handle_usable(queue);
    if (result == CQ_OK && queue->owner != 0) /* a reader can put nothing right */
        lookout_look(queue);
    return result;
}

int cq_walk(cq_queue *queue, cq_visitor *visitor, void *context)
{
    int result = look_usable(queue);
    if (result == CQ_OK && !visitor)
        result = CQ_EINVAL;
    return result == CQ_OK ? look_walk(queue, visitor, context) : result;
}

/* Fill the caller's struct as far as both sides know it. */
static void fill_struct(void *destination, uint32_t size, void *source, uint32_t full)
{
    uint32_t filled = size < full ? size : full;
    memcpy(source, &filled, sizeof filled); /* struct_size comes first */
    memcpy(destination, source, filled);
}

int cq_stat(cq_queue *queue, cq_stats *stats)
{
    cq_stats full;
    int result = look_usable(queue);

    if (result == CQ_OK && (!stats || stats->struct_size < STATS_FIRST))
        result = CQ_EINVAL;
    if (result == CQ_OK && (result = look_stat(queue, &full)) == CQ_OK)
        fill_struct(stats, stats->struct_size, &full, sizeof full);
    return result;
}

int cq_length(cq_queue *queue, uint64_t *length)
{
    int result = look_usable(queue);
    if (result == CQ_OK && !length)
        result = CQ_EINVAL;
    return result == CQ_OK ? look_length(queue, length) : result;
}

int cq_recover(cq_queue *queue, cq_recovery *recovery)
{
    cq_recovery found = {.struct_size = sizeof found};
    int result = handle_writable(queue);

    if (result == CQ_OK && recovery && recovery->struct_size < RECOVERY_FIRST)
        result = CQ_EINVAL;
    if (result == CQ_OK)
        result = reap_all(queue, &found);
    if (result >= 0 && recovery)
        fill_struct(recovery, recovery->struct_size, &found, sizeof found);
    return result < 0 ? result : CQ_OK;
}

int cq_participants(cq_queue *queue, cq_participant_visitor *visitor, void *context)
{
    int result = look_usable(queue);
    if (result == CQ_OK && !visitor)
        result = CQ_EINVAL;
    if (result != CQ_OK)
        return result;
    struct holdings *holdings = calloc(1, sizeof *holdings);
    if (!holdings)
        return CQ_ENOMEM;
    uint64_t totals[2];
    look_holdings(queue, holdings->held, holdings->writing, totals);
    result = look_participants(queue, holdings, visitor, context);
    free(holdings);
    return result;
}

int cq_trim(cq_queue *queue, uint64_t *bytes)
{
    int result = handle_writable(queue);

    if (result != CQ_OK)
        return result;
    uint64_t given = trim_all(queue);
    if (bytes)
        *bytes = given;
    return CQ_OK;
}

/* ---- surviving power cuts --------------------------------------------------------------------------- */

int cq_sync(cq_queue *queue, int64_t timeout_ns)
{
    int result = handle_writable(queue);

    if (result == CQ_OK && !queue->durable)
        result = CQ_EINVAL;
    if (result == CQ_OK)
        result = sync_now(queue, timeout_ns == SYNC_PATIENT ? -1 : timeout_ns);
    return result;
}

int cq_durable_directory(cq_queue *queue, char *path, size_t size)
{
    int result = handle_usable(queue);

    if (result == CQ_OK && (!path || size == 0 || !(queue->header->features & LAYOUT_DURABLE)))
        result = CQ_EINVAL;
    if (result != CQ_OK)
        return result;
    const char *from = queue->durable ? queue->durable->segment.home.path : queue->header->directory;
    size_t length = strnlen(from, LAYOUT_DIRECTORY - 1), cut = length < size ? length : size - 1;
    memcpy(path, from, cut);
    path[cut] = '\0';
    return cut == length ? CQ_OK : CQ_ETOOSMALL;
}

/* ---- waiting without taking ------------------------------------------------------------------------- */

static int try_side(cq_queue *queue, void *context)
{
    enum side side = *(enum side *)context;
    int nothing = side == SIDE_PRODUCERS ? CQ_FULL : CQ_EMPTY;
    uint32_t tries = 0;

    do {
        bool may = side == SIDE_PRODUCERS || lease_may_consume(queue);
        if (may && probe_side(queue, side))
            return CQ_OK;
        if (side == SIDE_CONSUMERS)
            nothing = may ? CQ_EMPTY : CQ_ECONSUMER;
    } while (claim_again(queue, side, nothing, &tries));
    return nothing;
}

static int wait_for_side(cq_queue *queue, enum side side, int64_t timeout_ns)
{
    int result = handle_writable(queue);
    return result == CQ_OK ? wait_until(queue, side, timeout_ns, try_side, &side) : result;
}

int cq_wait(cq_queue *queue, int64_t timeout_ns) { return wait_for_side(queue, SIDE_CONSUMERS, timeout_ns); }
int cq_wait_room(cq_queue *queue, int64_t timeout_ns) { return wait_for_side(queue, SIDE_PRODUCERS, timeout_ns); }

static int pass_on(cq_queue *queue, enum side side)
{
    int result = handle_writable(queue);
    if (result == CQ_OK)
        wake_side(queue, side, 1);
    return result;
}

int cq_wait_pass_on(cq_queue *queue) { return pass_on(queue, SIDE_CONSUMERS); }
int cq_wait_room_pass_on(cq_queue *queue) { return pass_on(queue, SIDE_PRODUCERS); }

static int set_cancelled(cq_queue *queue, bool cancelled)
{
    int result = handle_writable(queue);
    if (result == CQ_OK)
        wait_cancel(queue, cancelled);
    return result;
}

int cq_cancel(cq_queue *queue) { return set_cancelled(queue, true); }
int cq_cancel_reset(cq_queue *queue) { return set_cancelled(queue, false); }

static int open_fd(cq_queue *queue, enum side side, int *fd)
{
    int result = handle_writable(queue);
    if (result == CQ_OK && !fd)
        result = CQ_EINVAL;
    return result == CQ_OK ? watch_open(queue, side, fd) : result;
}

int cq_fd(cq_queue *queue, int *fd) { return open_fd(queue, SIDE_CONSUMERS, fd); }
int cq_room_fd(cq_queue *queue, int *fd) { return open_fd(queue, SIDE_PRODUCERS, fd); }
