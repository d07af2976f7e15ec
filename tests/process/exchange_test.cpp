/*
 * Producers and consumers that are processes, threads of one handle or threads of several: each message comes once and
 * in order, and the queue is as good as new afterwards. A table of plans meets every slot count with every capacity.
 */
#include <set>

#include "support/leftovers.hpp"
#include "support/sanitizers.hpp"
#include "support/workload.hpp"

namespace cqtest {
namespace {

/* Large messages are fewer, or making and reading them would be all that the test does; and those for which somebody
   must always make room first, or it would be the scheduler's test on a busy machine. */
uint64_t messages_for(uint64_t capacity, size_t size, size_t producers)
{
    return (capacity < 10 || size > 1000 ? 3000 : 40000) * (long_run() ? 5 : 1) / producers;
}

Plan plan_of(Workers workers, const Shape &shape, uint64_t capacity, size_t size, size_t producers, size_t consumers,
             bool gives_back)
{
    const auto with = [](const char *what, uint64_t value) { return what + std::to_string(value); };
    const std::string name = with("K", shape.slots_per_node) + (shape.first_sequence ? "wrap" : "") +
                             with("capacity", capacity) + with("size", size) + with("of", producers) +
                             with("x", consumers) + (gives_back ? "again" : "");
    const uint64_t each = messages_for(capacity, size, producers);
    return {name, shape, capacity, size, producers, consumers, 0, each, gives_back, workers};
}

/*
 * Each slot count with each capacity. The four sizes and the five crowds go round, each at its own pace: any twenty
 * plans in a row have all pairs of them, which is what CQ_LONG=1 runs. Then each slot count across the wrap of the
 * sequence, with messages that are given back in every other plan.
 */
std::vector<Plan> plans(Workers workers)
{
    constexpr size_t sizes[] = {0, 8, 56, 4096};
    constexpr size_t crowds[][2] = {{1, 1}, {4, 1}, {1, 4}, {3, 3}, {8, 2}};
    std::vector<Plan> all;
    size_t turn = static_cast<size_t>(workers);
    for (const uint32_t slots : {1u, 2u, 64u, 256u})
        for (const uint64_t capacity : std::set<uint64_t>{1, slots, 1000})
            for (int pair = 0; pair < (long_run() ? 20 : 1); ++pair, ++turn) {
                const size_t producers = crowds[turn % 5][0], consumers = crowds[turn % 5][1];
                all.push_back(plan_of(workers, Shape(slots), capacity, sizes[turn % 4], producers, consumers, false));
            }
    for (const uint32_t slots : {1u, 2u, 64u, 256u})
        for (const uint64_t capacity : {2u, 50u})
            all.push_back(plan_of(workers, Shape(slots, last_sequence - 2), capacity, 64, 4, 4, turn++ % 2 == 0));
    return all;
}

class Exchange : public ::testing::TestWithParam<Plan> {};

TEST_P(Exchange, passes_each_message_once_and_in_order)
{
    Noise noise(seed());
    Workload(GetParam(), noise).finish();
}

INSTANTIATE_TEST_SUITE_P(between_processes, Exchange, ::testing::ValuesIn(plans(Workers::processes)), plan_name);
INSTANTIATE_TEST_SUITE_P(between_threads_of_one_handle, Exchange,
                         ::testing::ValuesIn(plans(Workers::threads_of_one_handle)), plan_name);

/* The thread sanitizer goes by addresses, and each handle maps the region at others: what one handle releases and
   another acquires is not seen to be ordered. */
#ifndef CQTEST_THREAD_SANITIZED
INSTANTIATE_TEST_SUITE_P(between_threads_of_several_handles, Exchange,
                         ::testing::ValuesIn(plans(Workers::threads_of_several)), plan_name);
#endif

/* More of both, and more messages. */
std::vector<Plan> large_plans()
{
    std::vector<Plan> all;
    for (const uint32_t slots : {1u, 64u})
        for (const size_t consumers : {1u, 5u})
            all.push_back({"K" + std::to_string(slots) + "of5x" + std::to_string(consumers), Shape(slots), 65532, 56, 5,
                           consumers, 0, 10000, false});
    return all;
}

INSTANTIATE_TEST_SUITE_P(of_many_messages, Exchange, ::testing::ValuesIn(large_plans()), plan_name);

/* Each message takes a node, and the producers come between each other's steps all the time. They stay until the nodes
   were looked at: a handle that is closed puts back what it had lost. */
TEST(FreeNodes, are_not_lost_between_producers)
{
    constexpr uint64_t producers = 4, sent = 50000;
    Queue queue(Config(64, 8), Shape(1, 0, 1, 1));
    std::vector<Child> children;
    for (uint64_t i = 0; i < producers; ++i)
        children.emplace_back([&](Channel &channel) {
            const Handle mine = queue.attach();
            for (uint64_t n = 0; n < sent; ++n)
                while (cq_enqueue(mine, &n, sizeof n) != CQ_OK)
                    std::this_thread::yield();
            channel.put('d');
            return channel.get() ? 0 : 1;
        });
    uint64_t number = 0;
    for (uint64_t i = 0; i < producers * sent; ++i)
        ASSERT_EQ(cq_dequeue_wait(queue, &number, sizeof number, nullptr, patience_ns), CQ_OK) << i;
    for (const Child &child : children)
        EXPECT_TRUE(child.get());
    EXPECT_EQ(queue.fill("12345678"), 64u);
    EXPECT_EQ(queue.drain().size(), 64u);
    EXPECT_EQ(stray_nodes(queue.path()), "");
    for (Child &child : children) {
        child.put('g');
        EXPECT_EQ(child.join().code, 0);
    }
}

} // namespace
} // namespace cqtest
