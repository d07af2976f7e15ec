// Rule 9, ORDERS. The core runs on a memory that returns whatever it may (memory.hpp), and messages are plain bytes whose races
// are found.
#include "check.hpp"

using namespace model;

namespace {

std::string explore(std::uint32_t slots, std::uint32_t kills, void (*begin)(World &), std::uint32_t runs)
{
    Scenario scenario;
    scenario.shape.slots = slots;
    scenario.shape.capacity = 3;
    scenario.kills = kills;
    scenario.successors = kills;
    scenario.weak = true;
    scenario.begin = begin;
    return explore_at_random(scenario, runs);
}

void single_messages(World &world)
{
    world.add("P", {enqueue(1), enqueue(2), enqueue(3), enqueue(4)});
    world.add("Q", {enqueue(11), enqueue(12), enqueue(13)});
    world.add("C", Program(4, dequeue()));
    world.add("D", Program(4, dequeue()));
}

void loans(World &world)
{
    world.add("P", {enqueue(1), reserve(), commit(2), enqueue(3)});
    world.add("Q", {reserve(), commit(11), reserve(), give_up(), enqueue(12)});
    world.add("C", {take(), release(), take(), give_back(), dequeue()});
    world.add("D", {take(), release(), dequeue(), take(), release()});
}

void batches(World &world)
{
    world.add("P", {enqueue_batch(1, 3), enqueue_batch(4, 2)});
    world.add("Q", {enqueue_batch(11, 2), enqueue(13)});
    world.add("C", {dequeue_batch(2), dequeue_batch(3)});
    world.add("D", {dequeue_batch(2), dequeue(), dequeue()});
}

void threads(World &world)
{
    Process &p = world.add("P", {enqueue(1), enqueue_batch(2, 2)});
    world.add_thread("P2", p, {enqueue_batch(11, 2), enqueue(13)});
    Process &c = world.add("C", {dequeue(), dequeue_batch(2)});
    world.add_thread("C2", c, {dequeue_batch(2), dequeue()});
}

// With K = 1, 2 and 3.
std::string explore_slots(std::uint32_t kills, void (*begin)(World &))
{
    std::string report;
    for (std::uint32_t slots = 1; slots <= 3 && report.empty(); ++slots)
        report = explore(slots, kills, begin, 3000);
    return report;
}

} // namespace

TEST(Rule09, single_messages) { EXPECT_TRUE(fine(explore_slots(0, single_messages))); }
TEST(Rule09, loans) { EXPECT_TRUE(fine(explore_slots(0, loans))); }
TEST(Rule09, batches) { EXPECT_TRUE(fine(explore_slots(0, batches))); }
TEST(Rule09, threads) { EXPECT_TRUE(fine(explore_slots(0, threads))); }
TEST(Rule09, single_messages_with_deaths) { EXPECT_TRUE(fine(explore_slots(2, single_messages))); }
TEST(Rule09, loans_with_deaths) { EXPECT_TRUE(fine(explore_slots(2, loans))); }
TEST(Rule09, batches_with_deaths) { EXPECT_TRUE(fine(explore_slots(2, batches))); }
TEST(Rule09, threads_with_deaths) { EXPECT_TRUE(fine(explore_slots(1, threads))); }
