/*
 * Who sleeps, who should wake it, and a scheduler or a clock that is not what one is used to.
 */
#include <atomic>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>

#include "faults/mounts.hpp"
#include "support/leftovers.hpp"
#include "support/process.hpp"
#include "support/system_calls.hpp"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

namespace {

using namespace cqtest;

bool consumers_asleep(const Queue &queue, uint32_t count)
{
    return eventually([&] { return queue.stat().waiting_consumers == count; });
}

/* A child that waits for ever for one message, and says which it got. */
Child sleeper(const Queue &queue)
{
    return Child([&queue](Channel &channel) {
        Handle handle = queue.attach();
        char byte = 0;
        const int result = cq_dequeue_wait(handle, &byte, 1, nullptr, -1);
        channel.put(byte);
        return result;
    });
}

/* The message is there, but its producer is killed in the very call that is to wake somebody. */
TEST(Fault40, a_message_whose_producer_died_before_waking_is_found_all_the_same)
{
    Queue queue(Config(10, 64));
    Child consumer = sleeper(queue);
    ASSERT_TRUE(consumers_asleep(queue, 1));
    TracedChild producer([&] { return queue.attach(); }, [](Handle &handle) { return handle.enqueue("m"); },
                         [](Handle &, int, Channel &) { return 0; });
    ASSERT_TRUE(producer.run({Injection::kill_before, 1, 0})) << "it makes no call at all";
    ASSERT_EQ(producer.call().number, static_cast<uint64_t>(SYS_futex));
    EXPECT_EQ(consumer.get(), 'm');
    EXPECT_EQ(consumer.join().code, CQ_OK);
}

/* The same on the other side. */
TEST(Fault40, room_whose_consumer_died_before_waking_is_found_all_the_same)
{
    Queue queue(Config(1, 64));
    queue.must_enqueue("full");
    Child producer([&](Channel &) { return cq_enqueue_wait(queue.attach(), "m", 1, -1); });
    ASSERT_TRUE(eventually([&] { return queue.stat().waiting_producers == 1; }));
    TracedChild consumer([&] { return queue.attach(); },
                         [](Handle &handle) {
                             char text[64];
                             return cq_dequeue(handle, text, sizeof text, nullptr);
                         },
                         [](Handle &, int, Channel &) { return 0; });
    ASSERT_TRUE(consumer.run({Injection::kill_before, 1, 0})) << "it makes no call at all";
    ASSERT_EQ(consumer.call().number, static_cast<uint64_t>(SYS_futex));
    EXPECT_EQ(producer.join().code, CQ_OK);
}

/* One of two sleepers is woken and dies before it does anything: the wake was for it alone. */
TEST(Fault41, a_message_whose_sleeper_died_woken_goes_to_the_next)
{
    Queue queue(Config(1000, 64));
    Shared<std::atomic<uint32_t>> received;
    const auto consume = [received = &*received](Handle &handle) {
        char byte;
        while (cq_dequeue_wait(handle, &byte, 1, nullptr, -1) == CQ_OK)
            ++*received;
        return 0;
    };
    TracedChild victim([&] { return queue.attach(); }, consume, [](Handle &, int, Channel &) { return 0; });
    Child other([&](Channel &) {
        Handle handle = queue.attach();
        consume(handle);
    });
    std::atomic<bool> dead{false};
    uint32_t sent = 0;
    std::thread producer([&] {
        for (const auto end = Clock::now() + patience; !dead && Clock::now() < end; ++sent) {
            queue.must_enqueue("m");
            std::this_thread::sleep_for(milliseconds(2));
        }
    });
    /* Killed as it comes out of the first wait that somebody ended. */
    const bool woken = victim.run_until([](const TracedChild::Call &call, int64_t result) {
        return call.number == SYS_futex && (call.arguments[1] & 127) == 9 /* FUTEX_WAIT_BITSET */ && result == 0;
    });
    dead = true;
    producer.join();
    EXPECT_TRUE(woken);
    EXPECT_TRUE(eventually([&] { return *received == sent; })) << *received << " of " << sent << " messages received";
    EXPECT_EQ(other.kill().signal, SIGKILL);
}

void run_on(int processor)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<size_t>(processor), &set);
    ::sched_setaffinity(0, sizeof set, &set);
}

