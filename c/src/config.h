/* config.h - what callers pass. */
#ifndef CQ_CONFIG_H
#define CQ_CONFIG_H

#include "cqueue.h"

#include <stdbool.h>

#define CONFIG_FIRST 40u /* the sizes of the first version of the interface, which will always be accepted */
#define STATS_FIRST offsetof(cq_stats, reserved)
#define RECOVERY_FIRST 32u
#define MESSAGE_FIRST 48u
#define CONFIG_FLAGS \
    ((uint32_t)(CQ_EXCLUSIVE | CQ_ATTACH | CQ_READ_ONLY | CQ_ANY_FILESYSTEM | CQ_KEEP_UNLINKED | CQ_TRUST | \
                CQ_DURABLE | CQ_SYNC | CQ_EXCLUSIVE_CONSUMER | CQ_ENQUEUE_TIMES))
enum config_fault {
    CONFIG_FINE, CONFIG_FLAG, CONFIG_CONTRADICTION, CONFIG_RESERVED, CONFIG_PERMISSIONS, CONFIG_CAPACITY,
    CONFIG_MESSAGE, CONFIG_HELD, CONFIG_MEMORY, CONFIG_RESERVE, CONFIG_SYNC, CONFIG_DURABLE,
    CONFIG_HEADERS, CONFIG_DELIVERIES, CONFIG_LETTERS, CONFIG_LETTERS_NAME, CONFIG_NO_LETTERS,
    CONFIG_OWN_LETTERS, CONFIG_LIFE
};
bool config_name_is_valid(const char *name);
bool struct_fits(const void *given, size_t first, size_t known);
int config_complete(const cq_config *given, cq_config *full);
enum config_fault config_fault(const char *name, const cq_config *config);

#endif
