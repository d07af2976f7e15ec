// Every kind of call, against every other, at random and exhaustively with few preemptions, with and without deaths.
#include "check.hpp"

using namespace model;

namespace {

Scenario two_producers_two_consumers(std::uint32_t slots, std::uint32_t kills)
{
    Scenario scenario;
    scenario.shape.slots = slots;
    scenario.kills = kills;
    scenario.begin = [](World &world) {
        world.add("P1", {enqueue(1), enqueue(2), enqueue(3)});
        world.add("P2", {enqueue(11), enqueue(12), enqueue(13)});
        world.add("C1", {dequeue(), dequeue(), dequeue()});
        world.add("C2", {dequeue(), dequeue(), dequeue()});
    };
    return scenario;
}

} // namespace

TEST(Explore, single_messages_with_nobody_killed)
{
    for (std::uint32_t slots = 1; slots <= 3; ++slots)
        EXPECT_TRUE(fine(explore_at_random(two_producers_two_consumers(slots, 0), 20000)));
}

TEST(Explore, single_messages_with_deaths)
{
    for (std::uint32_t slots = 1; slots <= 3; ++slots)
        EXPECT_TRUE(fine(explore_at_random(two_producers_two_consumers(slots, 2), 20000)));
}
