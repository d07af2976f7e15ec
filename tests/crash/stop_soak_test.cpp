/*
 * SIGSTOP at random moments, for as long as the others take to pass some hundred messages: they never wait for it, never
 * call it dead, and when all go on again, every message has come exactly once and none was delivered again unasked.
 */
#include "crew.hpp"
#include "support/leftovers.hpp"

namespace cqtest {
namespace {

const std::vector<Plan> plans = {
    {"small_nodes", Shape(2), 40, 64, 3, 3, 0},
    {"a_message_a_node", Shape(1), 40, 40, 3, 3, 0},
    {"wrapping", Shape(4, last_sequence - 200), 64, 200, 3, 3, 0},
    {"usual_nodes", Shape(64), 500, 120, 3, 3, 0},
};

class StopSoak : public ::testing::TestWithParam<Plan> {};

TEST_P(StopSoak, of_random_stops_holds_nobody_up_and_takes_nothing_away)
{
    Noise noise(seed());
    const uint64_t stops = environment_number("CQ_STOPS", long_run() ? 10000 : 100);
    for (uint64_t stopped = 0; stopped < stops;) {
        Crew crew(GetParam(), noise);
        const auto all_are_there = [&] { return crew.queue.stat().participants == 1 + crew.size(); };
        try {
            require(eventually(all_are_there), "a worker did not open the queue");
            for (; stopped < stops && !crew.ledger().complaints.any() && !crew.ledger().used_up(); ++stopped) {
                std::this_thread::sleep_for(std::chrono::microseconds(noise.below(3000)));
                Child &victim = crew.member(noise.below(crew.size()));
                require(victim.stop() || crew.ledger().complaints.any(), "a worker ended");
                const bool passed = crew.passes(300);
                const bool counted = all_are_there();
                const Recovery found = crew.queue.recover();
                victim.resume();
                require(passed, "the others stood still beside a stopped process");
                require(counted || crew.ledger().complaints.any(), "a stopped process is not counted");
                require(found.participants == 0, "a stopped process was called dead");
            }
            crew.finish();
            const Stats stats = crew.queue.stat();
            EXPECT_EQ(stats.reaped, 0u);
            EXPECT_LE(stats.redelivered, stats.returned);
        } catch (const std::exception &error) {
            FAIL() << error.what() << "\nafter " << stopped << " stops";
        }
    }
}

INSTANTIATE_TEST_SUITE_P(plan, StopSoak, ::testing::ValuesIn(plans),
                         [](const auto &info) { return std::string(info.param.name); });

} // namespace
} // namespace cqtest
