/* region.h - the file of a queue. */
#ifndef CQ_REGION_H
#define CQ_REGION_H

#include "handle.h"
#include "os.h"

enum mismatch {
    MISMATCH_NONE, MISMATCH_CAPACITY, MISMATCH_MESSAGE, MISMATCH_HEADERS, MISMATCH_DELIVERIES, MISMATCH_LETTERS,
    MISMATCH_LIFE, MISMATCH_EXCLUSIVE, MISMATCH_TIMES
};
enum mismatch region_mismatch(const cq_config *config, const struct layout_header *header);
int result_of_errno(int error);
int result_of_refusal(int error);
int region_path(const char *name, const char *directory, char **path);
int region_filesystem(int fd, uint32_t flags);
int region_read_header(int fd, struct layout_header *header, uint64_t *file_size);
int region_open(const char *path, const cq_config *config, bool read_only, cq_queue *queue, int *lock_fd);
void region_close_descriptor(cq_queue *queue);
void region_unmap(cq_queue *queue);
void region_forget(cq_queue *queue);
bool region_is(const cq_queue *queue, const struct os_status *status);
bool region_is_at(const cq_queue *queue, int fd);
bool region_locks_at(const cq_queue *queue, int fd);
bool region_is_linked(const cq_queue *queue);
bool region_is_removed(cq_queue *queue);
int region_descriptor(cq_queue *queue);

#endif
