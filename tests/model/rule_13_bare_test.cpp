// Rule 13, BARE: what is said to have memory has it, and nobody touches a node without. The ghost fails whoever does.
#include "check.hpp"

using namespace model;

namespace {

Shape shape_of(std::uint32_t slots)
{
    Shape shape;
    shape.slots = slots;
    shape.capacity = 5;
    return shape;
}

// A world in which memory goes.
class Trimmed : public World {
public:
    explicit Trimmed(std::uint32_t slots) : World(shape_of(slots)) { trims = true; }
    Trimmed(std::uint32_t slots, Promises by) : Trimmed(slots)
    {
        weak = true;
        promises = by;
        reset();
    }

    // The queue is filled, everything goes, and so does the memory of all nodes that nobody needs.
    void pass_all_and_trim(Process &producer, Process &consumer, Process &trimmer)
    {
        for (std::uint32_t i = 0; i < 8; ++i)
            give(producer, enqueue(next_++));
        finish(producer);
        for (std::uint32_t i = 0; i < 8; ++i)
            give(consumer, dequeue());
        finish(consumer);
        give(trimmer, trim());
        while (trimmer.runnable() && !failed()) { // in a weak memory it sees of X's names and pins as little as it may
            choice = is_at(trimmer, about_to_load("pin 4")) ? Memory::oldest : Memory::Choice();
            step(trimmer);
        }
        choice = nullptr;
    }

private:
    std::uint32_t next_ = 100;
};

bool has_bare_nodes(const World &world) { return world.ghost.absent.any(); }

} // namespace

TEST(Bare, nodes_lose_their_memory_and_get_it_again)
{
    for (std::uint32_t slots = 1; slots <= 3; ++slots) {
        Trimmed world(slots);
        Process &p = world.add("P", {}), &c = world.add("C", {}), &t = world.add("T", {});
        world.pass_all_and_trim(p, c, t);
        world.pass_all_and_trim(c, p, t);
        EXPECT_TRUE(has_bare_nodes(world));
        world.finish_all();
        EXPECT_TRUE(fine(world));
    }
}

// X stops at each of its accesses of a node in which it holds nothing, others go on, and what can go goes.
void stop_everywhere(std::uint32_t slots, bool seated)
{
    const std::vector<Program> calls = {{enqueue(1)}, {dequeue()}, {enqueue_batch(1, 3)}, {dequeue_batch(2)},
                                        {take(), give_back(), dequeue()}, {reserve(), give_up()}, {sweep()}};
    for (std::size_t call = 0; call < calls.size(); ++call)
        for (std::uint32_t stop = 0, more = 1; more; ++stop) {
            Trimmed world(slots);
            Process &x = world.add("X", {enqueue(400), enqueue(401), dequeue()});
            Process &p = world.add("P", {}), &c = world.add("C", {}), &t = world.add("T", {});
            if (!seated)
                x.sitting = sitter{offsetof(cq_queue, seats), 0, 0, 0};
            world.finish(x);
            world.pass_all_and_trim(p, c, t);
            for (const Action &action : calls[call])
                world.give(x, action);
            for (std::uint32_t i = 0; i < stop && x.runnable() && !world.failed(); ++i)
                world.step(x);
            more = x.runnable();
            world.pass_all_and_trim(p, c, t);
            world.finish_all();
            ASSERT_TRUE(fine(world)) << slots << " slots, call " << call << ", stopped before step " << stop;
        }
}

TEST(Bare, who_stopped_before_any_access_finds_memory_there)
{
    for (std::uint32_t slots = 1; slots <= 3; ++slots)
        stop_everywhere(slots, true);
}

TEST(Bare, a_thread_without_a_seat_finds_memory_too)
{
    for (std::uint32_t slots = 1; slots <= 2; ++slots)
        stop_everywhere(slots, false);
}

// The same for a thread that shares its handle with another one, which goes on.
TEST(Bare, a_thread_that_stopped_finds_memory_though_its_handle_went_on)
{
    const std::vector<Program> calls = {{enqueue(1)}, {dequeue()}, {take(), release()}};
    for (std::uint32_t slots = 1; slots <= 3; ++slots)
        for (std::size_t call = 0; call < calls.size(); ++call)
            for (std::uint32_t stop = 0, more = 1; more; ++stop) {
                Trimmed world(slots);
                Process &x = world.add("X", {enqueue(400), dequeue()});
                Process &p = world.add_thread("P", x, {}), &c = world.add("C", {}), &t = world.add("T", {});
                world.finish(x);
                for (const Action &action : calls[call])
                    world.give(x, action);
                for (std::uint32_t i = 0; i < stop && x.runnable() && !world.failed(); ++i)
                    world.step(x);
                more = x.runnable();
                world.pass_all_and_trim(p, c, t);
                world.pass_all_and_trim(c, p, t);
                world.finish_all();
                ASSERT_TRUE(fine(world)) << slots << " slots, call " << call << ", stopped before step " << stop;
            }
}

