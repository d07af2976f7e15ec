// explore.hpp - many schedules of one scenario: at random, or all of them with few preemptions.
#pragma once

#include "world.hpp"

#include <functional>

namespace model {

struct Scenario {
    Shape shape;
    std::function<void(World &)> begin; // adds the processes
    std::uint32_t kills = 0;            // how many processes may die, anywhere
    std::uint32_t successors = 0;       // how many of them are followed by one with the same id
    bool weak = false;                  // may loads return what is not the newest?
    Promises promises = Promises::machines;
    bool reaper = true;                 // somebody looks for the dead now and then; otherwise only who meets them
};

// `runs` random schedules (ten times as many with CQ_LONG): uniform, or by priorities that change at a few steps. The answer
// is empty, or says what failed, how to repeat it, and the schedule.
std::string explore_at_random(const Scenario &scenario, std::uint32_t runs);

// All schedules with at most so many preemptions (and kills), up to `limit` of them; *count receives how many.
std::string explore_all(const Scenario &scenario, std::uint32_t preemptions, std::uint32_t limit, std::uint32_t *count = nullptr);

} // namespace model
