/*
 * The queues of a directory: their names, and one look at each.
 */
#ifndef CQ_TOOL_DIRECTORY_HPP
#define CQ_TOOL_DIRECTORY_HPP

#include <string>
#include <vector>

#include "queue.hpp"

namespace tool {

/* In alphabetical order. Throws Failure if the directory cannot be read. */
std::vector<std::string> names_in(const Place &where);

struct Entry {
    std::string name;
    Stats stats;
    std::string problem; /* why there are no stats */
};

/* False if the queue is gone. */
bool look_at(Entry &entry, const Place &where);

} // namespace tool

#endif
