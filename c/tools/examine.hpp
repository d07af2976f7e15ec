/*
 * What there is to say about the health of a queue, and of all queues together. It finds, and somebody else prints.
 */
#ifndef CQ_TOOL_EXAMINE_HPP
#define CQ_TOOL_EXAMINE_HPP

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "queue.hpp"

namespace tool {

struct Finding {
    enum Kind { ok, repaired, note, problem };
};

using Add = std::function<void(Finding::Kind, const std::string &)>;

/* Cleans up after dead participants, too. `watch`: for how many nanoseconds to look on where somebody is at work. */
void examine(const Place &place, std::int64_t watch, const Add &add);

void examine_together(const std::vector<Place> &places, const Add &add);

} // namespace tool

#endif
