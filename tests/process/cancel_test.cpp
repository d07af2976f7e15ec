/*
 * Waits that end because somebody in the process wants them to: from another thread, from a signal handler, before they began.
 */
#include <atomic>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "support/leftovers.hpp"
#include "support/process.hpp"
#include "support/seed.hpp"

namespace {

using namespace cqtest;

/* One of the waits, and a queue on which it has to sleep. */
struct Kind {
    const char *name;
    bool producer;
    int (*wait)(cq_queue *queue, int64_t timeout_ns);
};

void PrintTo(const Kind &kind, std::ostream *out) { *out << kind.name; }

const Kind kinds[] = {
    {"enqueue_wait", true, [](cq_queue *queue, int64_t timeout_ns) { return cq_enqueue_wait(queue, "new", 3, timeout_ns); }},
    {"dequeue_wait", false,
     [](cq_queue *queue, int64_t timeout_ns) {
         char text[16];
         return cq_dequeue_wait(queue, text, sizeof text, nullptr, timeout_ns);
     }},
    {"take_wait", false,
     [](cq_queue *queue, int64_t timeout_ns) {
         Message message;
         const int result = cq_take_wait(queue, &message, timeout_ns);
         return result == CQ_OK ? cq_release(queue, &message) : result;
     }},
    {"wait", false,
     [](cq_queue *queue, int64_t timeout_ns) {
         char text[16];
         int result;
         while ((result = cq_wait(queue, timeout_ns)) == CQ_OK &&
                (result = cq_dequeue(queue, text, sizeof text, nullptr)) == CQ_EMPTY)
             ; /* others were quicker */
         return result;
     }},
    {"wait_room", true,
     [](cq_queue *queue, int64_t timeout_ns) {
         int result;
         while ((result = cq_wait_room(queue, timeout_ns)) == CQ_OK && (result = cq_enqueue(queue, "new", 3)) == CQ_FULL)
             ;
         return result;
     }},
};

class Cancel : public ::testing::TestWithParam<Kind> {
protected:
    Cancel() : queue_(Config(2, 16))
    {
        if (GetParam().producer)
            queue_.fill();
    }

    int wait(cq_queue *queue, int64_t timeout_ns = patience_ns) const { return GetParam().wait(queue, timeout_ns); }

    bool asleep(uint32_t count) const
    {
        return eventually([&] {
            const Stats stats = queue_.stat();
            return (GetParam().producer ? stats.waiting_producers : stats.waiting_consumers) == count;
        });
    }

    /* Makes one wait end as it should. */
    void serve() const
    {
        if (GetParam().producer)
            EXPECT_TRUE(queue_.dequeue().has_value());
        else
            queue_.must_enqueue("message");
    }

