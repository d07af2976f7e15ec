/* cqueue::queue: opening, moving, copying in and out, waiting. */
#include <array>
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "named.hpp"
#include "support/directory.hpp"

namespace cqtest {
namespace {

using cqueue::errc;
using namespace std::chrono_literals;

TEST(CppQueue, passes_messages)
{
    const Named name;
    cqueue::queue queue(name, sized(2));
    EXPECT_EQ(queue.dequeue(), std::nullopt);
    EXPECT_TRUE(queue.enqueue("one"));
    EXPECT_TRUE(queue.enqueue(std::string("two")));
    EXPECT_FALSE(queue.enqueue("three"));
    EXPECT_EQ(queue.dequeue(), "one");
    EXPECT_EQ(queue.dequeue(), "two");
    EXPECT_EQ(queue.dequeue(), std::nullopt);
}

TEST(CppQueue, takes_bytes_of_every_kind)
{
    const Named name;
    cqueue::queue queue(name, sized(9));
    const std::array<uint16_t, 2> array{0x4142, 0x4344};
    const std::vector<std::byte> bytes{std::byte{'x'}, std::byte{0}, std::byte{'y'}};
    EXPECT_TRUE(queue.enqueue(std::string_view("a\0b", 3)));
    EXPECT_TRUE(queue.enqueue(array));
    EXPECT_TRUE(queue.enqueue(bytes));
    EXPECT_TRUE(queue.enqueue({array.data(), 1}));
    EXPECT_TRUE(queue.enqueue({}));
    EXPECT_EQ(queue.dequeue(), std::string("a\0b", 3));
    EXPECT_EQ(queue.dequeue(), "BADC");
    EXPECT_EQ(queue.dequeue(), std::string("x\0y", 3));
    EXPECT_EQ(queue.dequeue(), "B");
    EXPECT_EQ(queue.dequeue(), "");
}

TEST(CppQueue, dequeues_into_memory_of_the_caller)
{
    const Named name;
    cqueue::queue queue(name, sized(2));
    char buffer[8];
    EXPECT_EQ(queue.dequeue_into(buffer, sizeof buffer), std::nullopt);
    EXPECT_TRUE(queue.enqueue("five!"));
    EXPECT_EQ(error_of([&] { queue.dequeue_into(buffer, 4); }), errc::buffer_too_small);
    EXPECT_EQ(queue.dequeue_into(buffer, 5), 5u);
    EXPECT_EQ(std::string(buffer, 5), "five!");
}

TEST(CppQueue, is_closed_at_the_end_of_its_scope)
{
    const Named name;
    const cqueue::queue queue(name, sized(2));
    {
        const cqueue::queue second(name);
        EXPECT_EQ(queue.stat().participants, 2u);
    }
    EXPECT_EQ(queue.stat().participants, 1u);
}

TEST(CppQueue, can_be_moved_and_not_copied)
{
    static_assert(!std::is_copy_constructible_v<cqueue::queue>);
    static_assert(!std::is_copy_assignable_v<cqueue::queue>);
    static_assert(std::is_nothrow_move_constructible_v<cqueue::queue>);
    static_assert(std::is_nothrow_move_assignable_v<cqueue::queue>);
    const Named name, other_name;
    cqueue::queue first(name, sized(2));
    EXPECT_TRUE(first.enqueue("x"));
    cqueue::queue second(std::move(first));
    EXPECT_EQ(second.name(), name.str());
    EXPECT_EQ(second.dequeue(), "x");
    cqueue::queue third(other_name, sized(3));
    const cqueue::queue witness(other_name);
    third = std::move(second);
    EXPECT_EQ(witness.stat().participants, 1u) << "what was assigned to must have been closed";
    EXPECT_EQ(third.stat().capacity, 2u);
    EXPECT_TRUE(third.is_open());
    cqueue::queue &itself = third;
    third = std::move(itself);
    EXPECT_TRUE(third.is_open());
}

void expect_not_open(cqueue::queue &queue)
{
    char buffer[4];
    cqueue::batch batch(1, 1);
    EXPECT_FALSE(queue.is_open());
    EXPECT_FALSE(queue);
    EXPECT_EQ(queue.get(), nullptr);
    EXPECT_EQ(queue.name(), "");
    EXPECT_EQ(error_of([&] { (void)queue.enqueue("x"); }), errc::invalid_argument);
    EXPECT_EQ(error_of([&] { (void)queue.enqueue_wait("x", 1s); }), errc::invalid_argument);
    EXPECT_EQ(error_of([&] { queue.enqueue_wait("x"); }), errc::invalid_argument);
    EXPECT_EQ(error_of([&] { queue.enqueue_batch({"x"}); }), errc::invalid_argument);
    EXPECT_EQ(error_of([&] { queue.dequeue(); }), errc::invalid_argument);
    EXPECT_EQ(error_of([&] { queue.dequeue_wait(1s); }), errc::invalid_argument);
    EXPECT_EQ(error_of([&] { queue.dequeue_wait(); }), errc::invalid_argument);
    EXPECT_EQ(error_of([&] { queue.dequeue_into(buffer, 4); }), errc::invalid_argument);
    EXPECT_EQ(error_of([&] { queue.dequeue_batch(batch); }), errc::invalid_argument);
    EXPECT_EQ(error_of([&] { (void)queue.reserve(1); }), errc::invalid_argument);
    EXPECT_EQ(error_of([&] { (void)queue.take(); }), errc::invalid_argument);
    EXPECT_EQ(error_of([&] { (void)queue.take_wait(); }), errc::invalid_argument);
    EXPECT_EQ(error_of([&] { queue.walk([](const cqueue::shown &) {}); }), errc::invalid_argument);
    EXPECT_EQ(error_of([&] { queue.stat(); }), errc::invalid_argument);
    EXPECT_EQ(error_of([&] { queue.recover(); }), errc::invalid_argument);
    EXPECT_EQ(error_of([&] { queue.fd(); }), errc::invalid_argument);
    EXPECT_EQ(error_of([&] { queue.room_fd(); }), errc::invalid_argument);
    queue.close();
    const auto error = thrown_by([&] { queue.stat(); });
    EXPECT_NE(std::string(error->what()).find("not open"), std::string::npos) << error->what();
}

TEST(CppQueue, that_is_not_open_refuses_every_call)
{
    const Named name;
    cqueue::queue never;
    expect_not_open(never);
    cqueue::queue moved_from(name, sized(2));
    const cqueue::queue other(std::move(moved_from));
    expect_not_open(moved_from);
    cqueue::queue closed(name);
    closed.close();
    expect_not_open(closed);
    EXPECT_EQ(other.stat().participants, 1u);
}

TEST(CppQueue, takes_all_options)
{
    const Named name;
    const Directory directory;
    cqueue::options how = sized(12, 34);
    how.directory = directory.path();
    how.open_mode = cqueue::options::mode::exclusive;
    how.permissions = 0640;
    how.any_filesystem = true;
    const cqueue::queue queue(name, how);
    EXPECT_EQ(queue.stat().capacity, 12u);
    EXPECT_EQ(queue.stat().max_message_size, 34u);
    EXPECT_EQ(entries(directory.path()), std::vector<std::string>{"cqueue." + name.str()});
    EXPECT_EQ(std::filesystem::status(directory.file(name)).permissions(), static_cast<std::filesystem::perms>(0640));
    EXPECT_FALSE(cqueue::queue::unlink(name));
    EXPECT_TRUE(cqueue::queue::unlink(name, directory.path()));
    EXPECT_FALSE(cqueue::queue::unlink(name, directory.path()));
}

TEST(CppQueue, read_only_looks_on)
{
    const Named name;
    cqueue::queue queue(name, sized(4));
    EXPECT_TRUE(queue.enqueue("x"));
    cqueue::options how;
    how.open_mode = cqueue::options::mode::read_only;
    cqueue::queue reader(name, how);
    EXPECT_EQ(reader.stat().length, 1u);
    EXPECT_EQ(error_of([&] { reader.dequeue(); }), errc::read_only);
}

TEST(CppQueue, waits_for_durations_of_every_unit)
{
    const Named name;
    cqueue::queue queue(name, sized(1));
    EXPECT_EQ(queue.dequeue_wait(0s), std::nullopt);
    EXPECT_EQ(queue.dequeue_wait(-5h), std::nullopt) << "a time that is over is over, it does not mean for ever";
    EXPECT_EQ(queue.dequeue_wait(1ns), std::nullopt);
    EXPECT_EQ(queue.dequeue_wait(std::chrono::duration<double>(0.001)), std::nullopt);
    EXPECT_TRUE(queue.enqueue_wait("x", std::chrono::hours::max()));
    EXPECT_FALSE(queue.enqueue_wait("x", 1ms));
    EXPECT_FALSE(queue.enqueue_wait("x", std::chrono::nanoseconds::min()));
    EXPECT_EQ(queue.dequeue_wait(std::chrono::duration<float>(1e30f)), "x");
}

TEST(CppQueue, waits_until_something_comes)
{
    const Named name;
    cqueue::queue queue(name, sized(1));
    std::thread producer([&] {
        for (int i = 0; i < 100; ++i)
            queue.enqueue_wait(std::to_string(i));
        EXPECT_TRUE(queue.enqueue_wait("last", patience));
    });
    for (int i = 0; i < 100; i += 2) {
        EXPECT_EQ(queue.dequeue_wait(), std::to_string(i));
        EXPECT_EQ(queue.dequeue_wait(std::chrono::nanoseconds::max()), std::to_string(i + 1));
    }
    EXPECT_EQ(queue.take_wait().text(), "last");
    producer.join();
}

TEST(CppQueue, descriptors_belong_to_it)
{
    const Named name;
    cqueue::queue queue(name, sized(1));
    EXPECT_GE(queue.fd(), 0);
    EXPECT_EQ(queue.fd(), queue.fd());
    EXPECT_NE(queue.fd(), queue.room_fd());
}

TEST(CppQueue, recovers_what_a_killed_process_held)
{
    const Named name;
    cqueue::queue queue(name, sized(2));
    EXPECT_TRUE(queue.enqueue("x"));
    Child child([&](Channel &channel) {
        cqueue::queue mine(name);
        const auto message = mine.take();
        channel.put('t');
        channel.get();
        return message ? 0 : 1;
    });
    ASSERT_EQ(child.get(), 't');
    child.kill();
    const cq_recovery found = queue.recover();
    EXPECT_EQ(found.participants, 1u);
    EXPECT_EQ(found.messages, 1u);
    const auto again = queue.take();
    ASSERT_TRUE(again);
    EXPECT_EQ(again->text(), "x");
    EXPECT_EQ(again->deliveries(), 2u);
}

} // namespace
} // namespace cqtest
