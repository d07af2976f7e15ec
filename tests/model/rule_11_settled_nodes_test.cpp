// Rule 11, SETTLED: a node without a claim under way is settled. Sweeps pass it by, and its holes need not be counted again.
#include "check.hpp"

using namespace model;

namespace {

Shape shape_of(std::uint32_t slots, std::uint64_t capacity = 16)
{
    Shape shape;
    shape.slots = slots;
    shape.capacity = capacity;
    shape.hole_slots = shape.spare_nodes = 16;
    return shape;
}

std::uint32_t phase(const World &world, std::uint32_t node) { return ticket_index(world.queue().states[node]); }

// Somebody who held nothing dies and is swept for.
Process &sweep_for_nothing(World &world)
{
    world.kill(world.add("X" + std::to_string(world.processes.size()), {dequeue()}));
    Process &r = world.add("R" + std::to_string(world.processes.size()), {sweep()});
    world.finish(r);
    return r;
}

Program numbers(std::uint32_t first, std::uint32_t count)
{
    Program program;
    for (std::uint32_t i = 0; i < count; ++i)
        program.push_back(enqueue(first + i));
    return program;
}

} // namespace

TEST(Settled, a_full_node_ahead_of_head_is_and_the_next_sweep_passes_it_by)
{
    World world(shape_of(2));
    world.finish(world.add("P", numbers(1, 7)));

    Process &first = sweep_for_nothing(world);
    EXPECT_EQ(phase(world, 0), static_cast<std::uint32_t>(NODE_LINKED)) << "head is there";
    EXPECT_EQ(phase(world, 1), static_cast<std::uint32_t>(NODE_SETTLED));
    EXPECT_EQ(phase(world, 2), static_cast<std::uint32_t>(NODE_SETTLED));
    EXPECT_EQ(phase(world, 3), static_cast<std::uint32_t>(NODE_LINKED)) << "not full";
    EXPECT_GT(world.accesses(first, "slot 2."), 0u);
    Process &second = sweep_for_nothing(world);
    EXPECT_EQ(world.accesses(second, "slot 1.") + world.accesses(second, "slot 2."), 0u);
    EXPECT_GT(world.accesses(second, "slot 0."), 0u);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// P has claimed a slot that others have recorded for it.
TEST(Settled, a_node_with_a_claim_under_way_is_not)
{
    World world(shape_of(2));
    Process &p = world.add("P", numbers(1, 3));

    world.finish_call(p);
    world.finish_call(p);
    ASSERT_TRUE(world.run_to(p, about_to_load("slot", "enqueue_publish"))) << world.report();
    world.finish(world.add("Q", {enqueue(11)}));
    sweep_for_nothing(world);
    EXPECT_EQ(phase(world, 1), static_cast<std::uint32_t>(NODE_LINKED));
    world.kill(p);
    sweep_for_nothing(world);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

TEST(Settled, what_a_dead_consumer_held_there_is_found)
{
    World world(shape_of(2));
    world.finish(world.add("P", numbers(1, 4)));
    sweep_for_nothing(world);
    ASSERT_EQ(phase(world, 1), static_cast<std::uint32_t>(NODE_SETTLED));

    Process &c = world.add("C", {dequeue(), dequeue(), take(), release()});
    for (int i = 0; i < 3; ++i)
        world.finish_call(c);
    world.kill(c);
    Process &d = world.add("D", {sweep(), dequeue(), dequeue()});
    world.finish(d);
    EXPECT_EQ(d.result(1).messages[0], 3u);
    EXPECT_EQ(d.result(2).messages[0], 4u);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// Somebody saw all of node 1 FULL and is slow: head has been there and gone when it says so, or the node lives again.
TEST(Settled, whoever_is_slow_to_say_so_does_no_harm)
{
    for (std::uint32_t dequeued = 2; dequeued <= 6; ++dequeued) {
        World world(shape_of(2));
        world.finish(world.add("P", numbers(1, 5)));
        world.kill(world.add("X", {dequeue()}));
        Process &r = world.add("R", {sweep()});
        ASSERT_TRUE(world.run_to(r, about_to_exchange("state 1", "node_settle"))) << world.report();
        world.finish(world.add("D", Program(dequeued, dequeue())));
        world.finish(world.add("Q", numbers(11, 4)));
        world.finish(r);
        world.finish_all();
        EXPECT_TRUE(fine(world)) << dequeued;
    }
}

// A refusal looks at few slots, however many messages wait and wherever the holes are.
TEST(Settled, a_refusal_costs_the_same_whatever_the_backlog)
{
    std::uint32_t costs[2];
    for (std::uint32_t size = 0; size < 2; ++size) {
        const std::uint32_t nodes = size == 0 ? 5 : 25;
        World world(shape_of(2, nodes));
        Program program;
        for (std::uint32_t i = 0; i < nodes; ++i) {
            program.push_back(reserve()); // a hole in each node
            program.push_back(give_up());
            program.push_back(enqueue(1 + i));
        }
        program.insert(program.end(), {enqueue(101), enqueue(102)});
        Process &p = world.add("P", program);
        while (p.call + 1 < p.program.size() && p.runnable())
            world.finish_call(p);
        world.forget_accesses();
        world.finish(p);
        EXPECT_EQ(p.result(static_cast<std::uint32_t>(program.size()) - 1).code, CQ_FULL);
        costs[size] = static_cast<std::uint32_t>(world.accessed(p).size());
        world.finish_all();
        EXPECT_TRUE(fine(world));
    }
    EXPECT_LE(costs[1], costs[0] + 2);
}

// So many messages come to be held, each in a node of its own: what their producer looks at.
std::uint32_t cost_beside_held_nodes(std::uint32_t count)
{
    Shape shape = shape_of(1, 8);
    shape.spare_nodes = 60;
    World world(shape);
    Process &p = world.add("P", numbers(1, count));
    for (std::uint32_t i = 0; i < count; ++i) {
        world.finish_call(p);
        world.finish_call(world.add("C" + std::to_string(i), {take(), release()}));
    }
    const auto cost = static_cast<std::uint32_t>(world.accessed(p).size());
    world.finish_all();
    EXPECT_TRUE(fine(world));
    return cost;
}

TEST(Settled, held_nodes_cost_a_message_nothing) { EXPECT_LE(cost_beside_held_nodes(45), 4 * cost_beside_held_nodes(15)); }

// So many consumers die, each of which held a message in a node of its own; then what it costs to take these.
std::uint32_t cost_of_orphans(std::uint32_t count)
{
    World world(shape_of(1, 40));
    world.finish(world.add("P", numbers(1, count)));
    std::vector<Process *> consumers;
    for (std::uint32_t i = 0; i < count; ++i)
        world.finish_call(*consumers.emplace_back(&world.add("C" + std::to_string(i), {take(), release()})));
    for (Process *consumer : consumers)
        world.kill(*consumer);
    world.finish(world.add("R", {sweep()}));
    Program program(count, dequeue());
    Process &d = world.add("D", program);
    world.forget_accesses();
    world.finish(d);
    for (std::uint32_t i = 0; i < count; ++i)
        EXPECT_EQ(d.result(i).messages[0], i + 1);
    const auto cost = static_cast<std::uint32_t>(world.accessed(d).size());
    world.finish_all();
    EXPECT_TRUE(fine(world));
    return cost;
}

TEST(Settled, an_orphan_costs_the_same_however_many_there_are)
{
    EXPECT_LE(cost_of_orphans(30), 4 * cost_of_orphans(10));
}

// Q knows all holes there are; then P makes one in another node. Q must know of it.
TEST(Settled, a_hole_made_since_is_counted)
{
    World world(shape_of(2, 4));
    Process &p = world.add("P", {reserve(), give_up()});
    Process &h = world.add("H", {reserve(), give_up()});
    Process &q = world.add("Q", {enqueue(11), enqueue(12), enqueue(13), enqueue(14), enqueue(15)});

    world.finish_call(q); // 11
    world.finish(h);      // a hole behind it
    world.finish_call(p); // reserved
    world.finish_call(q); // 12
    world.finish_call(q); // 13
    world.finish_call(q); // full
    EXPECT_EQ(q.result(3).code, CQ_FULL);
    world.finish(p);
    world.finish(q);
    EXPECT_EQ(q.result(4).code, CQ_OK);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// A is stopped on its way to a hole. Q counts the holes, before that or after, and remembers them; then A makes it, or
// B another one in the same node.
void stop_before_a_hole(const Place &place)
{
    for (const bool knows_before : {false, true}) {
        World world(shape_of(2, 3));
        Process &a = world.add("A", {reserve(), give_up()});
        Process &b = world.add("B", {reserve(), give_up()});
        Process &q = world.add("Q", {enqueue(11), reserve(), give_up(), enqueue(12), enqueue(13), enqueue(14)});

        for (int i = 0; i < 3; ++i)
            world.finish_call(q); // a message, and a hole, so that holes are counted
        world.finish_call(a);
        world.finish_call(b);
        if (knows_before)
            world.finish_call(q);
        ASSERT_TRUE(world.run_to(a, place)) << world.report();
        if (!knows_before)
            world.finish_call(q);
        EXPECT_EQ(q.result(3).code, CQ_FULL); // 11, and two reservations
        world.finish(knows_before ? b : a);
        world.finish_call(q);
        EXPECT_EQ(q.result(4).code, CQ_OK);
        world.finish(knows_before ? a : b);
        world.finish_call(q);
        EXPECT_EQ(q.result(5).code, CQ_OK);
        world.finish_all();
        EXPECT_TRUE(fine(world));
    }
}

TEST(Settled, a_mark_alone_announces_nothing) { stop_before_a_hole({MODEL_ADD, "holed", "queue_announce_hole"}); }
TEST(Settled, an_announcement_is_for_all_holes_of_a_node) { stop_before_a_hole(about_to_exchange("slot", "enqueue_abandon")); }
TEST(Settled, a_hole_is_marked_before_it_is_announced) { stop_before_a_hole({MODEL_OR, "marks", "node_mark"}); }
TEST(Settled, a_hole_is_announced_before_others_rely_on_it)
{
    stop_before_a_hole(about_to_store("node 1 holed", "queue_announce_hole"));
}

TEST(Settled, everything_with_holes_sweeps_and_deaths)
{
    for (std::uint32_t slots = 1; slots <= 3; ++slots) {
        Scenario scenario;
        scenario.shape = shape_of(slots, 3);
        scenario.kills = 2;
        scenario.begin = [](World &world) {
            world.add("P", {enqueue_batch(1, 3), reserve(), give_up(), enqueue(5), enqueue(6)});
            world.add("Q", {enqueue(11), reserve(), give_up(), enqueue_batch(12, 2), enqueue(14)});
            world.add("C", {dequeue(), take(), release(), take(), give_back()});
            world.add("S", {sweep(), dequeue(), sweep(), dequeue()});
        };
        EXPECT_TRUE(fine(explore_at_random(scenario, 4000)));
    }
}
