// Every kind of call, against every other, at random and exhaustively with few preemptions, with and without deaths.
#include "check.hpp"

#include <random>

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

std::uint32_t below(std::uint32_t limit, std::mt19937 &random) { return static_cast<std::uint32_t>(random() % limit); }

// Anything a process may do, in any order. A loan is ended before the next one begins, unless its holder dies.
Program any_program(std::mt19937 &random, std::uint32_t first_message)
{
    Program program;
    for (std::uint32_t left = 2 + below(4, random); left > 0; --left) {
        const std::uint32_t message = first_message + 4 * left, count = 2 + below(3, random);
        switch (below(10, random)) {
        case 0: case 1: program.push_back(enqueue(message)); break;
        case 2: program.push_back(enqueue_batch(message, count)); break;
        case 3: case 4: program.push_back(dequeue()); break;
        case 5: program.push_back(dequeue_batch(count)); break;
        case 6: program.insert(program.end(), {reserve(), commit(message)}); break;
        case 7: program.insert(program.end(), {reserve(), give_up()}); break;
        case 8: program.insert(program.end(), {take(), below(2, random) ? release() : give_back()}); break;
        default: program.push_back(sweep()); break;
        }
    }
    return program;
}

// Producers and consumers in any number, of any shape of queue.
Scenario anything(std::uint32_t seed, bool weak)
{
    std::mt19937 random(seed);
    Scenario scenario;
    scenario.shape.slots = 1 + below(4, random);
    scenario.shape.capacity = 1 + below(5, random);
    scenario.shape.hole_slots = scenario.shape.spare_nodes = 16;
    scenario.kills = below(4, random);
    scenario.successors = scenario.kills;
    scenario.reaper = below(3, random) > 0;
    scenario.weak = weak;
    std::vector<Program> programs(3 + below(3, random));
    for (std::uint32_t i = 0; i < programs.size(); ++i)
        programs[i] = any_program(random, 1 + 20 * i);
    const bool threads = below(3, random) == 0;
    scenario.begin = [programs, threads](World &world) {
        Process &first = world.add("A", programs[0]);
        for (std::uint32_t i = 1; i < programs.size(); ++i)
            if (threads && i == 1)
                world.add_thread("A2", first, programs[i]);
            else
                world.add(std::string(1, static_cast<char>('A' + i)), programs[i]);
    };
    return scenario;
}

} // namespace

TEST(Explore, anything)
{
    for (std::uint32_t seed = 1; seed <= 1000; ++seed)
        for (const bool weak : {false, true})
            ASSERT_TRUE(fine(explore_at_random(anything(seed, weak), 20))) << "queue and programs " << seed << ", weak " << weak;
}

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