// Whoever is stopped in the middle of an ordinary call keeps its own nodes, and no others.
TEST(Bare, who_stopped_keeps_no_more_than_it_looks_at)
{
    for (const Action &action : {enqueue(1), dequeue()}) {
        Trimmed world(1);
        Process &x = world.add("X", {action});
        Process &p = world.add("P", {}), &c = world.add("C", {}), &t = world.add("T", {});
        ASSERT_TRUE(world.run_to(x, about_to_load(action.what == Action::enqueue ? "node 0 enq" : "node 0 deq", "end_read")));
        world.pass_all_and_trim(p, c, t);
        EXPECT_FALSE(world.ghost.absent[0]) << "X is about to read it";
        EXPECT_GE(world.ghost.absent.count(), 2u);
        world.finish_all();
        EXPECT_TRUE(fine(world));
    }
}

TEST(Bare, beside_everything_else)
{
    for (std::uint32_t slots = 1; slots <= 2; ++slots) {
        Scenario scenario;
        scenario.shape = shape_of(slots);
        scenario.begin = [](World &world) {
            world.trims = true;
            world.add("P", {enqueue(1), enqueue(2), enqueue(3)});
            world.add("C", {dequeue(), dequeue(), dequeue()});
            world.add("T", {trim(), trim()});
        };
        EXPECT_TRUE(fine(explore_all(scenario, 1, 3000)));
        EXPECT_TRUE(fine(explore_at_random(scenario, 2000)));
    }
}

TEST(Bare, with_deaths_threads_and_ids_used_again)
{
    for (std::uint32_t slots = 1; slots <= 3; ++slots) {
        Scenario scenario;
        scenario.shape = shape_of(slots);
        scenario.kills = 2;
        scenario.successors = 1;
        scenario.begin = [](World &world) {
            world.trims = true;
            Process &p = world.add("P", {enqueue(1), enqueue(2), reserve(), commit(3), enqueue_batch(4, 2)});
            world.add_thread("Q", p, {enqueue(11), dequeue(), enqueue(12)});
            world.add("C", {dequeue(), take(), give_back(), dequeue(), dequeue()});
            world.add("D", {dequeue_batch(2), take(), release(), trim()});
            world.add("T", {trim(), sweep(), trim()});
        };
        EXPECT_TRUE(fine(explore_at_random(scenario, 3000)));
    }
}

