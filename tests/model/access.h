/* access.h - what the core, compiled with hooks.h, calls before each access to shared memory. */
#ifndef CQ_MODEL_ACCESS_H
#define CQ_MODEL_ACCESS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum model_operation { MODEL_BEGIN, MODEL_LOAD, MODEL_STORE, MODEL_EXCHANGE, MODEL_ADD, MODEL_OR, MODEL_AND, MODEL_COPY,
                       MODEL_YIELD };

void model_step(enum model_operation operation, const volatile void *address, const char *function);
void *model_copy(void *to, const void *from, size_t size, const char *function);

#ifdef __cplusplus
}
#endif

#endif
