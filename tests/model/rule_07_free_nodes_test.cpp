// Rule 7, STATE: node.state is the truth about a node, the bitmap a hint, and nothing beyond the touched mark is read.
#include "check.hpp"

using namespace model;

namespace {

Shape one_slot()
{
    Shape shape;
    shape.slots = 1;
    shape.capacity = 8;
    return shape;
}

bool is_hinted(const World &world, std::uint32_t node) { return world.queue().bitmap[0] >> node & 1; }

// H is about to mark node 1 LINKED for an append that others finish; the node is freed, and Q takes it for another one. The
// state says whose it is, but not for what: only tail does. In a weak memory, finding the state tells of the tail.
void stop_a_helper(bool weak)
{
    World world(one_slot());
    world.weak = weak;
    world.promises = Promises::c11;
    world.reset();
    Process &p = world.add("P", {enqueue(1), enqueue(2)});
    Process &h = world.add("H", {enqueue(11)});
    Process &q = world.add("Q", {enqueue(21), enqueue(22)});
    Process &c = world.add("C", {dequeue(), dequeue(), dequeue(), dequeue()});

    world.finish_call(p);
    ASSERT_TRUE(world.run_to(p, about_to_load("state 1", "queue_help_tail"))) << world.report(); // linked behind node 0
    ASSERT_TRUE(world.run_to(h, about_to_load("state 1", "queue_help_tail"))) << world.report();
    world.finish(p);
    world.finish_call(q); // node 2
    world.finish(c);      // nodes 0 and 1 are free
    ASSERT_EQ(world.queue().states[1], ticket_word(2, NODE_FREE, 0)) << world.report();
    Process &x = world.add("X", {enqueue(31)});
    ASSERT_TRUE(world.run_to(x, about_to_load("tail", "queue_append"), 2)) << world.report(); // has node 0
    ASSERT_TRUE(world.run_to(q, about_to_load("tail", "queue_append"), 2)) << world.report(); // has node 1
    ASSERT_EQ(world.queue().states[1], ticket_word(2, NODE_TAKEN, q.owner())) << world.report();
    world.step(h); // finds the state
    world.choice = Memory::oldest;
    world.step(h); // looks at tail
    world.choice = nullptr;
    world.step(h);
    EXPECT_EQ(world.queue().states[1], ticket_word(2, NODE_TAKEN, q.owner()));
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

} // namespace

TEST(Rule07, a_stopped_helper_marks_no_node_of_somebody_else) { stop_a_helper(false); }
TEST(Rule07, a_taken_node_tells_of_its_taker) { stop_a_helper(true); }

TEST(Rule07, the_lowest_free_node_comes_first)
{
    World world(one_slot());
    Process &p = world.add("P", {enqueue(1), enqueue(2), enqueue(3), enqueue(4), enqueue(5)});
    Process &c = world.add("C", {dequeue(), dequeue(), dequeue()});

    for (int i = 0; i < 4; ++i)
        world.finish_call(p); // nodes 0 to 3
    world.finish(c);          // 0 and 1 are free again
    EXPECT_EQ(link_node(world.queue().header->head), 2u);
    world.finish(p);
    EXPECT_EQ(link_node(world.queue().header->tail), 0u);
    EXPECT_EQ(world.queue().header->touched, 4u);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// Q finds node 0 free, and before it can take it P does, and the node is used and freed again. The bit that Q then clears is
// the new one: it must see that, or the node is forgotten and memory grows.
TEST(Rule07, a_hint_that_comes_back_while_it_is_cleared_survives)
{
    World world(one_slot());
    Process &p = world.add("P", {enqueue(1), enqueue(2), enqueue(3), enqueue(4)});
    Process &q = world.add("Q", {enqueue(11)});
    Process &c = world.add("C", {dequeue(), dequeue(), dequeue(), dequeue()});

    world.finish_call(p);
    world.finish_call(p);
    world.finish_call(c);
    ASSERT_TRUE(world.run_to(q, about_to_load("touched"))) << world.report();
    world.finish_call(c); // head leaves node 0, which is free now; 2 was the last message
    ASSERT_EQ(world.queue().states[0], ticket_word(1, NODE_FREE, 0));
    ASSERT_TRUE(world.run_to(q, about_to_exchange("state 0", "take_if_free"))) << world.report();
    world.finish_call(p); // takes node 0 ...
    world.finish_call(c);
    world.finish_call(p); // ... leaves it for node 1 ...
    world.finish_call(c); // ... and it is free again
    ASSERT_EQ(world.queue().states[0], ticket_word(3, NODE_FREE, 0)) << world.report();
    ASSERT_TRUE(is_hinted(world, 0));
    ASSERT_EQ(world.queue().header->touched, 2u);
    world.finish(q);
    EXPECT_EQ(world.queue().header->touched, 2u) << "a third node where two will do";
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// Two saw that node 0 is free.
TEST(Rule07, a_node_is_taken_by_one)
{
    World world(one_slot());
    Process &p = world.add("P", {enqueue(1), enqueue(2)});
    Process &q = world.add("Q", {enqueue(11)});
    Process &x = world.add("X", {enqueue(21)});
    Process &c = world.add("C", {dequeue(), dequeue()});

    world.finish(p);
    world.finish(c); // node 0 is free
    for (Process *producer : {&q, &x})
        ASSERT_TRUE(world.run_to(*producer, {MODEL_BEGIN, "state 0", "take_if_free"})) << world.report();
    world.finish(q);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// Two at once: one of them must not take the mark back.
TEST(Rule07, growing_at_the_same_time)
{
    World world(one_slot());
    Process &p = world.add("P", {enqueue(1), enqueue(2)});
    Process &q = world.add("Q", {enqueue(11), enqueue(12)});

    world.finish_call(p);
    ASSERT_TRUE(world.run_to(p, {MODEL_BEGIN, "touched", "grow"})) << world.report();
    world.finish(q);
    EXPECT_EQ(world.queue().header->touched, 3u);
    world.finish(p);
    EXPECT_GE(world.queue().header->touched, 3u);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// The ghost fails a process that reaches for a node beyond the mark; here they all do what makes them look at nodes.
TEST(Rule07, nothing_beyond_the_mark_is_read)
{
    Scenario scenario;
    scenario.shape = one_slot();
    scenario.kills = 2;
    scenario.begin = [](World &world) {
        world.add("P", {enqueue(1), enqueue(2), enqueue(3)});
        world.add("Q", {enqueue(11), enqueue(12), sweep()});
        world.add("C", {take(), give_back(), dequeue()});
        world.add("D", {dequeue(), sweep(), dequeue()});
    };
    EXPECT_TRUE(fine(explore_at_random(scenario, 4000)));
}
