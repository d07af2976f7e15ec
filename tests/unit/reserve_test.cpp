/* cq_reserve, cq_commit, cq_abort: messages written in place. */
#include <algorithm>

#include "support/leftovers.hpp"
#include "support/shapes.hpp"

namespace cqtest {
namespace {

using Reserve = OverShapes;
CQTEST_OVER_SHAPES(Reserve);

using Texts = std::vector<std::string>;

TEST_P(Reserve, lends_aligned_memory_of_the_size_that_was_asked_for)
{
    Queue queue(Config(2 * k() + 2, 21), GetParam());
    for (uint64_t i = 0; i < 2 * k() + 2; ++i) {
        Message message = queue.reserve(13);
        EXPECT_EQ(message.size, 13u);
        ASSERT_NE(message.data, nullptr);
        EXPECT_EQ(reinterpret_cast<uintptr_t>(message.data) % 8, 0u);
        ASSERT_EQ(commit(queue, message, "thirteenbytes"), CQ_OK);
        EXPECT_EQ(message.data, nullptr) << "a committed message is not held any more";
    }
    EXPECT_EQ(queue.drain(), Texts(2 * k() + 2, "thirteenbytes"));
}

TEST_P(Reserve, is_not_visible_before_it_is_committed)
{
    Queue queue(Config(4, 16), GetParam());
    Message message = queue.reserve(5);
    EXPECT_EQ(queue.dequeue(), std::nullopt);
    EXPECT_TRUE(queue.walk().empty());
    ASSERT_EQ(commit(queue, message, "there"), CQ_OK);
    EXPECT_EQ(queue.dequeue(), "there");
}

TEST_P(Reserve, keeps_its_place_between_messages)
{
    Queue queue(Config(4, 16), GetParam());
    queue.must_enqueue("before");
    Message message = queue.reserve(5);
    queue.must_enqueue("after");
    ASSERT_EQ(commit(queue, message, "there"), CQ_OK);
    EXPECT_EQ(queue.drain(), (Texts{"before", "there", "after"}));
}

TEST_P(Reserve, several_come_out_in_the_order_of_their_reservation)
{
    Queue queue(Config(6, 16), GetParam());
    std::vector<Message> open;
    for (int i = 0; i < 6; ++i)
        open.push_back(queue.reserve(1));
    for (const size_t i : {5u, 0u, 3u, 2u, 4u, 1u})
        ASSERT_EQ(commit(queue, open[i], std::to_string(i)), CQ_OK) << i;
    EXPECT_EQ(queue.drain(), (Texts{"0", "1", "2", "3", "4", "5"}));
}

TEST_P(Reserve, several_can_be_given_up_in_any_order)
{
    Queue queue(Config(6, 16), GetParam());
    std::vector<Message> open;
    for (int i = 0; i < 6; ++i)
        open.push_back(queue.reserve(1));
    for (const size_t i : {4u, 1u, 0u})
        ASSERT_EQ(cq_abort(queue, &open[i]), CQ_OK) << i;
    for (const size_t i : {5u, 2u, 3u})
        ASSERT_EQ(commit(queue, open[i], std::to_string(i)), CQ_OK) << i;
    EXPECT_EQ(queue.drain(), (Texts{"2", "3", "5"}));
    EXPECT_EQ(queue.fill(), 6u);
}

TEST_P(Reserve, less_may_be_committed_than_was_reserved)
{
    Queue queue(Config(20, 16), GetParam());
    Texts expected;
    for (size_t size = 0; size <= 16; ++size) {
        Message message = queue.reserve(16);
        std::memcpy(message.data, "0123456789abcdef", 16);
        ASSERT_EQ(cq_commit(queue, &message, size), CQ_OK) << size;
        expected.push_back(std::string("0123456789abcdef").substr(0, size));
    }
    EXPECT_EQ(queue.drain(), expected);
}

TEST_P(Reserve, more_than_was_reserved_cannot_be_committed)
{
    Queue queue(Config(4, 16), GetParam());
    Message message = queue.reserve(4);
    std::memcpy(message.data, "four", 4);
    EXPECT_EQ(cq_commit(queue, &message, 5), CQ_ETOOBIG);
    EXPECT_EQ(cq_commit(queue, &message, SIZE_MAX), CQ_ETOOBIG);
    EXPECT_EQ(cq_commit(queue, &message, 4), CQ_OK) << "it must still be reserved";
    EXPECT_EQ(queue.dequeue(), "four");
}

TEST_P(Reserve, on_a_full_queue_returns_full)
{
    Queue queue(Config(2, 16), GetParam());
    ASSERT_EQ(queue.fill(), 2u);
    Message message;
    EXPECT_EQ(cq_reserve(queue, 1, &message), CQ_FULL);
    EXPECT_EQ(message.data, nullptr);
    EXPECT_EQ(cq_commit(queue, &message, 0), CQ_ENOTHELD);
    EXPECT_EQ(cq_abort(queue, &message), CQ_ENOTHELD);
}

TEST_P(Reserve, position_is_the_one_that_consumers_see)
{
    Queue queue(Config(2 * k() + 1, 16), GetParam());
    std::vector<uint64_t> positions;
    for (uint64_t i = 0; i < 2 * k() + 1; ++i) {
        Message message = queue.reserve(1);
        ASSERT_EQ(commit(queue, message, "x"), CQ_OK);
        positions.push_back(message.position);
    }
    for (uint64_t i = 0; i < 2 * k() + 1; ++i) {
        Message message = queue.take();
        EXPECT_EQ(message.position, positions[i]) << i;
        ASSERT_EQ(cq_release(queue, &message), CQ_OK);
    }
}

TEST_P(Reserve, positions_are_all_different)
{
    Queue queue(Config(4, 16), GetParam());
    std::vector<uint64_t> positions;
    for (uint64_t i = 0; i < 5 * k() + 3; ++i) {
        queue.must_enqueue("x");
        Message message = queue.take();
        positions.push_back(message.position);
        ASSERT_EQ(cq_release(queue, &message), CQ_OK);
    }
    std::sort(positions.begin(), positions.end());
    EXPECT_EQ(std::adjacent_find(positions.begin(), positions.end()), positions.end());
}

TEST_P(Reserve, a_whole_capacity_can_be_reserved_at_once)
{
    const uint64_t capacity = 3 * k() + 1;
    Queue queue(Config(capacity, 8), GetParam());
    std::vector<Message> open;
    for (uint64_t i = 0; i < capacity; ++i)
        open.push_back(queue.reserve(8));
    EXPECT_EQ(queue.enqueue("more"), CQ_FULL);
    for (uint64_t i = capacity; i-- > 0;)
        ASSERT_EQ(commit(queue, open[i], std::to_string(i)), CQ_OK);
    for (uint64_t i = 0; i < capacity; ++i)
        ASSERT_EQ(queue.dequeue(), std::to_string(i));
}

TEST_P(Reserve, closing_the_handle_drops_it)
{
    Queue queue(Config(4, 16), GetParam());
    Handle other = queue.attach();
    other.reserve(4);
    queue.must_enqueue("after");
    other.close();
    EXPECT_EQ(queue.drain(), Texts{"after"});
    EXPECT_EQ(queue.stat().voided, 0u) << "it was given up by its owner, not by consumers";
    EXPECT_EQ(queue.fill(), 4u);
}

} // namespace
} // namespace cqtest
