/* cq_enqueue_from: a message and its source's number, in one step. */
#include <thread>

#include "support/leftovers.hpp"
#include "support/outgoing.hpp"
#include "support/shapes.hpp"

namespace cqtest {
namespace {

using Source = OverShapes;
CQTEST_OVER_SHAPES(Source);

using Texts = std::vector<std::string>;

TEST_P(Source, a_message_raises_the_number_and_comes_once)
{
    Queue queue(Config(10, 16), GetParam());
    EXPECT_EQ(number_of(queue, "stream"), 0u);
    EXPECT_EQ(feed(queue, "a", "stream", 3), CQ_OK);
    EXPECT_EQ(feed(queue, "a", "stream", 3), CQ_DUPLICATE);
    EXPECT_EQ(feed(queue, "b", "stream", 2), CQ_DUPLICATE);
    EXPECT_EQ(feed(queue, "c", "stream", 7), CQ_OK);
    EXPECT_EQ(feed(queue, "d", "other", 1), CQ_OK);
    EXPECT_EQ(number_of(queue, "stream"), 7u);
    EXPECT_EQ(number_of(queue, "other"), 1u);
    EXPECT_EQ(queue.stat().sources, 2u);
    EXPECT_EQ(queue.drain(), (Texts{"a", "c", "d"}));
}

TEST_P(Source, keeps_order_and_capacity_with_others)
{
    const uint64_t capacity = 3 * k() + 1;
    Queue queue(Config(capacity, 16), GetParam());
    for (int round = 0; round < 3; ++round) {
        const uint64_t base = static_cast<uint64_t>(round) * capacity;
        Texts texts;
        for (uint64_t i = 1; i <= capacity; ++i) {
            texts.push_back(std::to_string(base + i));
            ASSERT_EQ(i % 3 ? feed(queue, texts.back(), "s", base + i) : queue.enqueue(texts.back()), CQ_OK);
        }
        ASSERT_EQ(feed(queue, "no room", "s", base + capacity + 1), CQ_FULL);
        ASSERT_EQ(feed(queue, "before", "s", 1), CQ_DUPLICATE);
        ASSERT_EQ(queue.drain(), texts);
    }
    EXPECT_EQ(queue.stat().writing, 0u);
}

/* The table gets its memory when it is needed, in a queue that has filled its share, too. */
TEST(Sources, are_within_the_memory_of_the_queue)
{
    Config config(1'000'000, 64);
    config.max_memory = 1 << 20;
    Queue queue(config);
    const Texts some(1000, std::string(64, 'm'));
    while (queue.enqueue(some[0]) == CQ_OK)
        ;
    const uint64_t before = queue.stat().memory;
    EXPECT_LE(before, config.max_memory);
    ASSERT_EQ(cq_raise_source(queue, "stream", 1), CQ_OK);
    EXPECT_GT(queue.stat().memory, before) << "it is counted";
    EXPECT_LE(queue.stat().memory, config.max_memory);
    queue.drain();
    ASSERT_EQ(feed(queue, "fed", "stream", 2), CQ_OK);
}

TEST(Sources, are_sixty_four)
{
    Queue queue(Config(100, 16));
    for (int i = 0; i < 64; ++i)
        ASSERT_EQ(feed(queue, "x", "source " + std::to_string(i), 1), CQ_OK) << i;
    EXPECT_EQ(feed(queue, "x", "one more", 1), CQ_ESOURCES);
    EXPECT_EQ(cq_raise_source(queue, "one more", 1), CQ_ESOURCES);
    EXPECT_EQ(feed(queue, "x", "source 63", 2), CQ_OK);
    EXPECT_EQ(queue.stat().sources, 64u);
    char text[300];
    cq_explain(CQ_ESOURCES, queue.name().c_str(), nullptr, 0, text, sizeof text);
    EXPECT_NE(std::string(text).find("64 sources"), std::string::npos) << text;
    std::map<std::string, uint64_t> found;
    ASSERT_EQ(cq_sources(
                  queue,
                  [](const char *name, uint64_t number, void *context) {
                      (*static_cast<std::map<std::string, uint64_t> *>(context))[name] = number;
                      return 0;
                  },
                  &found),
              CQ_OK);
    EXPECT_EQ(found.size(), 64u);
    EXPECT_EQ(found["source 63"], 2u);
}

TEST(Sources, are_raised_without_a_message)
{
    Queue queue(Config(10, 16));
    EXPECT_EQ(cq_raise_source(queue, "s", 5), CQ_OK);
    EXPECT_EQ(cq_raise_source(queue, "s", 5), CQ_DUPLICATE);
    EXPECT_EQ(feed(queue, "x", "s", 5), CQ_DUPLICATE);
    EXPECT_EQ(queue.length(), 0u);
    EXPECT_EQ(number_of(queue.attach(CQ_READ_ONLY), "s"), 5u);
}

TEST(Sources, refuse_what_makes_no_sense)
{
    Queue queue(Config(10, 16));
    const cq_outgoing message = outgoing("x");
    EXPECT_EQ(cq_enqueue_from(queue, &message, "", 1), CQ_EINVAL);
    EXPECT_EQ(cq_enqueue_from(queue, &message, nullptr, 1), CQ_EINVAL);
    EXPECT_EQ(cq_enqueue_from(queue, &message, std::string(201, 'x').c_str(), 1), CQ_EINVAL);
    EXPECT_EQ(cq_enqueue_from(queue, &message, "s", 0), CQ_EINVAL);
    EXPECT_EQ(cq_enqueue_from(queue, nullptr, "s", 1), CQ_EINVAL);
    EXPECT_EQ(feed(queue, std::string(17, 'x'), "s", 1), CQ_ETOOBIG);
    EXPECT_EQ(cq_enqueue_from(queue.attach(CQ_READ_ONLY), &message, "s", 1), CQ_EREADONLY);
    EXPECT_EQ(cq_source(queue, "s", nullptr), CQ_EINVAL);
    EXPECT_EQ(queue.stat().sources, 0u);
    EXPECT_EQ(feed(queue, "x", std::string(200, 'x'), 1), CQ_OK);
}

/* Each of several handles feeds the same numbers in the same order: each message comes once, in order. */
TEST(Sources, that_many_feed_come_once_and_in_order)
{
    constexpr uint64_t count = 3000;
    Queue queue(Config(64, 16), Shape(4));
    std::vector<std::thread> feeders;
    for (int i = 0; i < 4; ++i)
        feeders.emplace_back([&, i] {
            const Handle own = i % 2 ? queue.attach() : Handle();
            const Handle &handle = own.get() ? own : queue; /* two threads share one */
            for (uint64_t number = 1; number <= count; ++number) {
                const std::string text = std::to_string(number);
                const cq_outgoing message = outgoing(text);
                const int result = cq_enqueue_from_wait(handle, &message, "s", number, -1);
                if (result != CQ_OK && result != CQ_DUPLICATE)
                    throw Failure("cq_enqueue_from_wait", result);
            }
        });
    const Handle consumer = queue.attach();
    for (uint64_t expected = 1; expected <= count; ++expected) {
        Message message;
        ASSERT_EQ(cq_take_wait(consumer, &message, 60'000'000'000), CQ_OK);
        ASSERT_EQ(message.text(), std::to_string(expected));
        ASSERT_GE(number_of(consumer, "s"), expected);
        ASSERT_EQ(cq_release(consumer, &message), CQ_OK);
    }
    for (std::thread &feeder : feeders)
        feeder.join();
    EXPECT_EQ(queue.length(), 0u);
    EXPECT_EQ(number_of(queue, "s"), count);
}

} // namespace
} // namespace cqtest
