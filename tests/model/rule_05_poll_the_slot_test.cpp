// Rule 5, RECORD: consumers poll the slot, not the producers' word. An untouched slot at deq means that nothing behind it is
// published.
#include "check.hpp"

using namespace model;

TEST(Rule05, a_consumer_that_polls_reads_no_line_that_producers_fight_over)
{
    World world(Shape{});
    Process &c = world.add("C", Program(10, dequeue()));

    world.finish(c);
    for (const Result &result : c.results)
        EXPECT_EQ(result.code, CQ_EMPTY);
    EXPECT_EQ(world.accesses(c, "node 0 enq"), 0u);
    EXPECT_EQ(world.accesses(c, "node 0 next"), 0u);
    EXPECT_EQ(world.accesses(c, "tail"), 0u);
    EXPECT_EQ(world.accesses(c, "slot 0.0"), 10u); // once a poll, and no other slot
    EXPECT_EQ(world.accesses(c, "slot"), 10u);
    for (const World::Entry &entry : world.log())
        EXPECT_TRUE(entry.old == entry.now) << "polling writes nothing";
}

TEST(Rule05, a_consumer_that_polls_a_claimed_slot_reads_no_such_line_either)
{
    Shape shape;
    shape.slots = 4;
    World world(shape);
    Process &p = world.add("P", {enqueue(1)});
    Process &q = world.add("Q", {enqueue(11)});
    Process &c = world.add("C", Program(10, dequeue()));

    ASSERT_TRUE(world.run_to(p, about_to_load("slot", "enqueue_publish"))) << world.report();
    ASSERT_TRUE(world.run_to(q, about_to_load("slot", "enqueue_publish"))) << world.report();
    world.finish(c);
    EXPECT_EQ(world.accesses(c, "node 0 enq"), 0u);
    EXPECT_EQ(world.accesses(c, "tail"), 0u);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// PREFIX: a message behind an untouched slot would be invisible.
TEST(Rule05, no_message_is_published_behind_an_untouched_slot)
{
    for (std::uint32_t slots = 1; slots <= 3; ++slots) {
        Shape shape;
        shape.slots = slots;
        World world(shape);
        Process &p = world.add("P", {enqueue(1)});
        Process &q = world.add("Q", {enqueue(11)});
        Process &c = world.add("C", {dequeue(), dequeue()});

        ASSERT_TRUE(world.run_to(p, about_to_load("slot", "enqueue_publish"))) << world.report();
        world.finish(q); // with slots = 1 in the next node
        world.finish_call(c);
        EXPECT_EQ(c.result(0).code, CQ_OK);
        EXPECT_EQ(c.result(0).messages[0], 11u);
        world.finish_all();
        EXPECT_TRUE(fine(world));
    }
}
