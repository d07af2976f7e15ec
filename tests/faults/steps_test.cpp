/*
 * The fastest attacker there can be: between any two instructions of an operation it changes a word that the operation
 * may be about to read again. Every loop that tries again because something moved must give up.
 */
#include <functional>
#include <ostream>
#include <string>

#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "support/clock.hpp"
#include "support/leftovers.hpp"
#include "support/process.hpp"
#include "support/region_bytes.hpp"
#include "support/seed.hpp"

namespace {

using namespace cqtest;

/* Far above the longest of these operations undisturbed, and above what giving up takes, which in this build is soon. */
constexpr uint64_t most_steps = 300000;

/* A word, and what it becomes: one of two values at random, or always another. */
struct Attack {
    const char *name;
    std::function<uint64_t(const RegionBytes &)> where;
    std::function<uint64_t(uint64_t now, uint64_t before, bool coin)> value;
};

uint64_t node(const RegionBytes &bytes, uint64_t field_of_node) { return bytes.get(field::nodes_offset) + field_of_node; }

auto at(uint64_t offset)
{
    return [offset](const RegionBytes &) { return offset; };
}

auto in_node(uint64_t offset)
{
    return [offset](const RegionBytes &bytes) { return node(bytes, offset); };
}

/* The word as it was, or with something added. */
auto or_plus(uint64_t difference)
{
    return [difference](uint64_t, uint64_t before, bool coin) { return coin ? before : before + difference; };
}

auto always_plus(uint64_t difference)
{
    return [difference](uint64_t now, uint64_t, bool) { return now + difference; };
}

constexpr uint64_t a_life = UINT64_C(1) << 24, an_index = UINT64_C(1) << 12;

const Attack attacks[] = {
    {"orphans_announced_for_ever", at(field::orphans), always_plus(2)},
    {"orphans_there_and_not", at(field::orphans), or_plus(1)},
    {"head_moves_on_and_back", at(field::head), or_plus(a_life)},
    {"head_runs", at(field::head), always_plus(a_life)},
    {"tail_moves_on_and_back", at(field::tail), or_plus(a_life)},
    {"tail_runs", at(field::tail), always_plus(a_life)},
    {"last_hole_runs", at(field::last_hole), always_plus(a_life)},
    {"last_hole_moves_on_and_back", at(field::last_hole), or_plus(an_index)},
    {"memory_comes_and_goes", at(field::touched), or_plus(1)},
    /* Not always another: on some processors a single atomic instruction of ours is a loop that would never end then. */
    {"sleepers_come_and_go", at(field::consumers), or_plus(1)},
    {"watchers_come_and_go", at(field::consumers), or_plus(2)},
    {"writers_claim_and_do_not", in_node(field::node_enq), or_plus(an_index)},
    {"writers_claim_for_ever", in_node(field::node_enq), always_plus(1)},
    {"readers_claim_and_do_not", in_node(field::node_deq), or_plus(an_index)},
    {"readers_claim_for_ever", in_node(field::node_deq), always_plus(1)},
    {"next_moves_on_and_back", in_node(field::node_next), or_plus(1)},
    {"slot_changes_owner_for_ever", in_node(field::node_slots), always_plus(1)},
    {"slot_changes_phase_for_ever", in_node(field::node_slots), always_plus(an_index)},
    {"slot_is_short_and_not", in_node(field::node_slots), or_plus(UINT64_C(8) << 12)},
    {"node_changes_state_for_ever", [](const RegionBytes &bytes) { return bytes.get(field::states_offset); }, always_plus(1)},
};

std::ostream &operator<<(std::ostream &out, const Attack &attack) { return out << attack.name; }

struct Step {
    const char *name;
    void (*run)(cq_queue *queue, Message &taken, Message &reserved);
};

char buffer[16];

const Step steps[] = {
    {"enqueue", [](cq_queue *queue, Message &, Message &) { cq_enqueue(queue, buffer, 5); }},
    {"dequeue", [](cq_queue *queue, Message &, Message &) { cq_dequeue(queue, buffer, 16, nullptr); }},
    {"enqueue_batch",
     [](cq_queue *queue, Message &, Message &) {
         cq_slice three[3] = {{buffer, 1}, {buffer, 1}, {buffer, 1}};
         size_t done;
         cq_enqueue_batch(queue, three, 3, &done);
     }},
    {"dequeue_batch",
     [](cq_queue *queue, Message &, Message &) {
         cq_slice three[3];
         size_t done;
         cq_dequeue_batch(queue, buffer, 16, three, 3, &done);
     }},
    {"take",
     [](cq_queue *queue, Message &, Message &) {
         Message message;
         cq_take(queue, &message);
     }},
    {"release", [](cq_queue *queue, Message &taken, Message &) { cq_release(queue, &taken); }},
    {"return", [](cq_queue *queue, Message &taken, Message &) { cq_return(queue, &taken); }},
    {"commit", [](cq_queue *queue, Message &, Message &reserved) { cq_commit(queue, &reserved, 1); }},
    {"abort", [](cq_queue *queue, Message &, Message &reserved) { cq_abort(queue, &reserved); }},
    {"walk",
     [](cq_queue *queue, Message &, Message &) {
         cq_walk(queue, [](const cq_message *, void *) { return 0; }, nullptr);
     }},
};

class Steps : public testing::TestWithParam<Attack> {
protected:
    void SetUp() override { stay_on_one_processor(); }
};

std::string name_of(const testing::TestParamInfo<Attack> &info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Fault37, Steps, testing::ValuesIn(attacks), name_of);

/* How many steps the operation took with the word changed after each; most_steps: it did not end. */
uint64_t count_steps(const Queue &queue, const Step &step, const Attack &attack, Noise &noise)
{
    Child child([&](Channel &) {
        Handle handle = queue.attach();
        Message taken = handle.take(), reserved = handle.reserve(5);
        stop_clock();
        if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0)
            return 1;
        ::raise(SIGSTOP);
        step.run(handle, taken, reserved);
        ::raise(SIGSTOP);
        ::_exit(0);
    });
    int status = 0;
    const auto stopped_by = [&](int signal) {
        return ::waitpid(child.pid(), &status, __WALL) == child.pid() && WIFSTOPPED(status) && WSTOPSIG(status) == signal;
    };
    if (!stopped_by(SIGSTOP))
        throw std::runtime_error("the victim did not come");
    const RegionBytes bytes(queue.path());
    const uint64_t offset = attack.where(bytes), before = bytes.get(offset);
    for (uint64_t count = 0; count < most_steps; ++count) {
        if (::ptrace(PTRACE_SINGLESTEP, child.pid(), nullptr, nullptr) != 0)
            throw std::system_error(errno, std::generic_category(), "PTRACE_SINGLESTEP");
        if (!stopped_by(SIGTRAP)) {
            EXPECT_TRUE(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP)
                << "status " << std::hex << status << ", 0b7f: SIGSEGV";
            return count;
        }
        bytes.put(offset, attack.value(bytes.get(offset), before, noise.once_in(2)));
    }
    return most_steps;
}

