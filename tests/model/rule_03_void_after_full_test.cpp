// Rule 3: void only after a later message was seen; empty means that none was there.
#include "check.hpp"

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
