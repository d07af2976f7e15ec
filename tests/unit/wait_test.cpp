/* Sleeping while the queue is empty or full, and being woken. */
#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#include "support/leftovers.hpp"
#include "support/shapes.hpp"

namespace cqtest {
namespace {

/* A call that is expected to sleep, in a thread of its own. */
class Sleeper {
public:
    template <class Call>
    explicit Sleeper(Call &&call) : thread_([this, call] {
        result_ = call();
        done_ = true;
    })
    {
    }
    ~Sleeper() { thread_.join(); }

    bool done() const { return done_; }

    /* The result, once it is there; 99 if it never is, and then the destructor waits for the call's own time-out. */
    int result() const { return eventually([this] { return done(); }) ? result_.load() : 99; }

private:
    std::atomic<int> result_{98};
    std::atomic<bool> done_{false};
    std::thread thread_;
};

bool consumers_asleep(const Handle &queue, uint32_t count)
{
    return eventually([&] { return queue.stat().waiting_consumers == count; });
}

bool producers_asleep(const Handle &queue, uint32_t count)
{
    return eventually([&] { return queue.stat().waiting_producers == count; });
}

/* Of the only handle that waits: nanoseconds since 1970, 0 while none does. */
int64_t waiting_since(const Handle &queue)
{
    int64_t since = 0;
    auto look = [](const cq_participant *participant, void *context) {
        auto &found = *static_cast<int64_t *>(context);
        found = std::max(found, participant->waiting_since);
        return 0;
    };
    EXPECT_EQ(cq_participants(queue, look, &since), CQ_OK);
    return since;
}

int64_t nanoseconds_since_1970()
{
    return std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
}

TEST(WaitingSince, is_when_the_first_of_several_short_waits_began)
{
    const Queue queue(Config(2, 16));
    const Handle other(queue.name(), Config(0, 0, CQ_ATTACH));
    const int64_t clock_step = 20000000; /* times of sleepers are read coarsely */
    std::atomic<bool> enough{false};
    int64_t since = 0;
    {
        const Sleeper sleeper([&] {
            while (!enough)
                cq_dequeue_wait(queue, nullptr, 0, nullptr, 10000000);
            return CQ_OK;
        });
        EXPECT_TRUE(eventually([&] {
            since = waiting_since(other);
            return since != 0 && nanoseconds_since_1970() - since > 200000000;
        }));
        enough = true;
    }
    EXPECT_EQ(cq_enqueue(queue, "", 0), CQ_OK);
    EXPECT_EQ(cq_dequeue_wait(queue, nullptr, 0, nullptr, 0), CQ_OK);
    const int64_t served = nanoseconds_since_1970();
    const Sleeper sleeper([&] { return cq_dequeue_wait(queue, nullptr, 0, nullptr, -1); });
    EXPECT_TRUE(eventually([&] { return (since = waiting_since(other)) != 0; }));
    EXPECT_GT(since, served - clock_step);
    EXPECT_EQ(cq_enqueue(queue, "", 0), CQ_OK);
    EXPECT_EQ(sleeper.result(), CQ_OK);
}

using Wait = OverShapes;
CQTEST_OVER_SHAPES(Wait);

TEST_P(Wait, on_an_empty_queue_times_out)
{
    Queue queue(Config(4, 16), GetParam());
    char buffer[16];
    size_t size = 77;
    Message message;
    for (const int64_t timeout : {INT64_C(0), INT64_C(1), INT64_C(20000000)}) {
        EXPECT_EQ(cq_dequeue_wait(queue, buffer, sizeof buffer, &size, timeout), CQ_TIMEOUT);
        EXPECT_EQ(cq_take_wait(queue, &message, timeout), CQ_TIMEOUT);
    }
    EXPECT_EQ(message.data, nullptr);
    EXPECT_EQ(queue.stat().waiting_consumers, 0u);
}

TEST_P(Wait, on_a_full_queue_times_out)
{
    Queue queue(Config(2, 16), GetParam());
    ASSERT_EQ(queue.fill(), 2u);
    for (const int64_t timeout : {INT64_C(0), INT64_C(1), INT64_C(20000000)})
        EXPECT_EQ(cq_enqueue_wait(queue, "x", 1, timeout), CQ_TIMEOUT);
    EXPECT_EQ(queue.stat().waiting_producers, 0u);
    EXPECT_EQ(queue.stat().length, 2u);
}

TEST_P(Wait, does_not_return_before_its_time)
{
    Queue queue(Config(1, 16), GetParam());
    const auto begin = Clock::now();
    Message message;
    EXPECT_EQ(cq_take_wait(queue, &message, to_ns(milliseconds(150))), CQ_TIMEOUT);
    EXPECT_GE(Clock::now() - begin, milliseconds(150)) << "more than one slice of the wait";
}

TEST_P(Wait, a_sleeping_consumer_is_woken_by_a_message)
{
    Queue queue(Config(4, 16), GetParam());
    char buffer[16] = {};
    size_t size = 0;
    Sleeper sleeper([&] { return cq_dequeue_wait(queue, buffer, sizeof buffer, &size, patience_ns); });
    ASSERT_TRUE(consumers_asleep(queue, 1));
    EXPECT_FALSE(sleeper.done());
    queue.must_enqueue("wake");
    EXPECT_EQ(sleeper.result(), CQ_OK);
    EXPECT_EQ(std::string(buffer, size), "wake");
    EXPECT_TRUE(consumers_asleep(queue, 0));
}

TEST_P(Wait, a_sleeping_producer_is_woken_by_room)
{
    Queue queue(Config(2, 16), GetParam());
    queue.must_enqueue("a");
    queue.must_enqueue("b");
    Sleeper sleeper([&] { return cq_enqueue_wait(queue, "c", 1, patience_ns); });
    ASSERT_TRUE(producers_asleep(queue, 1));
    EXPECT_FALSE(sleeper.done());
    EXPECT_EQ(queue.dequeue(), "a");
    EXPECT_EQ(sleeper.result(), CQ_OK);
    EXPECT_EQ(queue.drain(), (std::vector<std::string>{"b", "c"}));
}

TEST_P(Wait, without_taking_tells_that_there_is_a_message_and_leaves_it)
{
    Queue queue(Config(2, 16), GetParam());
    EXPECT_EQ(cq_wait(queue, 0), CQ_TIMEOUT);
    EXPECT_EQ(cq_wait(queue, 20000000), CQ_TIMEOUT);
    Sleeper sleeper([&] { return cq_wait(queue, patience_ns); });
    ASSERT_TRUE(consumers_asleep(queue, 1));
    queue.must_enqueue("x");
    EXPECT_EQ(sleeper.result(), CQ_OK);
    EXPECT_EQ(cq_wait(queue, 0), CQ_OK) << "it is there still";
    Message message;
    ASSERT_EQ(cq_take(queue, &message), CQ_OK);
    EXPECT_EQ(cq_wait(queue, 0), CQ_TIMEOUT);
    ASSERT_EQ(cq_return(queue, &message), CQ_OK);
    EXPECT_EQ(cq_wait(queue, 0), CQ_OK) << "given back";
    EXPECT_EQ(queue.drain(), std::vector<std::string>{"x"});
}

TEST_P(Wait, without_enqueueing_tells_that_there_is_room)
{
    Queue queue(Config(2, 16), GetParam());
    EXPECT_EQ(cq_wait_room(queue, 0), CQ_OK);
    queue.fill();
    EXPECT_EQ(cq_wait_room(queue, 0), CQ_TIMEOUT);
    EXPECT_EQ(cq_wait_room(queue, 20000000), CQ_TIMEOUT);
    Sleeper sleeper([&] { return cq_wait_room(queue, patience_ns); });
    ASSERT_TRUE(producers_asleep(queue, 1));
    ASSERT_TRUE(queue.dequeue().has_value());
    EXPECT_EQ(sleeper.result(), CQ_OK);
    EXPECT_EQ(queue.fill(), 1u);
}

TEST_P(Wait, for_ever_ends_when_something_comes)
{
    Queue queue(Config(1, 16), GetParam());
    Message message;
    {
        Sleeper sleeper([&] { return cq_take_wait(queue, &message, -1); });
        ASSERT_TRUE(consumers_asleep(queue, 1));
        queue.must_enqueue("x");
        EXPECT_EQ(sleeper.result(), CQ_OK);
    }
    ASSERT_EQ(cq_release(queue, &message), CQ_OK);
    queue.must_enqueue("full");
    Sleeper sleeper([&] { return cq_enqueue_wait(queue, "y", 1, INT64_MIN); });
    ASSERT_TRUE(producers_asleep(queue, 1));
    EXPECT_EQ(queue.dequeue(), "full");
    EXPECT_EQ(sleeper.result(), CQ_OK);
}

TEST_P(Wait, every_way_of_producing_wakes_a_consumer)
{
    Queue queue(Config(4, 16), GetParam());
    const auto commit_one = [&] {
        Message message = queue.reserve(1);
        return cq_commit(queue, &message, 1);
    };
    const auto enqueue_batch_of_one = [&] {
        const cq_slice slice{const_cast<char *>("x"), 1};
        size_t done = 0;
        return cq_enqueue_batch(queue, &slice, 1, &done);
    };
    const auto give_back = [&] {
        queue.must_enqueue("x");
        Message message;
        /* The sleeper may be faster, and has been woken by the message then. */
        return cq_take(queue, &message) == CQ_OK ? cq_return(queue, &message) : CQ_OK;
    };
    const auto leave_behind = [&] {
        Handle other = queue.attach();
        other.must_enqueue("x");
        Message message;
        cq_take(other, &message);
        return CQ_OK;
    };
    const std::function<int()> ways[] = {[&] { return queue.enqueue("x"); },
                                         [&] { return cq_enqueue_wait(queue, "x", 1, 0); },
                                         commit_one,
                                         enqueue_batch_of_one,
                                         give_back,
                                         leave_behind};
    for (const auto &way : ways) {
        Message message;
        Sleeper sleeper([&] { return cq_take_wait(queue, &message, patience_ns); });
        ASSERT_TRUE(consumers_asleep(queue, 1));
        ASSERT_EQ(way(), CQ_OK);
        ASSERT_EQ(sleeper.result(), CQ_OK);
        ASSERT_EQ(cq_release(queue, &message), CQ_OK);
    }
}

TEST_P(Wait, every_way_of_consuming_wakes_a_producer)
{
    Queue queue(Config(1, 16), GetParam());
    char buffer[16];
    size_t size = 0;
    Message held;
    const auto dequeue_batch_of_one = [&] {
        cq_slice slice;
        return cq_dequeue_batch(queue, buffer, sizeof buffer, &slice, 1, &size);
    };
    const std::function<int()> ways[] = {[&] { return cq_dequeue(queue, buffer, sizeof buffer, &size); },
                                         [&] { return cq_dequeue_wait(queue, buffer, sizeof buffer, &size, 0); },
                                         dequeue_batch_of_one,
                                         [&] { return cq_take(queue, &held); }};
    queue.must_enqueue("full");
    for (const auto &way : ways) {
        Sleeper sleeper([&] { return cq_enqueue_wait(queue, "next", 4, patience_ns); });
        ASSERT_TRUE(producers_asleep(queue, 1));
        ASSERT_EQ(way(), CQ_OK);
        ASSERT_EQ(sleeper.result(), CQ_OK);
    }
    EXPECT_EQ(cq_release(queue, &held), CQ_OK);
    queue.drain();

    Message open = queue.reserve(1);
    Sleeper sleeper([&] { return cq_enqueue_wait(queue, "last", 4, patience_ns); });
    ASSERT_TRUE(producers_asleep(queue, 1));
    ASSERT_EQ(cq_abort(queue, &open), CQ_OK);
    ASSERT_EQ(sleeper.result(), CQ_OK);
    EXPECT_EQ(queue.drain(), std::vector<std::string>{"last"});
}

TEST_P(Wait, one_message_serves_one_sleeper)
{
    Queue queue(Config(4, 16), GetParam());
    Message messages[3];
    Sleeper first([&] { return cq_take_wait(queue, &messages[0], patience_ns); });
    Sleeper second([&] { return cq_take_wait(queue, &messages[1], patience_ns); });
    Sleeper third([&] { return cq_take_wait(queue, &messages[2], patience_ns); });
    ASSERT_TRUE(consumers_asleep(queue, 3));
    const auto done = [&] { return first.done() + second.done() + third.done(); };
    for (int served = 1; served <= 3; ++served) {
        queue.must_enqueue(std::to_string(served));
        EXPECT_TRUE(eventually([&] { return done() == served; }));
        std::this_thread::sleep_for(a_while);
        EXPECT_EQ(done(), served) << "the others must go on sleeping";
        EXPECT_TRUE(consumers_asleep(queue, static_cast<uint32_t>(3 - served)));
    }
}

TEST_P(Wait, a_batch_serves_as_many_as_it_has_messages)
{
    Queue queue(Config(4, 16), GetParam());
    Message messages[3];
    Sleeper first([&] { return cq_take_wait(queue, &messages[0], patience_ns); });
    Sleeper second([&] { return cq_take_wait(queue, &messages[1], patience_ns); });
    Sleeper third([&] { return cq_take_wait(queue, &messages[2], patience_ns); });
    ASSERT_TRUE(consumers_asleep(queue, 3));
    const cq_slice slices[] = {{const_cast<char *>("1"), 1}, {const_cast<char *>("2"), 1}, {const_cast<char *>("3"), 1}};
    size_t done = 0;
    ASSERT_EQ(cq_enqueue_batch(queue, slices, 3, &done), CQ_OK);
    EXPECT_EQ(first.result(), CQ_OK);
    EXPECT_EQ(second.result(), CQ_OK);
    EXPECT_EQ(third.result(), CQ_OK);
}

TEST_P(Wait, sleepers_on_other_handles_are_woken_too)
{
    Queue queue(Config(1, 16), GetParam());
    const Handle other = queue.attach();
    Message message;
    {
        Sleeper sleeper([&] { return cq_take_wait(other, &message, patience_ns); });
        ASSERT_TRUE(consumers_asleep(queue, 1));
        queue.must_enqueue("x");
        EXPECT_EQ(sleeper.result(), CQ_OK);
    }
    queue.must_enqueue("full");
    Sleeper sleeper([&] { return cq_enqueue_wait(queue, "y", 1, patience_ns); });
    ASSERT_TRUE(producers_asleep(other, 1));
    EXPECT_EQ(other.dequeue(), "full");
    EXPECT_EQ(sleeper.result(), CQ_OK);
    EXPECT_EQ(cq_release(other, &message), CQ_OK);
}

extern "C" void ignore_signal(int) {}

TEST(WaitSignals, do_not_end_the_wait)
{
    struct sigaction action = {}, before;
    action.sa_handler = ignore_signal; /* without SA_RESTART */
    ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
    Queue queue(Config(1, 16));
    Message message;
    std::atomic<bool> done{false};
    std::atomic<int> result{98};
    std::thread sleeper([&] {
        result = cq_take_wait(queue, &message, patience_ns);
        done = true;
    });
    EXPECT_TRUE(consumers_asleep(queue, 1));
    for (int i = 0; i < 20; ++i) {
        ::pthread_kill(sleeper.native_handle(), SIGUSR1);
        std::this_thread::sleep_for(milliseconds(1));
    }
    EXPECT_FALSE(done);
    queue.must_enqueue("x");
    sleeper.join();
    EXPECT_EQ(result, CQ_OK);
    ::sigaction(SIGUSR1, &before, nullptr);
}

TEST(WaitOrder, a_waiting_consumer_keeps_the_queue_empty)
{
    Queue queue(Config(2, 16));
    constexpr int count = 2000;
    std::vector<int> got;
    std::thread consumer([&] {
        while (got.size() < count) {
            int value = -1;
            if (cq_dequeue_wait(queue, &value, sizeof value, nullptr, patience_ns) != CQ_OK)
                return;
            got.push_back(value);
        }
    });
    int refused = 0;
    for (int i = 0; i < count && refused == 0; ++i)
        refused = cq_enqueue_wait(queue, &i, sizeof i, patience_ns);
    EXPECT_EQ(refused, CQ_OK);
    consumer.join();
    ASSERT_EQ(got.size(), static_cast<size_t>(count));
    for (int i = 0; i < count; ++i)
        ASSERT_EQ(got[static_cast<size_t>(i)], i);
}

} // namespace
} // namespace cqtest
