// Rule 14, SOURCES: a message and its source's number come in one step, once, whoever dies or stops.
#include "check.hpp"

using namespace model;

namespace {

Scenario scenario_of(std::uint32_t slots, std::uint32_t kills, void (*begin)(World &))
{
    Scenario scenario;
    scenario.shape.slots = slots;
    scenario.kills = scenario.successors = kills;
    scenario.begin = begin;
    return scenario;
}

// With K = 1, 2 and 3, and in a strong and a weak memory.
std::string explore_slots(std::uint32_t kills, std::uint32_t runs, void (*begin)(World &))
{
    std::string report;
    for (std::uint32_t slots = 1; slots <= 3; ++slots)
        for (const bool weak : {false, true})
            if (report.empty()) {
                Scenario scenario = scenario_of(slots, kills, begin);
                scenario.weak = weak;
                report = explore_at_random(scenario, runs);
            }
    return report;
}

void same_messages(World &world)
{
    world.add("P", {feed(1), feed(2), feed(3)});
    world.add("Q", {feed(1), feed(2), feed(3)});
    world.add("C", Program(3, dequeue()));
}

void numbers_alone(World &world)
{
    world.add("P", {feed(1), raise_to(3), feed(5)});
    world.add("Q", {raise_to(2), feed(4), raise_to(5)});
    world.add("C", Program(3, dequeue()));
}

void one_goes_on(World &world)
{
    world.add("P", Program(3, resume()));
    world.add("Q", {enqueue(201), enqueue(202)});
    world.add("C", {dequeue(), take(), give_back(), dequeue()});
}

void threads(World &world)
{
    Process &p = world.add("P", {feed(1), feed(3)});
    world.add_thread("P2", p, {feed(2), feed(3)});
    world.add("Q", {feed(2), feed(4)});
    world.add("C", Program(3, dequeue()));
}

} // namespace

TEST(Sources, several_feed_the_same_messages)
{
    EXPECT_TRUE(fine(explore_slots(0, 400, same_messages)));
    EXPECT_TRUE(fine(explore_slots(3, 600, same_messages)));
}

TEST(Sources, numbers_are_raised_without_messages) { EXPECT_TRUE(fine(explore_slots(3, 500, numbers_alone))); }

TEST(Sources, who_comes_after_the_dead_goes_on_where_they_were) { EXPECT_TRUE(fine(explore_slots(3, 400, one_goes_on))); }

TEST(Sources, threads_of_a_handle_take_turns) { EXPECT_TRUE(fine(explore_slots(0, 400, threads))); }

TEST(Sources, one_process_may_die_at_any_step)
{
    for (std::uint32_t slots = 1; slots <= 2; ++slots) {
        Scenario scenario = scenario_of(slots, 1, [](World &world) {
            world.add("P", {feed(1), feed(2)});
            world.add("Q", {feed(1), raise_to(2)});
            world.add("C", {dequeue()});
        });
        scenario.successors = 0;
        EXPECT_TRUE(fine(explore_all(scenario, 1, 1500)));
    }
}

