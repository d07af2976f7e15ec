// words.hpp - which word of the region an address is, and what it says.
#pragma once

#include "core.hpp"

#include <string>

namespace model {

struct Word {
    enum Kind { none, tail, head, orphans, touched, last_hole, wake, count, hint, state, enq, deq, next, slot, payload, handle } kind;
    std::uint32_t node, index;
};

Word classify(const cq_queue &queue, const void *address);
// "tail", "state 1", "node 1 enq", "slot 1.0", "payload 1.0", ...
std::string name_of(const Word &word);
// "(2,1,o3)" and the like.
std::string show(const Word &word, std::uint64_t value);

} // namespace model
