/* geometry.h - the shape of a region. */
#ifndef CQ_GEOMETRY_H
#define CQ_GEOMETRY_H

#include "handle.h"

int geometry_of(uint64_t capacity, uint64_t max_message_size, uint32_t slots, uint64_t hole_slots, uint64_t spare_nodes,
                struct geometry *geometry);
int geometry_of_header(const struct layout_header *header, uint64_t file_size, struct geometry *geometry);

#endif