// Nobody but the sweep finds a number that was decided without a message.
TEST(Sources, a_number_decided_for_the_dead_is_raised)
{
    World world(Shape{});
    Process &p = world.add("P", {raise_to(5)});

    ASSERT_TRUE(world.run_to(p, about_to_exchange("source number", "raise_number"))) << world.report();
    world.kill(p);
    Process &r = world.add("R", {resume()});
    world.finish(r);
    EXPECT_EQ(r.result(0).code, CQ_OK);
    EXPECT_EQ(r.result(0).messages[0], 6u);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// P is decided, and C, who helps, dies before it says that this is done. The next process with P's id feeds something else.
TEST(Sources, what_is_decided_for_an_id_is_done_before_the_id_is_used_again)
{
    World world(Shape{});
    Process &p = world.add("P", {feed(1)});
    Process &c = world.add("C", {dequeue()});

    ASSERT_TRUE(world.run_to(p, about_to_load("decided", "load_decided"))) << world.report();
    ASSERT_TRUE(world.run_to(c, about_to_exchange("decided", "change_decided"), 2)) << world.report();
    world.kill(p);
    world.kill(c);
    world.finish(world.add("R", {sweep()}));
    Process &next = world.add_successor("P'", p, {feed(7)});
    ASSERT_TRUE(world.run_to(next, about_to_exchange("slot", "source_propose"))) << world.report();
    world.finish(world.add("Q", {feed(2)}));
    EXPECT_EQ(world.ghost.source_number(), 2u);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// C has seen P's first proposal and that nobody is decided. P's is refused, and P is about to make the next.
TEST(Sources, a_helper_judges_the_proposal_that_it_saw)
{
    World world(Shape{});
    Process &p = world.add("P", {feed(1), feed(2)});
    Process &q = world.add("Q", {feed(1)});
    Process &c = world.add("C", {dequeue()});

    ASSERT_TRUE(world.run_to(p, about_to_exchange("slot 0.0", "source_propose"))) << world.report();
    world.finish(q);
    ASSERT_TRUE(world.run_to(p, about_to_load("decided", "load_decided"))) << world.report();
    ASSERT_TRUE(world.run_to(c, about_to_load("feed", "load_feed"))) << world.report();
    world.finish_call(p);
    EXPECT_EQ(p.result(0).code, CQ_DUPLICATE);
    ASSERT_TRUE(world.run_to(p, about_to_exchange("slot", "source_propose"))) << world.report();
    world.finish(c);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// P saw that nobody is decided. Then C publishes P's message, and has not said yet that this is done. P goes on.
TEST(Sources, a_feeder_goes_on_when_nothing_is_decided_for_it)
{
    World world(Shape{});
    Process &p = world.add("P", {feed(1), feed(2)});
    Process &c = world.add("C", {dequeue()});

    ASSERT_TRUE(world.run_to(p, about_to_load("feed", "load_feed"))) << world.report();
    ASSERT_TRUE(world.run_to(c, about_to_exchange("decided", "change_decided"), 2)) << world.report();
    world.finish_call(p);
    ASSERT_TRUE(world.run_to(p, about_to_exchange("slot", "source_propose"))) << world.report();
    world.finish(world.add("Q", {feed(3)}));
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// C has seen that P is decided, and is about to read what P feeds. P finishes it alone, and says what it feeds next.
TEST(Sources, a_helper_does_not_raise_to_what_is_fed_next)
{
    World world(Shape{});
    Process &p = world.add("P", {feed(1), feed(2)});
    Process &c = world.add("C", {dequeue()});

    ASSERT_TRUE(world.run_to(p, about_to_exchange("source number", "raise_number"))) << world.report();
    ASSERT_TRUE(world.run_to(c, about_to_load("feed", "load_feed"))) << world.report();
    world.finish_call(p);
    ASSERT_TRUE(world.run_to(p, about_to_exchange("slot", "source_propose"))) << world.report();
    world.finish(c);
    EXPECT_EQ(world.ghost.source_number(), 1u);
    world.finish_all();
    EXPECT_EQ(p.result(1).code, CQ_OK);
    EXPECT_TRUE(fine(world));
}

// Stopped anywhere, it holds up neither other feeders nor consumers.
TEST(Sources, nobody_waits_for_a_feeder)
{
    for (std::uint32_t stop = 1;; ++stop) {
        World world(Shape{});
        Process &p = world.add("P", {feed(1)});
        Process &q = world.add("Q", {feed(2)});
        Process &c = world.add("C", {dequeue(), dequeue()});
        world.look_finds_dead = false;
        for (std::uint32_t steps = 0; steps < stop && p.runnable(); ++steps)
            world.step(p);
        const bool done = !p.runnable();
        world.finish(q);
        EXPECT_EQ(q.result(0).code, CQ_OK);
        world.finish(c);
        const Result &first = c.result(0), &second = c.result(1);
        EXPECT_EQ((first.messages[0] == 1 ? second : first).messages[0], 2u) << "stopped after " << stop << " steps";
        world.finish_all();
        ASSERT_TRUE(fine(world)) << "stopped after " << stop << " steps";
        if (done)
            break;
    }
}
