/* source.h - sources: where messages come from, and how far each has come. */
#ifndef CQ_SOURCE_H
#define CQ_SOURCE_H

#include "run.h"

#define SOURCES_HAVE_MEMORY UINT64_C(1)

static inline struct layout_source *source_at(const cq_queue *queue, uint32_t source)
{
    return (struct layout_source *)(void *)(queue->base + LAYOUT_SOURCES_OFFSET) + source;
}

uint64_t source_table(const cq_queue *queue);
bool source_give_memory(cq_queue *queue);
uint32_t source_count(const cq_queue *queue);
bool source_name(const cq_queue *queue, uint32_t source, char name[LAYOUT_NAME + 1]);
bool source_find(cq_queue *queue, const char *name, uint32_t length, uint32_t *source);
int source_make(cq_queue *queue, const char *name, uint32_t length, uint32_t *source);
uint64_t source_number(const cq_queue *queue, uint32_t source);
uint64_t source_settled(cq_queue *queue, uint32_t source);
void source_put(cq_queue *queue, uint32_t entry, const char *name, uint32_t length, uint64_t number);
uint64_t source_words(uint32_t count);
int source_propose(cq_queue *queue, uint32_t source, const struct run *run, uint32_t full, uint64_t number);
int source_raise(cq_queue *queue, uint32_t source, uint64_t number);
void source_settle(cq_queue *queue, uint32_t node, uint32_t index, uint64_t word);
void source_sweep(cq_queue *queue, const struct owner_set *dead);

static inline bool is_fed(uint64_t word, uint64_t sequence)
{
    return word_sequence(word) == sequence && slot_phase(word) == SLOT_FED;
}

#endif
