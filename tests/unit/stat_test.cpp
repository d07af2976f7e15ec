/* cq_stat: every field. */
#include <ctime>

#include <sys/stat.h>

#include "shapes.hpp"
#include "support/leftovers.hpp"

namespace cqtest {
namespace {

using Stat = OverShapes;
CQTEST_OVER_SHAPES(Stat);

TEST_P(Stat, tells_the_geometry)
{
    Queue queue(Config(1000, 100), GetParam());
    const Stats stats = queue.stat();
    EXPECT_EQ(stats.struct_size, sizeof(cq_stats));
    EXPECT_EQ(stats.format_version, 1u);
    EXPECT_EQ(stats.capacity, 1000u);
    EXPECT_EQ(stats.max_message_size, 100u);
    EXPECT_EQ(stats.slots_per_node, k());
    EXPECT_GE(stats.nodes * stats.slots_per_node, 1000u);
    EXPECT_EQ(stats.reserved, 0u);
}

TEST(StatDefaults, are_those_of_the_header)
{
    Queue queue;
    EXPECT_EQ(queue.stat().capacity, 65536u);
    EXPECT_EQ(queue.stat().max_message_size, 4096u);
}

TEST_P(Stat, of_a_new_queue_counts_nothing)
{
    Queue queue(Config(10, 8), GetParam());
    const Stats stats = queue.stat();
    EXPECT_EQ(stats.length, 0u);
    EXPECT_EQ(stats.orphans, 0u);
    EXPECT_EQ(stats.enqueued, 0u);
    EXPECT_EQ(stats.dequeued, 0u);
    EXPECT_EQ(stats.redelivered, 0u);
    EXPECT_EQ(stats.returned, 0u);
    EXPECT_EQ(stats.voided, 0u);
    EXPECT_EQ(stats.reaped, 0u);
    EXPECT_EQ(stats.participants, 1u);
    EXPECT_EQ(stats.waiting_producers, 0u);
    EXPECT_EQ(stats.waiting_consumers, 0u);
    EXPECT_EQ(stats.unlinked, 0u);
}

TEST_P(Stat, counts_messages)
{
    Queue queue(Config(3 * k() + 10, 8), GetParam());
    for (uint64_t i = 0; i < 3 * k() + 10; ++i) {
        queue.must_enqueue("x");
        ASSERT_EQ(queue.stat().enqueued, i + 1);
        ASSERT_EQ(queue.stat().length, i + 1);
    }
    EXPECT_EQ(queue.enqueue("refused"), CQ_FULL);
    EXPECT_EQ(queue.stat().enqueued, 3 * k() + 10);
    for (uint64_t i = 0; i < 3 * k() + 10; ++i) {
        queue.dequeue();
        ASSERT_EQ(queue.stat().dequeued, i + 1);
        ASSERT_EQ(queue.stat().length, 3 * k() + 9 - i);
    }
    EXPECT_EQ(queue.dequeue(), std::nullopt);
    EXPECT_EQ(queue.stat().dequeued, 3 * k() + 10);
    EXPECT_EQ(queue.stat().enqueued, 3 * k() + 10);
}

TEST_P(Stat, does_not_count_places_without_a_message)
{
    Queue queue(Config(8, 8), GetParam());
    for (uint64_t i = 0; i < k() + 3; ++i) {
        Message hole = queue.reserve(1);
        ASSERT_EQ(cq_abort(queue, &hole), CQ_OK);
        Message late = queue.reserve(1);
        queue.must_enqueue("x");
        ASSERT_EQ(queue.dequeue(), "x");
        ASSERT_EQ(queue.stat().voided, i + 1);
        ASSERT_EQ(cq_abort(queue, &late), CQ_OK);
        const Stats stats = queue.stat();
        ASSERT_EQ(stats.enqueued, i + 1);
        ASSERT_EQ(stats.dequeued, i + 1);
        ASSERT_EQ(stats.length, 0u);
    }
}

TEST_P(Stat, counts_a_message_that_was_moved_once)
{
    Queue queue(Config(8, 8), GetParam());
    Message late = queue.reserve(1);
    queue.must_enqueue("x");
    ASSERT_EQ(queue.dequeue(), "x");
    ASSERT_EQ(cq_commit(queue, &late, 1), CQ_OK);
    EXPECT_EQ(queue.stat().enqueued, 2u);
    EXPECT_EQ(queue.stat().length, 1u);
    EXPECT_EQ(queue.stat().voided, 1u);
    queue.drain();
    EXPECT_EQ(queue.stat().dequeued, 2u);
}

TEST_P(Stat, counts_redelivery)
{
    Queue queue(Config(8, 8), GetParam());
    queue.must_enqueue("a");
    queue.must_enqueue("b");
    Message message = queue.take();
    ASSERT_EQ(cq_return(queue, &message), CQ_OK);
    Stats stats = queue.stat();
    EXPECT_EQ(stats.returned, 1u);
    EXPECT_EQ(stats.orphans, 1u);
    EXPECT_EQ(stats.length, 2u);
    EXPECT_EQ(stats.redelivered, 0u);
    message = queue.take();
    stats = queue.stat();
    EXPECT_EQ(stats.redelivered, 1u);
    EXPECT_EQ(stats.dequeued, 1u);
    EXPECT_EQ(stats.orphans, 0u);
    EXPECT_EQ(stats.length, 1u);
    ASSERT_EQ(cq_release(queue, &message), CQ_OK);
    queue.drain();
    stats = queue.stat();
    EXPECT_EQ(stats.enqueued, 2u);
    EXPECT_EQ(stats.dequeued, 2u);
    EXPECT_EQ(stats.redelivered, 1u);
    EXPECT_EQ(stats.returned, 1u);
    EXPECT_EQ(stats.length, 0u);
}

TEST_P(Stat, counts_participants)
{
    Queue queue(Config(8, 8), GetParam());
    Handle second = queue.attach();
    Handle third = queue.attach();
    const Handle reader = queue.attach(CQ_READ_ONLY);
    EXPECT_EQ(queue.stat().participants, 3u) << "a reader takes part in nothing";
    EXPECT_EQ(reader.stat().participants, 3u);
    second.close();
    EXPECT_EQ(queue.stat().participants, 2u);
    third.close();
    EXPECT_EQ(queue.stat().participants, 1u);
    EXPECT_EQ(queue.stat().reaped, 0u) << "closing is not dying";
}

TEST_P(Stat, counts_the_dead_that_were_cleaned_up_after)
{
    Queue queue(Config(8, 8), GetParam());
    for (uint64_t i = 1; i <= 3; ++i) {
        Child child([&](Channel &channel) {
            const Handle handle = queue.attach();
            handle.reserve(1);
            channel.put('r');
            channel.get();
        });
        ASSERT_EQ(child.get(), 'r');
        EXPECT_EQ(queue.stat().participants, 2u);
        child.kill();
        queue.recover();
        EXPECT_EQ(queue.stat().participants, 1u);
        EXPECT_EQ(queue.stat().reaped, i);
    }
}

TEST_P(Stat, counts_nodes)
{
    Queue queue(Config(8 * k(), 8), GetParam());
    Stats stats = queue.stat();
    EXPECT_GE(stats.nodes, 9u);
    EXPECT_EQ(stats.nodes_linked, 1u) << "the list always has one node";
    EXPECT_LE(stats.nodes_touched, 2u);
    queue.fill();
    stats = queue.stat();
    EXPECT_GE(stats.nodes_linked, 8u);
    EXPECT_LE(stats.nodes_linked, 9u);
    EXPECT_GE(stats.nodes_touched, stats.nodes_linked);
    EXPECT_LE(stats.nodes_touched, stats.nodes);
    queue.drain();
    stats = queue.stat();
    EXPECT_LE(stats.nodes_linked, 2u) << "the others are free again";
}

TEST_P(Stat, tells_what_the_file_takes)
{
    Queue queue(Config(100 * k(), 100), GetParam());
    struct stat file;
    queue.must_enqueue("x");
    ASSERT_EQ(::stat(queue.path().c_str(), &file), 0);
    Stats stats = queue.stat();
    EXPECT_EQ(stats.file_size, static_cast<uint64_t>(file.st_size));
    EXPECT_EQ(stats.memory, static_cast<uint64_t>(file.st_blocks) * 512);
    EXPECT_LT(stats.memory, stats.file_size);
    const uint64_t before = stats.memory;
    queue.fill();
    stats = queue.stat();
    EXPECT_GT(stats.memory, before);
    EXPECT_GE(stats.memory, 100 * k() * 100);
}

TEST_P(Stat, tells_when_the_queue_was_made)
{
    const auto now = [] {
        timespec time;
        clock_gettime(CLOCK_REALTIME, &time);
        return static_cast<int64_t>(time.tv_sec) * 1000000000 + time.tv_nsec;
    };
    /* The clock may be set meanwhile, but not often by an hour. */
    const int64_t hour = INT64_C(3600) * 1000000000;
    Queue queue(Config(8, 8), GetParam());
    EXPECT_GT(queue.stat().created, now() - hour);
    EXPECT_LT(queue.stat().created, now() + hour);
    EXPECT_EQ(queue.attach().stat().created, queue.stat().created);
}

TEST_P(Stat, tells_whether_the_name_still_leads_here)
{
    Queue queue(Config(8, 8), GetParam());
    EXPECT_EQ(queue.stat().unlinked, 0u);
    ASSERT_EQ(queue.unlink(), CQ_OK);
    EXPECT_EQ(queue.stat().unlinked, 1u);
}

TEST_P(Stat, is_the_same_on_every_handle)
{
    Queue queue(Config(8, 8), GetParam());
    const Handle other = queue.attach();
    const Handle reader = queue.attach(CQ_READ_ONLY);
    queue.must_enqueue("a");
    other.must_enqueue("b");
    queue.dequeue();
    Message message = other.take();
    ASSERT_EQ(cq_return(other, &message), CQ_OK);
    const Stats one = queue.stat(), two = other.stat(), three = reader.stat();
    EXPECT_EQ(std::memcmp(&one, &two, sizeof(cq_stats)), 0);
    EXPECT_EQ(std::memcmp(&one, &three, sizeof(cq_stats)), 0);
}

} // namespace
} // namespace cqtest
