/*
 * What the dead leave, and who counts as dead. Kills at every instruction are tests/crash; here is one of each kind, and the
 * ways of being dead or alive that differ in what the kernel shows of them.
 */
#include <atomic>
#include <csignal>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include "faults/mounts.hpp"
#include "support/leftovers.hpp"
#include "support/process.hpp"

namespace {

using namespace cqtest;

/* A child with a taken message and a reservation in its hands, which it keeps. */
template <class Then>
Child holder(const Queue &queue, Then then)
{
    Child child([&queue, then](Channel &channel) {
        Handle handle = queue.attach();
        Message taken = handle.take(), reserved = handle.reserve(5);
        std::memcpy(reserved.data, "never", 5);
        channel.put('h');
        (void)channel.get(std::chrono::hours(1));
        then(handle, taken, reserved);
    });
    if (!child.get())
        throw std::runtime_error("the holder did not get hold");
    return child;
}

void nothing(const Handle &, Message &, Message &) {}

/* What a holder had is back, once and marked, nothing of it is left, and the queue has all its room. */
void expect_recovered(const Queue &queue, const std::string &held)
{
    const Recovery recovery = queue.recover();
    EXPECT_EQ(recovery.participants, 1u);
    EXPECT_EQ(recovery.messages, 1u);
    EXPECT_EQ(recovery.slots, 1u);
    Message again = queue.take();
    EXPECT_EQ(again.text(), held);
    EXPECT_EQ(again.deliveries, 2u);
    EXPECT_EQ(cq_release(queue, &again), CQ_OK);
    EXPECT_EQ(queue.drain(), std::vector<std::string>());
    EXPECT_EQ(queue.fill(), queue.config().capacity);
    EXPECT_EQ(queue.drain().size(), queue.config().capacity);
    const Recovery second = queue.recover();
    EXPECT_EQ(second.participants + second.messages + second.slots + second.nodes, 0u);
}

TEST(Fault01, a_producer_killed_before_it_publishes_leaves_no_message)
{
    Queue queue(Config(10, 64), Shape(4));
    queue.must_enqueue("held");
    holder(queue, nothing).kill();
    expect_recovered(queue, "held");
}

TEST(Fault02, a_consumer_killed_with_a_message_gives_it_back_marked)
{
    Queue queue(Config(10, 64), Shape(4));
    queue.must_enqueue("a");
    queue.must_enqueue("b");
    holder(queue, nothing).kill();
    Message first = queue.take(); /* met without asking for it: no cq_recover before */
    EXPECT_EQ(first.text(), "b");
    queue.recover();
    Message second = queue.take();
    EXPECT_EQ(second.text(), "a");
    EXPECT_EQ(second.deliveries, 2u);
}

TEST(Fault03, of_two_who_recover_at_once_each_thing_is_found_by_one)
{
    Queue queue(Config(10, 64), Shape(4));
    queue.must_enqueue("held");
    Child dead = holder(queue, nothing);
    std::vector<Child> recoverers;
    Shared<std::atomic<uint64_t>> participants, messages, slots;
    for (int i = 0; i < 3; ++i)
        recoverers.emplace_back([&](Channel &channel) {
            Handle handle = queue.attach();
            channel.put('r');
            (void)channel.get();
            const Recovery found = handle.recover();
            *participants += found.participants;
            *messages += found.messages;
            *slots += found.slots;
        });
    for (Child &child : recoverers)
        ASSERT_TRUE(child.get());
    dead.kill();
    for (Child &child : recoverers)
        child.put('g');
    for (Child &child : recoverers)
        EXPECT_EQ(child.join().code, 0);
    EXPECT_EQ(participants->load(), 1u);
    EXPECT_EQ(messages->load(), 1u);
    EXPECT_EQ(slots->load(), 1u);
    EXPECT_EQ(queue.dequeue(), "held");
    EXPECT_EQ(queue.dequeue(), std::nullopt);
}

TEST(Fault04, when_all_have_died_the_next_to_open_recovers)
{
    Queue queue(Config(10, 64), Shape(4));
    for (int i = 0; i < 4; ++i)
        queue.must_enqueue(std::to_string(i));
    queue.close();
    std::vector<Child> all;
    for (int i = 0; i < 4; ++i)
        all.push_back(holder(queue, nothing));
    for (Child &child : all)
        child.kill();
    Handle heir = queue.attach();
    EXPECT_EQ(heir.stat().participants, 1u);
    EXPECT_EQ(heir.stat().reaped, 4u);
    EXPECT_EQ(heir.drain(), (std::vector<std::string>{"0", "1", "2", "3"}));
    EXPECT_EQ(heir.fill(), 10u);
}

/* Nobody takes a stopped process for dead, however often they look, and nobody waits for it. */
TEST(Fault05, what_a_stopped_process_holds_stays_with_it)
{
    Queue queue(Config(10, 64), Shape(4));
    queue.must_enqueue("held");
    Child stopped = holder(queue, [](const Handle &handle, Message &taken, Message &reserved) {
        if (cq_commit(handle, &reserved, 5) != CQ_OK || cq_release(handle, &taken) != CQ_OK)
            ::_exit(3);
    });
    ASSERT_TRUE(stopped.stop());
    for (int i = 0; i < 50; ++i) {
        queue.must_enqueue(std::to_string(i));
        EXPECT_EQ(queue.dequeue(), std::to_string(i));
        EXPECT_EQ(queue.recover().participants, 0u);
        queue.attach();
    }
    size_t size = 0;
    EXPECT_EQ(cq_dequeue_wait(queue, nullptr, 0, &size, to_ns(milliseconds(350))), CQ_TIMEOUT);
    EXPECT_EQ(queue.stat().reaped, 0u);
    EXPECT_EQ(queue.stat().redelivered, 0u);

    stopped.resume();
    stopped.put('g');
    EXPECT_EQ(stopped.join().code, 0);
    EXPECT_EQ(queue.drain(), std::vector<std::string>{"never"});
}

/* Its place was given up while it slept (that is not taken away from it): it writes there, late, and hurts nobody. */
TEST(Fault06, a_late_writer_hurts_nobody)
{
    Queue queue(Config(4, 64), Shape(1));
    queue.must_enqueue("held");
    Child late = holder(queue, [](const Handle &handle, Message &taken, Message &reserved) {
        std::memset(reserved.data, 'L', 64);
        if (cq_commit(handle, &reserved, 5) != CQ_OK || cq_release(handle, &taken) != CQ_OK)
            ::_exit(3);
    });
    ASSERT_TRUE(late.stop());
    for (int i = 0; i < 1000; ++i) { /* many lives of every node but the pinned ones */
        queue.must_enqueue(std::to_string(i));
        ASSERT_EQ(queue.dequeue(), std::to_string(i));
    }
    EXPECT_GE(queue.stat().voided, 1u);
    queue.must_enqueue("before");
    late.resume();
    late.put('g');
    ASSERT_EQ(late.join().code, 0);
    EXPECT_EQ(queue.drain(), (std::vector<std::string>{"before", "LLLLL"}));
    EXPECT_EQ(queue.fill(), 4u);
}

TEST(Fault07, abort_and_sudden_exit_are_deaths)
{
    for (const int way : {0, 1, 2}) {
        SCOPED_TRACE(way);
        Queue queue(Config(10, 64), Shape(4));
        queue.must_enqueue("held");
        Child child = holder(queue, [way](const Handle &, Message &, Message &) {
            if (way == 0)
                ::_exit(0);
            leave_no_core();
            ::signal(SIGABRT, SIG_DFL);
            ::signal(SIGTERM, SIG_DFL);
            if (way == 1)
                ::kill(::getpid(), SIGABRT);
            ::kill(::getpid(), SIGTERM);
        });
        child.put('g');
        child.join();
        expect_recovered(queue, "held");
    }
}

TEST(Fault08, a_zombie_is_dead)
{
    Queue queue(Config(10, 64), Shape(4));
    queue.must_enqueue("held");
    Child zombie = holder(queue, nothing);
    zombie.kill_without_reaping();
    ASSERT_EQ(::kill(zombie.pid(), 0), 0) << "for the traditional way to ask it lives";
    expect_recovered(queue, "held");
}

/* The number of a process is written into its record, for people. Made to be that of a living process, it changes nothing;
   the other way round neither. */
TEST(Fault09, the_process_id_decides_nothing)
{
    Queue queue(Config(10, 64), Shape(4));
    queue.must_enqueue("held");
    Child child = holder(queue, nothing);
    const pid_t used_again = ::getpid();
    const int fd = ::open(queue.path().c_str(), O_RDWR | O_CLOEXEC);
    const auto write_pid = [&](uint32_t pid) {
        for (off_t id = 1; id <= 2; ++id)
            ASSERT_EQ(::pwrite(fd, &pid, sizeof pid, 4096 + 16 * id + 12), 4);
    };
    write_pid(0x7ffffffe); /* nobody's: no process has such a number */
    EXPECT_EQ(queue.recover().participants, 0u);
    EXPECT_EQ(queue.stat().participants, 2u);
    child.kill();
    write_pid(static_cast<uint32_t>(used_again));
    ::close(fd);
    expect_recovered(queue, "held");
}

/* In a namespace of its own it is process 1, and outside nobody of that number is it. */
TEST(Fault10, life_and_death_are_seen_across_pid_namespaces)
{
    Queue queue(Config(10, 64), Shape(4));
    queue.must_enqueue("held");
    Child outer([&](Channel &channel) {
        try {
            own_namespace(CLONE_NEWPID, "a PID namespace");
        } catch (const NotAllowed &) {
            return not_allowed;
        }
        const pid_t inner = ::fork(); /* Child would look for its parent, whom it cannot see from there */
        if (inner == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            Handle handle = queue.attach();
            (void)handle.take();
            (void)handle.reserve(1);
            channel.put(::getpid());
            (void)channel.get(std::chrono::hours(1));
            ::_exit(0);
        }
        return ::waitpid(inner, nullptr, 0) == inner ? 0 : 3;
    });
    const auto pid = outer.get<pid_t>();
    if (!pid) {
        ASSERT_EQ(outer.join().code, not_allowed);
        GTEST_SKIP() << why_skipped;
    }
    EXPECT_EQ(*pid, 1);
    EXPECT_EQ(queue.recover().participants, 0u);
    EXPECT_EQ(queue.stat().participants, 2u);
    outer.kill();
    EXPECT_TRUE(eventually([&] { return queue.stat().participants == 1; }));
    expect_recovered(queue, "held");
}

/* Whoever inherits nothing but descriptors cannot keep the dead alive. */
TEST(Fault13, exec_detaches)
{
    Queue queue(Config(10, 64), Shape(4));
    queue.must_enqueue("held");
    Child child = holder(queue, [](const Handle &, Message &, Message &) {
        ::execl("/bin/sleep", "sleep", "1000", static_cast<char *>(nullptr));
        ::_exit(4);
    });
    EXPECT_EQ(queue.recover().participants, 0u);
    child.put('g');
    EXPECT_TRUE(eventually([&] { return queue.stat().participants == 1; }));
    EXPECT_EQ(::kill(child.pid(), 0), 0);
    expect_recovered(queue, "held");
    EXPECT_EQ(child.kill().signal, SIGKILL) << "it was still running";
}

} // namespace
