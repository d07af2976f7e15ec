/* The capacity is exact: that many messages are accepted and not one more or fewer, whatever went through before. */
#include <algorithm>

#include "support/leftovers.hpp"
#include "support/shapes.hpp"

namespace cqtest {
namespace {

using Capacity = OverShapes;
CQTEST_OVER_SHAPES(Capacity);

/* Around every boundary that a node has. */
std::vector<uint64_t> capacities(uint64_t k)
{
    std::vector<uint64_t> all{1, 2, 3, 7, k, k + 1, 2 * k, 2 * k + 1, 5 * k + 3, 1000};
    if (k > 1)
        all.push_back(k - 1);
    return all;
}

void expect_whole(const Handle &queue, uint64_t capacity)
{
    queue.drain();
    EXPECT_EQ(queue.fill(), capacity);
    EXPECT_EQ(queue.enqueue("more"), CQ_FULL);
    EXPECT_EQ(queue.stat().length, capacity);
    EXPECT_EQ(queue.drain().size(), capacity);
    EXPECT_EQ(queue.dequeue(), std::nullopt);
}

TEST_P(Capacity, exactly_that_many_are_accepted_by_a_new_queue)
{
    for (const uint64_t capacity : capacities(k())) {
        SCOPED_TRACE(capacity);
        Queue queue(Config(capacity, 8), GetParam());
        expect_whole(queue, capacity);
        expect_whole(queue, capacity);
    }
}

TEST_P(Capacity, one_dequeue_makes_room_for_exactly_one)
{
    for (const uint64_t capacity : capacities(k())) {
        SCOPED_TRACE(capacity);
        Queue queue(Config(capacity, 8), GetParam());
        queue.fill("0");
        for (uint64_t i = 0; i < std::min<uint64_t>(2 * capacity, 600) + 5; ++i) {
            ASSERT_EQ(queue.enqueue("x"), CQ_FULL) << i;
            ASSERT_TRUE(queue.dequeue()) << i;
            ASSERT_EQ(queue.enqueue("1"), CQ_OK) << i;
        }
        EXPECT_EQ(queue.enqueue("x"), CQ_FULL);
        expect_whole(queue, capacity);
    }
}

TEST_P(Capacity, it_is_exact_from_every_start_in_a_node)
{
    const uint64_t capacity = k() + 2;
    Queue queue(Config(capacity, 8), GetParam());
    for (uint64_t start = 0; start < 2 * k() + 3; ++start) {
        ASSERT_EQ(queue.fill(), capacity) << start;
        ASSERT_EQ(queue.drain().size(), capacity) << start;
        queue.must_enqueue("shift");
        ASSERT_EQ(queue.dequeue(), "shift");
    }
}

TEST_P(Capacity, it_is_exact_after_batches)
{
    const uint64_t capacity = 2 * k() + 5;
    Queue queue(Config(capacity, 8), GetParam());
    std::vector<cq_slice> slices(capacity, cq_slice{const_cast<char *>("abc"), 3});
    std::vector<char> buffer(3 * capacity);
    for (uint64_t size = 1; size <= capacity; size += 1 + k() / 8) {
        size_t done = 0;
        ASSERT_EQ(cq_enqueue_batch(queue, slices.data(), size, &done), CQ_OK);
        ASSERT_EQ(done, size);
        ASSERT_EQ(queue.fill(), capacity - size);
        size_t got = 0;
        std::vector<cq_slice> out(capacity);
        while (cq_dequeue_batch(queue, buffer.data(), buffer.size(), out.data(), capacity, &done) == CQ_OK)
            got += done;
        ASSERT_EQ(got, capacity);
    }
    expect_whole(queue, capacity);
}

TEST_P(Capacity, a_batch_fills_exactly_what_is_left)
{
    const uint64_t capacity = k() + 3;
    Queue queue(Config(capacity, 8), GetParam());
    std::vector<cq_slice> slices(2 * capacity, cq_slice{const_cast<char *>("abc"), 3});
    for (uint64_t before = 0; before <= capacity; ++before) {
        for (uint64_t i = 0; i < before; ++i)
            queue.must_enqueue("x");
        size_t done = 99;
        ASSERT_EQ(cq_enqueue_batch(queue, slices.data(), slices.size(), &done), CQ_FULL);
        ASSERT_EQ(done, capacity - before);
        ASSERT_EQ(queue.enqueue("more"), CQ_FULL);
        ASSERT_EQ(queue.drain().size(), capacity);
    }
}

TEST_P(Capacity, it_is_exact_after_reservations_given_up)
{
    const uint64_t capacity = k() + 1;
    Queue queue(Config(capacity, 8), GetParam());
    for (uint64_t i = 0; i < 3 * k() + 10; ++i) {
        Message message = queue.reserve(8);
        ASSERT_EQ(cq_abort(queue, &message), CQ_OK);
        if (i % 3 == 0)
            queue.must_enqueue("x");
        if (i % 3 == 1) {
            ASSERT_EQ(queue.dequeue(), "x");
        }
    }
    expect_whole(queue, capacity);
}

TEST_P(Capacity, a_reservation_counts_until_it_is_given_up)
{
    Queue queue(Config(3, 8), GetParam());
    Message message = queue.reserve(8);
    EXPECT_EQ(queue.fill(), 2u);
    Message second;
    EXPECT_EQ(cq_reserve(queue, 1, &second), CQ_FULL);
    ASSERT_EQ(cq_abort(queue, &message), CQ_OK);
    EXPECT_EQ(queue.fill(), 1u);
    expect_whole(queue, 3);
}

TEST_P(Capacity, held_messages_do_not_count)
{
    Queue queue(Config(4, 8), GetParam());
    ASSERT_EQ(queue.fill(), 4u);
    std::vector<Message> held;
    for (int i = 0; i < 4; ++i) {
        held.push_back(queue.take());
        EXPECT_EQ(queue.fill(), 1u) << i;
    }
    for (Message &message : held)
        EXPECT_EQ(cq_release(queue, &message), CQ_OK);
    EXPECT_EQ(queue.enqueue("x"), CQ_FULL) << "a release makes no room: the take did";
    expect_whole(queue, 4);
}

TEST_P(Capacity, messages_to_be_redelivered_do_not_count)
{
    Queue queue(Config(3, 8), GetParam());
    ASSERT_EQ(queue.fill(), 3u);
    for (int i = 0; i < 3; ++i) {
        Message message = queue.take();
        ASSERT_EQ(cq_return(queue, &message), CQ_OK);
        /* The oldest again, every time: one place is free, once. */
        EXPECT_EQ(queue.fill(), i == 0 ? 1u : 0u);
    }
    EXPECT_EQ(queue.stat().length, 4u);
    expect_whole(queue, 3);
}

TEST_P(Capacity, it_is_exact_after_a_messages_place_was_given_up_by_consumers)
{
    const uint64_t capacity = k() + 2;
    Queue queue(Config(capacity, 8), GetParam());
    for (uint64_t i = 0; i < 2 * k() + 4; ++i) {
        Message late = queue.reserve(4);
        queue.must_enqueue("pass");
        ASSERT_EQ(queue.dequeue(), "pass");
        std::memcpy(late.data, "late", 4);
        ASSERT_EQ(queue.fill(), capacity) << "a voided reservation does not count";
        ASSERT_EQ(cq_commit(queue, &late, 4), CQ_FULL);
        ASSERT_EQ(queue.drain().size(), capacity);
        ASSERT_EQ(cq_commit(queue, &late, 4), CQ_OK);
        ASSERT_EQ(queue.dequeue(), "late");
    }
    expect_whole(queue, capacity);
}

TEST(LargeCapacity, of_a_million_is_exact)
{
    Queue queue(Config(1000003, 1));
    EXPECT_EQ(queue.fill("x"), 1000003u);
    EXPECT_EQ(queue.dequeue(), "x");
    EXPECT_EQ(queue.fill("x"), 1u);
}

TEST(LargeCapacity, of_two_to_the_31_opens_and_takes_memory_only_for_what_is_used)
{
    Queue queue(Config(UINT64_C(1) << 31, 1));
    queue.must_enqueue("x");
    EXPECT_EQ(queue.dequeue(), "x");
    const Stats stats = queue.stat();
    EXPECT_EQ(stats.capacity, UINT64_C(1) << 31);
    EXPECT_GT(stats.file_size, UINT64_C(1) << 31);
    EXPECT_LT(stats.memory, 16u << 20);
}

} // namespace
} // namespace cqtest
