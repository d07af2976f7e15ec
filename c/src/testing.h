/* testing.h - what the test build of the library (CQ_TESTING) lets tests choose for the next region created. */
#ifndef CQ_TESTING_H
#define CQ_TESTING_H

#include <stdint.h>

struct cq_testing {
    uint32_t slots_per_node; /* K; 0 = by the slot's size */
    uint64_t first_sequence; /* of the first node; 0 = 1 */
    uint64_t hole_slots;     /* S; 0 = by the capacity */
    uint32_t spare_nodes;    /* X; 0 = by the node's size */
    uint64_t generation_bytes; /* in the durable directory, until files are collected; 0 = 16 MiB */
    uint64_t reserve_step;   /* sequences that a durable queue may use before a flush says so; 0 = 2^20 */
};

#ifdef __cplusplus
extern "C"
#else
extern
#endif
    struct cq_testing cq_testing;

#endif
