// words.hpp - which word of the region an address is, and what it says.
#pragma once

#include "core.hpp"

#include <string>

namespace model {

struct Word {
    enum Kind { none, tail, head, orphans, touched, last_hole, holed, wake, count, pin, hint, marks, state, enq, deq, next,
                node_holed, slot, payload, handle, sources, source_state, source_number, decided, feed, due, lease,
                moving } kind;
    std::uint32_t node, index;
};

Word classify(const cq_queue &queue, const void *address);
// "tail", "state 1", "node 1 enq", "slot 1.0", "payload 1.0", ...
std::string name_of(const Word &word);
// "(2,1,o3)" and the like.
std::string show(const Word &word, std::uint64_t value);

} // namespace model
