/*
 * The file is removed under those who wait on it: they are told, unless they want to go on.
 */
#include <atomic>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

#include "support/leftovers.hpp"
#include "support/process.hpp"

namespace {

using namespace cqtest;

constexpr int64_t three_slices = to_ns(milliseconds(300));
constexpr int64_t soon = to_ns(seconds(10)); /* a slice, on a machine that has other things to do */

/* Another process removes the name, as one that uses cqueue does, or as anything else. */
void removed_by_another(const Queue &queue, bool with_cqueue = true)
{
    const End end = Child([&](Channel &) {
                        return with_cqueue ? queue.unlink() : ::unlink(queue.path().c_str());
                    }).join();
    ASSERT_EQ(end.code, 0);
}

int dequeue_wait(const Handle &handle, int64_t timeout_ns)
{
    char text[16];
    return cq_dequeue_wait(handle, text, sizeof text, nullptr, timeout_ns);
}

int take_wait(const Handle &handle, int64_t timeout_ns)
{
    Message message;
    return cq_take_wait(handle, &message, timeout_ns);
}

int enqueue_wait(const Handle &handle, int64_t timeout_ns) { return cq_enqueue_wait(handle, "new", 3, timeout_ns); }

/* Is told while it sleeps, in this process and in another. */
void told_asleep(int (*wait)(const Handle &, int64_t), bool full, bool with_cqueue)
{
    Queue queue(Config(2, 16));
    if (full)
        queue.fill();
    std::atomic<int> here{-1};
    std::thread thread([&] { here = wait(queue, soon); });
    Child there([&](Channel &) { return wait(queue.attach(), soon); });
    EXPECT_TRUE(eventually([&] {
        const Stats stats = queue.stat();
        return stats.waiting_consumers + stats.waiting_producers == 2;
    }));
    removed_by_another(queue, with_cqueue);
    EXPECT_EQ(there.join().code, CQ_STALE);
    thread.join();
    EXPECT_EQ(here, CQ_STALE);
    EXPECT_EQ(wait(queue, soon), CQ_STALE) << "the next time";
}

TEST(Removed, is_told_to_waiting_consumers)
{
    for (const bool with_cqueue : {true, false}) {
        told_asleep(dequeue_wait, false, with_cqueue);
        told_asleep(take_wait, false, with_cqueue);
    }
}

TEST(Removed, is_told_to_waiting_producers)
{
    for (const bool with_cqueue : {true, false})
        told_asleep(enqueue_wait, true, with_cqueue);
}

/* What was accepted is delivered, and room is used: it is only sleeping that makes no sense any more. */
TEST(Removed, stops_nothing_that_need_not_wait)
{
    Queue queue(Config(2, 16));
    queue.must_enqueue("one");
    removed_by_another(queue);
    EXPECT_EQ(enqueue_wait(queue, soon), CQ_OK);
    EXPECT_EQ(enqueue_wait(queue, soon), CQ_STALE);
    EXPECT_EQ(take_wait(queue, soon), CQ_OK);
    EXPECT_EQ(dequeue_wait(queue, soon), CQ_OK);
    EXPECT_EQ(dequeue_wait(queue, soon), CQ_STALE);
    EXPECT_EQ(queue.dequeue(), std::nullopt);
    EXPECT_EQ(dequeue_wait(queue, 0), CQ_TIMEOUT) << "who never sleeps need not be told";
}

TEST(Removed, is_told_where_another_file_has_the_name)
{
    Queue queue(Config(2, 16));
    const std::string other = unique_name();
    const Queue another(Config(2, 16), Shape(), other);
    ASSERT_EQ(::rename(another.path().c_str(), queue.path().c_str()), 0);
    EXPECT_EQ(dequeue_wait(queue, soon), CQ_STALE);
    EXPECT_EQ(dequeue_wait(queue.attach(), three_slices), CQ_TIMEOUT) << "it opens the other one";
}

/* It is a file of that name no more, but those who know its other name meet in it. */
TEST(Removed, is_not_said_of_a_file_that_has_another_name)
{
    Queue queue(Config(2, 16));
    const std::string second = unique_name();
    ASSERT_EQ(::link(queue.path().c_str(), ("/dev/shm/cqueue." + second).c_str()), 0);
    removed_by_another(queue);
    EXPECT_EQ(dequeue_wait(queue, three_slices), CQ_TIMEOUT);
    Handle(second, Config(0, 0, CQ_ATTACH)).must_enqueue("hello");
    EXPECT_EQ(dequeue_wait(queue, soon), CQ_OK);
    EXPECT_EQ(cq_unlink(second.c_str(), nullptr), CQ_OK);
}

TEST(Removed, stops_nobody_who_wants_to_go_on)
{
    Queue queue(Config(2, 16));
    Handle keeper = queue.attach(CQ_ATTACH | CQ_KEEP_UNLINKED), other = queue.attach();
    removed_by_another(queue);
    EXPECT_EQ(dequeue_wait(keeper, three_slices), CQ_TIMEOUT);
    EXPECT_EQ(dequeue_wait(other, soon), CQ_STALE) << "a flag of the handle, not of the queue";
    std::thread producer([&] {
        std::this_thread::sleep_for(milliseconds(250));
        other.must_enqueue("hello");
    });
    EXPECT_EQ(dequeue_wait(keeper, soon), CQ_OK);
    producer.join();
}

/* Of a handle one thread looks around, and that may be the helper of its descriptor. */
TEST(Removed, is_told_beside_a_descriptor)
{
    Queue queue(Config(2, 16));
    int fd = -1;
    ASSERT_EQ(cq_fd(queue, &fd), CQ_OK);
    std::this_thread::sleep_for(milliseconds(100)); /* the helper sleeps first */
    removed_by_another(queue);
    EXPECT_TRUE(eventually([&] { return dequeue_wait(queue, to_ns(milliseconds(1))) == CQ_STALE; }));
    EXPECT_EQ(dequeue_wait(queue, soon), CQ_STALE);
}

/* As programs do that hide a queue on purpose once all who are meant have it. Those in other processes did not do it. */
TEST(Removed, stops_nobody_who_removed_it)
{
    Queue queue(Config(2, 16));
    Handle second = queue.attach();
    Child other([&](Channel &channel) {
        Handle handle = queue.attach();
        channel.put('r');
        (void)channel.get();
        return dequeue_wait(handle, soon);
    });
    ASSERT_TRUE(other.get());
    ASSERT_EQ(queue.unlink(), CQ_OK);
    EXPECT_EQ(dequeue_wait(queue, three_slices), CQ_TIMEOUT);
    EXPECT_EQ(take_wait(second, three_slices), CQ_TIMEOUT) << "all handles of the process";
    other.put('g');
    EXPECT_EQ(other.join().code, CQ_STALE);
}

} // namespace
