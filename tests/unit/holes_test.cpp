/* Places in the queue without a message: given up by their producer, or by consumers. They cost no capacity. */
#include "support/leftovers.hpp"
#include "support/shapes.hpp"

namespace cqtest {
namespace {

using Holes = OverShapes;
CQTEST_OVER_SHAPES(Holes);

void make_hole(const Handle &queue)
{
    Message message = queue.reserve(4);
    ASSERT_EQ(cq_abort(queue, &message), CQ_OK);
}

TEST_P(Holes, between_messages_cost_no_capacity)
{
    for (const uint64_t capacity : {UINT64_C(1), UINT64_C(2), UINT64_C(10), k() + 1}) {
        Queue queue(Config(capacity, 8), GetParam());
        for (int round = 0; round < 3; ++round) {
            for (uint64_t i = 0; i < capacity; ++i) {
                ASSERT_EQ(queue.enqueue(std::to_string(i)), CQ_OK) << i << " of " << capacity;
                if (i + 1 < capacity)
                    make_hole(queue);
            }
            ASSERT_EQ(queue.enqueue("more"), CQ_FULL) << capacity;
            for (uint64_t i = 0; i < capacity; ++i)
                ASSERT_EQ(queue.dequeue(), std::to_string(i));
            ASSERT_EQ(queue.dequeue(), std::nullopt);
        }
    }
}

TEST_P(Holes, in_front_of_the_first_message_are_skipped)
{
    Queue queue(Config(4, 8), GetParam());
    for (uint64_t i = 0; i < 3 * k() + 2; ++i)
        make_hole(queue);
    queue.must_enqueue("first");
    EXPECT_EQ(queue.walk(), std::vector<std::string>{"first"});
    EXPECT_EQ(queue.stat().length, 1u);
    EXPECT_EQ(queue.dequeue(), "first");
}

TEST_P(Holes, alone_leave_the_queue_empty)
{
    Queue queue(Config(4, 8), GetParam());
    for (uint64_t i = 0; i < 2 * k() + 1; ++i) {
        make_hole(queue);
        ASSERT_EQ(queue.dequeue(), std::nullopt);
        ASSERT_EQ(queue.stat().length, 0u);
        ASSERT_TRUE(queue.walk().empty());
    }
    EXPECT_EQ(queue.fill(), 4u);
}

TEST_P(Holes, do_not_use_up_a_queue_that_nobody_consumes_from)
{
    /* More positions are given up in a row than the region has slots for. */
    Shape shape = GetParam();
    shape.hole_slots = 16;
    shape.spare_nodes = 2;
    Queue queue(Config(2, 8), shape);
    for (uint64_t i = 0; i < 5000; ++i)
        make_hole(queue);
    EXPECT_EQ(queue.fill(), 2u);
}

TEST_P(Holes, behind_an_unconsumed_message_cost_nothing_up_to_the_limit)
{
    /* The header promises about capacity / 4 + 1,024. */
    Queue queue(Config(4, 8), GetParam());
    queue.must_enqueue("a");
    for (uint64_t i = 0; i < 1000; ++i)
        make_hole(queue);
    EXPECT_EQ(queue.fill(), 3u);
    EXPECT_EQ(queue.dequeue(), "a");
    EXPECT_EQ(queue.fill(), 1u);
}

TEST_P(Holes, beyond_the_limit_bring_full_early_and_nothing_worse)
{
    Shape shape = GetParam();
    shape.hole_slots = 16;
    shape.spare_nodes = 2;
    Queue queue(Config(4, 8), shape);
    queue.must_enqueue("a");
    uint64_t made = 0;
    for (; made < 20000; ++made) {
        Message message;
        const int result = cq_reserve(queue, 4, &message);
        if (result == CQ_FULL)
            break;
        ASSERT_EQ(result, CQ_OK);
        ASSERT_EQ(cq_abort(queue, &message), CQ_OK);
    }
    EXPECT_GE(made, 16u);
    EXPECT_LT(made, 20000u) << "the region is finite";
    EXPECT_EQ(queue.enqueue("b"), CQ_FULL);
    EXPECT_EQ(queue.dequeue(), "a");
    EXPECT_EQ(queue.fill(), 4u) << "consuming the message in front frees all of them";
    EXPECT_EQ(queue.drain().size(), 4u);
}

TEST_P(Holes, of_unfinished_reservations_are_found_by_exact_counting)
{
    const uint64_t capacity = 2 * k() + 2;
    Queue queue(Config(capacity, 8), GetParam());
    std::vector<Message> open;
    for (uint64_t i = 0; i < capacity; ++i)
        open.push_back(queue.reserve(1));
    EXPECT_EQ(queue.enqueue("x"), CQ_FULL);
    /* Every second is given up, which makes room for as many. */
    for (uint64_t i = 1; i < capacity; i += 2)
        ASSERT_EQ(cq_abort(queue, &open[i]), CQ_OK);
    EXPECT_EQ(queue.fill("f"), capacity / 2);
    for (uint64_t i = 0; i < capacity; i += 2) {
        *static_cast<char *>(open[i].data) = 'r';
        ASSERT_EQ(cq_commit(queue, &open[i], 1), CQ_OK);
    }
    for (uint64_t i = 0; i < capacity / 2; ++i)
        ASSERT_EQ(queue.dequeue(), "r");
    for (uint64_t i = 0; i < capacity / 2; ++i)
        ASSERT_EQ(queue.dequeue(), "f");
    EXPECT_EQ(queue.dequeue(), std::nullopt);
}

TEST_P(Holes, do_not_leak_nodes)
{
    Queue queue(Config(4, 8), GetParam());
    for (int i = 0; i < 20; ++i) {
        make_hole(queue);
        queue.must_enqueue("x");
        queue.drain();
    }
    const uint64_t touched = queue.stat().nodes_touched;
    for (uint64_t i = 0; i < 10 * k() + 100; ++i) {
        make_hole(queue);
        queue.must_enqueue("x");
        Message late = queue.reserve(1);
        queue.must_enqueue("y");
        ASSERT_EQ(queue.drain().size(), 2u);
        ASSERT_EQ(cq_abort(queue, &late), CQ_OK);
    }
    EXPECT_LE(queue.stat().nodes_touched, touched + 4);
}

} // namespace
} // namespace cqtest
