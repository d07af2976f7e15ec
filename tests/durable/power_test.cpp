// What a power cut may leave of a durable queue: thousands of images of a simulated disk, each opened, checked and drained;
// processes are stopped, killed and continued anywhere meanwhile.
//
// A failure says how to run the same again; then CQ_IMAGES= says for how many images.
#include "world.hpp"

#include "support/leftovers.hpp"
#include "support/seed.hpp"

#include <cerrno>
#include <cinttypes>

namespace power {
namespace {

constexpr std::uint64_t more_when_long = 60;

std::uint64_t images_wanted(std::uint64_t usual)
{
    if (const char *asked = std::getenv("CQ_IMAGES"))
        return std::strtoull(asked, nullptr, 0);
    return std::getenv("CQ_LONG") ? usual * more_when_long : usual;
}

void produce(Process &me)
{
    World &world = *me.world;
    for (;;) {
        const std::uint64_t what = below(world.random, 100);
        if (what < 30)
            world.send(me);
        else if (what < 55)
            world.feed(me);
        else if (what < 70)
            world.send_batch(me, 2 + below(world.random, 3));
        else if (what < 88)
            world.send_in_place(me, below(world.random, 60), what < 73);
        else
            world.sync(me);
        world.pause(1);
    }
}

void consume(Process &me)
{
    World &world = *me.world;
    for (;;) {
        const std::uint64_t what = below(world.random, 100);
        if (what < 35)
            world.receive(me);
        else if (what < 45)
            world.receive_batch(me, 2 + below(world.random, 3));
        else if (what < 88)
            world.receive_in_place(me, below(world.random, 120), what < 58);
        else
            world.sync(me);
        world.pause(1);
    }
}

void only_sync(Process &me)
{
    for (;;) {
        me.world->sync(me);
        me.world->pause(below(me.world->random, 60));
    }
}

// Messages of before a cut are outside of the capacity: they would become more and more.
void consume_all(Process &me)
{
    while (me.world->live() > 1)
        me.world->receive_batch(me, 4);
}

struct Campaign {
    const char *name;
    Shape shape;
    std::uint64_t images;
    std::uint64_t steps; // between two cuts, at most
    bool disk_fails = false;
    std::uint64_t looks = 12; // in that time
};
void PrintTo(const Campaign &campaign, std::ostream *out) { *out << campaign.name; }

Shape shape(std::uint32_t slots, std::uint64_t capacity, std::uint64_t message, std::uint64_t generation,
            std::uint64_t first = 0)
{
    Shape shape;
    shape.slots = slots, shape.capacity = capacity, shape.message = message, shape.generation_bytes = generation;
    shape.first_sequence = first;
    return shape;
}

Shape with_extras(Shape shape)
{
    shape.rich = true;
    return shape;
}

// From the beginning of the world to the next cut: whoever's turn it is goes some way; some stop, some are killed.
void live(World &world, const Campaign &campaign)
{
    Random &random = world.random;
    std::vector<Process *> all;
    if (world.live() > 2 * campaign.shape.capacity)
        world.finish(world.start(consume_all));
    for (const auto &program : {produce, produce, consume, consume, only_sync})
        all.push_back(&world.start(program));
    world.disk_fails = campaign.disk_fails && below(random, 2) == 0;
    const std::uint64_t end = world.steps + 1 + below(random, campaign.steps), length = end - world.steps;
    const std::uint64_t usual = 1 + below(random, 200);
    while (world.steps < end && !world.failed()) {
        Process &process = *all[below(random, all.size())];
        const std::uint64_t before = world.steps;
        if (process.stopped_until > world.steps) {
            ++world.steps; // nobody may be left
            world.now += 20'000;
            continue;
        }
        if (process.finished) {
            world.give(process, &process == all[4] ? only_sync : &process - all[0] < 2 ? produce : consume);
            continue;
        }
        world.run(process, 1 + below(random, usual));
        if (below(random, 60) == 0)
            process.stopped_until = world.steps + below(random, 6000);
        else if (below(random, 250) == 0)
            world.kill(process);
        if (below(random, length) < campaign.looks * (world.steps - before))
            world.look();
    }
    if (!world.failed())
        world.look();
}

class PowerCut : public ::testing::TestWithParam<Campaign> {};

TEST_P(PowerCut, leaves_what_was_synced_and_nothing_else)
{
    const Campaign &campaign = GetParam();
    const std::uint64_t wanted = images_wanted(campaign.images);
    World world(campaign.shape, cqtest::seed());

    while (world.images < wanted && !world.failed()) {
        live(world, campaign);
        if (!world.failed())
            world.end();
    }
    std::printf("%" PRIu64 " images, %" PRIu64 " recoveries cut, %" PRIu64 " cuts lived through, %" PRIu64
                " messages found, %" PRIu64 " syncs (%" PRIu64 " failed), %" PRIu64 " files removed, %" PRIu64
                " at most, %" PRIu64 " KiB at most, %" PRIu64 " steps\n",
                world.images, world.recoveries_cut, world.cuts, world.seen, world.syncs, world.failed_syncs,
                world.collected, world.most_files, world.most_bytes / 1024, world.steps);
    EXPECT_FALSE(world.failed()) << world.failures();
    // It was worth something.
    EXPECT_GT(world.seen, wanted / 2);
    EXPECT_GT(world.fed, wanted / 25);
    EXPECT_GT(world.collected, 0u);
    EXPECT_EQ(world.failed_syncs > 0, campaign.disk_fails);
}

INSTANTIATE_TEST_SUITE_P(
    Campaigns, PowerCut,
    ::testing::Values(Campaign{"small", shape(4, 6, 40, 1 << 17), 7000, 4000},
                      Campaign{"one_slot_nodes", shape(1, 5, 24, 1 << 18), 3000, 3000},
                      Campaign{"larger", shape(16, 30, 300, 1 << 18), 3000, 12000},
                      Campaign{"end_of_the_ring", shape(2, 7, 40, 1 << 18, (UINT64_C(1) << 40) - 30), 4000, 3000},
                      Campaign{"failing_disk", shape(4, 6, 40, 1 << 17), 4000, 5000, true},
                      Campaign{"headers_and_times", with_extras(shape(4, 6, 300, 1 << 17)), 3000, 4000}),
    [](const auto &info) { return std::string(info.param.name); });

// Each survives; a position never names two messages.
TEST(PowerCuts, name_no_position_twice_however_many_there_are)
{
    const std::uint64_t wanted = std::getenv("CQ_LONG") ? 100'000 : 10'000;
    World world(shape(2, 5, 24, 1 << 18), cqtest::seed());
    const auto program = [](Process &me) {
        World &all = *me.world;
        for (std::uint64_t n = 1 + below(all.random, 12); n > 0; --n)
            if (below(all.random, 2) != 0)
                all.send(me);
            else
                all.receive_batch(me, 2);
        if (below(all.random, 2) != 0)
            all.sync(me);
    };

    while (world.cuts < wanted && !world.failed()) {
        world.finish(world.start(program));
        world.cut();
    }
    EXPECT_FALSE(world.failed()) << world.failures();
    EXPECT_GT(world.seen, wanted / 4);
    EXPECT_LT(world.most_files, 200u); // of so many lives
}

// A write that found the disk full leaves its first records where the next flush writes: of both together no record is to come
// about that none of them wrote. All messages have one size, so that each lies exactly over the one before.
TEST(PowerCuts, that_tear_what_is_written_over_a_failed_flush_make_no_message_of_two)
{
    World world(shape(4, 6, 8, 1 << 20), cqtest::seed());
    const auto send_three = [](Process &me) {
        for (int i = 0; i < 3; ++i)
            me.world->send(me);
    };
    const auto sync = [](Process &me) { me.world->sync(me); };
    const auto empty = [](Process &me) {
        while (me.world->live() > 0)
            me.world->receive(me);
        me.world->sync(me);
    };
    Process &process = world.start(empty);
    world.finish(process);
    for (int round = 0; round < 2 && !world.failed(); ++round) {
        world.give(process, empty);
        world.finish(process);
        world.give(process, send_three);
        world.finish(process);
        world.disk_fails = true;
        world.disk().fails = [](bool flush) { return flush ? 0 : ENOSPC; };
        world.disk().partly = [](std::uint64_t size) { return size - 8; };
        world.give(process, sync);
        world.finish(process);
        world.disk().fails = nullptr;
        world.disk_fails = false;
        world.give(process, [](Process &me) {
            me.world->receive(me);
            me.world->sync(me);
        });
        const std::uint64_t before = world.disk().unflushed();
        while (world.disk().unflushed() == before && world.run(process, 1))
            ;
        ASSERT_GT(world.disk().unflushed(), before);
        for (std::uint64_t first = 3; first <= 10; ++first) // the first two records
            for (std::uint64_t but = 0; but <= first && !world.failed(); ++but)
                world.look(Cut::after_words(first, but));
        world.finish(process);
    }
    EXPECT_FALSE(world.failed()) << world.failures();
    EXPECT_GT(world.images, 100u);
}

// One process syncs and is stopped, at each step in turn. Others go on, sync, and remove files; then it goes on, or is killed.
class StoppedFlusher : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(StoppedFlusher, does_no_harm_whenever_it_goes_on)
{
    const std::uint64_t generation = GetParam(), seed = cqtest::seed();
    std::uint64_t images = 0, stopped = 0;
    const auto some = [](Process &me) {
        World &world = *me.world;
        for (int i = 0; i < 5; ++i)
            if (i % 2 == 0)
                world.feed(me);
            else
                world.send(me);
        world.receive(me);
        world.receive_in_place(me, 0, true);
    };
    const auto more = [](Process &me) {
        World &world = *me.world;
        for (int i = 0; i < 3; ++i) {
            world.receive(me);
            world.receive_batch(me, 2);
            world.send(me);
            world.sync(me);
        }
    };
    // Slots are used again and again, and nobody flushes.
    const auto churn = [](Process &me) {
        World &world = *me.world;
        for (int i = 0; i < 30; ++i) {
            world.send_batch(me, 2);
            world.receive_batch(me, 3);
        }
    };
    const auto change = [](Process &me) {
        World &world = *me.world;
        world.receive(me);
        world.send(me);
        world.receive_in_place(me, 0, false);
        world.send(me);
    };

