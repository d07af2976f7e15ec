/*
 * What it costs to wait: next to nothing, and a message that comes costs one sleeper its sleep, not all of them.
 */
#include <thread>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "support/leftovers.hpp"
#include "support/process.hpp"

namespace cqtest {
namespace {

rusage usage()
{
    rusage now{};
    ::getrusage(RUSAGE_SELF, &now);
    return now;
}

double milliseconds_of(const rusage &used)
{
    return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e3 +
           static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e3;
}

/* CPU time that a process spends while `count` of its threads wait for a second, in milliseconds. */
template <class Wait>
double time_of_waiting(const Queue &queue, uint32_t count, Wait wait)
{
    Child child([&](Channel &channel) {
        const Handle mine = queue.attach();
        std::vector<std::thread> threads;
        std::atomic<bool> stop{false};
        for (uint32_t i = 0; i < count; ++i)
            threads.emplace_back([&] {
                while (!stop)
                    wait(mine);
            });
        const auto all_asleep = [&] {
            const Stats stats = mine.stat();
            return stats.waiting_consumers + stats.waiting_producers == count;
        };
        const bool asleep = eventually(all_asleep);
        const double before = milliseconds_of(usage());
        std::this_thread::sleep_for(seconds(1));
        const double used = milliseconds_of(usage()) - before;
        channel.put(asleep && all_asleep() ? used : 1e9);
        stop = true;
        std::fflush(nullptr);
        ::_exit(0); /* the threads wait for ever */
    });
    return child.get<double>().value_or(1e9);
}

TEST(Waiter, for_a_message_uses_no_processor_time)
{
    Queue queue(Config(10, 56));
    const auto wait = [](cq_queue *mine) { cq_dequeue_wait(mine, nullptr, 0, nullptr, -1); };
    EXPECT_LT(time_of_waiting(queue, 1, wait), 20);
    EXPECT_LT(time_of_waiting(queue, 100, wait), 200);
}

TEST(Waiter, for_room_uses_no_processor_time)
{
    Queue queue(Config(10, 56));
    queue.fill();
    const auto wait = [](cq_queue *mine) { cq_enqueue_wait(mine, "x", 1, -1); };
    EXPECT_LT(time_of_waiting(queue, 1, wait), 20);
    EXPECT_LT(time_of_waiting(queue, 100, wait), 200);
}

TEST(Waiter, on_the_descriptor_uses_no_processor_time)
{
    Queue queue(Config(10, 56));
    Child child([&](Channel &channel) {
        const Handle mine = queue.attach();
        pollfd wanted{-1, POLLIN, 0};
        if (cq_fd(mine, &wanted.fd) != CQ_OK)
            return 1;
        const double before = milliseconds_of(usage());
        const int ready = ::poll(&wanted, 1, 1000);
        channel.put(ready == 0 ? milliseconds_of(usage()) - before : 1e9);
        return 0;
    });
    EXPECT_LT(child.get<double>().value_or(1e9), 20);
}

/*
 * How often do 20 sleepers get up for 200 messages, one after the other? Each time one gives the processor up and sleeps
 * again is counted by the kernel. They also do so at the end of each slice of 100 ms, of which there are as many as the
 * time allows.
 */
TEST(Waiters, get_up_one_for_each_message)
{
    constexpr long sleepers = 20, messages = 200;
    Queue queue(Config(100, 56));
    Shared<std::atomic<long>> served;
    Child child([&](Channel &channel) {
        const Handle mine = queue.attach();
        std::vector<std::thread> threads;
        for (long i = 0; i < sleepers; ++i)
            threads.emplace_back([&] {
                char buffer[56];
                while (cq_dequeue_wait(mine, buffer, sizeof buffer, nullptr, -1) == CQ_OK)
                    ++*served;
            });
        /* Blocked itself meanwhile, so that what is counted is theirs. */
        for (;;) {
            channel.get();
            channel.put(usage().ru_nvcsw);
        }
    });
    const auto all_asleep = [&] { return queue.stat().waiting_consumers == sleepers; };
    const auto sleeps = [&] { return child.put('?') ? child.get<long>().value_or(-1) : -1; };

    ASSERT_TRUE(eventually(all_asleep));
    const long before = sleeps();
    const auto begin = Clock::now();
    for (long i = 1; i <= messages; ++i) {
        queue.must_enqueue("one");
        ASSERT_TRUE(eventually([&] { return *served == i && all_asleep(); })) << i;
    }
    const long slices = static_cast<long>((Clock::now() - begin) / milliseconds(100)) + 1;
    const long slept = sleeps() - before;
    EXPECT_GE(slept, messages / 2) << "the count counts nothing";
    EXPECT_LE(slept, 2 * messages + sleepers * slices);
}

} // namespace
} // namespace cqtest
