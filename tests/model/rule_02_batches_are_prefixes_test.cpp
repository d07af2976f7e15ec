// Rule 2, PREFIX: batches keep touched slots a prefix.
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

// P claims slots 0 and 1 and touches neither. Q records for it and dies after each possible step; P dies. Recorded from the
// newest, slot 0 would name nobody, and no consumer could ever pass it.
TEST(Rule02, a_recorder_may_die_after_each_slot)
{
    for (std::uint32_t recorded = 1; recorded <= 2; ++recorded) {
        World world(four_slots());
        Process &p = world.add("P", {enqueue_batch(1, 2)});
        Process &q = world.add("Q", {enqueue(11)});
        Process &x = world.add("X", {enqueue(21)});

        ASSERT_TRUE(world.run_to(p, about_to_load("slot", "enqueue_publish"))) << world.report();
        ASSERT_TRUE(world.run_to(q, about_to_exchange("slot", "queue_record_enq"), recorded)) << world.report();
        world.step(q);
        world.kill(q);
        world.finish(x);
        EXPECT_EQ(x.result(0).code, CQ_OK);
        world.kill(p);
        world.finish_all();
        EXPECT_TRUE(fine(world));
        EXPECT_EQ(world.ghost.delivered(21), 1u);
    }
}

// The same on the other side: C claims two messages, D records for it and dies on the way, C dies: both are delivered again.
TEST(Rule02, a_recorder_of_readers_may_die_after_each_slot)
{
    for (std::uint32_t recorded = 1; recorded <= 2; ++recorded) {
        World world(four_slots());
        Process &p = world.add("P", {enqueue_batch(1, 4)});
        Process &c = world.add("C", {dequeue_batch(2)});
        Process &d = world.add("D", {dequeue()});
        Process &e = world.add("E", {dequeue()});

        world.finish(p);
        ASSERT_TRUE(world.run_to(c, about_to_load("slot 0.0", "copy_message"))) << world.report();
        ASSERT_TRUE(world.run_to(d, about_to_exchange("slot", "queue_record_deq"), recorded)) << world.report();
        world.step(d);
        world.kill(d);
        world.finish(e);
        EXPECT_EQ(e.result(0).messages[0], 3u);
        world.kill(c);
        world.finish_all();
        EXPECT_TRUE(fine(world));
        for (std::uint32_t message = 1; message <= 4; ++message)
            EXPECT_EQ(world.ghost.delivered(message), 1u) << message;
    }
}

// Q read a ticket of node 0's first life and finds its slot in another one: that is not the slot of this ticket.
TEST(Rule02, an_old_ticket_records_nothing)
{
    Shape shape;
    shape.slots = 1;
    World world(shape);
    Process &p = world.add("P", {enqueue(1), enqueue(2), enqueue(3)});
    Process &q = world.add("Q", {enqueue(11)});
    Process &c = world.add("C", {dequeue(), dequeue()});

    ASSERT_TRUE(world.run_to(p, about_to_load("slot", "enqueue_publish"))) << world.report();
    ASSERT_TRUE(world.run_to(q, about_to_load("slot 0.0", "slot_load"), 2)) << world.report();
    for (int i = 0; i < 2; ++i)
        world.finish_call(p);
    world.finish(c);
    world.finish(p);
    ASSERT_EQ(slot_at(&world.queue(), node_at(&world.queue(), 0), 0)->state, slot_word(3, 0, SLOT_FULL, 0)) << world.report();
    world.finish(q);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// Consumers void the first slot of a batch: all the rest must go behind what others published, or message 2 overtakes 1.
TEST(Rule02, a_producer_voided_in_mid_batch_claims_the_rest_again)
{
    World world(four_slots());
    Process &p = world.add("P", {enqueue_batch(1, 2)});
    Process &q = world.add("Q", {enqueue(11)});
    Process &c = world.add("C", {dequeue()});

    ASSERT_TRUE(world.run_to(p, about_to_load("slot", "enqueue_publish"))) << world.report();
    world.finish(q);
    ASSERT_TRUE(world.run_to(c, about_to_exchange("slot 0.1", "void_row"))) << world.report();
    ASSERT_EQ(world.ghost.voids, 1u);
    world.finish(p);
    EXPECT_EQ(p.result(0).count, 2u);
    world.finish_all();
    EXPECT_TRUE(fine(world));
    EXPECT_EQ(c.result(0).messages[0], 11u);
}

// A batch of a consumer ends at the first slot that is not FULL.
TEST(Rule02, a_consumer_claims_contiguous_messages_only)
{
    World world(four_slots());
    Process &p = world.add("P", {enqueue(1), enqueue(2)});
    Process &q = world.add("Q", {enqueue(11)});
    Process &c = world.add("C", {dequeue_batch(3)});

    world.finish_call(p);
    ASSERT_TRUE(world.run_to(q, about_to_load("slot", "enqueue_publish"))) << world.report();
    world.finish_call(p);
    ASSERT_TRUE(world.run_to(c, about_to_exchange("node 0 deq"))) << world.report();
    world.step(c);
    EXPECT_EQ(ticket_index(node_at(&world.queue(), 0)->deq), 1u);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

TEST(Rule02, batches_with_deaths)
{
    for (std::uint32_t slots = 2; slots <= 4; ++slots) {
        Scenario scenario;
        scenario.shape.slots = slots;
        scenario.kills = 2;
        scenario.begin = [](World &world) {
            world.add("P", {enqueue_batch(1, 3), enqueue_batch(4, 2)});
            world.add("Q", {enqueue_batch(11, 2), enqueue(13)});
            world.add("C", {dequeue_batch(2), dequeue_batch(3)});
            world.add("D", {dequeue_batch(2), dequeue()});
        };
        EXPECT_TRUE(fine(explore_at_random(scenario, 3000)));
    }
}
