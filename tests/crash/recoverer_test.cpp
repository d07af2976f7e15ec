/*
 * The recoverer itself is killed, or stopped, before any instruction of its work: the next one finishes it, or does it
 * beside it, and nobody who registers meanwhile is taken for the dead.
 */
#include "recoverer.hpp"
#include "support/leftovers.hpp"

namespace cqtest {
namespace {

const Fill some{"some", Shape(2), 7, 2, 3};
const Fill at_a_boundary{"at_a_boundary", Shape(2), 7, 0, 4};
const Fill wrapping{"wrapping", Shape(2, last_sequence - 1), 7, 2, 4};
const Fill node_a_message{"node_a_message", Shape(1), 7, 2, 3};

/* One case: the operations in which one or two participants died. */
struct Dead {
    const char *name;
    Fill fill;
    std::vector<Operation> operations;
};

void PrintTo(const Dead &dead, std::ostream *out) { *out << dead.name; }
std::string dead_name(const ::testing::TestParamInfo<Dead> &info) { return info.param.name; }

const std::vector<Dead> deaths = {
    {"enqueue", at_a_boundary, {enqueue_operation}},
    {"enqueue_on_small_nodes", node_a_message, {enqueue_operation}},
    {"enqueue_batch", wrapping, {enqueue_batch_operation}},
    {"dequeue", wrapping, {dequeue_operation}},
    {"dequeue_batch", some, {dequeue_batch_operation}},
    {"take", some, {take_release_operation}},
    {"reservation", at_a_boundary, {reserve_commit_operation}},
    {"producer_and_consumer", wrapping, {enqueue_batch_operation, dequeue_batch_operation}},
    {"producer_and_taker", node_a_message, {reserve_commit_operation, take_release_operation}},
};

/* Where the dead died: the same fraction of the way through all their operations. */
std::vector<std::vector<Wound>> accidents(const Dead &dead, size_t count)
{
    std::vector<std::vector<Wound>> all(count);
    for (const Operation &operation : dead.operations) {
        const std::vector<Wound> wounds = wounds_in(dead.fill, operation, count);
        for (size_t i = 0; i < count; ++i)
            all[i].push_back(wounds[i]);
    }
    return all;
}

class Recoverer : public ::testing::TestWithParam<Dead> {
protected:
    void SetUp() override { stay_on_one_processor(); }

    /* Visit moments of recoveries from different accidents, each with a stride so that they take about as many visits. */
    template <class Visit>
    void at_moments_of_recoveries(size_t count, size_t visits, Visit &&visit)
    {
        const Dead &dead = GetParam();
        for (const std::vector<Wound> &wounds : accidents(dead, count)) {
            const std::vector<Place> places = moments_of_recovery(dead.fill, wounds);
            const size_t stride = long_run() ? 1 : 1 + places.size() / visits;
            at_moments(places, stride, [&](const Place &place, size_t index) {
                Accident accident(dead.fill, wounds);
                const bool reached = accident.recoverer->run_to(place);
                visit(accident, index);
                return reached;
            });
            if (HasFatalFailure())
                return;
        }
    }
};

TEST_P(Recoverer, killed_at_any_instruction_leaves_its_work_to_the_next)
{
    at_moments_of_recoveries(long_run() ? 30 : 4, 40, [](Accident &accident, size_t index) {
        Situation &situation = accident.situation;
        accident.recoverer->kill();
        Handle fresh;
        if (index % 2 == 0) {
            const Recovery found = situation.queue.recover();
            require(1 <= found.participants && found.participants <= 1 + accident.wounds.size(),
                    std::to_string(found.participants) + " participants were found dead");
        } else
            fresh = situation.queue.attach();
        const std::vector<Item> after = require_whole(situation.queue, situation.fill.capacity, fresh.get() ? 2 : 1);
        require_effect(accident.effect(), situation, after, accident.buffer());
    });
}

TEST_P(Recoverer, stopped_at_any_instruction_leaves_its_work_to_the_next)
{
    at_moments_of_recoveries(long_run() ? 30 : 3, 30, [](Accident &accident, size_t) {
        Situation &situation = accident.situation;
        require(situation.queue.recover().participants <= accident.wounds.size(), "a stopped recoverer was called dead");
        require_effect(accident.effect(), situation, drain_items(situation.queue), accident.buffer());
        require(situation.queue.stat().participants == 2, "a stopped recoverer is not counted");
        require_capacity(situation.queue, situation.fill.capacity);
        accident.recoverer->finish();
        require_capacity(situation.queue, situation.fill.capacity);
        accident.recoverer->kill();
        require(situation.queue.recover().participants == 1, "a killed recoverer was not found dead");
        require_whole(situation.queue, situation.fill.capacity, 1);
    });
}

/* A new participant must not get the id of a dead one while a recoverer may still act on what it read about that one. */
TEST_P(Recoverer, stopped_and_continued_takes_nothing_from_those_who_registered_meanwhile)
{
    at_moments_of_recoveries(long_run() ? 30 : 3, 30, [](Accident &accident, size_t) {
        Situation &situation = accident.situation;
        situation.queue.recover();
        drain_items(situation.queue);
        for (uint64_t number = 1; number <= 3; ++number)
            situation.queue.must_enqueue(text_of(number));

        const std::string fourth = text_of(4);
        Handle newcomers[2] = {situation.queue.attach(), situation.queue.attach()};
        Message taken[2] = {newcomers[0].take(), newcomers[1].take()};
        Message reserved = newcomers[0].reserve(fourth.size());

        accident.recoverer->finish();

        for (int i = 0; i < 2; ++i)
            require(number_of(taken[i].text()) == static_cast<uint64_t>(i) + 1 && taken[i].deliveries == 1,
                    "the wrong message was taken");
        std::memcpy(reserved.data, fourth.data(), fourth.size());
        require(cq_commit(newcomers[0], &reserved, fourth.size()) == CQ_OK, "a reservation was taken away");
        require(to_string(drain_items(situation.queue)) == "[ 3 4 ]", "a held message was delivered to another");
        for (int i = 0; i < 2; ++i)
            require(cq_release(newcomers[i], &taken[i]) == CQ_OK, "a held message was taken away");

        accident.recoverer->kill();
        require(situation.queue.recover().participants == 1, "not one participant was dead");
        newcomers[0].close();
        newcomers[1].close();
        require(require_whole(situation.queue, situation.fill.capacity, 1).empty(), "a message came back");
    });
}

INSTANTIATE_TEST_SUITE_P(after, Recoverer, ::testing::ValuesIn(deaths), dead_name);

} // namespace
} // namespace cqtest
