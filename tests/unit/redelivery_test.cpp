/* Messages that were returned, or held by a handle that was closed, are delivered again before newer ones. */
#include "support/leftovers.hpp"
#include "support/shapes.hpp"

namespace cqtest {
namespace {

using Redelivery = OverShapes;
CQTEST_OVER_SHAPES(Redelivery);

using Texts = std::vector<std::string>;

void enqueue_all(const Handle &queue, const Texts &texts)
{
    for (const std::string &text : texts)
        queue.must_enqueue(text);
}

TEST_P(Redelivery, a_returned_message_comes_before_newer_ones)
{
    Queue queue(Config(4, 16), GetParam());
    enqueue_all(queue, {"a", "b", "c"});
    Message message = queue.take();
    ASSERT_EQ(cq_return(queue, &message), CQ_OK);
    EXPECT_EQ(message.data, nullptr);
    EXPECT_EQ(queue.drain(), (Texts{"a", "b", "c"}));
}

TEST_P(Redelivery, deliveries_and_position_tell_that_it_is_the_same_message)
{
    Queue queue(Config(4, 16), GetParam());
    enqueue_all(queue, {"a", "b"});
    Message message = queue.take();
    const uint64_t position = message.position;
    EXPECT_EQ(message.deliveries, 1u);
    for (uint32_t delivery = 2; delivery <= 5; ++delivery) {
        ASSERT_EQ(cq_return(queue, &message), CQ_OK);
        message = queue.take();
        EXPECT_EQ(message.text(), "a");
        EXPECT_EQ(message.deliveries, delivery);
        EXPECT_EQ(message.position, position);
    }
    Message next = queue.take();
    EXPECT_EQ(next.deliveries, 1u);
    EXPECT_NE(next.position, position);
    EXPECT_EQ(cq_release(queue, &message), CQ_OK);
    EXPECT_EQ(cq_release(queue, &next), CQ_OK);
}

TEST_P(Redelivery, of_very_many_is_in_order_too)
{
    const uint64_t count = 2500;
    Queue queue(Config(count, 8), GetParam());
    Texts texts;
    for (uint64_t i = 0; i < count; ++i) {
        texts.push_back(std::to_string(i));
        queue.must_enqueue(texts.back());
    }
    {
        Handle other = queue.attach();
        for (uint64_t i = 0; i < count; ++i)
            other.take();
        EXPECT_EQ(queue.dequeue(), std::nullopt);
    }
    EXPECT_EQ(queue.walk(), texts);
    EXPECT_EQ(queue.stat().orphans, count);
    /* What is held again does not come again; what is given back comes at its place. */
    std::vector<Message> held;
    for (uint64_t i = 0; i < count; i += 2) {
        held.push_back(queue.take());
        ASSERT_EQ(held.back().text(), texts[i]);
        ASSERT_EQ(queue.dequeue(), texts[i + 1]);
        if (i % 100 == 0) {
            ASSERT_EQ(cq_return(queue, &held.back()), CQ_OK);
            held.back() = queue.take();
        }
        ASSERT_EQ(held.back().text(), texts[i]);
    }
    EXPECT_EQ(queue.dequeue(), std::nullopt);
    for (uint64_t i = held.size(); i-- > 0;)
        ASSERT_EQ(cq_return(queue, &held[i]), CQ_OK);
    for (uint64_t i = 0; i < count; i += 2)
        ASSERT_EQ(queue.dequeue(), texts[i]);
    EXPECT_EQ(queue.dequeue(), std::nullopt);
}

TEST_P(Redelivery, deliveries_stop_counting_at_255)
{
    Queue queue(Config(4, 16), GetParam());
    queue.must_enqueue("a");
    for (uint32_t delivery = 1; delivery <= 300; ++delivery) {
        Message message = queue.take();
        ASSERT_EQ(message.text(), "a");
        ASSERT_EQ(message.deliveries, delivery < 255 ? delivery : 255u);
        ASSERT_EQ(cq_return(queue, &message), CQ_OK);
    }
    EXPECT_EQ(queue.stat().redelivered, 299u);
    EXPECT_EQ(queue.stat().returned, 300u);
    EXPECT_EQ(queue.drain(), Texts{"a"});
}

TEST_P(Redelivery, several_come_oldest_first)
{
    const uint64_t count = std::min<uint64_t>(2 * k() + 3, 40);
    Queue queue(Config(count + 1, 16), GetParam());
    Texts expected;
    for (uint64_t i = 0; i <= count; ++i) {
        expected.push_back(std::to_string(i));
        queue.must_enqueue(expected.back());
    }
    std::vector<Message> held;
    for (uint64_t i = 0; i < count; ++i)
        held.push_back(queue.take());
    for (uint64_t i = count; i-- > 0;)
        ASSERT_EQ(cq_return(queue, &held[i]), CQ_OK);
    EXPECT_EQ(queue.walk(), expected);
    EXPECT_EQ(queue.drain(), expected);
}

TEST_P(Redelivery, of_what_a_closed_handle_held)
{
    Queue queue(Config(4, 16), GetParam());
    enqueue_all(queue, {"a", "b", "c"});
    Handle other = queue.attach();
    Message first = other.take();
    other.take();
    const uint64_t position = first.position;
    other.close();
    EXPECT_EQ(queue.stat().orphans, 2u);
    EXPECT_EQ(queue.stat().length, 3u);
    Message again = queue.take();
    EXPECT_EQ(again.text(), "a");
    EXPECT_EQ(again.deliveries, 2u);
    EXPECT_EQ(again.position, position);
    EXPECT_EQ(cq_release(queue, &again), CQ_OK);
    EXPECT_EQ(queue.drain(), (Texts{"b", "c"}));
    EXPECT_EQ(queue.stat().redelivered, 2u);
    EXPECT_EQ(queue.stat().returned, 0u) << "a closed handle returns nothing, it leaves things";
}

TEST_P(Redelivery, survives_until_the_queue_is_opened_again)
{
    Queue queue(Config(4, 16), GetParam());
    enqueue_all(queue, {"a", "b"});
    Message message = queue.take();
    queue.close();
    const Handle again = queue.attach();
    message = again.take();
    EXPECT_EQ(message.text(), "a");
    EXPECT_EQ(message.deliveries, 2u);
    EXPECT_EQ(cq_release(again, &message), CQ_OK);
    EXPECT_EQ(again.drain(), Texts{"b"});
}

TEST_P(Redelivery, happens_through_every_way_of_consuming)
{
    Queue queue(Config(4, 16), GetParam());
    const auto give_back = [&] {
        Message message = queue.take();
        ASSERT_EQ(cq_return(queue, &message), CQ_OK);
    };
    char buffer[16];
    size_t size = 0;
    for (uint64_t i = 0; i < k() + 1; ++i) {
        queue.must_enqueue("one");
        give_back();
        ASSERT_EQ(cq_dequeue(queue, buffer, sizeof buffer, &size), CQ_OK);
        ASSERT_EQ(std::string(buffer, size), "one");

        queue.must_enqueue("two");
        give_back();
        ASSERT_EQ(cq_dequeue_wait(queue, buffer, sizeof buffer, &size, 0), CQ_OK);
        ASSERT_EQ(std::string(buffer, size), "two");

        queue.must_enqueue("three");
        give_back();
        cq_slice slice;
        size_t done = 0;
        ASSERT_EQ(cq_dequeue_batch(queue, buffer, sizeof buffer, &slice, 1, &done), CQ_OK);
        ASSERT_EQ(std::string(static_cast<char *>(slice.data), slice.size), "three");

        queue.must_enqueue("four");
        give_back();
        Message message;
        ASSERT_EQ(cq_take_wait(queue, &message, 0), CQ_OK);
        ASSERT_EQ(message.text(), "four");
        ASSERT_EQ(cq_release(queue, &message), CQ_OK);
        ASSERT_EQ(queue.dequeue(), std::nullopt);
    }
}

TEST_P(Redelivery, happens_once_for_each_return)
{
    Queue queue(Config(4, 16), GetParam());
    queue.must_enqueue("a");
    Message message = queue.take();
    ASSERT_EQ(cq_return(queue, &message), CQ_OK);
    EXPECT_EQ(queue.dequeue(), "a");
    EXPECT_EQ(queue.dequeue(), std::nullopt);
    EXPECT_EQ(queue.stat().orphans, 0u);
}

TEST_P(Redelivery, waiting_messages_keep_their_nodes_while_the_queue_goes_on)
{
    Queue queue(Config(4, 16), GetParam());
    enqueue_all(queue, {"a", "b"});
    Message a = queue.take();
    for (uint64_t i = 0; i < 6 * k() + 6; ++i) {
        queue.must_enqueue("x");
        ASSERT_TRUE(queue.dequeue());
    }
    ASSERT_EQ(cq_return(queue, &a), CQ_OK);
    queue.must_enqueue("y");
    EXPECT_EQ(queue.dequeue(), "a") << "however late it is returned";
}

TEST_P(Redelivery, does_not_leak_nodes)
{
    Queue queue(Config(4, 16), GetParam());
    uint64_t touched = 0;
    for (uint64_t i = 0; i < 20 * k() + 100; ++i) {
        queue.must_enqueue("x");
        Message message = queue.take();
        ASSERT_EQ(cq_return(queue, &message), CQ_OK);
        message = queue.take();
        ASSERT_EQ(cq_release(queue, &message), CQ_OK);
        if (i == 10)
            touched = queue.stat().nodes_touched;
    }
    EXPECT_LE(queue.stat().nodes_touched, touched + 4);
    EXPECT_EQ(queue.fill(), 4u);
}

} // namespace
} // namespace cqtest
