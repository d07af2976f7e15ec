/* cq_return_after: a message that is given back for later holds nobody up. */
#include <poll.h>
#include <thread>

#include "support/leftovers.hpp"
#include "support/shapes.hpp"

namespace cqtest {
namespace {

using Later = OverShapes;
CQTEST_OVER_SHAPES(Later);

using Texts = std::vector<std::string>;
constexpr int64_t ms = 1'000'000, hour = 3'600'000 * ms;

TEST_P(Later, at_the_tail_it_comes_behind_all_that_wait)
{
    Queue queue(Config(1000, 16), GetParam());
    for (int i = 0; i < 300; ++i)
        queue.must_enqueue(std::to_string(i));
    Message first = queue.take(), second = queue.take();
    ASSERT_EQ(cq_return_after(queue, &first, CQ_TO_TAIL), CQ_OK);
    EXPECT_EQ(first.data, nullptr);
    queue.must_enqueue("between");
    ASSERT_EQ(cq_return_after(queue, &second, CQ_TO_TAIL), CQ_OK);
    queue.must_enqueue("last");
    EXPECT_EQ(queue.stat().delayed, 2u);
    EXPECT_EQ(queue.length(), 302u);
    Texts expected;
    for (int i = 2; i < 300; ++i)
        expected.push_back(std::to_string(i));
    expected.insert(expected.end(), {"0", "between", "1", "last"});
    EXPECT_EQ(queue.drain(), expected);
    EXPECT_EQ(queue.stat().orphans, 0u);
}

TEST_P(Later, alone_at_the_tail_it_comes_again_at_once)
{
    Queue queue(Config(5, 16), GetParam());
    queue.must_enqueue("a");
    for (uint32_t i = 1; i <= 300; ++i) {
        Message message = queue.take();
        ASSERT_EQ(message.deliveries, std::min(i, 255u));
        ASSERT_EQ(cq_return_after(queue, &message, CQ_TO_TAIL), CQ_OK);
    }
}

/* Its place is never reached: the claim before it is never published. */
TEST_P(Later, a_reservation_does_not_keep_it_at_the_tail)
{
    Queue queue(Config(5, 16), GetParam());
    queue.must_enqueue("a");
    queue.reserve(1);
    Message message = queue.take();
    ASSERT_EQ(cq_return_after(queue, &message, CQ_TO_TAIL), CQ_OK);
    EXPECT_EQ(queue.dequeue(), "a");
}

TEST_P(Later, after_a_delay_it_comes_before_newer_ones)
{
    Queue queue(Config(1000, 16), GetParam());
    for (int i = 0; i < 300; ++i)
        queue.must_enqueue(std::to_string(i));
    Message message = queue.take();
    const auto begin = std::chrono::steady_clock::now();
    ASSERT_EQ(cq_return_after(queue, &message, 100 * ms), CQ_OK);
    int others = 0;
    for (;; ++others) {
        message = queue.take();
        if (message.deliveries == 2)
            break;
        ASSERT_EQ(message.text(), std::to_string(others + 1));
        ASSERT_EQ(cq_release(queue, &message), CQ_OK);
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    EXPECT_EQ(message.text(), "0");
    EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(90));
    EXPECT_GT(others, 0);
    EXPECT_LT(others, 299) << "it comes when it is due, not when all others are gone";
}

/* A poisoned message is given back again and again: it does not spin, and the others come through. */
TEST(LaterPoison, does_not_spin_or_starve_others)
{
    Queue queue(Config(100, 16));
    queue.must_enqueue("poison");
    for (int i = 0; i < 50; ++i)
        queue.must_enqueue("good");
    int poison = 0, good = 0;
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
    for (Message message; std::chrono::steady_clock::now() < end;) {
        const int result = cq_take_wait(queue, &message, 20 * ms);
        if (result == CQ_TIMEOUT)
            continue;
        ASSERT_EQ(result, CQ_OK);
        const bool bad = message.text() == "poison";
        ++(bad ? poison : good);
        ASSERT_EQ(bad ? cq_return_after(queue, &message, 100 * ms) : cq_release(queue, &message), CQ_OK);
    }
    EXPECT_EQ(good, 50);
    EXPECT_LE(poison, 6);
    EXPECT_GE(poison, 2);
}

TEST(LaterWaiting, is_woken_when_it_is_due)
{
    Queue queue(Config(10, 16));
    queue.must_enqueue("a");
    Message message = queue.take();
    ASSERT_EQ(cq_return_after(queue, &message, 200 * ms), CQ_OK);
    EXPECT_EQ(cq_take(queue, &message), CQ_EMPTY);
    EXPECT_EQ(cq_wait(queue, 0), CQ_TIMEOUT);
    EXPECT_EQ(cq_wait(queue, 30'000 * ms), CQ_OK);
    ASSERT_EQ(cq_take(queue, &message), CQ_OK);
    ASSERT_EQ(cq_return_after(queue, &message, 200 * ms), CQ_OK);
    ASSERT_EQ(cq_take_wait(queue, &message, 30'000 * ms), CQ_OK);
    ASSERT_EQ(cq_return_after(queue, &message, 200 * ms), CQ_OK);
    int fd;
    ASSERT_EQ(cq_fd(queue, &fd), CQ_OK);
    pollfd polled{fd, POLLIN, 0};
    EXPECT_EQ(::poll(&polled, 1, 0), 0);
    ASSERT_EQ(::poll(&polled, 1, 30'000), 1);
    EXPECT_EQ(queue.dequeue(), "a");
}

TEST(LaterOf, a_dead_process_is_kept)
{
    Queue queue(Config(10, 16));
    queue.must_enqueue("a");
    {
        Handle other = queue.attach();
        Message message = other.take();
        ASSERT_EQ(cq_return_after(other, &message, hour), CQ_OK);
    }
    queue.recover();
    EXPECT_EQ(queue.dequeue(), std::nullopt);
    EXPECT_EQ(queue.stat().delayed, 1u);
    EXPECT_EQ(queue.walk(), Texts{"a"});
}

/* The times are kept apart from the messages, and take memory where there is one. */
TEST(LaterOf, a_queue_is_within_its_memory)
{
    Config config(1'000'000, 64);
    config.max_memory = 1 << 20;
    Queue queue(config);
    while (queue.enqueue(std::string(64, 'm')) == CQ_OK)
        ;
    Message message;
    int result = CQ_OK;
    while (result == CQ_OK && cq_take(queue, &message) == CQ_OK)
        result = cq_return_after(queue, &message, hour);
    EXPECT_EQ(result, CQ_ENOSPACE) << "there was room for all times";
    EXPECT_LE(queue.stat().memory, config.max_memory);
    EXPECT_EQ(cq_return(queue, &message), CQ_OK) << "it is held still";
    EXPECT_EQ(queue.drain().size(), queue.stat().enqueued - queue.stat().delayed);
}

TEST(LaterOf, what_makes_no_sense_is_refused)
{
    Queue queue(Config(10, 16));
    queue.must_enqueue("a");
    Message message = queue.take(), again = message;
    EXPECT_EQ(cq_return_after(queue, &message, -2), CQ_EINVAL);
    EXPECT_EQ(cq_return_after(queue, &message, INT64_MAX), CQ_OK);
    EXPECT_EQ(cq_return_after(queue, &again, 1), CQ_ENOTHELD);
    EXPECT_EQ(queue.dequeue(), std::nullopt);
}

} // namespace
} // namespace cqtest
