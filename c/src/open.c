/*
 * open.c - cq_open, cq_close, cq_unlink: how a handle comes and goes.
 *
 * It owns the order of the steps, which is what makes a death in between harmless: map, lock through the mapping,
 * record, close the description, verify. It must not know how the file (region.c, create.c) or a record
 * (participant.c) looks.
 */
#include "config.h"
#include "create.h"
#include "durable.h"
#include "fork.h"
#include "lookout.h"
#include "participant.h"
#include "reap.h"
#include "region.h"
#include "watch.h"

#include <stdlib.h>
#include <string.h>

#define OPEN_ATTEMPTS 1000 /* each one lost means that others created or unlinked the queue meanwhile */

/* With fork_lock held. */
static int register_handle(cq_queue *queue, int lock_fd)
{
    int result = participant_register(queue, lock_fd, false);

    if (result == CQ_ELIMIT) {
        reap_for_id(queue, lock_fd);
        result = participant_register(queue, lock_fd, false);
    }
    if (result == CQ_ELIMIT) /* or a reader is in the way of every write lock */
        result = participant_register(queue, lock_fd, true);
    return result;
}

/* Open, map, register; `only`: this file and no other. No fork meanwhile: the child's copy of the description would
   keep the lock when this process dies. */
static int map_and_register(cq_queue *queue, const cq_config *config, bool read_only, const struct os_status *only)
{
    int lock_fd, result;

    fork_lock();
    result = region_open(queue->path, config, read_only, queue, &lock_fd);
    if (result == CQ_OK) {
        if ((result = fork_remember(queue)) == CQ_OK && only && !region_is(queue, only))
            result = CQ_EEXIST;
        if (result == CQ_OK)
            result = durable_join(queue, config);
        if (result == CQ_OK && !read_only)
            result = register_handle(queue, lock_fd);
        if (lock_fd >= 0 && !region_locks_at(queue, lock_fd))
            result = RESULT_RETRY; /* another thread closed it: what was locked, or not, was somebody else's */
        if (lock_fd >= 0)
            os_close(lock_fd);
    }
    fork_unlock();
    return result;
}

/* What a handle that can write needs before its first call. */
static int begin_handle(cq_queue *queue, const cq_config *config)
{
    int result = participant_verify(queue);

    if (result != CQ_OK)
        return result;
    /* end_read:A, pairs with swing_head:A. */
    uint64_t head = atomic_load_explicit(&queue->header->head, memory_order_acquire);
    atomic_store_explicit(&queue->deq_seen, ticket_word(word_sequence(head), 0, 0), memory_order_relaxed);
    if (config->flags & CQ_KEEP_UNLINKED)
        atomic_store_explicit(&queue->keep_unlinked, 1, memory_order_relaxed); /* nobody else has the handle yet */
    /* As if the turn had stood still for long: a newcomer looks at once. */
    atomic_store_explicit(&queue->turn_seen, atomic_load_explicit(&queue->header->turn, memory_order_relaxed),
                          memory_order_relaxed);
    atomic_store_explicit(&queue->turn_time, INT64_MIN / 2, memory_order_relaxed);
    queue->patience = 128;
    atomic_store_explicit(&queue->next_due, INT64_MAX, memory_order_relaxed); /* nobody else has the handle yet */
    bool looks = queue->geometry.features & FEATURE_EXCLUSIVE || queue->geometry.time_to_live != 0;
    queue->special = looks || queue->geometry.max_deliveries != 0;
    queue->deq_ahead = queue->geometry.slot_stride < 64 ? 0 : (uint32_t)queue->geometry.slot_stride;
    queue->looks = looks;
    /* Nobody else has the handle yet. */
    atomic_store_explicit(&queue->usual_slots, looks ? 0 : queue->geometry.slots_per_node, memory_order_relaxed);
    lookout_look(queue);
    return region_is_linked(queue) ? CQ_OK : RESULT_RETRY;
}

/* What is left of a handle goes: its place among the participants, descriptor and mapping. Not its path, and which
   file it was. */
static void detach(cq_queue *queue, bool forked)
{
    if (!forked && queue->owner != 0)
        reap_leave(queue);
    region_close_descriptor(queue);
    durable_leave(queue, forked);
    if (!queue->alive)
        return;
    fork_lock(); /* no child may see the handle forgotten and the region mapped */
    fork_forget(queue);
    region_unmap(queue);
    fork_unlock();
}

/* Attach to the region at queue->path. RESULT_RETRY: the name leads elsewhere now. On failure nothing is left but
   path, and which file it was. */
static int attach(cq_queue *queue, const cq_config *config, const struct os_status *only)
{
    bool read_only = config->flags & CQ_READ_ONLY;
    int result = map_and_register(queue, config, read_only, only);

    if (result == CQ_OK && !read_only)
        result = begin_handle(queue, config);
    if (result != CQ_OK) {
        detach(queue, false);
        queue->owner = 0;
        atomic_store_explicit(&queue->active, 0, memory_order_relaxed); /* nobody else has the handle */
    }
    return result;
}

