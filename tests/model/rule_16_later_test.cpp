// Rule 16, LATER: what is given back for later comes when it is due, not before, and not never, whoever dies.
#include "check.hpp"

using namespace model;

namespace {

Scenario scenario_of(std::uint32_t slots, std::uint32_t kills, bool weak)
{
    Scenario scenario;
    scenario.shape.slots = slots;
    scenario.kills = scenario.successors = kills;
    scenario.weak = weak;
    scenario.begin = [](World &world) {
        world.add("P", {enqueue(1), enqueue(2), enqueue(3)});
        world.add("C", {take(), give_back_later(10), dequeue(), pass(6), dequeue()});
        world.add("D", {take(), give_back_later(0), dequeue(), pass(6), take(), give_back()});
    };
    return scenario;
}

} // namespace

TEST(Later, nothing_is_lost_or_early)
{
    for (std::uint32_t slots = 1; slots <= 3; ++slots)
        for (const bool weak : {false, true}) {
            EXPECT_TRUE(fine(explore_at_random(scenario_of(slots, 0, weak), 250)));
            EXPECT_TRUE(fine(explore_at_random(scenario_of(slots, 3, weak), 600)));
        }
}

TEST(Later, one_process_may_die_at_any_step)
{
    Scenario scenario = scenario_of(2, 1, false);
    scenario.successors = 0;
    scenario.begin = [](World &world) {
        world.add("P", {enqueue(1), enqueue(2)});
        world.add("C", {take(), give_back_later(10), dequeue()});
        world.add("D", {dequeue(), pass(20), dequeue()});
    };
    EXPECT_TRUE(fine(explore_all(scenario, 1, 1500)));
}

// The one who gives it back dies at each step: it is there at once, or when it is due.
TEST(Later, a_message_whose_returner_dies_is_there)
{
    for (std::uint32_t stop = 1;; ++stop) {
        World world(Shape{});
        world.finish(world.add("P", {enqueue(1)}));
        Process &c = world.add("C", {take(), give_back_later(10)});
        world.finish_call(c);
        for (std::uint32_t steps = 0; steps < stop && c.runnable(); ++steps)
            world.step(c);
        const bool done = !c.runnable();
        if (!done)
            world.kill(c);
        Process &d = world.add("D", {sweep(), dequeue(), pass(11), dequeue()});
        world.finish(d);
        EXPECT_EQ(world.ghost.delivered(1), 1u) << "died after " << stop << " steps";
        world.finish_all();
        ASSERT_TRUE(fine(world)) << "died after " << stop << " steps";
        if (done)
            break;
    }
}

// What is behind one that waits is not held up, and the tail is reached when the list is empty.
TEST(Later, the_tail_is_behind_what_was_there)
{
    World world(Shape{});
    Process &p = world.add("P", {enqueue(1), enqueue(2), enqueue(3)});
    Process &c = world.add("C", {take(), give_back_later(0), dequeue(), dequeue(), dequeue(), dequeue()});

    world.finish(p);
    world.finish(c);
    for (const auto &[call, message] : {std::pair{2u, 2u}, {3u, 3u}, {4u, 1u}})
        EXPECT_EQ(c.result(call).messages[0], message);
    EXPECT_EQ(c.result(5).code, CQ_EMPTY);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// Its place is never reached: the claim before it is never published. The list is empty, and that will do.
TEST(Later, a_claim_does_not_keep_it_at_the_tail)
{
    World world(Shape{});
    Process &p = world.add("P", {enqueue(1), reserve()});
    Process &c = world.add("C", {take(), give_back_later(0), dequeue()});

    world.finish(p);
    world.finish(c);
    EXPECT_EQ(c.result(2).messages[0], 1u);
    world.give(p, give_up());
    world.finish_all();
    EXPECT_TRUE(fine(world));
}
