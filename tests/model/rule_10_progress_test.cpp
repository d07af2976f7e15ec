// Rule 10, PROGRESS: nobody waits for a stopped thread, wherever it is stopped. It pins at most one taken and one claimed node.
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
            do { // what is there already
                world.give(c, dequeue());
                world.finish_call(c);
            } while (c.results.back().code == CQ_OK);
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

// Claims that fill the queue would make it full and empty at once.
TEST(Rule10, claims_that_fill_the_queue_stop_nobody)
{
    for (std::uint32_t slots = 1; slots <= 4; ++slots) {
        Shape shape = tight(slots);
        shape.spare_nodes = 4;
        shape.capacity = 1;
        stop_everywhere(shape, {}, {enqueue(51), enqueue(52)}, "S");
        stop_everywhere(shape, {enqueue(1), dequeue()}, {enqueue(51), enqueue(52)}, "S");
        stop_everywhere(shape, {}, {reserve(), commit(51), reserve(), give_up()}, "S");
        shape.capacity = 3;
        stop_everywhere(shape, {}, {enqueue_batch(51, 3)}, "S");
        stop_everywhere(shape, {enqueue(1)}, {reserve(), commit(51), enqueue_batch(52, 3)}, "S");
    }
}

// The first is voided by the second and must not void it in turn, in the same try; nor does it wait for it in the next.
TEST(Rule10, a_try_that_was_voided_does_not_void)
{
    Shape shape;
    shape.capacity = 1;
    World world(shape);
    Process &p = world.add("P", {enqueue(1), enqueue(2)});
    Process &q = world.add("Q", {enqueue(11)});

    ASSERT_TRUE(world.run_to(p, about_to_exchange("slot", "enqueue_publish"))) << world.report();
    ASSERT_TRUE(world.run_to(q, about_to_exchange("slot", "enqueue_publish"))) << world.report();
    EXPECT_EQ(world.ghost.voids, 1u);
    world.finish_call(p);
    EXPECT_EQ(p.result(0).code, CQ_FULL);
    EXPECT_EQ(world.ghost.voids, 1u);
    world.finish_call(p);
    EXPECT_EQ(p.result(1).code, CQ_OK);
    EXPECT_EQ(world.ghost.voids, 2u);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// Producers that always lose the processor just before they publish, but never for long: each void makes them more patient, so
// that at last one of them comes back in time.
TEST(Rule10, producers_at_the_limit_get_through)
{
    for (std::uint32_t count = 2; count <= 3; ++count) {
        Shape shape;
        shape.capacity = 1;
        World world(shape);
        std::vector<Process *> producers;
        for (std::uint32_t i = 0; i < count; ++i) {
            Program program;
            for (std::uint32_t call = 0; call < 60; ++call)
                program.push_back(enqueue(i * 60 + call));
            producers.push_back(&world.add("P" + std::to_string(i), program));
        }
        const auto published = [&] {
            for (std::uint32_t i = 0; i < world.ghost.enq; ++i)
                if (world.ghost.at(i).published)
                    return true;
            return false;
        };
        std::uint32_t turns = 0;
        for (; turns < 50 && !published() && !world.failed(); ++turns) {
            Process &producer = *producers[turns % count];
            for (std::uint32_t steps = 0; steps < 150 && producer.runnable(); ++steps) {
                world.step(producer);
                if (world.is_at(producer, about_to_exchange("slot", "enqueue_publish")) ||
                    world.is_at(producer, about_to_exchange("slot", "fast_publish")))
                    break;
            }
        }
        EXPECT_TRUE(published()) << count << " producers void each other for ever" << world.report();
        EXPECT_GE(world.ghost.voids, 4u) << "they did not get into each other's way";
    }
}

TEST(Rule10, producers_at_the_limit_among_others)
{
    for (std::uint32_t slots = 1; slots <= 3; ++slots)
        for (std::uint32_t kills = 0; kills <= 1; ++kills) {
            Scenario scenario;
            scenario.shape.slots = slots;
            scenario.shape.capacity = slots == 2 ? 2 : 1;
            scenario.shape.spare_nodes = 8;
            scenario.kills = kills;
            scenario.begin = [](World &world) {
                world.add("P", {enqueue_batch(1, 2), enqueue(3)});
                world.add("Q", {enqueue(11), enqueue(12)});
                world.add("R", {reserve(), commit(21), reserve(), give_up()});
                world.add("C", {dequeue(), dequeue(), dequeue()});
            };
            EXPECT_TRUE(fine(explore_all(scenario, 2, 3000)));
            EXPECT_TRUE(fine(explore_at_random(scenario, 3000)));
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
