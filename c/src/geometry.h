/* geometry.h - the shape of a region. */
#ifndef CQ_GEOMETRY_H
#define CQ_GEOMETRY_H

#include "handle.h"

/* What messages have beside their bytes, and what becomes of them on their way; all 0: nothing special. */
struct extras {
    uint64_t features, max_headers, max_deliveries;
    int64_t time_to_live;
};
int geometry_of(uint64_t capacity, uint64_t max_message_size, uint32_t slots, uint64_t hole_slots, uint64_t spare_nodes,
                const struct extras *extras, struct geometry *geometry);
#define TRIM_WINDOW (UINT64_C(1) << 21) /* of the file: there memory is given back at a time; more for larger nodes */

int geometry_set_memory(uint64_t max_memory, uint64_t reserve, struct geometry *geometry);
uint64_t geometry_least(const struct geometry *geometry);
uint64_t geometry_trim_nodes(const struct geometry *geometry);
uint64_t geometry_held(const struct geometry *geometry);
int geometry_of_header(const struct layout_header *header, uint64_t file_size, struct geometry *geometry);

#endif
