/* create.h - making a region. */
#ifndef CQ_CREATE_H
#define CQ_CREATE_H

#include "handle.h"
#include "os.h"

int create_geometry(const cq_config *config, struct geometry *geometry);
int create_file(const char *path, const cq_config *config, struct os_status *made);

#endif