/* Somebody is just making the region: for how long that is waited for, and how long until the next look. */
#define MAKING_NS INT64_C(1000000000)
#define MAKING_PAUSE INT64_C(5000000)

static void pause_for(int64_t time)
{
    _Atomic uint32_t word = 0;
    os_sleep(&word, 0, os_clock(OS_CLOCK) + time, UINT32_MAX);
}

static bool pause_until(int64_t deadline)
{
    if (os_clock(OS_CLOCK) >= deadline)
        return false;
    pause_for(MAKING_PAUSE);
    return true;
}

/* A new region at queue->path. *home: a hold on its directory if it is durable, until the handle has one of its own. */
static int make(cq_queue *queue, const cq_config *config, struct home *home, struct os_status *made)
{
    return config->flags & CQ_DURABLE ? durable_revive(queue, config, home, made)
                                      : create_file(queue->path, config, made);
}

/* As cq_open. */
static int create_or_attach(cq_queue *queue, const cq_config *config, struct home *home)
{
    uint32_t flags = config->flags;
    bool may_create = !(flags & CQ_READ_ONLY) && (!(flags & CQ_ATTACH) || flags & CQ_DURABLE);
    bool exclusive = flags & CQ_EXCLUSIVE, created = false;
    int64_t deadline = os_clock(OS_CLOCK) + MAKING_NS;
    struct os_status made;

    for (int attempt = 0; attempt < OPEN_ATTEMPTS; ++attempt) {
        /* Exclusive: what is under the name by now may be somebody else's. */
        int result = exclusive && !created ? CQ_ENOENT : attach(queue, config, exclusive ? &made : NULL);
        if (result == RESULT_GONE) /* only who says that the queue is durable has it made anew */
            result = CQ_ENOENT;
        /* Made where it turns out that nobody can have a queue. Any other failure leaves it: others may be using it. */
        if (result == CQ_EFILESYSTEM && created && region_is(queue, &made) && region_is_linked(queue))
            os_unlink(queue->path);
        if (result == CQ_ENOENT && may_create) {
            home_let_go(home); /* of a region that was removed meanwhile */
            result = make(queue, config, home, &made);
            created |= result == CQ_OK;
            if (result == CQ_OK || (result == CQ_EEXIST && !exclusive))
                continue;
        }
        if (result == RESULT_MAKING && !pause_until(deadline))
            return CQ_EBUSY;
        if (result != RESULT_RETRY && result != RESULT_MAKING)
            return result;
        if (attempt > OPEN_ATTEMPTS / 20) /* another thread that closes everything may be in step with this one */
            pause_for(attempt * INT64_C(1000));
    }
    return CQ_ESYSTEM;
}

int cq_open(const char *name, const cq_config *given, cq_queue **queue)
{
    cq_config full;
    const cq_config *config = &full;

    if (!queue)
        return CQ_EINVAL;
    *queue = NULL;
    if (!name || config_complete(given, &full) != CQ_OK || config_fault(name, config) != CONFIG_FINE)
        return CQ_EINVAL;
    full.flags |= full.flags & CQ_SYNC ? CQ_DURABLE : 0;
    int result;
    cq_queue *made = aligned_alloc(LAYOUT_LINE, sizeof *made);
    if (!made)
        return CQ_ENOMEM;
    memset(made, 0, sizeof *made);
    result = region_path(name, config->directory, &made->path);
    if (result == CQ_OK) {
        /* Not to be cancelled between opening and closing a file, or with the fork guard's mutex in hand. */
        int before = os_hold_cancellation();
        struct home home = {.lock = -1, .directory = -1};
        result = create_or_attach(made, config, &home);
        home_let_go(&home);
        os_restore_cancellation(before);
    }
    if (result != CQ_OK) {
        free(made->path);
        free(made);
        return result;
    }
    *queue = made;
    return CQ_OK;
}

int cq_close(cq_queue *queue)
{
    if (!queue)
        return CQ_OK;
    bool forked = atomic_load_explicit(queue->alive, memory_order_relaxed) == 0; /* as in handle_usable */
    int before = os_hold_cancellation();
    watch_close(queue, forked);
    cq_close(queue->letters);
    detach(queue, forked);
    os_restore_cancellation(before);
    free(queue->path);
    free(queue);
    return CQ_OK;
}

int cq_unlink(const char *name, const cq_config *given)
{
    cq_config config;
    struct os_status status;
    char *path;

    if (!name || config_complete(given, &config) != CQ_OK)
        return CQ_EINVAL;
    int result = region_path(name, config.directory, &path);
    if (result != CQ_OK)
        return result;
    /* Which file it was: whoever else has the name by then is not this process's business. */
    bool known = os_status_at(path, false, &status) == 0;
    result = result_of_errno(os_unlink(path));
    if (result == CQ_OK && known)
        fork_keep_unlinked(status.device, status.inode);
    free(path);
    return result;
}
