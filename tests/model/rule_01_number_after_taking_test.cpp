// Rule 1, NUMBER: take the node first, then read tail, and number the node only from that read.
#include "check.hpp"

using namespace model;

// A producer that saw an old tail must not give a node a sequence that the node has had before: another producer, as old,
// would claim in it, and its message would be gone with the node, with nobody killed.
TEST(Rule01, a_sequence_is_never_used_twice)
{
    Shape shape;
    shape.slots = 1;
    World world(shape);
    Process &p = world.add("P", {enqueue(1), enqueue(2), enqueue(3), enqueue(4), enqueue(5)});
    Process &c = world.add("C", {dequeue(), dequeue(), dequeue(), dequeue(), dequeue()});
    Process &q = world.add("Q", {enqueue(11)});
    Process &z = world.add("Z", {enqueue(777)});

    world.finish_call(p); // node 0 is full
    ASSERT_TRUE(world.run_to(q, about_to_load("touched"))) << world.report(); // saw tail = (1, n0), has no node yet
    world.finish_call(p); // node 1 lives as 2
    ASSERT_TRUE(world.run_to(z, about_to_load("node 1 enq"))) << world.report(); // saw tail = (2, n1)
    world.finish_call(c);
    world.finish_call(c);
    for (int life = 3; life <= 5; ++life) { // node 1 lives again as 4, and is freed
        world.finish_call(p);
        world.finish_call(c);
    }
    ASSERT_EQ(world.queue().states[1], ticket_word(4, NODE_FREE, 0)) << world.report();

    ASSERT_TRUE(world.run_to(q, about_to_exchange("node 0 next"))) << world.report();
    world.finish(z);
    world.finish(q);
    EXPECT_EQ(z.result(0).code, CQ_OK);
    world.finish_all();
    EXPECT_TRUE(fine(world));
    EXPECT_EQ(world.ghost.delivered(777), 1u);
}

// C saw head at node 0, which lives again before C looks at it: its ticket is not one of the life that C came for.
TEST(Rule01, a_consumer_notices_that_a_node_lives_again)
{
    Shape shape;
    shape.slots = 1;
    World world(shape);
    Process &p = world.add("P", {enqueue(1), enqueue(2), enqueue(3)});
    Process &c = world.add("C", {dequeue()});
    Process &d = world.add("D", {dequeue(), dequeue()});

    world.finish_call(p);
    ASSERT_TRUE(world.run_to(c, about_to_load("node 0 deq"))) << world.report();
    world.finish_call(p);
    world.finish_call(d);
    ASSERT_TRUE(world.run_to(d, about_to_exchange("node 1 deq"))) << world.report(); // head is there
    world.finish(p);
    ASSERT_EQ(word_sequence(world.queue().states[0]), 3u) << world.report();
    world.finish(c);
    EXPECT_EQ(c.result(0).messages[0], 2u);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

TEST(Rule01, appending_at_the_same_time)
{
    Scenario scenario;
    scenario.shape.slots = 1;
    scenario.begin = [](World &world) {
        world.add("P", {enqueue(1), enqueue(2), enqueue(3)});
        world.add("Q", {enqueue(11)});
        world.add("C", {dequeue(), dequeue()});
    };
    EXPECT_TRUE(fine(explore_all(scenario, 2, 4000)));
    EXPECT_TRUE(fine(explore_at_random(scenario, 3000)));
}
