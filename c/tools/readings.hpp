/*
 * Queues looked at again and again: what is counted now, and how fast it changed since the last look. It keeps a queue
 * open to look on, and opens the new one when the name leads to another.
 */
#ifndef CQ_TOOL_READINGS_HPP
#define CQ_TOOL_READINGS_HPP

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "queue.hpp"

namespace tool {

struct Reading {
    std::string name;
    std::string problem; /* why there is nothing else */
    std::int64_t time = 0; /* nanoseconds since 1970 */
    Stats stats;
    std::vector<cq_participant> handles;
    bool has_rates = false; /* it was looked at before */
    double in = 0;          /* messages a second */
    double out = 0;

    double fill() const /* in percent */
    {
        const double capacity = static_cast<double>(stats.capacity);
        return capacity > 0 ? 100 * static_cast<double>(stats.length) / capacity : 0;
    }
};

class Readings {
public:
    /* No names: all queues of the directory, whichever there are at the time. */
    Readings(Place where, std::vector<std::string> names);

    /* With a problem in place of figures for each named queue that cannot be looked at. */
    std::vector<Reading> look();

private:
    using Clock = std::chrono::steady_clock;
    struct Watched {
        std::unique_ptr<Queue> queue;
        Stats before;
        Clock::time_point looked;
        bool looked_before = false;
    };

    Reading look_at(const std::string &name);

    Place where_;
    std::vector<std::string> names_;
    std::map<std::string, Watched> watched_;
};

} // namespace tool

#endif
