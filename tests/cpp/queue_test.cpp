/* cqueue::queue: opening, moving, copying in and out, waiting. */
#include <array>
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "named.hpp"
#include "support/deadline.hpp"
#include "support/directory.hpp"
#include "support/user.hpp"

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

TEST(CppQueue, tells_its_length_and_waits_without_taking)
{
    const Named name;
    cqueue::queue queue(name, sized(1));
    EXPECT_EQ(queue.length(), 0u);
    EXPECT_FALSE(queue.wait(std::chrono::milliseconds(1)));
    queue.wait_room();
    EXPECT_TRUE(queue.enqueue("x"));
    EXPECT_EQ(queue.length(), 1u);
    EXPECT_TRUE(queue.wait(std::chrono::milliseconds(1)));
    queue.wait();
    EXPECT_FALSE(queue.wait_room(std::chrono::milliseconds(1)));
    queue.cancel();
    EXPECT_EQ(error_of([&] { return queue.wait_room(std::chrono::hours(1)); }), errc::cancelled);
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
    EXPECT_EQ(error_of([&] { queue.participants(); }), errc::invalid_argument);
    EXPECT_EQ(error_of([&] { queue.cancel(); }), errc::invalid_argument);
    EXPECT_EQ(error_of([&] { queue.reset_cancel(); }), errc::invalid_argument);
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
    how.max_held = 5000;
    how.max_memory = 4 << 20;
    how.reserve = 100000;
    cqueue::queue queue(name, how);
    EXPECT_EQ(queue.stat().capacity, 12u);
    EXPECT_EQ(queue.stat().max_message_size, 34u);
    EXPECT_GE(queue.stat().max_held, 5000u);
    EXPECT_EQ(queue.stat().max_memory, 4u << 20);
    EXPECT_EQ(queue.stat().reserve, 100000u);
    EXPECT_EQ(queue.trim(), 0u);
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

/* One's own is accepted without a word, so that only another user's can tell whether trust does anything. */
TEST(CppQueue, of_another_user_is_accepted_by_who_trusts_it)
{
    if (::geteuid() != 0 || !may_become_nobody())
        GTEST_SKIP() << why_no_other_user;
    const Named name;
    const Directory directory;
    cqueue::options how = sized(4);
    how.directory = directory.path();
    const cqueue::queue queue(name, how);
    ASSERT_EQ(::chown(directory.file(name).c_str(), nobody, static_cast<gid_t>(-1)), 0);
    EXPECT_EQ(error_of([&] { cqueue::queue(name, how); }), errc::not_trusted);
    how.trust = true;
    EXPECT_TRUE(cqueue::queue(name, how).is_open());
    std::filesystem::permissions(directory.file(name), static_cast<std::filesystem::perms>(0666));
    EXPECT_EQ(error_of([&] { cqueue::queue(name, how); }), errc::not_trusted);
}

/* Every way to wait for ever on a queue of one message: on an empty one (true), or on a full one. */
struct Wait {
    const char *name;
    bool consumes;
    void (*call)(cqueue::queue &);
};

const Wait waits[] = {
    {"dequeue_wait", true, [](cqueue::queue &queue) { queue.dequeue_wait(); }},
    {"dequeue_wait for a time", true, [](cqueue::queue &queue) { queue.dequeue_wait(24h); }},
    {"take_wait", true, [](cqueue::queue &queue) { (void)queue.take_wait(); }},
    {"take_wait for a time", true, [](cqueue::queue &queue) { (void)queue.take_wait(24h); }},
    {"enqueue_wait", false, [](cqueue::queue &queue) { queue.enqueue_wait("x"); }},
    {"enqueue_wait for a time", false, [](cqueue::queue &queue) { (void)queue.enqueue_wait("x", 24h); }},
};

uint32_t waiting(const cqueue::queue &queue)
{
    const cq_stats stats = queue.stat();
    return stats.waiting_consumers + stats.waiting_producers;
}

/* One sleeper is woken and does not try. Looks would wake the other as well, but 40 ms later on average. */
TEST(CppQueue, a_wake_that_nobody_wants_is_passed_on)
{
    for (const bool for_room : {false, true}) {
        const Named name;
        cqueue::queue queue(name, sized(1)), other(name);
        const auto sleep = [&](cqueue::queue &one) { return for_room ? one.wait_room(patience) : one.wait(patience); };
        const int rounds = 25;
        int quick = 0;
        EXPECT_TRUE(!for_room || queue.enqueue("full"));
        for (int round = 0; round < rounds; ++round) {
            std::atomic<int> woken{0};
            std::thread one([&] { woken += sleep(queue); }), two([&] { woken += sleep(other); });
            EXPECT_TRUE(eventually([&] { return waiting(queue) == 2; }));
            EXPECT_TRUE(for_room ? queue.dequeue().has_value() : queue.enqueue("x"));
            EXPECT_TRUE(eventually([&] { return woken > 0; }));
            const auto begin = Clock::now();
            for_room ? queue.wait_room_pass_on() : queue.wait_pass_on();
            one.join();
            two.join();
            quick += Clock::now() - begin < 20ms;
            EXPECT_EQ(woken, 2);
            EXPECT_TRUE(for_room ? queue.enqueue("full") : queue.dequeue().has_value());
        }
        EXPECT_GE(quick, rounds / 2) << (for_room ? "room" : "messages");
    }
}

TEST(CppQueue, cancelling_ends_every_wait_until_it_is_reset)
{
    for (const Wait &wait : waits) {
        SCOPED_TRACE(wait.name);
        const Named name;
        cqueue::queue queue(name, sized(1));
        ASSERT_TRUE(wait.consumes || queue.enqueue("full"));
        std::thread threads[3];
        std::atomic<int> cancelled{0};
        for (std::thread &thread : threads)
            thread = std::thread([&] { cancelled += error_of([&] { wait.call(queue); }) == errc::cancelled; });
        while (waiting(queue) < 3)
            std::this_thread::yield();
        queue.cancel();
        for (std::thread &thread : threads)
            thread.join();
        EXPECT_EQ(cancelled, 3);
        EXPECT_EQ(error_of([&] { wait.call(queue); }), errc::cancelled) << "the next one as well";
        EXPECT_EQ(queue.dequeue(), wait.consumes ? std::nullopt : std::optional<std::string>("full"));
        EXPECT_TRUE(queue.enqueue("x")) << "what does not wait goes on";
        queue.dequeue_wait();
        queue.reset_cancel();
        EXPECT_EQ(queue.dequeue_wait(1ms), std::nullopt);
    }
}

TEST(CppQueue, cancelling_one_handle_leaves_others_alone)
{
    const Named name;
    cqueue::queue queue(name, sized(1)), other(name);
    std::thread consumer([&] { EXPECT_EQ(other.dequeue_wait(patience), "x"); });
    while (waiting(queue) < 1)
        std::this_thread::yield();
    queue.cancel();
    EXPECT_TRUE(queue.enqueue("x"));
    consumer.join();
}

/* As a queue is removed by another process: this one does not know. */
void remove_elsewhere(const std::string &name)
{
    Child child([&](Channel &) { return cqueue::queue::unlink(name) ? 0 : 1; });
    ASSERT_EQ(child.join().code, 0);
}

TEST(CppQueue, waits_end_when_it_is_removed)
{
    for (const Wait &wait : waits) {
        SCOPED_TRACE(wait.name);
        const Named name;
        cqueue::queue queue(name, sized(1));
        ASSERT_TRUE(wait.consumes || queue.enqueue("full"));
        std::atomic<bool> stale{false};
        std::thread thread([&] { stale = error_of([&] { wait.call(queue); }) == errc::stale; });
        while (waiting(queue) < 1)
            std::this_thread::yield();
        remove_elsewhere(name);
        thread.join();
        EXPECT_TRUE(stale);
        EXPECT_EQ(queue.dequeue().has_value(), !wait.consumes) << "what was in it can be had";
    }
}

TEST(CppQueue, waits_go_on_when_it_is_removed_if_wanted)
{
    const Named name;
    cqueue::options how = sized(1);
    how.keep_unlinked = true;
    cqueue::queue queue(name, how);
    remove_elsewhere(name);
    EXPECT_EQ(queue.dequeue_wait(250ms), std::nullopt);
}

TEST(CppQueue, shows_its_participants)
{
    const Named name;
    cqueue::queue queue(name, sized(4));
    queue.enqueue_batch({"a", "b"});
    const auto message = queue.take();
    const auto room = queue.reserve(4);
    const auto before = std::chrono::system_clock::now();
    Child child([&](Channel &) {
        cqueue::queue mine(name);
        const auto held = mine.take();
        mine.dequeue_wait();
        return 0;
    });
    while (waiting(queue) < 1)
        std::this_thread::yield();
    auto all = queue.participants();
    ASSERT_EQ(all.size(), 2u);
    if (all[0].pid != static_cast<uint32_t>(getpid()))
        std::swap(all[0], all[1]);
    EXPECT_EQ(all[0].pid, static_cast<uint32_t>(getpid()));
    EXPECT_EQ(all[1].pid, static_cast<uint32_t>(child.pid()));
    for (const cqueue::participant &one : all) {
        EXPECT_TRUE(one.alive);
        EXPECT_GE(one.id, 1u);
        EXPECT_EQ(one.held, 1u);
        EXPECT_FALSE(one.command.empty());
        EXPECT_EQ(one.waiting_producers, 0u);
    }
    EXPECT_NE(all[0].id, all[1].id);
    EXPECT_EQ(all[0].writing, 1u);
    EXPECT_EQ(all[1].writing, 0u);
    EXPECT_EQ(all[0].waiting_consumers, 0u);
    EXPECT_EQ(all[1].waiting_consumers, 1u);
    EXPECT_EQ(all[0].waiting_since, std::nullopt);
    ASSERT_TRUE(all[1].waiting_since);
    EXPECT_GE(*all[1].waiting_since, before - 1s) << "clocks are read coarsely";
    EXPECT_LE(*all[1].waiting_since, std::chrono::system_clock::now() + 1s);
    EXPECT_EQ(queue.stat().held, 2u);
    EXPECT_EQ(queue.stat().writing, 1u);
    child.kill();
    cqueue::options how;
    how.open_mode = cqueue::options::mode::read_only;
    EXPECT_GE(cqueue::queue(name, how).participants().size(), 1u);
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
