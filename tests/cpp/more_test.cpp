/* Headers, sources, giving back for later, and queues with properties of their own. */
#include <cerrno>

#include <gtest/gtest.h>

#include "named.hpp"
#include "support/directory.hpp"
#include "support/leftovers.hpp"

extern "C" {
#include "disk.h"
}

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

struct disk failing_disk; /* as the real one, whose flushes fail while they are told to */
int flush_error;

/* In a queue that syncs in each call, what a call did is done, and what it removed is not lost. */
TEST(More, a_disk_that_fails_loses_nothing)
{
    failing_disk = *disk_linux();
    failing_disk.check = [](int) { return 0; }; /* shared memory will do */
    failing_disk.flush = [](int file) { return flush_error ? flush_error : disk_linux()->flush(file); };
    cq_testing_disk = &failing_disk;
    const Directory home;
    const Named named;
    cqueue::options how = sized(10);
    how.durable = how.sync = true;
    how.durable_directory = home.file("kept");
    {
        cqueue::typed_queue<std::uint64_t> numbers(named, how);
        cqueue::queue &queue = numbers.bytes();
        numbers.enqueue_wait(7);
        ASSERT_EQ(queue.enqueue_batch({"one", "two", "three", "four"}), 4u);
        flush_error = EIO;
        const auto value = thrown_by([&] { (void)numbers.dequeue(); });
        ASSERT_TRUE(value);
        EXPECT_EQ(value->result(), cqueue::errc::disk_failed);
        EXPECT_EQ(value->message(), std::string("\7\0\0\0\0\0\0\0", 8));
        const auto one = thrown_by([&] { (void)queue.dequeue(); });
        ASSERT_TRUE(one);
        EXPECT_EQ(one->message(), "one");
        char buffer[16];
        const auto two = thrown_by([&] { (void)queue.dequeue_into(buffer, sizeof buffer); });
        ASSERT_TRUE(two);
        EXPECT_EQ(std::string(buffer, two->size()), "two");
        cqueue::batch batch(10, 100);
        const auto rest = thrown_by([&] { (void)queue.dequeue_batch(batch); });
        ASSERT_TRUE(rest);
        EXPECT_EQ(rest->size(), 2u);
        EXPECT_EQ(batch[1].text(), "four");
        const auto more = thrown_by([&] { (void)queue.enqueue_batch({"five", "six"}); });
        ASSERT_TRUE(more);
        EXPECT_EQ(more->size(), 2u);
        flush_error = 0;
        EXPECT_EQ(queue.dequeue(), "five");
    }
    cq_testing_disk = nullptr;
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
