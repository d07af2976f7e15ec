// Rule 8, CAPACITY: exactly `capacity` messages are accepted, whatever was given up in between.
#include "check.hpp"

using namespace model;

namespace {

Shape small(std::uint32_t slots, std::uint64_t capacity)
{
    Shape shape;
    shape.slots = slots;
    shape.capacity = capacity;
    shape.hole_slots = 8;
    shape.spare_nodes = 8;
    return shape;
}

} // namespace

// Q counts the holes between both ends, and while it does so the hole's node begins another life: Q finds no hole, and as
// many slots as the capacity. There was room all the time.
TEST(Rule08, full_is_checked_again)
{
    World world(small(1, 2));
    Process &p = world.add("P", {enqueue(1), reserve(), give_up(), enqueue(2), enqueue(3)});
    Process &q = world.add("Q", {enqueue_batch(11, 2)});
    Process &c = world.add("C", {take(), release()});
    Process &d = world.add("D", {dequeue(), dequeue(), dequeue()});

    for (int i = 0; i < 3; ++i)
        world.finish_call(p); // a message in node 0, a hole in node 1
    while (!world.is_at(q, about_to_load("last_hole")) && q.runnable())
        world.step(q);
    world.finish_call(c); // node 0 stays
    world.finish_call(d); // nothing but the hole
    EXPECT_EQ(d.result(0).code, CQ_EMPTY);
    world.finish_call(p); // node 2
    world.finish_call(d); // node 1 is free,
    world.finish_call(p); // and used again
    ASSERT_EQ(word_sequence(world.queue().states[1]), 4u) << world.report();
    ASSERT_TRUE(world.run_to(d, about_to_exchange("node 1 deq"))) << world.report(); // head is there
    world.finish(q);
    EXPECT_EQ(q.result(0).count, 1u);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

TEST(Rule08, full_is_true_at_an_instant)
{
    for (std::uint32_t slots = 1; slots <= 3; ++slots) {
        Scenario scenario;
        scenario.shape = small(slots, 2);
        scenario.begin = [](World &world) {
            world.add("P", {enqueue(1), enqueue(2), enqueue(3)});
            world.add("Q", {enqueue(11), enqueue(12)});
            world.add("C", {dequeue(), dequeue(), dequeue()});
        };
        EXPECT_TRUE(fine(explore_all(scenario, 2, 5000)));
        EXPECT_TRUE(fine(explore_at_random(scenario, 3000)));
    }
}

TEST(Rule08, batches_never_go_over)
{
    for (std::uint32_t slots = 1; slots <= 4; ++slots) {
        Scenario scenario;
        scenario.shape = small(slots, 3);
        scenario.kills = 1;
        scenario.begin = [](World &world) {
            world.add("P", {enqueue_batch(1, 3), enqueue_batch(4, 2)});
            world.add("Q", {enqueue_batch(11, 2), enqueue(13)});
            world.add("C", {dequeue(), dequeue_batch(2), dequeue()});
        };
        EXPECT_TRUE(fine(explore_at_random(scenario, 2000)));
    }
}

// A slot that was given up behind an unconsumed message costs no capacity.
TEST(Rule08, holes_do_not_count)
{
    World world(small(4, 2));
    Process &p = world.add("P", {enqueue(1), reserve(), give_up(), reserve(), give_up(), reserve(), give_up(), enqueue(2), enqueue(3)});

    world.finish(p);
    EXPECT_EQ(p.result(7).code, CQ_OK);
    EXPECT_EQ(p.result(8).code, CQ_FULL);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// Nobody consumes, yet slots may be reserved and given up for ever: producers move deq past holes in front themselves.
TEST(Rule08, holes_in_front_are_passed_before_a_refusal)
{
    Shape shape = small(2, 2);
    shape.hole_slots = shape.spare_nodes = 0; // three nodes
    World world(shape);
    Program program;
    for (int i = 0; i < 40; ++i) {
        program.push_back(reserve());
        program.push_back(give_up());
    }
    Process &p = world.add("P", program);

    world.finish(p);
    for (const Result &result : p.results)
        ASSERT_EQ(result.code, CQ_OK);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// Consumers void a slot; until last_hole says so, no producer may rely on there being none.
TEST(Rule08, last_hole_is_raised_before_the_hole_is_made)
{
    for (int way = 0; way < 3; ++way) {
        World world(small(4, 2));
        Process &p = world.add("P", way == 1 ? Program{enqueue(5), reserve(), give_up()} : Program{enqueue(1)});
        Process &q = world.add("Q", {enqueue(11)});
        Process &c = world.add("C", way == 2 ? Program{sweep()} : Program{dequeue()});

        if (way == 1) { // given up
            world.finish(p);
            world.finish(q);
            EXPECT_EQ(world.ghost.holes, 1u);
        } else { // voided, or reaped
            ASSERT_TRUE(world.run_to(p, about_to_load("slot", "enqueue_publish"))) << world.report();
            world.finish(q);
            if (way == 2)
                world.kill(p);
            world.finish(c);
            EXPECT_EQ(world.ghost.holes, 1u);
        }
        world.finish_all();
        EXPECT_TRUE(fine(world));
    }
}

TEST(Rule08, reservations_and_deaths)
{
    for (std::uint32_t slots = 1; slots <= 3; ++slots) {
        Scenario scenario;
        scenario.shape = small(slots, 2);
        scenario.kills = 1;
        scenario.begin = [](World &world) {
            world.add("P", {reserve(), commit(1), reserve(), give_up(), enqueue(2)});
            world.add("Q", {enqueue(11), reserve(), commit(12)});
            world.add("C", {dequeue(), dequeue(), dequeue()});
        };
        EXPECT_TRUE(fine(explore_at_random(scenario, 3000)));
    }
}
