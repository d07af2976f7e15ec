// Rule 18, WALKS: a walk shows each message that waits once, in order, whatever others do meanwhile, and touches no node that
// may have lost its memory.
#include "check.hpp"

using namespace model;

namespace {

Shape shape_of(std::uint32_t slots)
{
    Shape shape;
    shape.slots = slots;
    shape.capacity = 5;
    return shape;
}

} // namespace

// P has linked a node, and stops before it calls it LINKED, or dies there. No message can be in it.
TEST(Walks, end_where_a_node_is_being_appended)
{
    for (std::uint32_t slots = 1; slots <= 3; ++slots)
        for (const bool dies : {false, true}) {
            World world(shape_of(slots));
            Process &p = world.add("P", {enqueue_batch(1, slots), enqueue(10)});
            world.finish_call(p);
            ASSERT_TRUE(world.run_to(p, about_to_load("state 1", "queue_help_tail"))) << world.report();
            if (dies)
                world.kill(p);
            Process &w = world.add("W", {walk()});
            world.finish(w);
            EXPECT_EQ(w.result(0).count, slots) << world.report();
            world.finish_all();
            EXPECT_TRUE(fine(world));
        }
}

// W comes to a node before tail does, and goes on when others have passed it.
TEST(Walks, go_on_from_wherever_they_stopped)
{
    for (std::uint32_t slots = 1; slots <= 2; ++slots)
        for (std::uint32_t stop = 0, more = 1; more; ++stop) {
            World world(shape_of(slots));
            Process &p = world.add("P", {enqueue_batch(1, 4)}), &c = world.add("C", {}), &w = world.add("W", {walk()});
            world.finish(p);
            for (std::uint32_t i = 0; i < stop && w.runnable() && !world.failed(); ++i)
                world.step(w);
            more = w.runnable();
            for (std::uint32_t i = 0; i < 6; ++i) {
                world.give(c, dequeue());
                world.finish(c);
                world.give(p, enqueue(10 + i));
                world.finish(p);
            }
            world.finish_all();
            ASSERT_TRUE(fine(world)) << "stopped before step " << stop;
        }
}

// H holds what W is shown, so W's node stays, and the one behind it goes, with its memory.
TEST(Walks, touch_nothing_behind_a_node_of_before)
{
    for (std::uint32_t stop = 0, more = 1; more; ++stop) {
        World world(shape_of(1));
        world.trims = true;
        Process &p = world.add("P", {enqueue(1), enqueue(2), enqueue(3), enqueue(4)}), &h = world.add("H", {take()});
        Process &c = world.add("C", {dequeue(), dequeue(), dequeue()}), &t = world.add("T", {trim()});
        Process &w = world.add("W", {walk()});
        world.finish(p);
        for (std::uint32_t i = 0; i < stop && w.runnable() && !world.failed(); ++i)
            world.step(w);
        more = w.runnable();
        world.finish(h);
        world.finish(c);
        world.finish(t);
        world.finish(w);
        world.give(h, release());
        world.finish_all();
        ASSERT_TRUE(fine(world)) << "stopped before step " << stop;
    }
}

TEST(Walks, beside_everything_else)
{
    for (std::uint32_t slots = 1; slots <= 3; ++slots)
        for (const bool weak : {false, true}) {
            Scenario scenario;
            scenario.shape = shape_of(slots);
            scenario.weak = weak;
            scenario.kills = 1;
            scenario.begin = [](World &world) {
                world.trims = true;
                world.add("P", {enqueue(1), enqueue_batch(2, 3), enqueue(5)});
                world.add("Q", {enqueue(11), reserve(), commit(12)});
                world.add("C", {dequeue(), take(), give_back(), dequeue_batch(2), trim()});
                world.add("W", {walk(), walk(), walk()});
            };
            EXPECT_TRUE(fine(explore_at_random(scenario, 1500)));
        }
}
