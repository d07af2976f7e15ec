/*
 * durable.c - how a handle on a durable queue comes and goes.
 *
 * It owns what such a handle has beside the others, and when a region is made anew. It must not know what is in the
 * files (revive.c), nor how a handle comes otherwise (open.c).
 */
#include "durable.h"

#include "flush.h"
#include "fork.h"
#include "region.h"
#include "revive.h"

#include <stdlib.h>
#include <string.h>

static bool is_of_this_boot(const struct layout_header *header)
{
    uint8_t boot[FACTS_ID];
    return disk()->boot(boot) == 0 && memcmp(boot, header->boot, FACTS_ID) == 0;
}

/* The directory: as the config says, else the region. */
static int find_home(const struct layout_header *header, const char *region, const cq_config *config,
                     char path[LAYOUT_DIRECTORY])
{
    if (config->durable_directory)
        return home_path(region, config, path);
    memcpy(path, header->directory, LAYOUT_DIRECTORY);
    return path[0] == '/' && memchr(path, 0, LAYOUT_DIRECTORY) ? CQ_OK : CQ_ECORRUPT;
}

static void describe(struct durable *durable, const cq_queue *queue, uint32_t permissions)
{
    const struct layout_header *header = queue->header;
    struct facts_head *head = &durable->segment.head;

    crc32c_prepare(&durable->segment.crc);
    memcpy(head->id, header->id, FACTS_ID);
    memcpy(head->boot, header->boot, FACTS_ID);
    head->shape = facts_shape_of(header, permissions);
}

/*
 * The handle has just mapped the region; fork_lock is held. CQ_OK: of a queue that is not durable, too, unless the
 * config says that it is to be. RESULT_GONE; RESULT_MAKING; CQ_EBUSY: the directory serves another region. CQ_EIO: it
 * cannot be reached.
 */
int durable_join(cq_queue *queue, const cq_config *config)
{
    const struct layout_header *header = queue->header;
    struct os_status status;
    int fd, result;

    if (!(header->features & LAYOUT_DURABLE))
        return config->flags & CQ_DURABLE ? CQ_EMISMATCH : CQ_OK;
    if (!is_of_this_boot(header))
        return RESULT_GONE;
    if (config->flags & CQ_READ_ONLY)
        return CQ_OK;
    fd = region_descriptor(queue);
    if (fd < 0 || os_status(fd, &status) != 0)
        return CQ_ESYSTEM;
    struct durable *durable = calloc(1, sizeof *durable);
    if (!durable)
        return CQ_ENOMEM;
    describe(durable, queue, status.permissions & 0666);
    result = find_home(header, queue->path, config, durable->segment.home.path);
    if (result == CQ_OK)
        result = home_join(&durable->segment.home, header->incarnation);
    if (result != CQ_OK) {
        free(durable);
        if (result == CQ_EBUSY && !region_is_linked(queue))
            return RESULT_RETRY;
        return result == CQ_ENOENT ? CQ_EIO : result; /* there is a queue; its directory is missing */
    }
    queue->durable = durable;
    if (config->flags & CQ_SYNC)
        atomic_store_explicit(queue->alive, MAY_SYNC, memory_order_relaxed); /* nobody else has it yet */
    return CQ_OK;
}

/* `forked`: this is a child, which has a copy of the descriptor, and not of the lock. */
void durable_leave(cq_queue *queue, bool forked)
{
    struct durable *durable = queue->durable;

    if (!durable)
        return;
    segment_free(&durable->segment);
    if (forked)
        durable->segment.home.held = NULL;
    home_let_go(&durable->segment.home);
    free(durable->marks);
    free(durable->state.runs);
    free(durable);
    queue->durable = NULL;
}

/* What is under the name now? CQ_OK: nothing, or a region of before a reboot, which goes if `clear`. CQ_EEXIST. */
static int judge_name(const char *path, bool clear)
{
    struct layout_header header;
    uint64_t size;
    int fd, error = os_open(path, OS_READ_ONLY, &fd);

    if (error != 0)
        return result_of_errno(error) == CQ_ENOENT ? CQ_OK : CQ_EEXIST;
    bool old = region_read_header(fd, &header, &size) == CQ_OK && header.features & LAYOUT_DURABLE &&
               !is_of_this_boot(&header);
    os_close(fd);
    return !old ? CQ_EEXIST : clear ? result_of_errno(os_unlink(path)) : CQ_OK;
}

/* Does the directory, which nobody has in use, serve a region that is there, by another name? That may hold more than
   was synced. */
static bool serves_another(const struct home *home, const char *path)
{
    struct facts_lock *lock = malloc(sizeof *lock);
    struct layout_header header;
    uint64_t size;
    int fd;
    bool serves = lock && home_read(home, lock) && strcmp(lock->region, path) != 0 &&
                  os_open(lock->region, OS_READ_ONLY, &fd) == 0;

    if (serves) {
        serves = region_read_header(fd, &header, &size) == CQ_OK && is_of_this_boot(&header) &&
                 memcmp(header.incarnation, lock->incarnation, FACTS_ID) == 0;
        os_close(fd);
    }
    free(lock);
    return serves;
}

static int revive_at(const char *path, const cq_config *config, struct home *home, struct os_status *made)
{
    bool create = !(config->flags & CQ_ATTACH);
    int result = judge_name(path, false);

    if (result == CQ_OK)
        result = home_seize(home, create, config->permissions ? config->permissions : 0600, config);
    if (result == CQ_EBUSY && judge_name(path, false) == CQ_EEXIST)
        return CQ_EEXIST; /* it was made, and is in use, since nothing was under the name */
    if (result != CQ_OK)
        return result;
    result = judge_name(path, true); /* with the locks: somebody may have made it meanwhile */
    if (result == CQ_OK && serves_another(home, path))
        result = CQ_EBUSY;
    if (result == CQ_OK)
        result = revive(home, path, config, made);
    if (result == CQ_OK)
        home_share(home);
    else
        home_let_go(home);
    return result;
}

/* Make the region at queue->path. CQ_OK: it is there, and `home` is a hold on its directory, for the caller to let go
   once its handle has one. RESULT_MAKING, CQ_EEXIST, CQ_ENOENT (as revive), CQ_EBUSY, ... */
int durable_revive(cq_queue *queue, const cq_config *config, struct home *home, struct os_status *made)
{
    int result = home_path(queue->path, config, home->path);

    if (result != CQ_OK)
        return result;
    home->held = NULL;
    fork_lock(); /* no child may get the descriptor with the locks */
    result = revive_at(queue->path, config, home, made);
    fork_unlock();
    return result;
}
