/*
 * Conditions that end a test by an exception, for code that knows nothing of how its test reports.
 */
#pragma once

#include <stdexcept>
#include <string>

#include "queue.hpp"

namespace cqtest {

/* The queue is not as it must be. */
class Broken : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

inline void require(bool holds, const std::string &otherwise)
{
    if (!holds)
        throw Broken(otherwise);
}

inline void require_nothing_to_recover(const Handle &handle)
{
    const Recovery found = handle.recover();
    require(found.participants == 0 && found.slots == 0 && found.messages == 0 && found.nodes == 0,
            "recovery found " + std::to_string(found.participants) + " participants, " + std::to_string(found.slots) +
                " slots, " + std::to_string(found.messages) + " messages, " + std::to_string(found.nodes) +
                " nodes where there must be nothing left");
}

} // namespace cqtest
