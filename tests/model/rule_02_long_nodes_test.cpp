// Rule 2, PREFIX, where runs and nodes are long: short messages of a long run are published as single ones are, and who
// publishes the last slot of the last node appends the next one ahead of need.
#include "check.hpp"

using namespace model;

namespace {

Shape shape_of(std::uint32_t slots, std::uint64_t capacity)
{
    Shape shape;
    shape.slots = slots;
    shape.capacity = capacity;
    return shape;
}

void explore_long(std::uint32_t slots, std::uint64_t capacity, std::uint32_t kills, bool weak, void (*begin)(World &),
                  std::uint32_t runs)
{
    Scenario scenario;
    scenario.shape = shape_of(slots, capacity);
    scenario.kills = scenario.successors = kills;
    scenario.weak = weak;
    scenario.begin = begin;
    EXPECT_TRUE(fine(explore_at_random(scenario, runs))) << slots << " slots";
}

void long_batches(World &world)
{
    world.add("P", {enqueue_batch(1, 8), enqueue(9)});
    world.add("Q", {enqueue_batch(11, 8)});
    world.add("C", {dequeue_batch(8), dequeue_batch(3)});
    world.add("D", {dequeue(), dequeue_batch(8)});
}

void long_batches_of_threads(World &world)
{
    Process &p = world.add("P", {enqueue_batch(1, 8), enqueue(9)});
    world.add_thread("P2", p, {enqueue(11), enqueue_batch(12, 8)});
    world.add("C", {dequeue_batch(8), dequeue_batch(8)});
}

// Node 0 is free, and a message was in node 1, which these fill: the next one is appended ahead.
void node_ends(World &world)
{
    world.finish(world.add("S", {enqueue_batch(21, 8), enqueue(29), dequeue_batch(8), dequeue()}));
    world.add("P", {enqueue_batch(1, 5), reserve(), commit(6), enqueue(7)});
    world.add("Q", {enqueue(11), enqueue(12), enqueue(13)});
    world.add("C", {dequeue_batch(8), dequeue(), dequeue()});
    world.add("D", {take(), release(), dequeue(), dequeue()});
}

} // namespace

// The run is remembered only when all of it is out.
TEST(Rule02, a_long_batch_is_published_as_single_messages_are)
{
    World world(shape_of(16, 16));
    Process &p = world.add("P", {enqueue_batch(1, 8)});

    for (std::uint32_t i = 0; i < 8; ++i) {
        ASSERT_TRUE(world.run_to(p, about_to_exchange("slot 0." + std::to_string(i), "fast_publish"))) << world.report();
        EXPECT_EQ(p.queue->last_enq, 0u) << i;
    }
    world.finish(p);
    EXPECT_EQ(ticket_index(p.queue->last_enq), 8u);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// Others record the slots of a long batch, and void the next one: it and the rest go behind what others published.
TEST(Rule02, a_long_batch_voided_in_the_middle_goes_behind)
{
    World world(shape_of(16, 20));
    Process &p = world.add("P", {enqueue_batch(1, 8)});
    Process &q = world.add("Q", {enqueue(11)});
    Process &c = world.add("C", {dequeue_batch(8)});

    ASSERT_TRUE(world.run_to(p, about_to_exchange("slot 0.2", "fast_publish"))) << world.report();
    world.finish(q);
    world.finish(c);
    EXPECT_EQ(c.result(0).count, 3u);
    EXPECT_EQ(c.result(0).messages[2], 11u);
    EXPECT_GT(world.ghost.voids, 0u);
    world.finish(p);
    EXPECT_EQ(p.result(0).count, 8u);
    world.finish_all();
    EXPECT_TRUE(fine(world));
    for (std::uint32_t message = 1; message <= 8; ++message)
        EXPECT_EQ(world.ghost.delivered(message), 1u) << message;
}

// A producer that dies in a long batch leaves what it published, and nothing else; nobody waits for it.
TEST(Rule02, a_producer_may_die_anywhere_in_a_long_batch)
{
    for (std::uint32_t published = 0; published < 8; ++published) {
        World world(shape_of(16, 16));
        Process &p = world.add("P", {enqueue_batch(1, 8)});
        Process &q = world.add("Q", {enqueue(11)});

        ASSERT_TRUE(world.run_to(p, about_to_exchange("slot 0." + std::to_string(published), "fast_publish")));
        world.kill(p);
        world.finish(q);
        EXPECT_EQ(q.result(0).code, CQ_OK);
        world.finish_all();
        EXPECT_TRUE(fine(world));
        for (std::uint32_t message = 1; message <= 8; ++message)
            EXPECT_EQ(world.ghost.delivered(message), message <= published ? 1u : 0u) << message;
    }
}

// Once there is a free node no message waits for one, whichever call publishes the last slot of a node.
TEST(Rule02, the_next_node_is_appended_ahead)
{
    for (const Program &last : {Program{enqueue(7)}, Program{enqueue_batch(7, 1)}, Program{reserve(), commit(7)}}) {
        World world(shape_of(8, 16));
        Process &p = world.add("P", {enqueue_batch(21, 8), enqueue(29)});
        Process &c = world.add("C", {dequeue_batch(8), dequeue()});
        Process &q = world.add("Q", {enqueue_batch(1, 6)});

        world.finish(p);
        world.finish(c); // node 0 is free, and node 1 has one slot left after Q's
        world.finish(q);
        ASSERT_EQ(word_sequence(world.queue().header->tail), 2u) << world.report();
        for (const Action &action : last) {
            world.give(q, action);
            world.finish(q);
        }
        EXPECT_EQ(word_sequence(world.queue().header->tail), 3u) << world.report();
        world.forget_accesses();
        world.give(q, enqueue(8));
        world.finish(q);
        EXPECT_EQ(world.accesses(q, "state"), 0u) << world.report();
        world.finish_all();
        EXPECT_TRUE(fine(world));
    }
}

// One without memory is left to whoever needs it.
TEST(Rule02, no_node_gets_memory_ahead)
{
    World world(shape_of(8, 16));
    Process &p = world.add("P", {enqueue_batch(1, 8)});

    world.finish(p);
    EXPECT_EQ(world.queue().header->touched, 1u);
    EXPECT_EQ(word_sequence(world.queue().header->tail), 1u);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

TEST(Rule02, long_batches_with_deaths)
{
    explore_long(16, 12, 2, false, long_batches, 800);
    explore_long(9, 20, 2, false, long_batches, 800);
}

TEST(Rule02, long_batches_of_threads) { explore_long(12, 20, 1, false, long_batches_of_threads, 1000); }

TEST(Rule02, nodes_appended_ahead_with_deaths)
{
    explore_long(8, 20, 2, false, node_ends, 1500);
    explore_long(8, 9, 1, false, node_ends, 1000);
}

TEST(Rule09, long_batches)
{
    explore_long(16, 20, 0, true, long_batches, 300);
    explore_long(9, 20, 1, true, long_batches, 300);
}

TEST(Rule09, nodes_appended_ahead) { explore_long(8, 20, 1, true, node_ends, 1000); }
