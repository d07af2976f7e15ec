/*
 * hooks.h - force-included before the files of the core that the simulated processes run: what a process has of the real
 * system (memory, descriptors, mappings) is noted, so that it can be killed; time and sleep are the scheduler's.
 *
 * It owns nothing but the names. With DURABLE_STEPS each access to shared memory is a step too, as in ../model/hooks.h.
 */
#ifndef CQ_DURABLE_HOOKS_H
#define CQ_DURABLE_HOOKS_H

#include <stdlib.h>
#include <string.h>

#define malloc sim_malloc
#define calloc sim_calloc
#define realloc sim_realloc
#define aligned_alloc sim_aligned_alloc
#define free sim_free
#define os_open sim_os_open
#define os_create_nameless sim_os_create_nameless
#define os_close sim_os_close
#define os_map sim_os_map
#define os_map_alive sim_os_map_alive
#define os_unmap sim_os_unmap
#define os_sleep sim_os_sleep
#define os_clock sim_os_clock
#define os_yield sim_os_yield
#define seat_me() model_sitter()

void *sim_malloc(size_t size);
void *sim_calloc(size_t count, size_t size);
void *sim_realloc(void *old, size_t size);
void *sim_aligned_alloc(size_t alignment, size_t size);
void sim_free(void *memory);
struct sitter *model_sitter(void); /* of the process that is running */

#ifdef DURABLE_STEPS
#include "../model/hooks.h"
#undef malloc
#define malloc sim_malloc
#endif

#endif
