/* create.h - making a region. */
#ifndef CQ_CREATE_H
#define CQ_CREATE_H

#include "handle.h"
#include "memory.h"

int create_geometry(const cq_config *config, struct geometry *geometry);

/* Called before the header is written, which is complete otherwise, and the file gets its name. */
struct create_filling {
    int (*fill)(const struct blank *blank, const struct geometry *geometry, struct layout_header *header,
                const cq_config *config, void *context);
    void *context;
};
int create_filled(const char *path, const cq_config *config, const struct geometry *geometry,
                  const struct create_filling *filling, struct os_status *made);
int create_file(const char *path, const cq_config *config, struct os_status *made);

#endif