/* Above everybody else, as real-time processes are. One that spins is killed rather than to take a processor away. */
bool be_urgent()
{
    const rlimit limit{20000000, 20000000}; /* microseconds without blocking */
    ::setrlimit(RLIMIT_RTTIME, &limit);
    sched_param parameter{};
    parameter.sched_priority = 1;
    return ::sched_setscheduler(0, SCHED_FIFO, &parameter) == 0;
}

/* Below an urgent peer. Where nobody may be urgent, it runs only when nobody else wants to. */
void be_idle()
{
    const bool others_may_be_urgent = be_urgent();
    const sched_param parameter{};
    ::sched_setscheduler(0, others_may_be_urgent ? SCHED_OTHER : SCHED_IDLE, &parameter);
}

/* On one processor, where the urgent one runs until it blocks: each waits for the other in turn. */
TEST(Fault42, an_urgent_waiter_lets_an_idle_peer_run)
{
    Queue there(Config(1, 64)), back(Config(1, 64));
    const int processor = ::sched_getcpu(), rounds = 100;
    Child idle([&](Channel &) {
        run_on(processor);
        be_idle();
        Handle in = there.attach(), out = back.attach();
        char byte;
        for (int i = 0; i < rounds; ++i)
            if (cq_dequeue_wait(in, &byte, 1, nullptr, -1) != CQ_OK || cq_enqueue_wait(out, &byte, 1, -1) != CQ_OK)
                return 1;
        return 0;
    });
    Child urgent([&](Channel &) {
        run_on(processor);
        Handle out = there.attach(), in = back.attach();
        be_urgent();
        char byte = 0;
        for (int i = 0; i < rounds; ++i)
            if (cq_enqueue_wait(out, &byte, 1, -1) != CQ_OK || cq_dequeue_wait(in, &byte, 1, nullptr, -1) != CQ_OK)
                return 1;
        return 0;
    });
    const End end = urgent.join();
    EXPECT_EQ(end.signal, 0) << "9: it never let anybody else run";
    EXPECT_EQ(end.code, 0);
    EXPECT_EQ(idle.join().code, 0);
}

/* The urgent one is woken by the descriptor, in the middle of what the helper thread does, which then does not run before
   the urgent one sleeps. It finds each message, and is not told again and again of what it has found. `before`: the helper
   thread is as urgent. */
TEST(Fault42, an_urgent_event_loop_is_not_woken_for_nothing)
{
    const int processor = ::sched_getcpu(), count = 50;
    for (const bool before : {false, true}) {
        SCOPED_TRACE(before);
        Queue queue(Config(100, 64));
        Child idle([&](Channel &channel) {
            run_on(processor);
            be_idle();
            Handle handle = queue.attach();
            (void)channel.get();
            for (int i = 0; i < count; ++i) {
                std::this_thread::sleep_for(milliseconds(5));
                handle.must_enqueue("x");
            }
            return 0;
        });
        Child urgent([&](Channel &channel) {
            run_on(processor);
            Handle handle = queue.attach();
            if (before)
                be_urgent();
            int fd = -1, messages = 0, idle_rounds = 0;
            if (cq_fd(handle, &fd) != CQ_OK)
                return 1;
            if (!before)
                be_urgent();
            channel.put('r');
            while (messages < count && idle_rounds < 10 * count) {
                pollfd wanted{fd, POLLIN, 0};
                if (::poll(&wanted, 1, 60000) != 1)
                    return 2;
                const size_t got = handle.drain().size();
                messages += static_cast<int>(got);
                idle_rounds += got == 0;
            }
            return idle_rounds <= count ? 0 : 3; /* one for each message: it was taken while the descriptor rose */
        });
        ASSERT_TRUE(urgent.get());
        idle.put('g');
        const End end = urgent.join();
        EXPECT_EQ(end.signal, 0) << "9: it never let the helper run";
        EXPECT_EQ(end.code, 0) << "2: a message it was not told of, 3: told of nothing again and again";
        EXPECT_EQ(idle.join().code, 0);
    }
}

