// Rule 3, VOID: void only after a later message was seen; empty means that none was there.
#include "check.hpp"

#include <algorithm>

using namespace model;

// Voiding for a mere later claim lets a consumer void two slow producers for ever.
TEST(Rule03, claims_alone_are_not_voided)
{
    Shape shape;
    shape.slots = 4;
    World world(shape);
    Process &p = world.add("P", {enqueue(1)});
    Process &q = world.add("Q", {enqueue(11)});
    Process &x = world.add("X", {enqueue(21)});
    Process &c = world.add("C", Program(20, dequeue()));

    for (Process *producer : {&p, &q, &x}) // WRITING, WRITING, untouched
        ASSERT_TRUE(world.run_to(*producer, about_to_load("slot", "enqueue_publish"))) << world.report();
    world.finish(c);
    for (const Result &result : c.results)
        EXPECT_EQ(result.code, CQ_EMPTY);
    EXPECT_EQ(world.ghost.voids, 0u);
    world.finish_all();
    EXPECT_TRUE(fine(world));
    EXPECT_EQ(world.ghost.delivered(1), 1u);
}

TEST(Rule03, a_slow_producer_gets_a_yield_before_it_is_voided)
{
    World world(Shape{});
    Process &p = world.add("P", {enqueue(1)});
    Process &q = world.add("Q", {enqueue(11)});
    Process &c = world.add("C", {dequeue()});

    ASSERT_TRUE(world.run_to(p, about_to_load("slot", "enqueue_publish"))) << world.report();
    world.finish(q);
    while (c.runnable() && c.next.operation != MODEL_YIELD)
        world.step(c);
    EXPECT_EQ(world.ghost.voids, 0u);
    world.finish(p); // it was all the time it needed
    world.finish(c);
    EXPECT_EQ(c.result(0).messages[0], 1u);
    EXPECT_EQ(world.ghost.voids, 0u);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

TEST(Rule03, a_stopped_producer_is_voided_and_its_message_comes_later)
{
    World world(Shape{});
    Process &p = world.add("P", {enqueue(1)});
    Process &q = world.add("Q", {enqueue(11)});
    Process &c = world.add("C", {dequeue(), dequeue()});

    ASSERT_TRUE(world.run_to(p, about_to_load("slot", "enqueue_publish"))) << world.report();
    world.finish(q);
    world.finish_call(c);
    EXPECT_EQ(c.result(0).messages[0], 11u);
    EXPECT_EQ(world.ghost.voids, 1u);
    world.finish(p);
    EXPECT_EQ(p.result(0).code, CQ_OK);
    world.finish_call(c);
    EXPECT_EQ(c.result(1).messages[0], 1u);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// All claims of a row were there when patience began: it is spent once, and so is the search for what is behind them.
TEST(Rule03, a_row_of_claims_is_waited_for_once)
{
    std::uint32_t looks[2] = {};
    for (std::uint32_t which = 0; which < 2; ++which) {
        const std::uint32_t length = 20 << which;
        Shape shape;
        shape.slots = 8;
        shape.capacity = 50;
        shape.spare_nodes = 20;
        World world(shape);
        Program batches;
        for (std::uint32_t i = 0; i < length; i += 4)
            batches.push_back(enqueue_batch(i + 1, 4));
        for (const Action &batch : batches) { // each by somebody who claims and stops
            Process &p = world.add("P", {batch});
            ASSERT_TRUE(world.run_to(p, about_to_load("slot", "enqueue_publish"))) << world.report();
        }
        Process &q = world.add("Q", {enqueue(101)});
        Process &c = world.add("C", {dequeue()});
        world.finish(q);
        world.forget_accesses();
        world.finish(c);
        EXPECT_EQ(c.result(0).messages[0], 101u);
        EXPECT_EQ(world.ghost.voids, length);
        const std::vector<World::Entry> &log = world.log();
        EXPECT_EQ(std::count_if(log.begin(), log.end(), [](const World::Entry &entry) {
                      return entry.access.operation == MODEL_YIELD;
                  }), 1);
        looks[which] = world.accesses(c, "slot");
        world.finish_all();
        EXPECT_TRUE(fine(world));
    }
    EXPECT_LT(looks[1], 2 * looks[0] + 10);
}

// What was spent on earlier claims is not held against a later one, even if both are in a row.
TEST(Rule03, a_claim_made_after_patience_began_has_time_of_its_own)
{
    Shape shape;
    shape.slots = 8;
    shape.capacity = 8;
    World world(shape);
    Process &p1 = world.add("P1", {enqueue(1)});
    Process &q = world.add("Q", {enqueue(11), enqueue(12)});
    Process &p2 = world.add("P2", {enqueue(21)});
    Process &p3 = world.add("P3", {enqueue(31)});
    Process &c = world.add("C", {dequeue(), dequeue()});
    const Place before_publishing = about_to_load("slot", "enqueue_publish");

    ASSERT_TRUE(world.run_to(p1, before_publishing)) << world.report(); // slot 0
    world.finish_call(q);
    ASSERT_TRUE(world.run_to(p2, before_publishing)) << world.report(); // slot 2
    world.finish_call(c);
    EXPECT_EQ(c.result(0).messages[0], 11u);
    ASSERT_TRUE(world.run_to(p3, before_publishing)) << world.report(); // slot 3
    world.finish_call(q);
    while (c.runnable() && c.next.operation != MODEL_YIELD)
        world.step(c);
    EXPECT_EQ(world.ghost.voids, 2u) << "slot 2 had its time with slot 0";
    world.finish(p3);
    world.finish(c);
    EXPECT_EQ(c.result(1).messages[0], 31u);
    EXPECT_EQ(world.ghost.voids, 2u);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// At the limit a producer waits for consumers, not for other producers; with a message there, consumers have work to do.
TEST(Rule03, a_producer_voids_nothing_while_a_message_is_there)
{
    Shape shape;
    shape.capacity = 2;
    World world(shape);
    Process &p = world.add("P", {enqueue(1)});
    Process &q = world.add("Q", {enqueue(11), enqueue(12)});

    ASSERT_TRUE(world.run_to(p, about_to_load("slot", "enqueue_publish"))) << world.report();
    world.finish(q);
    EXPECT_EQ(q.result(0).code, CQ_OK);
    EXPECT_EQ(q.result(1).code, CQ_FULL);
    EXPECT_EQ(world.ghost.voids, 0u);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

TEST(Rule03, a_slow_producer_gets_a_yield_before_it_is_voided_for_room)
{
    Shape shape;
    shape.capacity = 1;
    World world(shape);
    Process &p = world.add("P", {enqueue(1)});
    Process &q = world.add("Q", {enqueue(11)});

    ASSERT_TRUE(world.run_to(p, about_to_load("slot", "enqueue_publish"))) << world.report();
    while (q.runnable() && q.next.operation != MODEL_YIELD)
        world.step(q);
    EXPECT_TRUE(q.runnable());
    world.finish(p);
    world.finish(q);
    EXPECT_EQ(p.result(0).code, CQ_OK);
    EXPECT_EQ(q.result(0).code, CQ_FULL);
    EXPECT_EQ(world.ghost.voids, 0u);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// A handle waits for its own threads and reservations: it can end them.
TEST(Rule03, a_handle_does_not_void_its_own_claim_for_room)
{
    Shape shape;
    shape.capacity = 1;
    World world(shape);
    Process &p = world.add("P", {reserve(), commit(1)});
    Process &thread = world.add_thread("T", p, {enqueue(11)});
    Process &q = world.add("Q", {enqueue(21)});

    world.finish_call(p);
    world.finish(thread);
    EXPECT_EQ(thread.result(0).code, CQ_FULL);
    EXPECT_EQ(world.ghost.voids, 0u);
    world.finish(q);
    EXPECT_EQ(q.result(0).code, CQ_OK);
    EXPECT_EQ(world.ghost.voids, 1u);
    world.finish(p);
    EXPECT_EQ(p.result(1).code, CQ_FULL);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// The slot that a consumer looks at begins another life before it looks, so that it seems untouched; a message was there all
// the time.
TEST(Rule03, empty_is_checked_again)
{
    Shape shape;
    shape.slots = 1;
    World world(shape);
    Process &p = world.add("P", {enqueue(1), enqueue(2), enqueue(3), enqueue(4)});
    Process &c = world.add("C", {dequeue()});
    Process &d = world.add("D", {dequeue(), dequeue()});

    world.finish_call(p);
    world.finish_call(p);
    ASSERT_TRUE(world.run_to(c, about_to_load("slot 0.0"))) << world.report();
    world.finish_call(d);
    world.finish_call(p);
    world.finish_call(d);
    world.finish_call(p);
    ASSERT_EQ(word_sequence(slot_at(&world.queue(), node_at(&world.queue(), 0), 0)->state), 4u);
    world.finish(c);
    EXPECT_EQ(c.result(0).messages[0], 3u);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

TEST(Rule03, empty_is_true_at_an_instant)
{
    for (std::uint32_t slots = 1; slots <= 3; ++slots) {
        Scenario scenario;
        scenario.shape.slots = slots;
        scenario.begin = [](World &world) {
            world.add("P", {enqueue(1), enqueue(2)});
            world.add("Q", {enqueue(11)});
            world.add("C", {dequeue(), dequeue()});
            world.add("D", {dequeue()});
        };
        EXPECT_TRUE(fine(explore_all(scenario, 2, 4000)));
        EXPECT_TRUE(fine(explore_at_random(scenario, 2000)));
    }
}
