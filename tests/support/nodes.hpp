/*
 * Where every node of a queue is, by the bytes of its region: free, in the list, or behind it with nothing left in it, so
 * that whoever needs a node will find it. Nobody may be at work on the queue meanwhile.
 */
#pragma once

#include <map>

#include "region_bytes.hpp"

namespace cqtest {

class Nodes {
public:
    explicit Nodes(const std::string &path) : region_(path) {}

    std::string strays() const
    {
        const std::map<uint64_t, uint64_t> list = listed();
        std::string found;
        for (uint64_t node = 0; node < region_.get(field::touched); ++node) {
            const uint64_t state = region_.get(region_.get(field::states_offset) + 8 * node);
            const uint64_t sequence = state >> 24, phase = state >> 12 & 0xfff;
            const auto in_list = list.find(node);
            const bool right = in_list != list.end() ? is_listed(phase) && sequence == in_list->second
                                                     : is_free(state) || (is_listed(phase) && all_done(node, sequence));
            if (!right)
                found += "node " + std::to_string(node) + " has phase " + std::to_string(phase) + " in sequence " +
                         std::to_string(sequence) + (in_list != list.end() ? ", in the list; " : "; ");
        }
        return found;
    }

private:
    enum Phase : uint64_t { free = 0, linked = 2, settled = 3, bare = 4 };

    /* With memory or without; a bare one that has an owner is somebody's. */
    static bool is_free(uint64_t state)
    {
        const uint64_t phase = state >> 12 & 0xfff, owner = state & 0xfff;
        return phase == free || (phase == bare && owner == 0);
    }

    static bool is_listed(uint64_t phase) { return phase == linked || phase == settled; }

    uint64_t offset(uint64_t node) const
    {
        return region_.get(field::nodes_offset) + region_.get(field::node_stride) * node;
    }

    /* Node to sequence, from head to the end. */
    std::map<uint64_t, uint64_t> listed() const
    {
        constexpr uint64_t nil = 0xffffff;
        std::map<uint64_t, uint64_t> list;
        uint64_t sequence = region_.get(field::head) >> 24;
        for (uint64_t node = region_.get(field::head) & nil; node != nil && list.count(node) == 0; ++sequence) {
            list[node] = sequence;
            node = region_.get(offset(node) + field::node_next) & nil;
        }
        return list;
    }

    bool all_done(uint64_t node, uint64_t sequence) const
    {
        const uint64_t slots = region_.get<uint32_t>(field::slots_per_node);
        for (uint64_t slot = 0; slot < slots; ++slot)
            if (region_.get(offset(node) + field::node_slots + region_.get(field::slot_stride) * slot) != sequence << 24)
                return false;
        return true;
    }

    RegionBytes region_;
};

/* Empty if there are none. */
inline std::string stray_nodes(const std::string &path) { return Nodes(path).strays(); }

} // namespace cqtest
