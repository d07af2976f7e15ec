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

static int check_config(const cq_config *config)
{
    uint32_t known = CQ_EXCLUSIVE | CQ_ATTACH | CQ_READ_ONLY | CQ_ANY_FILESYSTEM;

    if (!config)
        return CQ_OK;
    if (config->struct_size != sizeof *config || config->flags & ~known || config->reserved != 0 ||
        config->permissions & ~0664u || (config->permissions && (config->permissions & 0600) != 0600) ||
        ((config->flags & CQ_EXCLUSIVE) && (config->flags & (CQ_ATTACH | CQ_READ_ONLY))) ||
        config->capacity > LAYOUT_MAX_CAPACITY || config->max_message_size > LAYOUT_MAX_MESSAGE)
        return CQ_EINVAL;
    return CQ_OK;
}

/* Attach to the region at queue->path; `only`: to this file and no other. RESULT_RETRY: the name leads elsewhere now. On
   failure nothing is left but path, and which file it was. */
static int attach(cq_queue *queue, const cq_config *config, const struct stat *only)
{
    bool read_only = config && config->flags & CQ_READ_ONLY;
    int lock_fd;

    /* No fork while lock_fd is open: the child's copy would keep the lock when this process dies. */
    participant_fork_lock();
    int result = region_open(queue->path, config, read_only, queue, &lock_fd);
    if (result != CQ_OK) {
        participant_fork_unlock();
        return result;
    }
    if (only && !region_is(queue, only))
        result = CQ_EEXIST;
    else if (!read_only)
        result = participant_register(queue, lock_fd);
    if (lock_fd >= 0)
        close(lock_fd);
    participant_fork_unlock();

    if (result == CQ_OK && !read_only && (result = participant_verify(queue)) == CQ_OK) {
        uint64_t head = atomic_load_explicit(&queue->header->head, memory_order_acquire); /* D1 */
        atomic_store_explicit(&queue->deq_seen, ticket_word(word_sequence(head), 0, 0), memory_order_relaxed);
        atomic_store_explicit(&queue->last_look, wait_clock(), memory_order_relaxed); /* registering looked */
        queue->patience = 128 + (uint32_t)(queue->geometry.max_message_size / 128);
        if (!region_is_linked(queue))
            result = RESULT_RETRY;
    }
    if (result != CQ_OK) {
        if (queue->owner != 0)
            participant_leave(queue);
        region_close(queue);
        queue->owner = 0;
        queue->alive = NULL;
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
        result = create_file(queue->path, config ? config->directory : NULL, config, &made);
        if (result != CQ_OK && (result != CQ_EEXIST || exclusive))
            return result;
        created |= result == CQ_OK;
    }
    return CQ_ESYSTEM;
}

int cq_open(const char *name, const cq_config *config, cq_queue **queue)
{
    if (!queue)
        return CQ_EINVAL;
    *queue = NULL;
    int result = check_config(config);
    if (!name || result != CQ_OK)
        return CQ_EINVAL;
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

int cq_unlink(const char *name, const cq_config *config)
{
    char *path;

    if (!name || (config && config->struct_size != sizeof *config))
        return CQ_EINVAL;
    int result = region_path(name, config ? config->directory : NULL, &path);
    if (result != CQ_OK)
        return result;
    result = unlink(path) == 0 ? CQ_OK : result_of_errno(errno);
    free(path);
    return result;
}
