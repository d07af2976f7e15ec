/*
 * open.c - cq_open, cq_close, cq_unlink: how a handle comes and goes.
 *
 * It owns the order of the steps, which is what makes a death in between harmless: map, lock through the mapping, record,
 * close the description, verify. It must not know how the file (region.c, create.c) or a record (participant.c) looks.
 */
#include "internal.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OPEN_ATTEMPTS 1000 /* each one lost means that others created or unlinked the queue meanwhile */

/* Attach to the region at queue->path; `only`: to this file and no other. RESULT_RETRY: the name leads elsewhere now. On
   failure nothing is left but path, and which file it was. */
static int attach(cq_queue *queue, const cq_config *config, const struct stat *only)
{
    bool read_only = config && config->flags & CQ_READ_ONLY;
    int lock_fd;

    /* No fork while lock_fd is open: the child's copy would keep the lock when this process dies. */
    fork_lock();
    int result = region_open(queue->path, config, read_only, queue, &lock_fd);
    if (result != CQ_OK) {
        fork_unlock();
        return result;
    }
    if (only && !region_is(queue, only))
        result = CQ_EEXIST;
    else if (!read_only)
        result = participant_register(queue, lock_fd);
    if (lock_fd >= 0)
        close(lock_fd);
    fork_unlock();

    if (result == CQ_OK && !read_only && (result = participant_verify(queue)) == CQ_OK) {
        uint64_t head = atomic_load_explicit(&queue->header->head, memory_order_acquire); /* D1 */
        atomic_store_explicit(&queue->deq_seen, ticket_word(word_sequence(head), 0, 0), memory_order_relaxed);
        if (config->flags & CQ_KEEP_UNLINKED)
            atomic_store_explicit(&queue->keep_unlinked, 1, memory_order_relaxed); /* nobody else has the handle yet */
        /* As if the turn had stood still for long: a newcomer looks at once. */
        atomic_store_explicit(&queue->turn_seen, atomic_load_explicit(&queue->header->turn, memory_order_relaxed),
                              memory_order_relaxed);
        atomic_store_explicit(&queue->turn_time, INT64_MIN / 2, memory_order_relaxed);
        queue->patience = 128;
        participant_look(queue);
        if (!region_is_linked(queue))
            result = RESULT_RETRY;
    }
    if (result != CQ_OK) {
        if (queue->owner != 0)
            participant_leave(queue);
        region_close(queue);
        queue->owner = 0;
        queue->alive = NULL;
        atomic_store_explicit(&queue->active, 0, memory_order_relaxed); /* nobody else has the handle */
    }
    return result;
}

static int create_or_attach(cq_queue *queue, const cq_config *config)
{
    uint32_t flags = config ? config->flags : CQ_CREATE;
    bool may_create = !(flags & (CQ_ATTACH | CQ_READ_ONLY)), exclusive = flags & CQ_EXCLUSIVE, created = false;
    struct stat made;

    for (int attempt = 0; attempt < OPEN_ATTEMPTS; ++attempt) {
        /* Exclusive: what is under the name by now may be somebody else's. */
        int result = exclusive && !created ? CQ_ENOENT : attach(queue, config, exclusive ? &made : NULL);
        if (result == RESULT_RETRY)
            continue;
        /* Made where it turns out that nobody can have a queue. Any other failure leaves it: others may be using it. */
        if (result == CQ_EFILESYSTEM && created && region_is(queue, &made) && region_is_linked(queue))
            unlink(queue->path);
        if (result != CQ_ENOENT || !may_create)
            return result;
        result = create_file(queue->path, config, &made);
        if (result != CQ_OK && (result != CQ_EEXIST || exclusive))
            return result;
        created |= result == CQ_OK;
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
    if (!name || config_complete(given, &full) != CQ_OK || config_fault(config) != CONFIG_FINE)
        return CQ_EINVAL;
    int result;
    cq_queue *made = aligned_alloc(LAYOUT_LINE, sizeof *made);
    if (!made)
        return CQ_ENOMEM;
    memset(made, 0, sizeof *made);
    result = region_path(name, config ? config->directory : NULL, &made->path);
    if (result == CQ_OK) {
        /* Not to be cancelled between opening and closing a file, or with the fork guard's mutex in hand. */
        int before;
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
        result = create_or_attach(made, config);
        pthread_setcancelstate(before, NULL);
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
    bool forked = atomic_load_explicit(queue->alive, memory_order_relaxed) == 0; /* as in api.c */
    int before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    watch_close(queue, forked);
    if (!forked && queue->owner != 0)
        participant_leave(queue);
    region_close(queue);
    pthread_setcancelstate(before, NULL);
    free(queue->path);
    free(queue);
    return CQ_OK;
}

int cq_unlink(const char *name, const cq_config *given)
{
    cq_config config;
    struct stat status;
    char *path;

    if (!name || config_complete(given, &config) != CQ_OK)
        return CQ_EINVAL;
    int result = region_path(name, config.directory, &path);
    if (result != CQ_OK)
        return result;
    /* Which file it was: whoever else has the name by then is not this process's business. */
    bool known = lstat(path, &status) == 0;
    result = unlink(path) == 0 ? CQ_OK : result_of_errno(errno);
    if (result == CQ_OK && known)
        fork_keep_unlinked(status.st_dev, status.st_ino);
    free(path);
    return result;
}
