/*
 * Who works on what queue: how many producers and consumers, processes or threads, and the shape of the region. A table
 * of plans that meets every slot count with every kind of capacity and every kind of worker.
 */
#ifndef CQTEST_PLAN_HPP
#define CQTEST_PLAN_HPP

#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/deadline.hpp"

namespace cqtest {

enum class Workers { processes, threads_of_one_handle, threads_of_several };

struct Plan {
    Workers workers;
    uint32_t slots; /* a node */
    uint64_t capacity;
    size_t size; /* of the messages, at most */
    size_t producers, consumers;
    uint64_t each; /* messages of a producer */

    uint64_t total() const { return producers * each; }
    std::string name() const
    {
        return "K" + std::to_string(slots) + "capacity" + std::to_string(capacity) + "size" + std::to_string(size) + "of" +
               std::to_string(producers) + "x" + std::to_string(consumers);
    }
};

/* Large messages are fewer, or making and reading them would be all that the test does; and those for which somebody must
   always make room first, or it would be the scheduler's test on a busy machine. */
inline uint64_t messages_for(uint64_t capacity, size_t size, size_t producers)
{
    return (capacity < 10 || size > 1000 ? 3000 : 40000) * (long_run() ? 5 : 1) / producers;
}

/*
 * Each slot count with each capacity. The four sizes and the five crowds go round, each at its own pace: any twenty plans
 * in a row have all pairs of them, which is what CQ_LONG=1 runs.
 */
inline std::vector<Plan> plans(Workers workers)
{
    constexpr size_t sizes[] = {0, 8, 56, 4096};
    constexpr size_t crowds[][2] = {{1, 1}, {4, 1}, {1, 4}, {3, 3}, {8, 2}};
    std::vector<Plan> all;
    size_t turn = static_cast<size_t>(workers);
    for (const uint32_t slots : {1u, 2u, 64u, 256u})
        for (const uint64_t capacity : std::set<uint64_t>{1, slots, 1000})
            for (int pair = 0; pair < (long_run() ? 20 : 1); ++pair, ++turn) {
                const size_t size = sizes[turn % 4], producers = crowds[turn % 5][0], consumers = crowds[turn % 5][1];
                all.push_back({workers, slots, capacity, size, producers, consumers, messages_for(capacity, size, producers)});
            }
    return all;
}

inline std::string plan_name(const ::testing::TestParamInfo<Plan> &info) { return info.param.name(); }

} // namespace cqtest

#endif
