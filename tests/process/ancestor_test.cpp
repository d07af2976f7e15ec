/*
 * What the ancestor of this library tested with processes, and the bug it had there: producers that came between each
 * other's steps lost its whole free list. (Its tests within one process are in unit/fifo_test.cpp.)
 */
#include "crowd.hpp"
#include "support/leftovers.hpp"

namespace cqtest {
namespace {

constexpr uint64_t each = 10000;

TEST(Ancestor, five_producers_of_10000_and_one_consumer)
{
    for (const uint32_t slots : {1u, 64u})
        Crowd({Workers::processes, slots, 65532, 56, 5, 1, each}).run(seed());
}

TEST(Ancestor, five_producers_of_10000_and_five_consumers)
{
    for (const uint32_t slots : {1u, 64u})
        Crowd({Workers::processes, slots, 65532, 56, 5, 5, each}).run(seed());
}

/* Each message takes a node, and the producers come between each other's steps all the time. They stay until the nodes
   were looked at: a handle that is closed puts back what it had lost. */
TEST(Ancestor, interleaved_producers_lose_no_node)
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
