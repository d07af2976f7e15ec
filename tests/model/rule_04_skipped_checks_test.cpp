// Rule 4, SKIP: a check is skipped only by a handle that knows its outcome.
#include "check.hpp"

using namespace model;

namespace {

Shape four_slots()
{
    Shape shape;
    shape.slots = 4;
    return shape;
}

} // namespace

// The line of the slot before is the consumer's by now: reading it costs half a round trip.
TEST(Rule04, an_uncontended_producer_does_not_look_at_the_slot_before)
{
    for (const Action &last : {enqueue(3), enqueue_batch(3, 2)}) {
        World world(four_slots());
        Process &p = world.add("P", {enqueue(1), enqueue(2), last});

        world.finish_call(p);
        world.finish_call(p);
        world.forget_accesses();
        world.finish_call(p);
        EXPECT_EQ(world.accesses(p, "slot 0.0") + world.accesses(p, "slot 0.1"), 0u) << world.report();
        EXPECT_EQ(world.accesses(p, "node 0 deq") + world.accesses(p, "head"), 0u);
        world.finish_all();
        EXPECT_TRUE(fine(world));
    }
}

TEST(Rule04, an_uncontended_consumer_does_not_look_at_the_slot_before)
{
    for (const Action &last : {dequeue(), dequeue_batch(2)}) {
        World world(four_slots());
        Process &p = world.add("P", {enqueue(1), enqueue(2), enqueue(3)});
        Process &c = world.add("C", {dequeue(), dequeue(), last});

        world.finish(p);
        world.finish_call(c);
        world.finish_call(c);
        world.forget_accesses();
        world.finish_call(c);
        EXPECT_EQ(world.accesses(c, "slot 0.0") + world.accesses(c, "slot 0.1"), 0u) << world.report();
        EXPECT_EQ(world.accesses(c, "node 0 enq") + world.accesses(c, "tail"), 0u);
        world.finish_all();
        EXPECT_TRUE(fine(world));
    }
}

// "The owner is me" is no reason to skip: another thread of the handle may not have touched its slot yet.
TEST(Rule04, threads_of_one_handle_record_for_each_other)
{
    World world(four_slots());
    Process &p = world.add("P", {enqueue(1)});
    Process &thread = world.add_thread("P2", p, {enqueue(2)});

    ASSERT_TRUE(world.run_to(p, about_to_load("slot", "enqueue_publish"))) << world.report();
    world.finish(thread);
    world.kill(p);
    world.finish_all();
    EXPECT_TRUE(fine(world));
    EXPECT_EQ(world.ghost.delivered(2), 1u);
}

TEST(Rule04, threads_that_read_record_for_each_other)
{
    World world(four_slots());
    Process &p = world.add("P", {enqueue(1), enqueue(2)});
    Process &c = world.add("C", {dequeue()});
    Process &thread = world.add_thread("C2", c, {dequeue()});

    world.finish(p);
    ASSERT_TRUE(world.run_to(c, about_to_load("slot 0.0", "copy_message"))) << world.report();
    world.finish(thread);
    world.kill(c);
    world.finish_all();
    EXPECT_TRUE(fine(world));
    EXPECT_EQ(world.ghost.delivered(1), 1u);
}

// With another participant in between the check comes back.
TEST(Rule04, claims_of_others_are_checked)
{
    World world(four_slots());
    Process &p = world.add("P", {enqueue(1), enqueue(2)});
    Process &q = world.add("Q", {enqueue(11)});

    world.finish_call(p);
    ASSERT_TRUE(world.run_to(q, about_to_load("slot", "enqueue_publish"))) << world.report();
    world.finish_call(p);
    world.kill(q);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

TEST(Rule04, threads_with_deaths)
{
    for (std::uint32_t slots = 1; slots <= 4; ++slots) {
        Scenario scenario;
        scenario.shape.slots = slots;
        scenario.kills = 1;
        scenario.begin = [](World &world) {
            Process &p = world.add("P", {enqueue(1), enqueue_batch(2, 2)});
            world.add_thread("P2", p, {enqueue_batch(11, 2), enqueue(13)});
            Process &c = world.add("C", {dequeue(), dequeue_batch(2)});
            world.add_thread("C2", c, {dequeue_batch(2), dequeue()});
        };
        EXPECT_TRUE(fine(explore_at_random(scenario, 2500)));
    }
}
