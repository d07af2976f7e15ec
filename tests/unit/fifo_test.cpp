/* First in, first out, over node boundaries and the wrap of the sequence; and what the ancestor of this library tested. */
#include "support/leftovers.hpp"
#include "support/shapes.hpp"

namespace cqtest {
namespace {

using Fifo = OverShapes;
CQTEST_OVER_SHAPES(Fifo);

TEST_P(Fifo, dequeue_on_a_new_queue_returns_empty)
{
    Queue queue(Config(8, 16), GetParam());
    char buffer[16];
    size_t size = 0;
    EXPECT_EQ(cq_dequeue(queue, buffer, sizeof buffer, &size), CQ_EMPTY);
    EXPECT_EQ(cq_dequeue(queue, nullptr, 0, nullptr), CQ_EMPTY);
}

TEST_P(Fifo, dequeue_after_the_last_message_returns_empty)
{
    Queue queue(Config(8, 16), GetParam());
    for (int round = 0; round < 5; ++round) {
        queue.must_enqueue("only");
        EXPECT_EQ(queue.dequeue(), "only");
        EXPECT_EQ(queue.dequeue(), std::nullopt);
    }
}

TEST_P(Fifo, messages_come_out_in_the_order_they_went_in)
{
    const uint64_t count = 10 * k() + 7;
    Queue queue(Config(count, 16), GetParam());
    for (uint64_t i = 0; i < count; ++i)
        queue.must_enqueue(std::to_string(i));
    for (uint64_t i = 0; i < count; ++i)
        ASSERT_EQ(queue.dequeue(), std::to_string(i));
    EXPECT_EQ(queue.dequeue(), std::nullopt);
}

TEST_P(Fifo, order_holds_while_the_queue_grows_and_shrinks_through_its_nodes)
{
    Queue queue(Config(3 * k() + 2, 16), GetParam());
    uint64_t in = 0, out = 0;
    /* Each round leaves one more behind than the last, then one fewer, so that both ends meet every index of a node. */
    for (uint64_t round = 0; round < 6 * k(); ++round) {
        const uint64_t backlog = round < 3 * k() ? round : 6 * k() - round;
        while (in < out + backlog + 1)
            queue.must_enqueue(std::to_string(in++));
        while (out + backlog < in)
            ASSERT_EQ(queue.dequeue(), std::to_string(out++));
    }
    while (out < in)
        ASSERT_EQ(queue.dequeue(), std::to_string(out++));
    EXPECT_EQ(queue.dequeue(), std::nullopt);
}

TEST_P(Fifo, contents_survive_the_reuse_of_slots_by_longer_and_shorter_messages)
{
    Queue queue(Config(4, 300), GetParam());
    const size_t sizes[] = {300, 0, 1, 299, 8, 255, 256, 7};
    const uint64_t rounds = 4 * k() + 20;
    for (uint64_t i = 0; i < rounds; ++i) {
        const std::string sent = bytes(i, sizes[i % 8]);
        queue.must_enqueue(sent);
        ASSERT_EQ(queue.dequeue(), sent) << "message " << i;
    }
}

TEST_P(Fifo, dequeue_writes_nothing_behind_the_message)
{
    Queue queue(Config(4, 16), GetParam());
    queue.must_enqueue("abc");
    std::string buffer = "................";
    size_t size = 0;
    ASSERT_EQ(cq_dequeue(queue, buffer.data(), buffer.size(), &size), CQ_OK);
    EXPECT_EQ(size, 3u);
    EXPECT_EQ(buffer, "abc.............");
}

/* The ancestor's limit was 65,534 items of 16 bits; it tested 65,532. */
TEST_P(Fifo, all_65532_items_of_the_ancestors_test_come_out_in_order)
{
    constexpr uint16_t count = 65532;
    Queue queue(Config(count, sizeof(uint16_t)), GetParam());
    for (uint16_t i = 0; i < count; ++i)
        ASSERT_EQ(cq_enqueue(queue, &i, sizeof i), CQ_OK) << i;
    const uint16_t more = 0;
    EXPECT_EQ(cq_enqueue(queue, &more, sizeof more), CQ_FULL);
    for (uint16_t i = 0; i < count; ++i) {
        uint16_t value = 0;
        size_t size = 0;
        ASSERT_EQ(cq_dequeue(queue, &value, sizeof value, &size), CQ_OK) << i;
        ASSERT_EQ(size, sizeof value);
        ASSERT_EQ(value, i);
    }
    EXPECT_EQ(queue.dequeue(), std::nullopt);
}

struct Expected {
    uint32_t next = 0;
    bool in_order = true;
};

int expect_next(const cq_message *message, void *context)
{
    auto *expected = static_cast<Expected *>(context);
    uint32_t value = 0;
    if (message->size == sizeof value)
        std::memcpy(&value, message->data, sizeof value);
    expected->in_order = message->size == sizeof value && value == expected->next;
    ++expected->next;
    return !expected->in_order;
}

void put_walk_and_get(uint32_t count, const Shape &shape)
{
    Queue queue(Config(count, sizeof(uint32_t)), shape);
    for (uint32_t i = 0; i < count; ++i)
        ASSERT_EQ(cq_enqueue(queue, &i, sizeof i), CQ_OK) << i;
    Expected expected;
    ASSERT_EQ(cq_walk(queue, expect_next, &expected), CQ_OK);
    EXPECT_TRUE(expected.in_order) << expected.next;
    EXPECT_EQ(expected.next, count);
    EXPECT_EQ(queue.stat().length, count);
    for (uint32_t i = 0; i < count; ++i) {
        uint32_t value = 0;
        ASSERT_EQ(cq_dequeue(queue, &value, sizeof value, nullptr), CQ_OK) << i;
        ASSERT_EQ(value, i);
    }
    EXPECT_EQ(queue.dequeue(), std::nullopt);
}

TEST_P(Fifo, all_65532_items_are_walked_in_order) { put_walk_and_get(65532, GetParam()); }

TEST(Million, items_are_walked_and_come_out_in_order) { put_walk_and_get(1000000, Shape()); }

TEST(Million, items_are_walked_and_come_out_in_order_across_the_wrap)
{
    put_walk_and_get(1000000, Shape(64, last_sequence - 7000));
}

} // namespace
} // namespace cqtest
