/*
 * collect.c - removing the files that nobody needs any more.
 *
 * It owns header.generation: segments belong to one, and those of a generation that is over are written by nobody whose
 * flush still counts. When enough was written in one, it is ended; the flush that follows finds out from which
 * generation on something is needed, and has what little is older written again. It must not know how that is found out
 * (flush.c).
 */
#include "collect.h"

#define GENERATION_BYTES (UINT64_C(1) << 24)
#define MOST_GENERATIONS 3u /* of bytes beside twice those of the messages in the queue */

#ifdef CQ_TESTING
#include "testing.h"
#define generation_limit() (cq_testing.generation_bytes ? cq_testing.generation_bytes : GENERATION_BYTES)
#else
#define generation_limit() GENERATION_BYTES
#endif

/* The file for it is there: end the generation, unless somebody has. Who comes too late goes on in the one that began.
   */
static void end_generation(struct layout_header *header, uint64_t generation, uint64_t written)
{
    /* generation:B, before the scan; meets generation:A. */
    if (atomic_compare_exchange_strong_explicit(&header->generation, &generation, generation + 1, memory_order_seq_cst,
                                                memory_order_relaxed))
        atomic_fetch_sub_explicit(&header->generation_bytes, written, memory_order_relaxed); /* a hint */
}

/*
 * Before a flush: the generation that it belongs to, and whether it is to find out what is needed. If a generation is
 * due to end, the handle's next file is made first, so that a full disk ends none.
 */
uint64_t collect_begin(cq_queue *queue, struct flush *flush)
{
    struct layout_header *header = queue->header;
    /* generation:A, before the scan. */
    uint64_t generation = atomic_load_explicit(&header->generation, memory_order_seq_cst);
    /* Relaxed, all: counts and hints. */
    uint64_t written = atomic_load_explicit(&header->generation_bytes, memory_order_relaxed);
    uint64_t bytes = atomic_load_explicit(&header->disk_bytes, memory_order_relaxed);
    uint64_t live = atomic_load_explicit(&header->live_bytes, memory_order_relaxed);

    flush->collects = atomic_load_explicit(&header->disk_error, memory_order_relaxed) == CQ_ENOSPACE;
    if (written >= generation_limit()) {
        flush->collects = true;
        if (segment_begin(&queue->durable->segment, generation + 1) == 0)
            end_generation(header, generation++, written);
    }
    if (flush->collects && bytes > 2 * live + MOST_GENERATIONS * generation_limit())
        flush->move_before = generation - 1;
    return generation;
}

struct inventory {
    const struct disk *disk;
    int directory;
    uint64_t before; /* generations before this one go */
    uint64_t segments, bytes;
};

static int visit(const char *name, void *context)
{
    struct inventory *inventory = context;
    struct disk_identity identity;
    uint64_t generation, size;
    int file;

    if (!facts_is_name(name, &generation))
        return 0;
    if (generation < inventory->before && inventory->disk->unlink(inventory->directory, name) == 0)
        return 0;
    if (inventory->disk->open(inventory->directory, name, false, &file) != 0)
        return 0;
    if (inventory->disk->identify(file, &identity, &size) == 0) {
        ++inventory->segments;
        inventory->bytes += size;
    }
    inventory->disk->close(file);
    return 0;
}

/* The flush is on the disk: so is all that is needed of what is removed. A name that comes back after a power cut says
   nothing that is not true. */
void collect_end(cq_queue *queue, const struct flush *flush)
{
    const struct segment *segment = &queue->durable->segment;
    struct inventory inventory = {.disk = disk(), .before = flush->oldest};

    if (!flush->collects || home_open(&segment->home, &inventory.directory) != 0)
        return;
    if (inventory.before > segment->head.generation)
        inventory.before = segment->head.generation;
    if (inventory.disk->list(inventory.directory, visit, &inventory) == 0) {
        /* Relaxed: counts and hints. */
        atomic_store_explicit(&queue->header->segments, inventory.segments, memory_order_relaxed);
        atomic_store_explicit(&queue->header->disk_bytes, inventory.bytes, memory_order_relaxed);
        atomic_store_explicit(&queue->header->live_bytes, flush->live, memory_order_relaxed);
    }
    inventory.disk->close(inventory.directory);
}
