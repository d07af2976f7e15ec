/*
 * config.c - the structures that callers pass: which of their versions are accepted, and whether a cq_config makes
 * sense.
 *
 * It owns the rule by which structures grow, and the range of every number of a cq_config. It must not look at
 * files: what is possible on this machine is found out by trying.
 */
#include "config.h"

#include "layout.h"

#include <string.h>

#define STRUCT_MOST 4096u /* no struct of the interface will ever be longer: a larger struct_size is garbage */

/*
 * May a caller pass this structure? `first`: the size of the first version; older callers have a smaller one than
 * this library. A larger one is a newer caller's, which must not have set what this library does not know.
 */
bool struct_fits(const void *given, size_t first, size_t known)
{
    const unsigned char *bytes = given;
    uint32_t size;

    memcpy(&size, given, sizeof size); /* struct_size comes first in each */
    if (size < first || size > STRUCT_MOST)
        return false;
    for (size_t i = known; i < size; ++i)
        if (bytes[i] != 0)
            return false;
    return true;
}

/* Whatever version of cq_config the caller knows, as this library's: what it does not have is 0. NULL: all defaults. */
int config_complete(const cq_config *given, cq_config *full)
{
    *full = (cq_config){.struct_size = sizeof *full};
    if (!given)
        return CQ_OK;
    if (!struct_fits(given, CONFIG_FIRST, sizeof *full))
        return CQ_EINVAL;
    memcpy(full, given, given->struct_size < sizeof *full ? given->struct_size : sizeof *full);
    full->struct_size = sizeof *full;
    return CQ_OK;
}

bool config_name_is_valid(const char *name)
{
    size_t length = 0;
    for (; name[length] != '\0'; ++length) {
        char c = name[length];
        bool alphanumeric = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (length == LAYOUT_NAME || (!alphanumeric && (length == 0 || (c != '.' && c != '_' && c != '-'))))
            return false;
    }
    return length > 0;
}

/* The same of what becomes of messages on their way. */
static enum config_fault fate_fault(const char *name, const cq_config *config)
{
    bool attaches = config->flags & (CQ_ATTACH | CQ_READ_ONLY); /* then it may be known from the region */

    if (config->max_headers > LAYOUT_MAX_HEADERS)
        return CONFIG_HEADERS;
    if (config->max_deliveries > LAYOUT_MAX_DELIVERIES)
        return CONFIG_DELIVERIES;
    if (config->time_to_live < 0)
        return CONFIG_LIFE;
    if (config->dead_letter && !config_name_is_valid(config->dead_letter))
        return CONFIG_LETTERS_NAME;
    if (config->dead_letter && name && strcmp(config->dead_letter, name) == 0)
        return CONFIG_OWN_LETTERS;
    if (config->max_deliveries != 0 && !config->dead_letter && !attaches)
        return CONFIG_NO_LETTERS;
    return config->dead_letter && config->max_deliveries == 0 && config->time_to_live == 0 && !attaches
               ? CONFIG_LETTERS : CONFIG_FINE;
}

/* What is wrong with a complete config of the queue `name`, the first thing if several are. */
enum config_fault config_fault(const char *name, const cq_config *config)
{
    uint32_t modes = config->flags & (CQ_ATTACH | CQ_READ_ONLY);

    if (config->flags & ~CONFIG_FLAGS)
        return CONFIG_FLAG;
    if (config->flags & CQ_EXCLUSIVE && modes)
        return CONFIG_CONTRADICTION;
    if (config->flags & CQ_SYNC && config->flags & CQ_READ_ONLY)
        return CONFIG_SYNC;
    if (config->durable_directory && !(config->flags & (CQ_DURABLE | CQ_SYNC)))
        return CONFIG_DURABLE;
    if (config->reserved != 0)
        return CONFIG_RESERVED;
    if (config->permissions & ~0664u || (config->permissions && (config->permissions & 0600) != 0600))
        return CONFIG_PERMISSIONS;
    if (config->capacity > LAYOUT_MAX_CAPACITY)
        return CONFIG_CAPACITY;
    if (config->max_message_size > LAYOUT_MAX_MESSAGE)
        return CONFIG_MESSAGE;
    if (config->max_held > LAYOUT_MAX_CAPACITY)
        return CONFIG_HELD;
    if (config->max_memory > LAYOUT_MAX_FILE)
        return CONFIG_MEMORY;
    if (config->reserve > LAYOUT_MAX_FILE)
        return CONFIG_RESERVE;
    return fate_fault(name, config);
}
