// Rule 15, LETTERS: what is given up is in one of two queues, or in both and noted, whoever dies.
#include "check.hpp"

using namespace model;

namespace {

Scenario scenario_of(std::uint32_t slots, std::uint64_t max_deliveries, std::uint32_t kills, bool weak)
{
    Scenario scenario;
    scenario.shape.slots = slots;
    scenario.shape.max_deliveries = max_deliveries;
    scenario.kills = scenario.successors = kills;
    scenario.weak = weak;
    scenario.begin = [](World &world) {
        world.add("P", {enqueue(1), enqueue(2), enqueue(3)});
        world.add("C", {take(), give_back(), take(), give_back(), pass(INT32_MAX), dequeue()});
        world.add("D", {take(), give_back(), pass(INT32_MAX), take(), give_back(), dequeue()});
    };
    return scenario;
}

// Two messages were given back once too often, and nobody has moved either of them.
struct TwoSpent {
    World world;
    explicit TwoSpent(Shape shape = {}) : world((shape.max_deliveries = 1, shape))
    {
        Process &p = world.add("P", {enqueue(1), enqueue(2)});
        Process &c = world.add("C", {take()}), &d = world.add("D", {take()});
        world.finish(p);
        world.finish(c);
        world.finish(d);
        world.kill(c);
        world.kill(d);
        world.finish(world.add("R", {sweep()}));
    }
};

} // namespace

TEST(Letters, are_moved_once)
{
    for (std::uint32_t slots = 1; slots <= 3; ++slots)
        for (std::uint64_t max_deliveries = 1; max_deliveries <= 2; ++max_deliveries)
            for (const bool weak : {false, true}) {
                EXPECT_TRUE(fine(explore_at_random(scenario_of(slots, max_deliveries, 0, weak), 150)));
                EXPECT_TRUE(fine(explore_at_random(scenario_of(slots, max_deliveries, 3, weak), 350)));
            }
}

TEST(Letters, one_process_may_die_at_any_step)
{
    Scenario scenario = scenario_of(2, 1, 1, false);
    scenario.successors = 0;
    scenario.begin = [](World &world) {
        world.add("P", {enqueue(1), enqueue(2)});
        world.add("C", {take(), give_back(), dequeue()});
        world.add("D", {take(), give_back()});
    };
    EXPECT_TRUE(fine(explore_all(scenario, 1, 1500)));
}

// A mover dies at each step; the next one meets another message first or the same one.
TEST(Letters, a_dead_mover_is_followed)
{
    for (std::uint32_t stop = 1;; ++stop) {
        TwoSpent scene;
        World &world = scene.world;
        Process &m = world.add("M", {dequeue()});
        for (std::uint32_t steps = 0; steps < stop && m.runnable(); ++steps)
            world.step(m);
        const bool done = !m.runnable();
        if (!done)
            world.kill(m);
        Process &p = world.add("Q", {enqueue(3)}), &n = world.add("N", {take(), give_back(), dequeue()});
        world.finish(p);
        world.finish(n);
        world.finish_all();
        ASSERT_TRUE(fine(world)) << "died after " << stop << " steps";
        for (std::uint32_t message = 1; message <= 3; ++message)
            EXPECT_EQ(world.ghost.delivered(message), 1u) << "message " << message << ", died after " << stop << " steps";
        if (done)
            break;
    }
}

// Stopped anywhere, a mover keeps nobody from the messages that are not given up.
TEST(Letters, nobody_waits_for_a_mover)
{
    for (std::uint32_t stop = 1;; ++stop) {
        TwoSpent scene;
        World &world = scene.world;
        world.look_finds_dead = false;
        Process &m = world.add("M", {dequeue()});
        for (std::uint32_t steps = 0; steps < stop && m.runnable(); ++steps)
            world.step(m);
        const bool done = !m.runnable();
        Process &p = world.add("Q", {enqueue(3)}), &n = world.add("N", {dequeue()});
        world.finish(p);
        world.finish(n);
        EXPECT_EQ(n.result(0).messages[0], 3u) << "stopped after " << stop << " steps";
        world.finish_all();
        ASSERT_TRUE(fine(world)) << "stopped after " << stop << " steps";
        if (done)
            break;
    }
}