// X knows of an orphan in node 0, and another one gets it.
TEST(Bare, who_looks_for_an_orphan_finds_memory)
{
    Trimmed world(1);
    Process &p = world.add("P", {enqueue(1)}), &d = world.add("D", {take(), give_back()}), &c = world.add("C", {});
    Process &t = world.add("T", {}), &x = world.add("X", {dequeue()});
    world.finish(p);
    world.finish(d);
    ASSERT_TRUE(world.run_to(x, about_to_load("slot 0.0", "slot_load"))) << world.report();
    world.give(c, dequeue());
    world.finish(c);
    world.pass_all_and_trim(p, d, t);
    EXPECT_FALSE(has_bare_nodes(world)) << "it may go to any node";
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// X remembers where three orphans are, and takes the first. Another one takes the second, whose node goes.
TEST(Bare, who_remembers_an_orphan_does_not_go_to_its_node_without_a_look)
{
    Trimmed world(1);
    Process &p = world.add("P", {enqueue(1), enqueue(2), enqueue(3), enqueue(4)}), &c = world.add("C", {});
    Process &d = world.add("D", {take()}), &e = world.add("E", {take()}), &f = world.add("F", {take()});
    Process &t = world.add("T", {}), &x = world.add("X", {});
    e.sitting = sitter{offsetof(cq_queue, seats), 0, 0, 0}; // it names nothing
    world.finish(p);
    for (Process *holder : {&d, &e, &f})
        world.finish(*holder);
    for (Process *holder : {&d, &e, &f}) {
        world.give(*holder, give_back());
        world.finish(*holder);
    }
    for (Process *consumer : {&x, &c}) {
        world.give(*consumer, dequeue());
        world.finish(*consumer);
    }
    world.give(t, trim());
    world.finish(t);
    EXPECT_TRUE(has_bare_nodes(world));
    world.give(x, dequeue());
    world.finish_all();
    EXPECT_TRUE(fine(world));
}

// A claim that is not published is in front of X, which looks whether something is published behind it.
TEST(Bare, who_looks_behind_a_claim_finds_memory)
{
    for (std::uint32_t stop = 0, more = 1; more; ++stop) {
        Trimmed world(1);
        Process &q = world.add("Q", {enqueue(1)}), &p = world.add("P", {enqueue(2)}), &c = world.add("C", {});
        Process &t = world.add("T", {}), &x = world.add("X", {dequeue()});
        ASSERT_TRUE(world.run_to(q, about_to_load("slot", "enqueue_publish"))) << world.report();
        world.finish(p);
        for (std::uint32_t i = 0; i < stop && x.runnable() && !world.failed(); ++i)
            world.step(x);
        more = x.runnable();
        world.finish(q);
        world.pass_all_and_trim(p, c, t);
        world.finish_all();
        ASSERT_TRUE(fine(world)) << "stopped before step " << stop;
    }
}

// The caller uses a token twice. It was valid when the call looked; then the node goes.
TEST(Bare, a_token_of_an_old_loan_touches_nothing)
{
    for (std::uint32_t stop = 1, more = 1; more; ++stop) {
        Trimmed world(1);
        Process &p = world.add("P", {enqueue(1)}), &x = world.add("X", {take()}), &c = world.add("C", {});
        Process &t = world.add("T", {}), &twice = world.add_thread("Y", x, {});
        world.finish(p);
        world.finish(x);
        twice.loan = x.loan;
        world.give(twice, {Action::release, 0, 0});
        for (std::uint32_t i = 0; i < stop && more; ++i) {
            world.step(twice);
            more = !world.is_at(twice, about_to_exchange("slot"));
        }
        world.give(x, release());
        world.finish(x);
        world.give(p, enqueue(2));
        world.finish(p);
        world.give(x, dequeue()); // its names are of another node now
        world.finish(x);
        world.pass_all_and_trim(p, c, t);
        world.finish_all();
        ASSERT_TRUE(fine(world)) << "stopped after step " << stop;
    }
}

// X, whose id is 4, has named the node at the end, or pinned all, and is about to read the node.
TEST(Bare, names_and_pins_are_seen_in_time)
{
    struct Case { Action action; std::uint32_t waiting; const char *at; };
    for (const Promises by : {Promises::machines, Promises::c11})
        for (const Case &that : {Case{enqueue(1), 0, "node 0 enq"}, Case{dequeue(), 0, "node 0 deq"},
                                 Case{enqueue(1), 5, "node 0 deq"}}) { // full: it looks at the front
            Trimmed world(1, by);
            Process &p = world.add("P", {}), &c = world.add("C", {}), &t = world.add("T", {});
            for (std::uint32_t i = 0; i < that.waiting; ++i)
                world.give(p, enqueue(10 + i));
            world.finish(p);
            Process &x = world.add("X", {that.action});
            ASSERT_TRUE(world.run_to(x, about_to_load(that.at, "end_read"))) << world.report();
            for (std::uint32_t i = 0; i < that.waiting; ++i)
                world.give(c, dequeue());
            world.finish(c);
            world.pass_all_and_trim(p, c, t);
            EXPECT_FALSE(world.ghost.absent[0]) << that.at;
            world.finish_all();
            EXPECT_TRUE(fine(world));
        }
}

// Whatever a load may return: names, pins and what they are for are seen in time.
TEST(Bare, in_a_weak_memory)
{
    for (const Promises promises : {Promises::machines, Promises::c11})
        for (std::uint32_t slots = 1; slots <= 2; ++slots) {
            Scenario scenario;
            scenario.shape = shape_of(slots);
            scenario.weak = true;
            scenario.promises = promises;
            scenario.begin = [](World &world) {
                world.trims = true;
                world.add("P", {enqueue(1), enqueue(2), enqueue(3), enqueue(4)});
                world.add("C", {dequeue(), dequeue(), dequeue()});
                world.add("T", {trim(), trim(), trim()});
            };
            EXPECT_TRUE(fine(explore_at_random(scenario, 2000)));
        }
}
