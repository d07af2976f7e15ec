/* revive.h - making the region of a durable queue, from what its directory has. */
#ifndef CQ_REVIVE_H
#define CQ_REVIVE_H

#include "create.h"
#include "home.h"

int revive(struct home *home, const char *path, const cq_config *config, struct os_status *made);

#endif
