/*
 * SIGSTOP at random moments, for as long as the others take to pass some hundred messages: they never wait for it, never
 * call it dead, and when all go on again, every message has come exactly once and none was delivered again unasked.
 */
#include "support/leftovers.hpp"
#include "support/workload.hpp"

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
        Workload workload(GetParam(), noise);
        const auto all_are_there = [&] { return workload.queue.stat().participants == 1 + workload.size(); };
        try {
            require(eventually(all_are_there), "a worker did not open the queue");
            for (; stopped < stops && !workload.ledger().complaints.any() && !workload.ledger().used_up(); ++stopped) {
                std::this_thread::sleep_for(std::chrono::microseconds(noise.below(3000)));
                Child &victim = workload.worker(noise.below(workload.size()));
                require(victim.stop() || workload.ledger().complaints.any(), "a worker ended");
                const bool passed = workload.passes(300);
                const bool counted = all_are_there();
                const Recovery found = workload.queue.recover();
                victim.resume();
                require(passed, "the others stood still beside a stopped process");
                require(counted || workload.ledger().complaints.any(), "a stopped process is not counted");
                require(found.participants == 0, "a stopped process was called dead");
            }
            workload.finish();
            const Stats stats = workload.queue.stat();
            EXPECT_EQ(stats.reaped, 0u);
            EXPECT_LE(stats.redelivered, stats.returned);
        } catch (const std::exception &error) {
            FAIL() << error.what() << "\nafter " << stopped << " stops";
        }
    }
}

INSTANTIATE_TEST_SUITE_P(plan, StopSoak, ::testing::ValuesIn(plans), plan_name);

} // namespace
} // namespace cqtest