/* The idle one was interrupted with half a message written, and never runs while the urgent one does: which goes past
   that message, and fills and empties the queue with others as if it were alone. */
TEST(Fault42, an_urgent_process_never_waits_for_an_idle_one_that_is_in_the_middle)
{
    Queue queue(Config(8, 64), Shape(4));
    queue.must_enqueue("held");
    const int processor = ::sched_getcpu();
    Child idle([&](Channel &channel) {
        run_on(processor);
        Handle handle = queue.attach();
        Message held = handle.take(), half = handle.reserve(4);
        be_idle();
        channel.put('h');
        (void)channel.get(std::chrono::hours(1));
        std::memcpy(half.data, "last", 4);
        return cq_commit(handle, &half, 4) == CQ_OK && cq_release(handle, &held) == CQ_OK ? 0 : 1;
    });
    ASSERT_TRUE(idle.get());
    Child urgent([&](Channel &) {
        run_on(processor);
        Handle handle = queue.attach();
        be_urgent();
        for (int round = 0; round < 100; ++round)
            if (handle.fill() < 7 || handle.drain().size() < 7)
                return 1;
        return 0;
    });
    const End end = urgent.join();
    EXPECT_EQ(end.signal, 0) << "9: it waited by spinning";
    EXPECT_EQ(end.code, 0);
    idle.put('g');
    EXPECT_EQ(idle.join().code, 0);
    EXPECT_EQ(queue.drain(), std::vector<std::string>{"last"});
}

/* For a process in a time namespace, as after a restore elsewhere, the monotonic clock says something else than for its peers. */
TEST(Fault43, peers_whose_clocks_are_days_apart_wake_each_other)
{
    for (const char *offset : {"86400", "-1"}) {
        SCOPED_TRACE(offset);
        Queue there(Config(1, 64)), back(Config(1, 64));
        Child outer([&](Channel &channel) {
            try {
                own_namespace(CLONE_NEWTIME, "a time namespace");
                must((std::ofstream("/proc/self/timens_offsets") << "monotonic " << offset << " 0\n").flush().good(), "offsets");
            } catch (const NotAllowed &) {
                return not_allowed;
            }
            const pid_t inner = ::fork(); /* the first that is in it */
            if (inner == 0) {
                ::prctl(PR_SET_PDEATHSIG, SIGKILL);
                Handle in = there.attach(), out = back.attach();
                char byte;
                if (cq_dequeue_wait(in, &byte, 1, nullptr, to_ns(milliseconds(150))) != CQ_TIMEOUT)
                    ::_exit(1);
                channel.put('t');
                for (int i = 0; i < 20; ++i)
                    if (cq_dequeue_wait(in, &byte, 1, nullptr, -1) != CQ_OK || cq_enqueue_wait(out, &byte, 1, patience_ns) != CQ_OK)
                        ::_exit(1);
                ::_exit(0);
            }
            int status = -1;
            ::waitpid(inner, &status, 0);
            return status;
        });
        if (!outer.get()) {
            ASSERT_EQ(outer.join().code, not_allowed) << "a wait did not end, or not as it should";
            GTEST_SKIP() << why_skipped;
        }
        char byte = 'x';
        for (int i = 0; i < 20; ++i) {
            ASSERT_EQ(cq_enqueue_wait(there, &byte, 1, patience_ns), CQ_OK);
            ASSERT_EQ(cq_dequeue_wait(back, &byte, 1, nullptr, patience_ns), CQ_OK);
        }
        EXPECT_EQ(outer.join().code, 0);
    }
}

} // namespace