    for (std::uint64_t steps = 1; steps <= 250; ++steps) {
        Shape small = shape(2, 6, 24, generation);
        small.reserve_step = 0; // so that nobody flushes for more
        World world(small, seed + steps);
        Random &random = world.random;
        Process &flusher = world.start(some);
        world.finish(flusher);
        if (below(random, 2)) {
            Process &other = world.start(more);
            world.finish(other);
        }
        world.give(flusher, [](Process &me) { me.world->sync(me); });
        stopped += world.run(flusher, steps);
        world.look();
        if (below(random, 2))
            world.finish(world.start(churn));
        else {
            world.finish(world.start(change));
            world.look();
            world.finish(world.start(more));
            world.look();
            world.finish(world.start(change)); // after the others' flushes, before the rest of this one
        }
        if (below(random, 4) == 0)
            world.kill(flusher);
        for (std::uint64_t part = below(random, 4); part > 0; --part) {
            world.run(flusher, below(random, 100));
            world.look();
        }
        if (!flusher.finished)
            world.finish(flusher);
        world.look();
        world.look();
        if (below(random, 2))
            world.finish(world.start(change));
        world.finish(world.start([](Process &me) { me.world->sync(me); }));
        world.look();
        world.look();
        world.cut();
        images += world.images;
        ASSERT_FALSE(world.failed()) << "stopped after " << steps << " steps:\n" << world.failures();
    }
    std::printf("stopped %" PRIu64 " times, %" PRIu64 " images\n", stopped, images);
    EXPECT_GT(stopped, 50u);
}

INSTANTIATE_TEST_SUITE_P(Generations, StoppedFlusher, ::testing::Values(1u << 16, 1u << 20));

// One process feeds and is stopped, at each step in turn. Another syncs, and once more when the first has gone on.
TEST(StoppedFeeder, leaves_its_message_and_its_number_or_neither)
{
    const std::uint64_t seed = cqtest::seed();
    const auto sync = [](Process &me) { me.world->sync(me); };
    std::uint64_t stopped = 0;

    for (std::uint64_t steps = 1; steps <= 120; ++steps)
        for (const bool goes_on : {false, true}) {
            World world(shape(2, 6, 24, 1 << 20), seed + steps);
            world.finish(world.start([](Process &me) {
                for (std::uint64_t n = below(me.world->random, 4); n > 0; --n)
                    me.world->feed(me);
            }));
            Process &feeder = world.start([](Process &me) {
                me.world->feed(me);
                me.world->feed(me);
            });
            stopped += world.run(feeder, steps);
            world.finish(world.start([](Process &me) {
                for (int i = 0; i < 3; ++i) // the list goes on
                    me.world->send(me);
                me.world->sync(me);
            }));
            world.look();
            if (goes_on)
                world.finish(feeder);
            world.finish(world.start(sync));
            for (int i = 0; i < 3; ++i)
                world.look();
            world.cut();
            ASSERT_FALSE(world.failed()) << "stopped after " << steps << " steps:\n" << world.failures();
        }
    EXPECT_GT(stopped, 50u);
}

// The power goes while a flush is under way: at the moments when something of it is written.
TEST(TornFlush, counts_for_no_source)
{
    const std::uint64_t seed = cqtest::seed();
    bool at_disk = false;
    for (std::uint64_t turn = 0; turn < 12; ++turn) {
        World world(shape(4, 8, 24, 1 << 20), seed + turn);
        Process &one = world.start([](Process &me) {
            for (int i = 0; i < 3; ++i) {
                me.world->feed(me);
                me.world->feed(me);
                me.world->sync(me);
            }
        });
        while (!world.failed()) {
            world.disk().step = [&] {
                at_disk = true;
                world.step();
            };
            if (!world.run(one, 1))
                break;
            for (int i = at_disk ? 10 : 0; i > 0; --i)
                world.look();
            at_disk = false;
        }
        ASSERT_FALSE(world.failed()) << "in turn " << turn << ":\n" << world.failures();
    }
}

// A flush fails, and the kernel takes what was written for clean. It is read when the region is made anew, and is not there
// after a power cut.
TEST(FailedFlush, leaves_no_number_without_its_messages)
{
    const std::uint64_t seed = cqtest::seed();
    for (std::uint64_t turn = 0; turn < 60; ++turn) {
        World world(shape(2, 6, 24, 1 << 20), seed + turn);
        Process &one = world.start([](Process &me) {
            me.world->feed(me);
            me.world->sync(me);
            me.world->feed(me);
            me.world->feed(me);
            me.world->send(me);
        });
        world.finish(one);
        world.disk_fails = true;
        const auto fails = world.disk().fails;
        world.disk().fails = [](bool flush) { return flush ? EIO : 0; };
        world.give(one, [](Process &me) { me.world->sync(me); });
        world.finish(one);
        world.disk().fails = fails;
        world.disk_fails = false;
        world.lose_region();
        world.look();
        world.look();
        world.cut();
        ASSERT_FALSE(world.failed()) << "in turn " << turn << ":\n" << world.failures();
    }
}

} // namespace
} // namespace power
