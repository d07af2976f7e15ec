// Rule 10: nobody waits for a stopped thread, wherever it is stopped, and that pins at most one taken and one claimed node.
#include "check.hpp"

using namespace model;

namespace {

// Stop a process after each of its steps in turn; the others then do their work alone, and only then does it go on.
void stop_everywhere(const Shape &shape, const Program &before, const Program &stopped, const char *name)
{
    for (std::uint32_t steps = 0;; ++steps) {
        World world(shape);
        world.finish(world.add("B", before));
        Process &s = world.add(name, stopped);
        for (std::uint32_t i = 0; i < steps && s.runnable(); ++i)
            world.step(s);
        const bool over = !s.runnable();
        Process &p = world.add("P", {});
        Process &c = world.add("C", {});
        for (std::uint32_t i = 0; i < 8; ++i) {
            world.give(p, enqueue(100 + i));
            world.finish_call(p);
            world.give(c, dequeue());
            world.finish_call(c);
            ASSERT_EQ(p.results.back().code, CQ_OK) << world.report() << "stopped after " << steps << " steps";
            ASSERT_EQ(c.results.back().code, CQ_OK) << world.report() << "stopped after " << steps << " steps";
        }
        world.finish_all();
        ASSERT_TRUE(fine(world)) << "stopped after " << steps << " steps";
        if (over)
            return;
    }
}

Shape tight(std::uint32_t slots)
{
    Shape shape;
    shape.slots = slots;
    shape.capacity = 5;
    shape.hole_slots = 1;
    shape.spare_nodes = 2; // what one stopped thread may pin
    return shape;
}

} // namespace

TEST(Rule10, a_stopped_producer_stops_nobody)
{
    for (std::uint32_t slots = 1; slots <= 3; ++slots)
        stop_everywhere(tight(slots), {enqueue(1)}, {enqueue(51), enqueue(52)}, "S");
}

TEST(Rule10, a_stopped_consumer_stops_nobody)
{
    for (std::uint32_t slots = 1; slots <= 3; ++slots)
        stop_everywhere(tight(slots), {enqueue(1), enqueue(2), enqueue(3)}, {dequeue(), dequeue()}, "S");
}

TEST(Rule10, a_stopped_batch_stops_nobody)
{
    for (std::uint32_t slots = 1; slots <= 3; ++slots) {
        stop_everywhere(tight(slots), {}, {enqueue_batch(51, 3)}, "S");
        stop_everywhere(tight(slots), {enqueue_batch(1, 3)}, {dequeue_batch(2)}, "S");
    }
}

TEST(Rule10, a_stopped_sweep_stops_nobody)
{
    for (std::uint32_t steps = 0; steps < 60; ++steps) {
        World world(tight(2));
        Process &dead = world.add("X", {enqueue(51)});
        ASSERT_TRUE(world.run_to(dead, about_to_load("slot", "enqueue_publish"))) << world.report();
        world.kill(dead);
        Process &s = world.add("S", {sweep()});
        for (std::uint32_t i = 0; i < steps && s.runnable(); ++i)
            world.step(s);
        Process &p = world.add("P", {enqueue(1), enqueue(2), enqueue(3)});
        Process &c = world.add("C", {dequeue(), dequeue(), dequeue()});
        world.finish(p);
        world.finish(c);
        for (std::uint32_t i = 0; i < 3; ++i)
            EXPECT_EQ(c.result(i).messages[0], i + 1);
        world.finish_all();
        ASSERT_TRUE(fine(world));
    }
}

// A later ticket may publish and return first; the earlier one then counts as just before it.
TEST(Rule10, a_later_ticket_may_be_published_first)
{
    World world(Shape{});
    Process &p = world.add("P", {enqueue(1)});
    Process &q = world.add("Q", {enqueue(11)});
    Process &c = world.add("C", {dequeue(), dequeue()});

    ASSERT_TRUE(world.run_to(p, about_to_exchange("slot", "enqueue_publish"))) << world.report();
    world.finish(q);
    EXPECT_EQ(q.result(0).code, CQ_OK);
    world.finish(p);
    world.finish(c);
    EXPECT_EQ(c.result(0).messages[0], 1u);
    EXPECT_EQ(c.result(1).messages[0], 11u);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}
