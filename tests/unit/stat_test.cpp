/* cq_stat: every field. */
#include <ctime>
#include <fstream>
#include <thread>

#include <pthread.h>
#include <sys/stat.h>

#include "support/leftovers.hpp"
#include "support/shapes.hpp"

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

std::vector<uint8_t> id_of(const Handle &handle)
{
    const Stats stats = handle.stat();
    return {std::begin(stats.id), std::end(stats.id)};
}

TEST(StatId, is_the_regions_and_no_others)
{
    Queue queue, other;
    EXPECT_NE(id_of(queue), std::vector<uint8_t>(16));
    EXPECT_NE(id_of(queue), id_of(other));
    EXPECT_EQ(id_of(queue), id_of(queue.attach()));
}

TEST_P(Stat, of_a_new_queue_counts_nothing)
{
    Queue queue(Config(10, 8), GetParam());
    const Stats stats = queue.stat();
    EXPECT_EQ(stats.length, 0u);
    EXPECT_EQ(queue.length(), 0u);
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
        ASSERT_EQ(queue.length(), i + 1);
    }
    EXPECT_EQ(queue.enqueue("refused"), CQ_FULL);
    EXPECT_EQ(queue.stat().enqueued, 3 * k() + 10);
    for (uint64_t i = 0; i < 3 * k() + 10; ++i) {
        queue.dequeue();
        ASSERT_EQ(queue.stat().dequeued, i + 1);
        ASSERT_EQ(queue.stat().length, 3 * k() + 9 - i);
        ASSERT_EQ(queue.length(), 3 * k() + 9 - i);
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
    EXPECT_EQ(queue.length(), 2u);
    EXPECT_EQ(stats.redelivered, 0u);
    message = queue.take();
    stats = queue.stat();
    EXPECT_EQ(stats.redelivered, 1u);
    EXPECT_EQ(stats.dequeued, 1u);
    EXPECT_EQ(stats.orphans, 0u);
    EXPECT_EQ(stats.length, 1u);
    EXPECT_EQ(queue.length(), 1u);
    ASSERT_EQ(cq_release(queue, &message), CQ_OK);
    queue.drain();
    stats = queue.stat();
    EXPECT_EQ(stats.enqueued, 2u);
    EXPECT_EQ(stats.dequeued, 2u);
    EXPECT_EQ(stats.redelivered, 1u);
    EXPECT_EQ(stats.returned, 1u);
    EXPECT_EQ(stats.length, 0u);
    EXPECT_EQ(queue.length(), 0u);
}

TEST_P(Stat, tells_what_is_held_and_what_is_being_written)
{
    Queue queue(Config(4 * k() + 8, 8), GetParam());
    const Handle other = queue.attach(), reader = queue.attach(CQ_READ_ONLY);
    const auto expect = [&](uint64_t held, uint64_t writing, const char *when) {
        EXPECT_EQ(queue.stat().held, held) << when;
        EXPECT_EQ(queue.stat().writing, writing) << when;
        EXPECT_EQ(reader.stat().held, held) << when;
        EXPECT_EQ(reader.stat().writing, writing) << when;
    };
    expect(0, 0, "in the beginning");
    queue.fill();
    expect(0, 0, "full");
    std::vector<Message> taken;
    for (uint64_t i = 0; i < k() + 2; ++i) {
        taken.push_back((i % 2 ? other : static_cast<const Handle &>(queue)).take());
        EXPECT_EQ(queue.stat().held, i + 1) << "the newest, which nobody has recorded, included";
    }
    Message first = other.reserve(1), second = queue.reserve(1);
    expect(k() + 2, 2, "with two reservations");
    ASSERT_EQ(cq_abort(queue, &second), CQ_OK);
    expect(k() + 2, 1, "with one");
    *static_cast<char *>(first.data) = 'x';
    ASSERT_EQ(cq_commit(other, &first, 1), CQ_OK);
    for (uint64_t i = 0; i < taken.size(); ++i)
        ASSERT_EQ(cq_return(i % 2 ? other : static_cast<const Handle &>(queue), &taken[i]), CQ_OK);
    expect(0, 0, "all given back");
}

TEST_P(Stat, counts_what_consumers_gave_up_waiting_for_as_being_written)
{
    Queue queue(Config(8, 8), GetParam());
    Message late = queue.reserve(1);
    queue.must_enqueue("x");
    ASSERT_EQ(queue.dequeue(), "x");
    EXPECT_EQ(queue.stat().writing, 1u);
    ASSERT_EQ(cq_commit(queue, &late, 1), CQ_OK);
    EXPECT_EQ(queue.stat().writing, 0u);
}

TEST(StatHeld, so_many_may_be_held_for_sure_as_was_asked_for)
{
    for (const uint64_t held : {UINT64_C(1), UINT64_C(300)}) {
        Config config(10, 1000);
        config.max_held = held;
        Queue queue(config);
        EXPECT_EQ(queue.stat().max_held, held);
        const uint64_t every = queue.stat().slots_per_node;
        std::vector<Message> taken;
        /* The worst case: each in a node of its own. */
        while (taken.size() < held) {
            for (uint64_t i = 0; i < every; ++i) {
                queue.must_enqueue("x");
                if (i > 0) {
                    EXPECT_EQ(queue.dequeue(), "x");
                } else
                    taken.push_back(queue.take());
            }
        }
        EXPECT_EQ(queue.stat().held, held);
        EXPECT_EQ(queue.fill(), 10u);
        for (Message &message : taken)
            ASSERT_EQ(cq_release(queue, &message), CQ_OK);
    }
}

TEST(StatHeld, full_for_want_of_nodes_is_told_from_full)
{
    Config config(100, 100000); /* a node a message */
    config.max_held = 2;
    Queue queue(config);
    std::vector<Message> taken;
    int result = CQ_OK;
    while ((result = queue.enqueue("x")) == CQ_OK)
        taken.push_back(queue.take());
    EXPECT_EQ(result, CQ_FULL);
    const Stats stats = queue.stat();
    EXPECT_EQ(stats.length, 0u);
    EXPECT_EQ(queue.length(), 0u);
    EXPECT_EQ(stats.held, taken.size());
    EXPECT_GT(stats.held, stats.max_held);
    ASSERT_EQ(cq_release(queue, &taken[0]), CQ_OK);
    EXPECT_EQ(queue.enqueue("x"), CQ_OK);
}

TEST(StatHeld, more_than_there_can_be_nodes_is_refused)
{
    Config config(10, 8);
    config.max_held = (UINT64_C(1) << 24) - 1;
    EXPECT_THROW(Queue queue(config), Failure);
}

TEST(StatHeld, few_large_messages_take_little_address_space)
{
    EXPECT_LE(Queue(Config(10, 65536)).stat().file_size, UINT64_C(64) << 20);
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

/* Programs name their threads as they like, and often all but the first have a name like "worker-3". */
TEST(Participants, are_shown_with_the_name_of_the_program)
{
    const Queue queue;
    std::optional<Handle> other;
    std::thread([&] {
        pthread_setname_np(pthread_self(), "worker-3");
        other.emplace(queue.attach());
    }).join();
    std::string program;
    std::getline(std::ifstream("/proc/self/comm"), program);
    std::vector<std::string> shown;
    const auto add = [](const cq_participant *participant, void *all) {
        static_cast<std::vector<std::string> *>(all)->emplace_back(participant->command);
        return 0;
    };
    ASSERT_EQ(cq_participants(queue, add, &shown), CQ_OK);
    EXPECT_EQ(shown, (std::vector<std::string>{program, program}));
}

} // namespace
} // namespace cqtest
