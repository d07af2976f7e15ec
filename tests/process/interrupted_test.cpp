/*
 * Waits that are disturbed so often that they never sleep for long: the dead are found all the same.
 */
#include <csignal>
#include <string>

#include <gtest/gtest.h>
#include <sys/time.h>

#include "support/leftovers.hpp"
#include "support/process.hpp"

namespace {

using namespace cqtest;

constexpr seconds soon{10}; /* a tenth of a second, on a machine that has other things to do */

/* From now on this process gets a signal every so often. */
void interrupt_every(milliseconds time, int flags)
{
    struct sigaction action {};
    action.sa_handler = [](int) {};
    action.sa_flags = flags;
    ::sigaction(SIGALRM, &action, nullptr);
    const timeval often{0, static_cast<suseconds_t>(std::chrono::microseconds(time).count())};
    const itimerval timer{often, often};
    ::setitimer(ITIMER_REAL, &timer, nullptr);
}

/* What wait(handle) returns in a process that signals disturb, and that was there before one died that did hold(handle). */
template <class Hold, class Wait>
int interrupted(const Queue &queue, int flags, Hold hold, Wait wait)
{
    Child waiter([&](Channel &channel) {
        Handle handle = queue.attach();
        channel.put('r');
        (void)channel.get();
        interrupt_every(milliseconds(50), flags);
        return wait(handle);
    });
    EXPECT_TRUE(waiter.get());
    EXPECT_TRUE(dies_holding(queue, hold));
    waiter.put('g');
    return waiter.join().code;
}

TEST(Interrupted, consumers_find_what_a_dead_one_held)
{
    for (const int flags : {0, SA_RESTART}) {
        Queue queue(Config(1000, 16));
        const auto take = [](const Handle &handle) { handle.take(); };
        queue.must_enqueue("precious");
        EXPECT_EQ(interrupted(queue, flags, take, [](const Handle &handle) {
            Message message;
            return cq_take_wait(handle, &message, to_ns(soon));
        }), CQ_OK);
        EXPECT_EQ(interrupted(queue, flags, take, [](const Handle &handle) {
            char text[16];
            return cq_dequeue_wait(handle, text, sizeof text, nullptr, to_ns(soon));
        }), CQ_OK) << "what the waiter before took and died with";
    }
}

TEST(Interrupted, producers_find_what_a_dead_one_held)
{
    for (const int flags : {0, SA_RESTART}) {
        Queue queue(Config(4, 16));
        const auto fill = [](const Handle &handle) {
            for (int i = 0; i < 4; ++i)
                handle.reserve(16);
        };
        EXPECT_EQ(interrupted(queue, flags, fill, [](const Handle &handle) {
            return cq_enqueue_wait(handle, "new", 3, to_ns(soon));
        }), CQ_OK);
        EXPECT_EQ(queue.dequeue(), "new");
    }
}

/* One message every 45 ms, so that nobody ever sleeps for 100: and no more than fit into a node. */
TEST(Woken, consumers_find_what_a_dead_one_held)
{
    Queue queue(Config(1000, 16), Shape(256));
    queue.must_enqueue("precious");
    Child producer([&](Channel &channel) {
        Handle handle = queue.attach();
        channel.put('r');
        (void)channel.get();
        for (int i = 0; i < 180; ++i) {
            std::this_thread::sleep_for(milliseconds(45));
            handle.must_enqueue("ordinary");
        }
    });
    ASSERT_TRUE(producer.get());
    ASSERT_TRUE(dies_holding(queue, [](const Handle &handle) { handle.take(); }));
    producer.put('g');
    std::string text;
    int others = 0;
    for (; text != "precious"; ++others) {
        Message message;
        /* Not so long that it finds the dead only because the producer is done. */
        ASSERT_EQ(cq_take_wait(queue, &message, patience_ns), CQ_OK);
        text = message.text();
        ASSERT_EQ(cq_release(queue, &message), CQ_OK);
    }
    EXPECT_LT(others, 170) << "found when the producer was done, and only then";
}

} // namespace
