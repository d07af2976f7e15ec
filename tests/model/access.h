/* access.h - what the core, compiled with hooks.h, calls around each access to shared memory. */
#ifndef CQ_MODEL_ACCESS_H
#define CQ_MODEL_ACCESS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum model_operation { MODEL_BEGIN, MODEL_LOAD, MODEL_STORE, MODEL_EXCHANGE, MODEL_ADD, MODEL_OR, MODEL_AND, MODEL_COPY,
                       MODEL_YIELD };

/* Before the access: others may go now. */
void model_step(enum model_operation operation, const volatile void *address, const char *function);
/* What a load returns where memory holds `newest`. Orders are those of <stdatomic.h>. */
uint64_t model_load(const volatile void *address, uint64_t newest, int order);
/* Does an exchange fail for something that is not `expected`, nor what memory holds any more? *expected receives it. */
int model_differs(const volatile void *address, uint64_t *expected, int order);
/* The word has just been stored to, or exchanged. */
void model_changed(const volatile void *address, int order);
uint64_t model_fetched(const volatile void *address, uint64_t old, int order);
void model_fence(int order);
void *model_allocate(size_t size);
/* Another one for each process and thread. */
struct sitter *model_sitter(void);
void *model_copy(void *to, const void *from, size_t size, const char *function);

#ifdef __cplusplus
}
#endif

#endif
