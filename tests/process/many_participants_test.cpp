/*
 * A thousand participants: what one of them asks of the kernel does not grow with their number, and one that dies is found.
 */
#include <memory>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "support/leftovers.hpp"
#include "support/process.hpp"
#include "support/system_calls.hpp"

namespace {

using namespace cqtest;

constexpr seconds soon{20};
constexpr unsigned bound = 200; /* system calls: what a look takes, and whatever else a call is there for */

/* A few processes with a thousand handles together. However low the limit on descriptors is, there are so many processes. */
class Thousand {
public:
    static constexpr unsigned count = 1000;

    explicit Thousand(const Queue &queue)
    {
        rlimit limit;
        if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max < 128)
            throw std::runtime_error("no process may have 128 descriptors here");
        const unsigned share = static_cast<unsigned>(std::min<rlim_t>(250, limit.rlim_max - 96));
        for (unsigned opened = 0; opened < count; opened += share)
            children_.emplace_back([&, number = std::min(share, count - opened)](Channel &channel) {
                const rlimit all{limit.rlim_max, limit.rlim_max};
                ::setrlimit(RLIMIT_NOFILE, &all);
                std::vector<Handle> handles;
                while (handles.size() < number)
                    handles.push_back(queue.attach());
                channel.put('r');
                (void)channel.get(std::chrono::hours(1)); /* until nobody is there any more */
            });
        for (const Child &child : children_)
            if (!child.get())
                throw std::runtime_error("a child could not open its handles");
    }

private:
    std::vector<Child> children_;
};

/* The system calls of operation(handle) in a process that has attached before. */
template <class Operation>
unsigned system_calls(const Queue &queue, Operation operation)
{
    TracedChild traced([&] { return queue.attach(); }, [=](Handle &handle) { return operation(handle); },
                       [](Handle &, int result, Channel &) { return result; });
    const unsigned count = traced.run([](const TracedChild::Call &) { return 0; });
    EXPECT_EQ(traced.child().join().code, 0);
    return count;
}

int open_another(const Queue &queue)
{
    cq_queue *another = nullptr;
    const Config config(0, 0, CQ_ATTACH);
    return cq_open(queue.name().c_str(), &config, &another);
}

TEST(ManyParticipants, do_not_make_opening_slower)
{
    Queue queue(Config(1000, 16));
    const auto open = [&](const Handle &) { return open_another(queue); };
    const unsigned alone = system_calls(queue, open);
    const Thousand others(queue);
    EXPECT_LE(system_calls(queue, open), alone + bound);
}

TEST(ManyParticipants, do_not_make_waiting_dearer)
{
    Queue queue(Config(1000, 16));
    const Thousand others(queue);
    const auto wait = [](const Handle &handle) {
        Message message;
        return cq_take_wait(handle, &message, to_ns(milliseconds(350))) == CQ_TIMEOUT ? 0 : 1;
    };
    EXPECT_LE(system_calls(queue, wait), 4 * bound) << "in four slices";
}

/* The victim is the newest participant, and there before whoever finds it begins. */
class FoundAmongMany : public ::testing::Test {
protected:
    FoundAmongMany() : queue_(Config(1000, 16)), others_(queue_) {}

    Queue queue_;
    const Thousand others_;
};

TEST_F(FoundAmongMany, is_a_dead_consumer_by_who_polls)
{
    queue_.must_enqueue("precious");
    ASSERT_TRUE(dies_holding(queue_, [](const Handle &handle) { handle.take(); }));
    EXPECT_TRUE(eventually([&] { return queue_.dequeue() == "precious"; }, soon));
}

TEST_F(FoundAmongMany, is_a_dead_producer_by_who_polls)
{
    ASSERT_TRUE(dies_holding(queue_, [](const Handle &handle) {
        for (int i = 0; i < 1000; ++i)
            handle.reserve(16);
    }));
    EXPECT_TRUE(eventually([&] { return queue_.enqueue("new") == CQ_OK; }, soon));
}

TEST_F(FoundAmongMany, is_one_that_held_nothing_by_who_polls)
{
    ASSERT_TRUE(dies_holding(queue_, [](const Handle &) {}));
    Handle witness = queue_.attach(CQ_READ_ONLY);
    EXPECT_TRUE(eventually([&] { return !queue_.dequeue() && witness.stat().reaped == 1; }, soon));
    EXPECT_EQ(witness.stat().participants, Thousand::count + 1);
}

/* Who comes takes his turn to look. All of them together have to get around. */
TEST_F(FoundAmongMany, is_one_that_slept_by_those_who_come_and_go)
{
    Child victim([&](Channel &) {
        Message message;
        return cq_take_wait(queue_.attach(), &message, -1);
    });
    Handle witness = queue_.attach(CQ_READ_ONLY);
    ASSERT_TRUE(eventually([&] { return witness.stat().waiting_consumers == 1; }, soon));
    ASSERT_EQ(victim.kill().signal, SIGKILL);
    EXPECT_TRUE(eventually([&] { return queue_.attach().stat().reaped == 1; }, soon));
}

TEST_F(FoundAmongMany, is_a_dead_consumer_by_who_sleeps)
{
    queue_.must_enqueue("precious");
    ASSERT_TRUE(dies_holding(queue_, [](const Handle &handle) { handle.take(); }));
    Message message;
    EXPECT_EQ(cq_take_wait(queue_, &message, to_ns(soon)), CQ_OK);
}

} // namespace
