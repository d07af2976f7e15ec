/* facts.c - sealing records, and telling them from other bytes. See facts.h. */
#include "facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SEGMENT_PREFIX "segment."
#define GENERATION_DIGITS 16

void facts_name(const struct facts_head *head, char name[DISK_NAME])
{
    int length = snprintf(name, DISK_NAME, SEGMENT_PREFIX "%016" PRIx64 ".", head->generation);

    for (uint32_t i = 0; i < FACTS_ID; ++i)
        length += snprintf(name + length, DISK_NAME - (size_t)length, "%02x", head->segment_id[i]);
}

static int digit_of(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

/* Is this the name of a segment, and of which generation? */
bool facts_is_name(const char *name, uint64_t *generation)
{
    const char *at = name + sizeof SEGMENT_PREFIX - 1;

    if (strncmp(name, SEGMENT_PREFIX, sizeof SEGMENT_PREFIX - 1) != 0)
        return false;
    *generation = 0;
    for (int i = 0; i < GENERATION_DIGITS; ++i, ++at) {
        if (digit_of(*at) < 0)
            return false;
        *generation = *generation << 4 | (uint64_t)digit_of(*at);
    }
    if (*at++ != '.')
        return false;
    for (uint32_t i = 0; i < 2 * FACTS_ID; ++i, ++at)
        if (digit_of(*at) < 0)
            return false;
    return *at == '\0';
}

/* What the header says that is to survive. */
struct facts_shape facts_shape_of(const struct layout_header *header, uint32_t permissions)
{
    struct facts_shape shape = {
        .capacity = header->capacity, .max_message_size = header->max_message_size, .hole_slots = header->hole_slots,
        .spare_nodes = header->origin_spare_nodes, .max_memory = header->max_memory, .reserve = header->reserve,
        .created = header->created, .slots_per_node = header->slots_per_node, .permissions = permissions,
        .features = header->features, .max_headers = header->max_headers, .max_deliveries = header->max_deliveries,
        .time_to_live = header->time_to_live};

    memcpy(shape.dead_letter, header->dead_letter, sizeof shape.dead_letter);
    return shape;
}

/* Of a record at `offset`, whose body is to be added. */
uint32_t facts_begin_crc(const struct crc32c *crc, const uint8_t segment_id[FACTS_ID], uint64_t offset,
                         const struct fact *fact)
{
    uint32_t sum = crc32c_add(crc, 0, segment_id, FACTS_ID);

    sum = crc32c_add(crc, sum, &offset, sizeof offset);
    return crc32c_add(crc, sum, (const unsigned char *)fact + sizeof fact->crc, sizeof *fact - sizeof fact->crc);
}

void facts_seal_head(const struct crc32c *crc, struct facts_head *head)
{
    head->crc = 0;
    head->crc = crc32c_add(crc, 0, head, sizeof *head);
}

bool facts_check_head(const struct crc32c *crc, const struct facts_head *head)
{
    struct facts_head copy = *head;

    facts_seal_head(crc, &copy);
    return copy.crc == head->crc && head->magic == FACTS_SEGMENT_MAGIC;
}

/* The source at *offset of a STATE's body, and its name, which does not end with a 0. False: it is not whole. */
bool facts_next_source(const unsigned char *body, uint64_t size, uint64_t *offset, struct fact_source *source,
                       const char **name)
{
    if (*offset > size || size - *offset < sizeof *source)
        return false;
    memcpy(source, body + *offset, sizeof *source);
    *name = (const char *)body + *offset + sizeof *source;
    if (source->entry >= LAYOUT_SOURCE_SLOTS || source->length == 0 || source->length > LAYOUT_NAME ||
        size - *offset < fact_source_bytes(source->length))
        return false;
    *offset += fact_source_bytes(source->length);
    return true;
}

static bool is_state(const unsigned char *body, uint64_t size)
{
    struct fact_state state;
    struct fact_source source;
    const char *name;

    if (size < sizeof state)
        return false;
    memcpy(&state, body, sizeof state);
    if (state.runs > (size - sizeof state) / sizeof(struct fact_run) || state.sources > LAYOUT_SOURCE_SLOTS)
        return false;
    uint64_t offset = sizeof state + state.runs * sizeof(struct fact_run);
    for (uint64_t i = 0; i < state.sources; ++i)
        if (!facts_next_source(body, size, &offset, &source, &name))
            return false;
    return offset == size;
}

static bool is_record(const struct crc32c *crc, const uint8_t segment_id[FACTS_ID], const unsigned char *at,
                      uint64_t offset, uint64_t room, struct fact *fact)
{
    memcpy(fact, at, sizeof *fact);
    if (fact->kind < FACT_MESSAGE || fact->kind > FACT_FED || fact->size > room - sizeof *fact)
        return false;
    if (crc32c_add(crc, facts_begin_crc(crc, segment_id, offset, fact), at + sizeof *fact, fact->size) != fact->crc)
        return false;
    return fact->kind != FACT_STATE || is_state(at + sizeof *fact, fact->size);
}

/* The next record of a segment whose bytes these are, from *offset on, where it then is. False: there is none. What is
   no record is passed. */
bool facts_next(const struct crc32c *crc, const uint8_t segment_id[FACTS_ID], const unsigned char *bytes, uint64_t size,
                uint64_t *offset, struct fact *fact)
{
    static const unsigned char zeros[16];

    for (; *offset + sizeof *fact <= size; *offset += 8)
        if (memcmp(bytes + *offset, zeros, sizeof zeros) != 0 && /* no ticket is 0 */
            is_record(crc, segment_id, bytes + *offset, *offset, size - *offset, fact))
            return true;
    return false;
}
