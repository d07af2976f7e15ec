/* memory.h - memory for what is about to be used. */
#ifndef CQ_MEMORY_H
#define CQ_MEMORY_H

#include "handle.h"
#include "os.h"

/* A file in the making. Its number proves nothing: it is there as long as what is behind the number is that file. */
struct blank {
    int fd;
    struct os_status status;
};

bool memory_is_there(const struct blank *blank);
int memory_allocate(cq_queue *queue, const struct blank *blank, uint64_t offset, uint64_t size);
int memory_allocate_table(cq_queue *queue, uint64_t offset, uint64_t size);
bool memory_taken(cq_queue *queue, uint64_t *bytes);
int memory_allocate_slot(cq_queue *queue, uint64_t node, uint32_t index, size_t size);
int memory_allocate_node(cq_queue *queue, const struct blank *blank, const struct geometry *geometry, uint64_t node);

#endif
