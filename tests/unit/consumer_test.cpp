/* CQ_EXCLUSIVE_CONSUMER: one handle at a time takes messages. */
#include <poll.h>
#include <thread>

#include "support/leftovers.hpp"
#include "support/region_bytes.hpp"
#include "support/shapes.hpp"

namespace cqtest {
namespace {

using Consumer = OverShapes;
CQTEST_OVER_SHAPES(Consumer);

Config exclusive(uint64_t capacity = 100) { return Config(capacity, 16, CQ_EXCLUSIVE_CONSUMER); }

TEST_P(Consumer, is_the_first_that_takes_until_it_is_closed)
{
    Queue queue(exclusive(), GetParam());
    Handle first = queue.attach(), second = queue.attach();
    for (const char *text : {"a", "b", "c", "d"})
        queue.must_enqueue(text);
    first.take();
    Message message;
    char buffer[16];
    EXPECT_EQ(cq_take(second, &message), CQ_ECONSUMER);
    EXPECT_EQ(cq_dequeue(second, buffer, sizeof buffer, nullptr), CQ_ECONSUMER);
    cq_slice slice;
    size_t done;
    EXPECT_EQ(cq_dequeue_batch(second, buffer, sizeof buffer, &slice, 1, &done), CQ_ECONSUMER);
    EXPECT_EQ(cq_take_wait(second, &message, 0), CQ_ECONSUMER);
    EXPECT_EQ(cq_take_wait(second, &message, 1'000'000), CQ_ECONSUMER);
    EXPECT_EQ(cq_wait(second, 0), CQ_ECONSUMER);
    EXPECT_EQ(second.enqueue("e"), CQ_OK) << "anybody may enqueue";
    EXPECT_EQ(second.walk().size(), 4u);
    EXPECT_EQ(first.dequeue(), "b");
    EXPECT_EQ(queue.stat().exclusive_consumer, 1u);
    EXPECT_NE(queue.stat().consumer, 0u);
    first.close();
    EXPECT_EQ(queue.stat().consumer, 0u);
    EXPECT_EQ(second.drain(), (std::vector<std::string>{"a", "c", "d", "e"})) << "what the first held comes first";
    EXPECT_EQ(cq_take(queue, &message), CQ_ECONSUMER);
}

TEST(ConsumerWaiting, takes_over_when_the_other_ends)
{
    Queue queue(exclusive());
    std::optional<Handle> first(queue.attach());
    queue.must_enqueue("a");
    queue.must_enqueue("b");
    first->take();
    std::atomic<bool> waits{false};
    std::thread standby([&] {
        Handle second = queue.attach();
        Message message;
        waits = true;
        ASSERT_EQ(cq_take_wait(second, &message, 60'000'000'000), CQ_OK);
        EXPECT_EQ(message.text(), "a");
        EXPECT_EQ(message.deliveries, 2u);
    });
    while (!waits || queue.stat().waiting_consumers == 0)
        std::this_thread::yield();
    first.reset();
    standby.join();
}

TEST(ConsumerWaiting, is_not_woken_for_messages_in_the_consumers_place)
{
    Queue queue(exclusive());
    Handle first = queue.attach(), second = queue.attach();
    EXPECT_EQ(first.dequeue(), std::nullopt);
    std::thread standby([&] {
        Message message;
        EXPECT_EQ(cq_take_wait(second, &message, -1), CQ_CANCELLED);
    });
    while (queue.stat().waiting_consumers == 0)
        std::this_thread::yield();
    for (int i = 0; i < 100; ++i) {
        std::thread consumer([&] {
            Message message;
            ASSERT_EQ(cq_take_wait(first, &message, 60'000'000'000), CQ_OK);
            ASSERT_EQ(cq_release(first, &message), CQ_OK);
        });
        queue.must_enqueue("x");
        consumer.join();
    }
    cq_cancel(second);
    standby.join();
}

TEST(ConsumerWaiting, has_a_descriptor_that_is_down)
{
    Queue queue(exclusive());
    Handle first = queue.attach(), second = queue.attach();
    queue.must_enqueue("a");
    queue.must_enqueue("b");
    first.take();
    Message message;
    int fd;
    ASSERT_EQ(cq_fd(second, &fd), CQ_OK);
    EXPECT_EQ(cq_take(second, &message), CQ_ECONSUMER);
    pollfd polled{fd, POLLIN, 0};
    EXPECT_EQ(::poll(&polled, 1, 50), 0);
    first.close();
    EXPECT_EQ(::poll(&polled, 1, 60'000), 1);
    EXPECT_EQ(cq_take(second, &message), CQ_OK);
}

TEST(ConsumerDead, leaves_its_place)
{
    Queue queue(exclusive());
    queue.must_enqueue("a");
    Child child([&](Channel &channel) {
        Handle own = queue.attach();
        own.take();
        channel.put('x');
        ::pause();
    });
    ASSERT_TRUE(child.get());
    Message message;
    EXPECT_EQ(cq_take(queue, &message), CQ_ECONSUMER);
    char text[400];
    cq_explain(CQ_ECONSUMER, queue.name().c_str(), nullptr, 0, text, sizeof text);
    EXPECT_NE(std::string(text).find("process " + std::to_string(child.pid())), std::string::npos) << text;
    child.signal(SIGKILL);
    ASSERT_EQ(cq_take_wait(queue, &message, 60'000'000'000), CQ_OK);
    EXPECT_EQ(message.deliveries, 2u);
}

TEST(ConsumerFlag, is_a_property_of_the_queue)
{
    Queue plain(Config(10, 16)), one(exclusive());
    EXPECT_EQ(open_result(plain.name(), exclusive(0)), CQ_EMISMATCH);
    EXPECT_EQ(open_result(one.name(), Config(0, 0, CQ_EXCLUSIVE_CONSUMER)), CQ_OK);
    EXPECT_EQ(open_result(one.name(), Config()), CQ_OK);
    EXPECT_EQ(plain.stat().exclusive_consumer, 0u);
}

/* A place that nobody has whose id is in use would stay taken for good: it says so instead. */
TEST(TheOnlyConsumer, is_somebody_or_the_region_is_corrupt)
{
    Queue queue(Config(10, 16, CQ_EXCLUSIVE_CONSUMER));
    queue.must_enqueue("a");
    RegionBytes bytes(queue.path());
    for (const uint64_t nobody : {3ull, 4094ull, 4095ull, 1ull << 40}) {
        bytes.put(field::consumer, nobody);
        EXPECT_EQ(cq_dequeue(queue, nullptr, 0, nullptr), CQ_ECORRUPT) << nobody;
    }
    bytes.put(field::consumer, uint64_t{0});
    EXPECT_EQ(queue.dequeue(), "a");
}

} // namespace
} // namespace cqtest
