/*
 * A long wait as many short ones, because a signal does not end a wait of the library: in between it can be noticed.
 */
#ifndef CQ_TOOL_WAITING_HPP
#define CQ_TOOL_WAITING_HPP

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "cqueue.h"
#include "units.hpp"

namespace tool {

/* Calls attempt(nanoseconds) until its result is not CQ_TIMEOUT or the limit (or forever) is over; once at least. */
template <class Attempt>
int wait_in_slices(std::int64_t limit, Attempt attempt)
{
    using Clock = std::chrono::steady_clock;
    constexpr std::int64_t slice = 100'000'000;
    const auto start = Clock::now();
    for (;;) {
        std::int64_t left = slice;
        if (limit != forever)
            left = limit - std::chrono::nanoseconds(Clock::now() - start).count();
        const int result = attempt(std::clamp<std::int64_t>(left, 0, slice));
        if (result != CQ_TIMEOUT || (limit != forever && left <= slice))
            return result;
    }
}

} // namespace tool

#endif
