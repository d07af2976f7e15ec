// Rule 6, RECYCLE: recycling is derived from the node itself, attempts are hints, a sweep is the truth.
#include "check.hpp"

using namespace model;

namespace {

constexpr std::uint64_t last_sequence = (std::uint64_t{1} << 40) - 1;

} // namespace

// A consumer holds a message in a node that head has left: the node must stay until it is released, whatever else is done.
TEST(Rule06, a_node_with_a_message_that_is_held_stays)
{
    for (std::uint32_t held = 0; held < 3; ++held) {
        Shape shape;
        shape.slots = 3;
        World world(shape);
        Process &p = world.add("P", {enqueue(1), enqueue(2), enqueue(3), enqueue(4), enqueue(5)});
        Process &c = world.add("C", {take(), release()});
        Process &d = world.add("D", Program(4, dequeue()));

        for (int i = 0; i < 4; ++i)
            world.finish_call(p);
        for (std::uint32_t i = 0; i < held; ++i)
            world.finish_call(d);
        world.finish_call(c);
        while (d.runnable() && d.call < 3)
            world.finish_call(d);
        EXPECT_EQ(word_sequence(world.queue().header->head), 2u);
        EXPECT_EQ(world.queue().states[0], ticket_word(1, NODE_LINKED, 0));
        world.finish(p);
        world.finish(c);
        EXPECT_EQ(c.result(1).code, CQ_OK);
        EXPECT_EQ(c.result(1).messages[0], held + 1);
        EXPECT_EQ(world.queue().states[0], ticket_word(1, NODE_FREE, 0)) << "who finishes the last slot frees the node";
        world.finish_all();
        EXPECT_TRUE(fine(world));
    }
}

// All slots are done, but head is still there: others may be about to claim in it.
TEST(Rule06, a_node_that_head_has_not_left_stays)
{
    Shape shape;
    shape.slots = 1;
    World world(shape);
    Process &p = world.add("P", {enqueue(1), enqueue(2)});
    Process &c = world.add("C", {take(), release()});

    world.finish(p);
    world.finish(c);
    EXPECT_EQ(world.queue().states[0], ticket_word(1, NODE_LINKED, 0));
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// The last one to finish comes after head has moved on: nobody else will look at the node.
TEST(Rule06, who_finishes_last_frees_the_node)
{
    Shape shape;
    shape.slots = 1;
    World world(shape);
    Process &p = world.add("P", {enqueue(1), enqueue(2)});
    Process &c = world.add("C", {dequeue()});
    Process &d = world.add("D", {dequeue()});

    world.finish(p);
    ASSERT_TRUE(world.run_to(c, about_to_store("slot 0.0"))) << world.report();
    world.finish(d);
    EXPECT_EQ(world.queue().states[0], ticket_word(1, NODE_LINKED, 0));
    world.finish(c);
    EXPECT_EQ(world.queue().states[0], ticket_word(1, NODE_FREE, 0));
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// Three times who swings head is stopped before it tries to recycle, and who finished could not: half of all nodes are
// astray, the rest have messages. The sweep before FULL finds them.
TEST(Rule06, what_both_attempts_missed_is_found_before_full)
{
    Shape shape;
    shape.slots = 1;
    shape.capacity = 4;
    shape.hole_slots = shape.spare_nodes = 0; // six nodes
    World world(shape);
    Process &p = world.add("P", {enqueue(1), enqueue(2), enqueue(3), enqueue(4), enqueue(5), enqueue(6), enqueue(7)});

    for (int i = 0; i < 4; ++i)
        world.finish_call(p);
    for (int i = 0; i < 3; ++i) {
        Process &c = world.add("C" + std::to_string(i), {dequeue(), dequeue()});
        world.finish_call(c);
        ASSERT_TRUE(world.run_to(c, about_to_load("state", "node_state"))) << world.report(); // head has moved
        world.finish_call(p);
    }
    EXPECT_EQ(p.result(6).code, CQ_OK) << "there is room";
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// Without looking for what went astray, memory would grow to the last node although one or two would do.
TEST(Rule06, nodes_gone_astray_are_found_before_fresh_memory_is_used)
{
    Shape shape;
    shape.slots = 1;
    shape.capacity = 16;
    shape.spare_nodes = 20;
    World world(shape);
    Process &p = world.add("P", Program(30, enqueue(1)));
    for (std::uint32_t i = 0; i < p.program.size(); ++i)
        p.program[i].message = 1 + i;

    world.finish_call(p);
    for (int i = 0; i < 25; ++i) {
        Process &c = world.add("C" + std::to_string(i), {dequeue(), dequeue()});
        world.finish_call(p);
        world.finish_call(c);
        ASSERT_TRUE(world.run_to(c, about_to_load("state", "node_state"))) << world.report();
    }
    EXPECT_LE(world.queue().header->touched, 6u);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// "Behind head" is a distance: sequences wrap, and skip 0.
TEST(Rule06, nodes_are_recycled_while_sequences_wrap)
{
    for (std::uint64_t first = last_sequence - 3; first <= last_sequence; ++first) {
        Scenario scenario;
        scenario.shape.slots = 1;
        scenario.shape.first_sequence = first;
        scenario.kills = 1;
        scenario.begin = [](World &world) {
            world.add("P", {enqueue(1), enqueue(2), enqueue(3)});
            world.add("Q", {enqueue(11), enqueue(12), enqueue(13)});
            world.add("C", Program(4, dequeue()));
            world.add("D", {take(), release(), dequeue(), dequeue()});
        };
        EXPECT_TRUE(fine(explore_at_random(scenario, 700)));
    }
}

TEST(Rule06, finishing_and_swinging_at_the_same_time)
{
    Scenario scenario;
    scenario.shape.slots = 2;
    scenario.begin = [](World &world) {
        world.add("P", {enqueue(1), enqueue(2), enqueue(3)});
        world.add("C", {dequeue(), take(), release()});
        world.add("D", {dequeue(), dequeue()});
    };
    EXPECT_TRUE(fine(explore_all(scenario, 2, 5000)));
    EXPECT_TRUE(fine(explore_at_random(scenario, 3000)));
}
