/* cq_take, cq_release, cq_return: messages read in place. */
#include <cstring>

#include "support/leftovers.hpp"
#include "support/shapes.hpp"

namespace cqtest {
namespace {

using Take = OverShapes;
CQTEST_OVER_SHAPES(Take);

using Texts = std::vector<std::string>;

TEST_P(Take, on_an_empty_queue_returns_empty)
{
    Queue queue(Config(4, 16), GetParam());
    Message message;
    EXPECT_EQ(cq_take(queue, &message), CQ_EMPTY);
    EXPECT_EQ(message.data, nullptr);
    EXPECT_EQ(cq_release(queue, &message), CQ_ENOTHELD);
}

TEST_P(Take, lends_the_oldest_message_in_aligned_memory)
{
    Queue queue(Config(2 * k() + 1, 13), GetParam());
    for (uint64_t i = 0; i < 2 * k() + 1; ++i)
        queue.must_enqueue(std::to_string(i));
    for (uint64_t i = 0; i < 2 * k() + 1; ++i) {
        Message message = queue.take();
        EXPECT_EQ(message.text(), std::to_string(i));
        EXPECT_EQ(message.deliveries, 1u);
        EXPECT_EQ(reinterpret_cast<uintptr_t>(message.data) % 8, 0u);
        ASSERT_EQ(cq_release(queue, &message), CQ_OK);
        EXPECT_EQ(message.data, nullptr) << "a released message is not held any more";
    }
    EXPECT_EQ(queue.dequeue(), std::nullopt);
}

TEST_P(Take, large_messages_begin_at_a_cache_line)
{
    for (const uint64_t size : {UINT64_C(249), UINT64_C(300), UINT64_C(4096), UINT64_C(5000)}) {
        Queue queue(Config(2 * k(), size), GetParam());
        for (uint64_t i = 0; i < 2 * k(); ++i) {
            Message reserved;
            ASSERT_EQ(cq_reserve(queue, size, &reserved), CQ_OK);
            EXPECT_EQ(reinterpret_cast<uintptr_t>(reserved.data) % 64, 0u) << size;
            std::memset(reserved.data, static_cast<int>(i), size);
            ASSERT_EQ(cq_commit(queue, &reserved, size), CQ_OK);
        }
        for (uint64_t i = 0; i < 2 * k(); ++i)
            EXPECT_EQ(queue.dequeue(), std::string(size, static_cast<char>(i)));
    }
}

TEST_P(Take, the_next_one_gets_the_next_message)
{
    Queue queue(Config(4, 16), GetParam());
    for (const char *text : {"a", "b", "c"})
        queue.must_enqueue(text);
    Message a = queue.take();
    const Message b = queue.take();
    EXPECT_EQ(a.text(), "a");
    EXPECT_EQ(b.text(), "b");
    EXPECT_EQ(queue.dequeue(), "c");
    EXPECT_EQ(queue.dequeue(), std::nullopt);
    EXPECT_EQ(cq_release(queue, &a), CQ_OK);
    EXPECT_EQ(queue.dequeue(), std::nullopt);
}

TEST_P(Take, messages_can_be_released_in_any_order)
{
    const uint64_t count = std::min<uint64_t>(k() + 3, 40);
    Queue queue(Config(count, 16), GetParam());
    for (uint64_t i = 0; i < count; ++i)
        queue.must_enqueue(std::to_string(i));
    std::vector<Message> held;
    for (uint64_t i = 0; i < count; ++i)
        held.push_back(queue.take());
    for (uint64_t i = 1; i < count; i += 2)
        ASSERT_EQ(cq_release(queue, &held[i]), CQ_OK);
    for (uint64_t i = 0; i < count; i += 2) {
        EXPECT_EQ(held[i].text(), std::to_string(i)) << "contents must stay until the release";
        ASSERT_EQ(cq_release(queue, &held[i]), CQ_OK);
    }
    EXPECT_EQ(queue.dequeue(), std::nullopt);
    EXPECT_EQ(queue.fill(), count);
}

TEST_P(Take, contents_stay_while_the_queue_goes_on)
{
    Queue queue(Config(4, 64), GetParam());
    const std::string text = bytes(1, 64);
    queue.must_enqueue(text);
    Message message = queue.take();
    for (uint64_t i = 0; i < 10 * k() + 10; ++i) {
        queue.must_enqueue(bytes(i + 2, 64));
        ASSERT_EQ(queue.dequeue(), bytes(i + 2, 64));
    }
    EXPECT_EQ(message.text(), text);
    EXPECT_EQ(cq_release(queue, &message), CQ_OK);
}

TEST_P(Take, wait_takes_what_is_there)
{
    Queue queue(Config(4, 16), GetParam());
    queue.must_enqueue("x");
    for (const int64_t timeout : {INT64_C(0), INT64_C(-1), patience_ns}) {
        Message message;
        ASSERT_EQ(cq_take_wait(queue, &message, timeout), CQ_OK);
        EXPECT_EQ(message.text(), "x");
        ASSERT_EQ(cq_return(queue, &message), CQ_OK);
    }
    EXPECT_EQ(queue.dequeue(), "x");
    Message message;
    EXPECT_EQ(cq_take_wait(queue, &message, 0), CQ_TIMEOUT);
}

TEST_P(Take, held_messages_are_neither_walked_nor_counted_as_waiting)
{
    Queue queue(Config(4, 16), GetParam());
    queue.must_enqueue("held");
    queue.must_enqueue("waiting");
    Message message = queue.take();
    EXPECT_EQ(queue.walk(), Texts{"waiting"});
    EXPECT_EQ(queue.stat().length, 1u);
    EXPECT_EQ(queue.stat().dequeued, 1u);
    EXPECT_EQ(cq_release(queue, &message), CQ_OK);
}

TEST_P(Take, a_message_may_be_released_by_another_thread)
{
    Queue queue(Config(4, 16), GetParam());
    queue.must_enqueue("x");
    Message message = queue.take();
    int result = 1;
    std::thread([&] { result = cq_release(queue, &message); }).join();
    EXPECT_EQ(result, CQ_OK);
    EXPECT_EQ(queue.dequeue(), std::nullopt);
}

} // namespace
} // namespace cqtest