    Queue queue_;
};

INSTANTIATE_TEST_SUITE_P(, Cancel, ::testing::ValuesIn(kinds),
                         [](const ::testing::TestParamInfo<Kind> &info) { return std::string(info.param.name); });

TEST_P(Cancel, ends_waits_of_other_threads)
{
    std::atomic<int> cancelled{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 32; ++i)
        threads.emplace_back([&, timeout = i % 2 ? -1 : patience_ns] { cancelled += wait(queue_, timeout) == CQ_CANCELLED; });
    EXPECT_TRUE(asleep(32));
    EXPECT_EQ(cq_cancel(queue_), CQ_OK);
    for (std::thread &thread : threads)
        thread.join();
    EXPECT_EQ(cancelled, 32);
    EXPECT_TRUE(asleep(0));
}

cq_queue *of_the_handler;

/* As a service ends: its main thread waits, and SIGTERM comes. */
TEST_P(Cancel, in_a_signal_handler_ends_the_wait_it_interrupts)
{
    for (const int flags : {0, SA_RESTART}) {
        Child service([&](Channel &) {
            Handle handle = queue_.attach();
            of_the_handler = handle;
            struct sigaction action {};
            action.sa_handler = [](int) { cq_cancel(of_the_handler); };
            action.sa_flags = flags;
            ::sigaction(SIGTERM, &action, nullptr);
            return wait(handle, -1);
        });
        ASSERT_TRUE(asleep(1));
        service.signal(SIGTERM);
        EXPECT_EQ(service.join().code, CQ_CANCELLED);
    }
}

/* The handler runs in a thread that does not wait. */
TEST_P(Cancel, in_a_signal_handler_ends_the_waits_of_others)
{
    Child service([&](Channel &) {
        Handle handle = queue_.attach();
        of_the_handler = handle;
        std::signal(SIGTERM, [](int) { cq_cancel(of_the_handler); });
        int result = -1;
        std::thread waiter([&] {
            sigset_t all;
            sigfillset(&all);
            ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
            result = wait(handle, -1);
        });
        waiter.join();
        return result;
    });
    ASSERT_TRUE(asleep(1));
    service.signal(SIGTERM);
    EXPECT_EQ(service.join().code, CQ_CANCELLED);
}

TEST_P(Cancel, before_a_wait_ends_it_and_the_next_until_reset)
{
    EXPECT_EQ(cq_cancel(queue_), CQ_OK);
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(wait(queue_, -1), CQ_CANCELLED);
    EXPECT_EQ(cq_cancel(queue_), CQ_OK) << "a second time";
    EXPECT_EQ(cq_cancel_reset(queue_), CQ_OK) << "resets both";
    EXPECT_EQ(wait(queue_, to_ns(milliseconds(20))), CQ_TIMEOUT);
    EXPECT_EQ(cq_cancel_reset(queue_), CQ_OK) << "of what is not cancelled";
    serve();
    EXPECT_EQ(wait(queue_, -1), CQ_OK);
}

TEST_P(Cancel, stops_nothing_that_need_not_wait)
{
    EXPECT_EQ(cq_cancel(queue_), CQ_OK);
    serve();
    EXPECT_EQ(wait(queue_, -1), CQ_OK);
    queue_.drain();
    EXPECT_EQ(queue_.fill(), 2u);
    Message message = queue_.take();
    EXPECT_EQ(cq_return(queue_, &message), CQ_OK);
    EXPECT_EQ(queue_.drain().size(), 2u);
}

TEST_P(Cancel, leaves_other_handles_alone)
{
    Handle second = queue_.attach();
    std::atomic<int> result{-1};
    std::thread here([&] { result = wait(second); });
    Child there([&](Channel &) { return wait(queue_.attach()); });
    EXPECT_TRUE(asleep(2));
    EXPECT_EQ(cq_cancel(queue_), CQ_OK);
    EXPECT_EQ(wait(queue_, -1), CQ_CANCELLED);
    std::this_thread::sleep_for(a_while);
    EXPECT_TRUE(asleep(2));
    serve();
    serve();
    here.join();
    EXPECT_EQ(result, CQ_OK);
    EXPECT_EQ(there.join().code, CQ_OK);
}

/* At any moment of the wait, its last look before it sleeps included. */
TEST_P(Cancel, is_never_missed)
{
    Noise noise(seed());
    const uint64_t rounds = long_run() ? 20000 : 500;
    std::atomic<uint64_t> begun{0}, ended{0};
    std::atomic<int> wrong{0};
    std::thread waiter([&] {
        for (uint64_t round = 1; round <= rounds; ++round) {
            while (begun < round)
                std::this_thread::yield();
            if (wait(queue_, -1) != CQ_CANCELLED)
                ++wrong;
            ended = round;
        }
    });
    for (uint64_t round = 1; round <= rounds; ++round) {
        begun = round;
        for (uint64_t spins = noise.below(20000); spins > 0; --spins)
            std::atomic_signal_fence(std::memory_order_seq_cst);
        if (noise.once_in(10))
            std::this_thread::sleep_for(std::chrono::microseconds(noise.below(500)));
        EXPECT_EQ(cq_cancel(queue_), CQ_OK);
        if (!eventually([&] { return ended == round; }))
            FAIL() << "in round " << round; /* and the waiter's thread is still there: that ends the program */
        EXPECT_EQ(cq_cancel_reset(queue_), CQ_OK);
    }
    waiter.join();
    EXPECT_EQ(wrong, 0);
}

/* A sleeper may be woken for a message and cancelled at the same time. Then the message is another's. */
TEST_P(Cancel, uses_up_no_wake)
{
    Handle second = queue_.attach();
    for (int round = 0; round < 200; ++round) {
        std::atomic<int> cancelled{-1}, other{-1};
        std::thread one([&] { cancelled = wait(queue_, -1); });
        std::thread two([&] { other = wait(second, patience_ns); });
        EXPECT_TRUE(asleep(2));
        std::thread canceller([&] { cq_cancel(queue_); });
        serve();
        canceller.join();
        one.join();
        if (cancelled == CQ_OK)
            serve();
        else
            EXPECT_EQ(cancelled, CQ_CANCELLED);
        two.join();
        ASSERT_EQ(other, CQ_OK) << "in round " << round;
        EXPECT_EQ(cq_cancel_reset(queue_), CQ_OK);
        if (GetParam().producer)
            queue_.fill();
    }
}

/* Waits that take nothing. */
class PassOn : public Cancel {};

INSTANTIATE_TEST_SUITE_P(, PassOn, ::testing::Values(kinds[std::size(kinds) - 2], kinds[std::size(kinds) - 1]),
                         [](const ::testing::TestParamInfo<Kind> &info) { return std::string(info.param.name); });

/* Nobody takes what the first one was woken for. Looks would wake the next one as well, but 40 ms later on average. */
TEST_P(PassOn, wakes_another_sleeper)
{
    const auto sleep = GetParam().producer ? cq_wait_room : cq_wait;
    const auto pass_on = GetParam().producer ? cq_wait_room_pass_on : cq_wait_pass_on;
    Handle second = queue_.attach();
    const int rounds = 25;
    int quick = 0;
    for (int round = 0; round < rounds; ++round) {
        std::atomic<int> woken{0};
        std::thread one([&] { woken += sleep(queue_, patience_ns) == CQ_OK; });
        std::thread two([&] { woken += sleep(second, patience_ns) == CQ_OK; });
        EXPECT_TRUE(asleep(2));
        serve();
        EXPECT_TRUE(eventually([&] { return woken > 0; }));
        const auto begin = std::chrono::steady_clock::now();
        EXPECT_EQ(pass_on(queue_), CQ_OK);
        EXPECT_TRUE(eventually([&] { return woken == 2; }));
        quick += std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(20);
        one.join();
        two.join();
        if (GetParam().producer)
            queue_.fill();
        else
            EXPECT_TRUE(queue_.dequeue().has_value());
    }
    EXPECT_GE(quick, rounds / 2);
    EXPECT_EQ(pass_on(queue_), CQ_OK) << "nobody sleeps";
}

TEST(CancelRefused, where_there_is_nothing_to_wait_with)
{
    EXPECT_EQ(cq_cancel(nullptr), CQ_EINVAL);
    EXPECT_EQ(cq_cancel_reset(nullptr), CQ_EINVAL);
    Queue queue(Config(2, 16));
    Handle reader = queue.attach(CQ_READ_ONLY);
    EXPECT_EQ(cq_cancel(reader), CQ_EREADONLY);
    EXPECT_EQ(cq_cancel_reset(reader), CQ_EREADONLY);
    const End end = Child([&](Channel &) {
                        return cq_cancel(queue) != CQ_EFORK || cq_cancel_reset(queue) != CQ_EFORK;
                    }).join();
    EXPECT_EQ(end.code, 0);
    EXPECT_EQ(cq_dequeue_wait(queue, nullptr, 0, nullptr, 1), CQ_TIMEOUT) << "the child cancelled nothing";
}

} // namespace
