/*
 * Every word of a region that processes share, and the values that each of them might be made to have by somebody
 * who wants to do harm.
 */
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "support/region_bytes.hpp"

namespace cqtest {

struct Word {
    uint64_t offset;
    unsigned size; /* bytes, 4 or 8 */
};

/* Of a region with few enough nodes that one word of the bitmap is all of it. */
inline std::vector<Word> shared_words(const RegionBytes &bytes, uint64_t participants)
{
    std::vector<Word> words;
    for (const uint64_t offset : {field::tail, field::head, field::orphans, field::touched, field::last_hole, field::holes,
                                  field::voided, field::redelivered, field::returned, field::reaped, field::first_position,
                                  field::created, field::holed, field::needed, field::period, field::trimmed,
                                  field::consumer, field::mover, field::moving, field::moved,
                                  field::move_result, field::expired, field::sources})
        words.push_back({offset, 8});
    words.push_back({field::turn, 8});
    for (const uint64_t offset : {field::highest_id, field::free_id, field::removed, field::lookout, field::sleepers,
                                  field::patience, field::regrets})
        words.push_back({offset, 4});
    words.push_back({field::consumers, 4});
    words.push_back({field::producers, 4});
    for (uint64_t id = 0; id <= participants; ++id) {
        const uint64_t entry = field::participants + id * field::participant_size;
        for (const uint64_t offset : {0u, 8u, 16u, 24u, 48u, 56u, 72u, 80u, 88u})
            words.push_back({entry + offset, 8});
        for (const uint64_t offset : {32u, 36u, 40u, 44u, 64u, 68u})
            words.push_back({entry + offset, 4});
    }
    words.push_back({field::summary, 8});
    words.push_back({bytes.get(field::bitmap_offset), 8});
    words.push_back({bytes.marks(), 8});
    for (uint64_t source = 0; source < 2; ++source) { /* known, and free */
        const uint64_t entry = field::source_table + source * field::source_size;
        for (const uint64_t offset : {0u, 8u, 16u})
            words.push_back({entry + offset, 8});
        for (const uint64_t offset : {24u, 28u}) /* the name's length, and how it begins */
            words.push_back({entry + offset, 4});
    }
    const uint64_t nodes = bytes.get(field::node_count), touched = bytes.get(field::touched);
    for (uint64_t node = 0; node < nodes; ++node)
        words.push_back({bytes.get(field::states_offset) + node * 8, 8});
    for (uint64_t node = 0; node < touched; ++node) {
        const uint64_t base = bytes.get(field::nodes_offset) + node * bytes.get(field::node_stride);
        for (const uint64_t offset : {field::node_enq, field::node_deq, field::node_next, field::node_holed})
            words.push_back({base + offset, 8});
        words.push_back({base + field::node_pinned, 4});
        const uint64_t slots = bytes.get<uint32_t>(field::slots_per_node);
        for (uint64_t slot = 0; slot < slots; ++slot) {
            words.push_back({bytes.dues() + (node * slots + slot) * 8, 8});
            const uint64_t at = base + field::node_slots + slot * bytes.get(field::slot_stride);
            words.push_back({at, 8});
            words.push_back({at + 8, 8}); /* a length, or the first bytes of a message, or of what goes before it */
            words.push_back({at + 16, 8});
            words.push_back({at + bytes.get(field::slot_stride) - 8, 8}); /* a short message's size is at the end */
        }
    }
    return words;
}

/* All that a word that is `now` might say instead: as a count, a link, a ticket, a node's state, a slot's, a source's. */
inline std::vector<uint64_t> harmful_values(uint64_t now, uint64_t nodes)
{
    std::set<uint64_t> values{0, 1, 2, 3, UINT64_MAX, UINT64_MAX - 1, UINT64_C(1) << 63, INT64_MAX, UINT32_MAX,
                              UINT64_C(1) << 32, ~now, now + 1, now - 1, now ^ UINT64_C(1) << 63, now << 1, now >> 1};
    const uint64_t sequence = now >> 24, rest = now & 0xffffff, most = (UINT64_C(1) << 40) - 1;
    const auto put = [&](uint64_t s, uint64_t r) { values.insert((s & most) << 24 | (r & 0xffffff)); };
    /* Other lives, with the rest as it is. */
    for (const uint64_t other : {uint64_t{0}, uint64_t{1}, sequence + 1, sequence + 2, sequence - 1, sequence - 2, most,
                                 most - 1, sequence + most / 2, sequence ^ UINT64_C(1) << 39})
        put(other, rest);
    for (const uint64_t life : {sequence, sequence + 1, sequence - 1}) {
        /* Other nodes, among them none and out of range. */
        for (uint64_t node = 0; node <= nodes; ++node)
            put(life, node);
        put(life, 0xffffff);
        put(life, 0xfffffe);
        /* Other phases, deliveries and owners; for a ticket these are its index and owner. */
        for (uint64_t phase = 0; phase < 16; ++phase)
            for (const uint64_t owner : {0u, 1u, 2u, 3u, 4094u, 4095u})
                put(life, phase << 12 | owner);
        for (const uint64_t phase : {2u, 3u, 5u, 6u, 10u, 11u, 13u})
            for (const uint64_t deliveries : {1u, 255u})
                put(life, deliveries << 16 | phase << 12 | 1u);
        for (const uint64_t index : {255u, 256u, 257u, 4094u, 4095u})
            for (const uint64_t owner : {0u, 1u, 2u})
                put(life, index << 12 | owner);
    }
    values.erase(now);
    return {values.begin(), values.end()};
}

} // namespace cqtest
