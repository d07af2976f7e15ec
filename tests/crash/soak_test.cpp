/*
 * SIGKILL at random moments for producers, consumers and recoverers that use every call: whatever was accepted is
 * delivered once, or lies in the hands of who was killed with it, and the queue is as good as new afterwards.
 */
#include "support/leftovers.hpp"
#include "support/workload.hpp"

namespace cqtest {
namespace {

const std::vector<Plan> plans = {
    {"small_nodes", Shape(2), 16, 64, 3, 3, 1},
    {"a_message_a_node", Shape(1), 8, 40, 2, 2, 0},
    {"wrapping", Shape(4, last_sequence - 200), 64, 200, 3, 3, 1},
    {"usual_nodes", Shape(64), 500, 120, 3, 3, 0},
    {"chosen_by_the_library", Shape(), 100, 100, 2, 4, 2},
    {"many_producers", Shape(4), 30, 80, 6, 1, 0},
    {"many_consumers", Shape(8), 30, 80, 1, 6, 1},
    {"capacity_of_one", Shape(1), 1, 48, 3, 3, 0},
};

/* Usually one is killed, now and then two at once, rarely all. */
std::vector<size_t> choose_victims(size_t size, Noise &noise)
{
    std::vector<size_t> all;
    for (size_t i = 0; i < size; ++i)
        all.push_back(i);
    if (noise.once_in(50))
        return all;
    std::swap(all[0], all[noise.below(size)]);
    std::swap(all[1], all[1 + noise.below(size - 1)]);
    all.resize(noise.once_in(8) ? 2 : 1);
    return all;
}

class Soak : public ::testing::TestWithParam<Plan> {};

/* CQ_KILLS in the environment says how many are killed in each plan. */
TEST_P(Soak, of_random_kills_loses_and_doubles_nothing)
{
    Noise noise(seed());
    const uint64_t kills = environment_number("CQ_KILLS", long_run() ? 6300 : 260);
    for (uint64_t killed = 0; killed < kills;) {
        Workload workload(GetParam(), noise);
        try {
            const uint64_t end = std::min<uint64_t>(kills, killed + 260);
            while (killed < end && !workload.ledger().complaints.any() && !workload.ledger().used_up()) {
                std::this_thread::sleep_for(std::chrono::microseconds(noise.below(6000)));
                const std::vector<size_t> victims = choose_victims(workload.size(), noise);
                workload.replace(victims);
                killed += victims.size();
            }
            require(workload.passes(200), "the queue came to a standstill after " + std::to_string(killed) + " kills");
            workload.finish();
        } catch (const std::exception &error) {
            FAIL() << error.what() << "\nafter " << killed << " kills";
        }
    }
}

INSTANTIATE_TEST_SUITE_P(plan, Soak, ::testing::ValuesIn(plans), plan_name);

} // namespace
} // namespace cqtest
