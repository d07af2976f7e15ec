// Rule 17, ONE CONSUMER: one handle takes messages, in order, and what a dead one held comes first for the next.
#include "check.hpp"

using namespace model;

namespace {

Scenario scenario_of(std::uint32_t slots, std::uint32_t kills, bool weak)
{
    Scenario scenario;
    scenario.shape.slots = slots;
    scenario.shape.exclusive = true;
    scenario.kills = scenario.successors = kills;
    scenario.weak = weak;
    scenario.begin = [](World &world) {
        world.add("P", {enqueue(1), enqueue(2), enqueue(3), enqueue(4)});
        world.add("C", {dequeue(), take(), release(), dequeue()});
        world.add("D", {take(), release(), dequeue(), dequeue_batch(2)});
        world.add("E", {dequeue(), dequeue()});
    };
    return scenario;
}

Shape exclusive()
{
    Shape shape;
    shape.exclusive = true;
    return shape;
}

} // namespace

TEST(OneConsumer, at_a_time_and_in_order)
{
    for (std::uint32_t slots = 1; slots <= 3; ++slots)
        for (const bool weak : {false, true}) {
            EXPECT_TRUE(fine(explore_at_random(scenario_of(slots, 0, weak), 250)));
            EXPECT_TRUE(fine(explore_at_random(scenario_of(slots, 3, weak), 700)));
        }
}

TEST(OneConsumer, one_process_may_die_at_any_step)
{
    Scenario scenario = scenario_of(2, 1, false);
    scenario.successors = 0;
    scenario.begin = [](World &world) {
        world.add("P", {enqueue(1), enqueue(2)});
        world.add("C", {take(), release()});
        world.add("D", {dequeue(), dequeue()});
    };
    EXPECT_TRUE(fine(explore_all(scenario, 1, 1500)));
}

// Stopped, it is the consumer still, and the others are told so. Dead, it is followed by whoever comes.
TEST(OneConsumer, is_followed_when_it_dies)
{
    for (std::uint32_t stop = 1;; ++stop) {
        World world(exclusive());
        world.finish(world.add("P", {enqueue(1), enqueue(2)}));
        Process &c = world.add("C", {take()});
        for (std::uint32_t steps = 0; steps < stop && c.runnable(); ++steps)
            world.step(c);
        const bool done = !c.runnable(), consumer = world.queue().header->consumer == c.owner();
        Process &d = world.add("D", {dequeue()});
        world.finish(d);
        EXPECT_EQ(d.result(0).code, consumer ? CQ_ECONSUMER : CQ_OK) << "stopped after " << stop << " steps";
        if (consumer) {
            world.kill(c);
            Process &e = world.add("E", {dequeue(), dequeue()});
            world.finish(e);
            for (const std::uint32_t call : {0u, 1u})
                EXPECT_EQ(e.result(call).messages[0], call + 1) << "died after " << stop << " steps";
        }
        world.finish_all();
        ASSERT_TRUE(fine(world)) << "stopped after " << stop << " steps";
        if (done)
            break;
    }
}
