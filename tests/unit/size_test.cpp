/* Message sizes: every size up to the largest, one more, and buffers that are too small. */
#include "support/leftovers.hpp"
#include "support/shapes.hpp"

namespace cqtest {
namespace {

/* 248 is where the slot gets a length field of its own; 8 is the alignment. */
class MaxSize : public ::testing::TestWithParam<size_t> {};

INSTANTIATE_TEST_SUITE_P(bytes, MaxSize, ::testing::Values(1, 2, 7, 8, 9, 16, 247, 248, 249, 255, 256, 257, 1000, 4096));

TEST_P(MaxSize, every_size_up_to_the_largest_arrives_whole)
{
    const size_t max = GetParam();
    Queue queue(Config(4, max));
    for (size_t size = 0; size <= max; ++size) {
        const std::string sent = bytes(size, size);
        ASSERT_EQ(queue.enqueue(sent), CQ_OK) << size;
        ASSERT_EQ(queue.dequeue(), sent) << size;
    }
}

TEST_P(MaxSize, every_size_up_to_the_largest_can_be_reserved_and_taken_in_place)
{
    const size_t max = GetParam();
    Queue queue(Config(4, max));
    for (size_t size = 0; size <= max; ++size) {
        const std::string sent = bytes(size, size);
        Message message = queue.reserve(size);
        std::memcpy(message.data, sent.data(), size);
        ASSERT_EQ(cq_commit(queue, &message, size), CQ_OK) << size;
        message = queue.take();
        ASSERT_EQ(message.text(), sent) << size;
        ASSERT_EQ(cq_release(queue, &message), CQ_OK);
    }
}

TEST_P(MaxSize, neighbours_of_the_largest_messages_are_not_touched)
{
    const size_t max = GetParam();
    Queue queue(Config(9, max));
    std::vector<std::string> sent;
    for (uint64_t i = 0; i < 9; ++i) {
        sent.push_back(bytes(i, max));
        queue.must_enqueue(sent.back());
    }
    EXPECT_EQ(queue.drain(), sent);
}

TEST_P(MaxSize, a_larger_message_is_refused_and_changes_nothing)
{
    const size_t max = GetParam();
    Queue queue(Config(2, max));
    const std::string large(max + 1, 'x');
    EXPECT_EQ(queue.enqueue(large), CQ_ETOOBIG);
    EXPECT_EQ(cq_enqueue(queue, large.data(), SIZE_MAX), CQ_ETOOBIG);
    EXPECT_EQ(cq_enqueue_wait(queue, large.data(), large.size(), -1), CQ_ETOOBIG);
    Message message;
    EXPECT_EQ(cq_reserve(queue, max + 1, &message), CQ_ETOOBIG);
    EXPECT_EQ(cq_reserve(queue, SIZE_MAX, &message), CQ_ETOOBIG);
    EXPECT_EQ(queue.dequeue(), std::nullopt);
    EXPECT_EQ(queue.fill(""), 2u) << "the capacity must be whole";
}

using Sizes = OverShapes;
CQTEST_OVER_SHAPES(Sizes);

TEST_P(Sizes, an_empty_message_is_a_message)
{
    Queue queue(Config(4, 16), GetParam());
    EXPECT_EQ(cq_enqueue(queue, nullptr, 0), CQ_OK);
    EXPECT_EQ(cq_enqueue(queue, "ignored", 0), CQ_OK);
    size_t size = 99;
    EXPECT_EQ(cq_dequeue(queue, nullptr, 0, &size), CQ_OK);
    EXPECT_EQ(size, 0u);
    EXPECT_EQ(cq_dequeue(queue, nullptr, 0, nullptr), CQ_OK);
    EXPECT_EQ(cq_dequeue(queue, nullptr, 0, nullptr), CQ_EMPTY);
}

TEST_P(Sizes, a_buffer_too_small_reports_the_size_and_keeps_the_message)
{
    Queue queue(Config(4, 16), GetParam());
    queue.must_enqueue("twelve bytes");
    queue.must_enqueue("next");
    char buffer[16] = "untouched";
    for (const size_t room : {0u, 1u, 11u}) {
        size_t size = 0;
        EXPECT_EQ(cq_dequeue(queue, buffer, room, &size), CQ_ETOOSMALL) << room;
        EXPECT_EQ(size, 12u) << room;
        EXPECT_STREQ(buffer, "untouched");
    }
    EXPECT_EQ(queue.stat().length, 2u);
    size_t size = 0;
    EXPECT_EQ(cq_dequeue(queue, buffer, 12, &size), CQ_OK);
    EXPECT_EQ(std::string(buffer, size), "twelve bytes");
    EXPECT_EQ(queue.dequeue(), "next");
}

TEST_P(Sizes, the_size_can_be_asked_for_without_a_buffer)
{
    Queue queue(Config(4, 16), GetParam());
    queue.must_enqueue("seven b");
    size_t size = 0;
    EXPECT_EQ(cq_dequeue(queue, nullptr, 0, &size), CQ_ETOOSMALL);
    EXPECT_EQ(size, 7u);
    EXPECT_EQ(cq_dequeue(queue, nullptr, 0, nullptr), CQ_ETOOSMALL);
    EXPECT_EQ(queue.dequeue(), "seven b");
}

TEST_P(Sizes, a_waiting_dequeue_does_not_wait_for_a_message_that_fits)
{
    Queue queue(Config(4, 16), GetParam());
    queue.must_enqueue("seven b");
    size_t size = 0;
    EXPECT_EQ(cq_dequeue_wait(queue, nullptr, 0, &size, -1), CQ_ETOOSMALL);
    EXPECT_EQ(size, 7u);
    EXPECT_EQ(queue.dequeue(), "seven b");
}

TEST_P(Sizes, a_message_to_be_redelivered_that_does_not_fit_stays_too)
{
    Queue queue(Config(4, 16), GetParam());
    queue.must_enqueue("again");
    queue.must_enqueue("x");
    Message message = queue.take();
    ASSERT_EQ(cq_return(queue, &message), CQ_OK);
    char buffer[4];
    size_t size = 0;
    EXPECT_EQ(cq_dequeue(queue, buffer, sizeof buffer, &size), CQ_ETOOSMALL);
    EXPECT_EQ(size, 5u);
    EXPECT_EQ(queue.drain(), (std::vector<std::string>{"again", "x"}));
}

TEST(LargeMessages, of_several_megabytes_pass)
{
    constexpr size_t size = 5u << 20;
    Queue queue(Config(3, size));
    for (uint64_t i = 0; i < 3; ++i)
        queue.must_enqueue(bytes(i, size - i));
    for (uint64_t i = 0; i < 3; ++i)
        EXPECT_TRUE(queue.dequeue() == bytes(i, size - i)) << i;
}

} // namespace
} // namespace cqtest
