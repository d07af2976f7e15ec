// Rule 12, DEATH: after a death at any step, what the dead process held is neither lost nor leaked nor delivered twice.
#include "check.hpp"

using namespace model;

namespace {

Shape shape_of(std::uint32_t slots)
{
    Shape shape;
    shape.slots = slots;
    return shape;
}

} // namespace

// A sweep sees WRITING of a dead producer; a consumer turns it into VOID before the sweep's exchange, and dies.
TEST(Death, a_sweep_tries_a_slot_again_until_it_names_no_dead_owner)
{
    World world(shape_of(2));
    Process &p = world.add("P", {enqueue(1)});
    Process &q = world.add("Q", {enqueue(11)});
    Process &c = world.add("C", {dequeue()});
    Process &r = world.add("R", {sweep()});

    ASSERT_TRUE(world.run_to(p, about_to_load("slot", "enqueue_publish"))) << world.report();
    world.finish(q);
    ASSERT_TRUE(world.run_to(c, about_to_exchange("slot 0.0", "void_row"))) << world.report();
    world.kill(p);
    ASSERT_TRUE(world.run_to(r, about_to_exchange("slot 0.0", "sweep_slot"))) << world.report();
    world.step(c);
    world.kill(c);
    world.finish(r);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// P linked a node and died before it marked it LINKED: TAKEN by a dead owner, and yet in the list.
TEST(Death, a_sweep_helps_a_dead_producer_to_append)
{
    World world(shape_of(1));
    Process &p = world.add("P", {enqueue(1), enqueue(2)});

    world.finish_call(p);
    ASSERT_TRUE(world.run_to(p, about_to_load("state 1", "queue_help_tail"))) << world.report();
    world.kill(p);
    world.finish(world.add("R", {sweep()}));
    EXPECT_EQ(world.queue().states[1], ticket_word(2, NODE_LINKED, 0));
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

TEST(Death, a_node_taken_by_a_dead_producer_is_freed)
{
    World world(shape_of(1));
    Process &p = world.add("P", {enqueue(1), enqueue(2)});

    world.finish_call(p);
    ASSERT_TRUE(world.run_to(p, about_to_store("node 1 enq"))) << world.report();
    world.kill(p);
    world.finish(world.add("R", {sweep()}));
    EXPECT_EQ(ticket_index(world.queue().states[1]), static_cast<std::uint32_t>(NODE_FREE));
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// The newest claim of a dead process is nowhere but in the ticket word.
TEST(Death, a_sweep_records_the_newest_claims)
{
    World world(shape_of(2));
    Process &p = world.add("P", {enqueue(1)});
    Process &q = world.add("Q", {enqueue(11)});
    Process &c = world.add("C", {dequeue()});

    world.finish(q);
    ASSERT_TRUE(world.run_to(c, about_to_load("slot 0.0", "copy_message"))) << world.report();
    ASSERT_TRUE(world.run_to(p, about_to_load("slot", "enqueue_publish"))) << world.report();
    world.kill(p);
    world.kill(c);
    world.finish(world.add("R", {sweep()}));
    Process &d = world.add("D", {dequeue(), dequeue()});
    world.finish(d);
    EXPECT_EQ(d.result(0).messages[0], 11u) << "held by a dead consumer: delivered again";
    EXPECT_EQ(d.result(1).code, CQ_EMPTY);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// A reaper dies between making an orphan and announcing it: the next one announces what it meets.
TEST(Death, an_orphan_is_announced_by_whoever_meets_it)
{
    World world(shape_of(2));
    Process &p = world.add("P", {enqueue(1)});
    Process &c = world.add("C", {take(), release()});
    Process &r = world.add("R", {sweep()});

    world.finish(p);
    world.finish_call(c);
    world.kill(c);
    ASSERT_TRUE(world.run_to(r, about_to_load("orphans", "orphan_announce"))) << world.report();
    world.kill(r);
    world.finish(world.add("S", {sweep()}));
    Process &d = world.add("D", {take(), release()});
    world.finish(d);
    EXPECT_EQ(d.result(1).messages[0], 1u);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// A consumer scanned, found no orphan and is about to say so; one is made and announced before it does.
TEST(Death, an_orphan_announced_during_a_scan_is_not_forgotten)
{
    World world(shape_of(2));
    Process &p = world.add("P", {enqueue(1), enqueue(2)});
    Process &c = world.add("C", {take(), give_back(), dequeue()});
    Process &d = world.add("D", {take(), give_back()});
    Process &e = world.add("E", {dequeue()});

    world.finish(p);
    world.finish_call(d); // 1
    world.finish_call(c); // 2
    world.finish_call(c); // given back ...
    world.finish_call(c); // ... and gone; the mark is still dirty
    ASSERT_TRUE(world.run_to(e, {MODEL_BEGIN, "orphans", "claim_pinned"})) << world.report();
    world.finish(d); // gives 1 back
    world.finish(e);
    EXPECT_EQ(e.result(0).code, CQ_OK);
    EXPECT_EQ(e.result(0).messages[0], 1u);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// E found no orphan in the node and is about to take its mark away; D makes one there, marks the node and announces it.
TEST(Death, a_mark_stays_for_an_orphan_that_is_made_during_a_scan)
{
    World world(shape_of(2));
    Process &p = world.add("P", {enqueue(1), enqueue(2)});
    Process &c = world.add("C", {take(), give_back(), dequeue()});
    Process &d = world.add("D", {take(), give_back()});
    Process &e = world.add("E", {dequeue()});

    world.finish(p);
    world.finish_call(d); // 1
    world.finish(c);      // 2: given back, and taken again; the mark is still there
    ASSERT_TRUE(world.run_to(e, about_to_exchange("marks", "node_unmark"))) << world.report();
    world.finish(d);
    world.finish(e);
    EXPECT_EQ(e.result(0).code, CQ_OK);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// E knows that there is an orphan in the first node; meanwhile that one goes, and the node gets another in its next life.
TEST(Death, a_search_that_began_in_an_old_life_leaves_the_mark_of_the_next)
{
    World world(shape_of(1));
    Process &p = world.add("P", {enqueue(1), enqueue(2), enqueue(3)});
    Process &d = world.add("D", {take(), give_back(), dequeue(), dequeue(), take(), give_back()});
    Process &e = world.add("E", {dequeue()});

    world.finish_call(p);
    world.finish_call(d);
    world.finish_call(d);
    ASSERT_TRUE(world.run_to(e, about_to_load("state 0", "listed_link"))) << world.report();
    ASSERT_TRUE(world.run_to(e, about_to_load("marks", "node_marks"))) << world.report();
    world.finish_call(d); // 1
    world.finish_call(p);
    world.finish_call(d); // 2
    world.finish(p);
    world.finish(d); // 3, given back
    world.finish(e);
    EXPECT_EQ(e.result(0).code, CQ_OK);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// C has found where 2 and 3 are, and goes on with them; then 1, which is older, is given back.
TEST(Death, the_lowest_comes_first_though_it_was_given_back_last)
{
    World world(shape_of(1));
    Process &p = world.add("P", {enqueue(1), enqueue(2), enqueue(3)});
    Process &d = world.add("D", {take(), give_back()});
    Process &e = world.add("E", {take(), give_back()});
    Process &f = world.add("F", {take(), give_back()});
    Process &c = world.add("C", {dequeue(), dequeue(), dequeue()});

    world.finish(p);
    for (Process *process : {&d, &e, &f})
        world.finish_call(*process);
    world.finish(f);
    world.finish(e);
    world.finish_call(c);
    EXPECT_EQ(c.result(0).messages[0], 2u);
    world.finish(d);
    world.finish(c);
    EXPECT_EQ(c.result(1).messages[0], 1u);
    EXPECT_EQ(c.result(2).messages[0], 3u);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// Both consumers saw that nothing was given back. Then 1 is, C takes 2, and E finds the list empty.
TEST(Death, a_message_given_back_during_the_call_is_not_overlooked)
{
    World world(shape_of(2));
    Process &p = world.add("P", {enqueue(1), enqueue(2)});
    Process &c = world.add("C", {dequeue()});
    Process &d = world.add("D", {take(), give_back()});
    Process &e = world.add("E", {dequeue()});

    world.finish(p);
    world.finish_call(d);
    ASSERT_TRUE(world.run_to(c, about_to_load("head", "end_read"))) << world.report();
    ASSERT_TRUE(world.run_to(e, about_to_load("head", "end_read"))) << world.report();
    world.finish(d);
    world.finish(c);
    EXPECT_EQ(c.result(0).messages[0], 2u);
    world.finish(e);
    EXPECT_EQ(e.result(0).messages[0], 1u);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// Back to FULL instead of ORPHAN, a recorder that was stopped would give the slot to its old owner again.
TEST(Death, a_message_given_back_is_nobodys)
{
    World world(shape_of(3));
    Process &p = world.add("P", {enqueue(1), enqueue(2)});
    Process &c = world.add("C", {take(), give_back()});
    Process &d = world.add("D", {dequeue()});

    world.finish(p);
    world.finish_call(c);
    ASSERT_TRUE(world.run_to(d, about_to_exchange("slot 0.0", "queue_record_deq"))) << world.report();
    world.finish(c);
    world.finish(d);
    EXPECT_EQ(d.result(0).code, CQ_OK);
    Process &e = world.add("E", {dequeue(), dequeue()});
    world.finish(e);
    EXPECT_EQ(e.result(0).messages[0], 1u);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// A release acts on the very word that the take left, and on nothing that came after.
TEST(Death, a_second_release_does_nothing)
{
    World world(shape_of(3));
    Process &p = world.add("P", {enqueue(1), enqueue(2)});
    Process &c = world.add("C", {take(), give_back()});
    Process &d = world.add("D", {take(), release()});

    world.finish(p);
    world.finish_call(c);
    cq_message copy = c.loan;
    world.finish(c);
    world.finish_call(d); // has message 1 now
    EXPECT_EQ(cq_release(c.queue, &copy), CQ_ENOTHELD);
    copy.data = slot_payload(c.queue, slot_at(c.queue, node_at(c.queue, 0), 0));
    EXPECT_EQ(cq_return(c.queue, &copy), CQ_ENOTHELD);
    world.finish(d);
    EXPECT_EQ(d.result(1).code, CQ_OK);
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// Empty means: the list was empty, and after that nothing had been given back.
TEST(Death, empty_counts_what_is_to_be_delivered_again)
{
    Scenario scenario;
    scenario.shape.slots = 2;
    scenario.begin = [](World &world) {
        world.add("P", {enqueue(1), enqueue(2)});
        world.add("C", {take(), give_back(), dequeue()});
        world.add("D", {take(), give_back(), dequeue()});
    };
    EXPECT_TRUE(fine(explore_all(scenario, 2, 5000)));
    EXPECT_TRUE(fine(explore_at_random(scenario, 5000)));
}

TEST(Death, one_process_may_die_at_any_step)
{
    for (std::uint32_t slots = 1; slots <= 2; ++slots) {
        Scenario scenario;
        scenario.shape.slots = slots;
        scenario.kills = 1;
        scenario.begin = [](World &world) {
            world.add("P", {enqueue(1), enqueue(2)});
            world.add("Q", {enqueue(11)});
            world.add("C", {dequeue(), take(), give_back()});
        };
        EXPECT_TRUE(fine(explore_all(scenario, 1, 4000)));
    }
}

TEST(Death, everything_with_deaths_and_ids_used_again)
{
    for (std::uint32_t slots = 1; slots <= 3; ++slots) {
        Scenario scenario;
        scenario.shape.slots = slots;
        scenario.kills = 3;
        scenario.successors = 2;
        scenario.begin = [](World &world) {
            world.add("P", {enqueue(1), reserve(), commit(2), enqueue_batch(3, 2)});
            world.add("Q", {enqueue(11), reserve(), give_up(), enqueue(12)});
            world.add("C", {take(), release(), dequeue(), take(), give_back()});
            world.add("D", {dequeue_batch(2), take(), give_back(), dequeue()});
            world.add("S", {sweep(), sweep()});
        };
        EXPECT_TRUE(fine(explore_at_random(scenario, 4000)));
    }
}

// Without anybody who looks for the dead, those who meet what they left do.
TEST(Death, nobody_looks_for_the_dead)
{
    for (std::uint32_t slots = 1; slots <= 3; ++slots) {
        Scenario scenario;
        scenario.shape.slots = slots;
        scenario.kills = 2;
        scenario.reaper = false;
        scenario.begin = [](World &world) {
            world.look_finds_dead = false;
            world.add("P", {enqueue(1), enqueue(2), enqueue(3)});
            world.add("Q", {enqueue(11), enqueue(12), enqueue(13)});
            world.add("C", {dequeue(), take(), release(), dequeue()});
            world.add("D", {dequeue(), dequeue(), dequeue()});
        };
        EXPECT_TRUE(fine(explore_at_random(scenario, 3000)));
    }
}
