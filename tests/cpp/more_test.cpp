/* Headers, sources, giving back for later, and queues with properties of their own. */
#include <gtest/gtest.h>

#include "named.hpp"
#include "support/leftovers.hpp"

namespace cqtest {
namespace {

using namespace std::chrono_literals;

const cqueue::headers some{{"key", "value"}, {"other", std::string("a\0b", 3)}};

TEST(More, headers_are_maps)
{
    cqueue::options how;
    how.max_headers = 100;
    how.enqueue_times = true;
    const Named named;
    cqueue::queue queue(named, how);
    ASSERT_TRUE(queue.enqueue("a", some));
    ASSERT_TRUE(queue.enqueue("b"));
    auto reserved = queue.reserve(1);
    ASSERT_TRUE(reserved);
    reserved->set_headers(some);
    *reserved->data() = std::byte{'c'};
    ASSERT_TRUE(reserved->commit());
    for (const cqueue::headers &expected : {some, {}, some}) {
        auto message = queue.take();
        ASSERT_TRUE(message);
        EXPECT_EQ(message->headers(), expected);
        EXPECT_GT(message->enqueue_time(), std::chrono::system_clock::now() - 1h);
        message->release();
    }
    EXPECT_THROW((void)queue.enqueue("x", {{"", "no key"}}), cqueue::error);
    EXPECT_THROW((void)queue.enqueue("x", {{std::string("a\0b", 3), ""}}), cqueue::error);
    EXPECT_THROW((void)queue.enqueue("x", {{"k", std::string(100, 'v')}}), cqueue::error);
}

TEST(More, a_source_is_fed_exactly_once)
{
    const Named named;
    cqueue::options how;
    how.capacity = 2;
    cqueue::queue queue(named, how);
    EXPECT_EQ(queue.enqueue_from("a", "s", 3), cqueue::fed::enqueued);
    EXPECT_EQ(queue.enqueue_from("a", "s", 3), cqueue::fed::before);
    EXPECT_TRUE(queue.raise_source("t", 9));
    EXPECT_FALSE(queue.raise_source("t", 9));
    EXPECT_EQ(queue.enqueue_from("b", "t", 10), cqueue::fed::enqueued);
    EXPECT_EQ(queue.enqueue_from_wait("c", "t", 11, 1ms), cqueue::fed::full);
    EXPECT_EQ(queue.source("t"), 10u);
    EXPECT_EQ(queue.sources(), (std::map<std::string, std::uint64_t>{{"s", 3}, {"t", 10}}));
    EXPECT_THROW((void)queue.enqueue_from("x", "", 1), cqueue::error);
}

TEST(More, a_message_is_given_back_for_later)
{
    const Named named;
    cqueue::queue queue(named);
    for (const char *text : {"a", "b"})
        ASSERT_TRUE(queue.enqueue(text));
    queue.take()->give_back_to_tail();
    queue.take()->give_back_after(std::chrono::hours::max());
    auto message = queue.take();
    ASSERT_TRUE(message);
    EXPECT_EQ(message->text(), "a");
    message->give_back_after(0s);
    EXPECT_EQ(queue.dequeue().value(), "a");
    EXPECT_FALSE(queue.take());
}

TEST(More, properties_are_those_of_the_queue)
{
    const Named named;
    cqueue::options how;
    how.max_deliveries = 2;
    how.dead_letter = "letters";
    how.time_to_live = 1h;
    how.exclusive_consumer = true;
    cqueue::queue queue(named, how);
    EXPECT_EQ(queue.stat().max_deliveries, 2u);
    EXPECT_EQ(std::string(queue.stat().dead_letter), "letters");
    EXPECT_EQ(queue.stat().time_to_live, 3'600'000'000'000);
    cqueue::queue other(named, how);
    ASSERT_TRUE(queue.enqueue("a"));
    EXPECT_TRUE(queue.take());
    try {
        (void)other.take();
        FAIL();
    } catch (const cqueue::error &error) {
        EXPECT_EQ(error.result(), cqueue::errc::other_consumer);
    }
    how.max_deliveries = 3;
    EXPECT_THROW((void)cqueue::queue(named, how), cqueue::error);
}

} // namespace
} // namespace cqtest