TEST_P(Steps, of_any_operation_come_to_an_end)
{
    Noise noise(seed());
    for (const unsigned messages : {1u, 6u}) /* the victim holds one */
        for (const Step &step : steps) {
            SCOPED_TRACE(std::string(step.name) + " of " + std::to_string(messages));
            Queue queue(Config(6, 16), Shape(2, 0, 4, 3));
            for (unsigned i = 0; i < messages; ++i)
                queue.must_enqueue("short");
            EXPECT_LT(count_steps(queue, step, GetParam(), noise), most_steps) << "no end in sight";
        }
}

/* Of a message as large as it may be, the second in its node: the first is the victim's. */
TEST(Fault34, a_length_that_changes_between_any_two_instructions_is_checked_as_it_is_used)
{
    Noise noise(seed());
    const Attack attack{"length_is_absurd_and_not",
                        [](const RegionBytes &bytes) {
                            return node(bytes, field::node_slots + bytes.get(field::slot_stride) + 8);
                        },
                        or_plus(UINT64_C(1) << 40)};
    const Step dequeue{"dequeue", [](cq_queue *queue, Message &, Message &) {
                           static char large[300];
                           cq_dequeue(queue, large, sizeof large, nullptr);
                       }};
    for (int i = 0; i < 30 && !HasFailure(); ++i) {
        Queue queue(Config(6, 300), Shape(4));
        queue.must_enqueue(std::string(300, 'x'));
        queue.must_enqueue(std::string(300, 'x'));
        EXPECT_LT(count_steps(queue, dequeue, attack, noise), most_steps);
    }
}

} // namespace
