/*
 * The recoverer itself is killed, or stopped, before any instruction of its work: the next one finishes it, or does it
 * beside it, and nobody who registers meanwhile is taken for the dead.
 */
#include <optional>

#include "steps.hpp"
#include "support/leftovers.hpp"

namespace cqtest {
namespace {

/* A dead participant's operation, and the step of its death. */
struct Death {
    Operation operation;
    Step step;
};

class RecoveryTask {
public:
    /* All open their handles before the first dies, because opening cleans up as well. */
    RecoveryTask(const Fill &fill, const std::vector<Death> &deaths)
        : prepared(fill), deaths(deaths), records(deaths.size())
    {
        recoverer.emplace(
            [&] {
                Handle handle = prepared.queue.attach();
                stop_clock();
                return handle;
            },
            [](Handle &handle) { cq_recover(handle, nullptr); });
        std::vector<Stepper> victims;
        for (size_t i = 0; i < deaths.size(); ++i)
            victims.push_back(start_victim(prepared, deaths[i].operation, records[i]));
        for (size_t i = 0; i < deaths.size(); ++i)
            victims[i].run_to(deaths[i].step);
        for (Stepper &victim : victims)
            victim.kill();
    }

    /* What may be in the queue when all is cleaned up. */
    Effect effect() const
    {
        Effect sum;
        for (size_t i = 0; i < deaths.size(); ++i)
            sum = sum + effect_of(deaths[i].operation, prepared, records[i]);
        return sum;
    }

    /* The memory of the consumer among the victims, if there is one. */
    const char *buffer() const
    {
        size_t i = 0;
        while (i + 1 < deaths.size() && deaths[i].operation.role != Role::consumer)
            ++i;
        return records[i].buffer;
    }

    PreparedQueue prepared;
    const std::vector<Death> deaths;
    SharedArray<Record> records;
    std::optional<Stepper> recoverer;
};

/*
 * Where victims die: a number of steps spread over the operation, from its claim to its end. What they leave differs,
 * and so does what the recoverer executes.
 */
std::vector<Death> deaths_in(const Fill &fill, const Operation &operation, size_t count)
{
    const std::vector<Step> steps = steps_of(fill, operation);
    std::vector<Death> chosen;
    for (size_t i = 1; i <= count; ++i)
        chosen.push_back({operation, steps[i * steps.size() / (count + 1)]});
    return chosen;
}

/*
 * The steps of a recovery. A scan over thousands of participants executes the same few instructions again and again; a
 * stop at the third time and later tells nothing that the first, the second and the last do not.
 */
std::vector<Step> steps_of_recovery(const Fill &fill, const std::vector<Death> &deaths)
{
    RecoveryTask task(fill, deaths);
    const std::vector<Step> steps = steps_in(task.recoverer->trace());
    std::map<uintptr_t, uint32_t> last;
    for (const Step &step : steps)
        last[step.address] = step.visit;
    std::vector<Step> chosen;
    for (const Step &step : steps)
        if (step.visit <= 2 || step.visit == last[step.address])
            chosen.push_back(step);
    return chosen;
}

/* ---- who died ---------------------------------------------------------------------------------------- */

const Fill some{"some", Shape(2), 7, 2, 3};
const Fill at_a_boundary{"at_a_boundary", Shape(2), 7, 0, 4};
const Fill wrapping{"wrapping", Shape(2, last_sequence - 1), 7, 2, 4};
const Fill node_a_message{"node_a_message", Shape(1), 7, 2, 3};

/* One case: the operations in which one or two participants died. */
struct RecoveryCase {
    const char *name;
    Fill fill;
    std::vector<Operation> operations;
};

void PrintTo(const RecoveryCase &example, std::ostream *out) { *out << example.name; }
std::string recovery_case_name(const ::testing::TestParamInfo<RecoveryCase> &info) { return info.param.name; }

const std::vector<RecoveryCase> cases = {
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
std::vector<std::vector<Death>> deaths_of(const RecoveryCase &example, size_t count)
{
    std::vector<std::vector<Death>> all(count);
    for (const Operation &operation : example.operations) {
        const std::vector<Death> deaths = deaths_in(example.fill, operation, count);
        for (size_t i = 0; i < count; ++i)
            all[i].push_back(deaths[i]);
    }
    return all;
}

class Recoverer : public ::testing::TestWithParam<RecoveryCase> {
protected:
    void SetUp() override { stay_on_one_processor(); }

    /* Visit steps of recoveries from different deaths, each with a stride so that they take about as many visits. */
    template <class Visit>
    void at_steps_of_recoveries(size_t count, size_t visits, Visit &&visit)
    {
        const RecoveryCase &example = GetParam();
        for (const std::vector<Death> &deaths : deaths_of(example, count)) {
            const std::vector<Step> steps = steps_of_recovery(example.fill, deaths);
            const size_t stride = long_run() ? 1 : 1 + steps.size() / visits;
            at_steps(steps, stride, [&](const Step &step, size_t index) {
                RecoveryTask task(example.fill, deaths);
                const bool reached = task.recoverer->run_to(step);
                visit(task, index);
                return reached;
            });
            if (HasFatalFailure())
                return;
        }
    }
};

TEST_P(Recoverer, killed_at_any_instruction_leaves_its_work_to_the_next)
{
    at_steps_of_recoveries(long_run() ? 30 : 4, 40, [](RecoveryTask &task, size_t index) {
        PreparedQueue &prepared = task.prepared;
        task.recoverer->kill();
        Handle fresh;
        if (index % 2 == 0) {
            const Recovery found = prepared.queue.recover();
            require(1 <= found.participants && found.participants <= 1 + task.deaths.size(),
                    std::to_string(found.participants) + " participants were found dead");
        } else
            fresh = prepared.queue.attach();
        const std::vector<Item> after = require_whole(prepared.queue, prepared.fill.capacity, fresh.get() ? 2 : 1);
        require_effect(task.effect(), prepared, after, task.buffer());
    });
}

TEST_P(Recoverer, stopped_at_any_instruction_leaves_its_work_to_the_next)
{
    at_steps_of_recoveries(long_run() ? 30 : 3, 30, [](RecoveryTask &task, size_t) {
        PreparedQueue &prepared = task.prepared;
        require(prepared.queue.recover().participants <= task.deaths.size(), "a stopped recoverer was called dead");
        require_effect(task.effect(), prepared, drain_items(prepared.queue), task.buffer());
        require(prepared.queue.stat().participants == 2, "a stopped recoverer is not counted");
        require_capacity(prepared.queue, prepared.fill.capacity);
        task.recoverer->finish();
        require_capacity(prepared.queue, prepared.fill.capacity);
        task.recoverer->kill();
        require(prepared.queue.recover().participants == 1, "a killed recoverer was not found dead");
        require_whole(prepared.queue, prepared.fill.capacity, 1);
    });
}

/* A new participant must not get the id of a dead one while a recoverer may still act on what it read about that one. */
TEST_P(Recoverer, stopped_and_continued_takes_nothing_from_those_who_registered_meanwhile)
{
    at_steps_of_recoveries(long_run() ? 30 : 3, 30, [](RecoveryTask &task, size_t) {
        PreparedQueue &prepared = task.prepared;
        prepared.queue.recover();
        drain_items(prepared.queue);
        for (uint64_t number = 1; number <= 3; ++number)
            prepared.queue.must_enqueue(text_of(number));

        const std::string fourth = text_of(4);
        Handle newcomers[2] = {prepared.queue.attach(), prepared.queue.attach()};
        Message taken[2] = {newcomers[0].take(), newcomers[1].take()};
        Message reserved = newcomers[0].reserve(fourth.size());

        task.recoverer->finish();

        for (int i = 0; i < 2; ++i)
            require(number_of(taken[i].text()) == static_cast<uint64_t>(i) + 1 && taken[i].deliveries == 1,
                    "the wrong message was taken");
        std::memcpy(reserved.data, fourth.data(), fourth.size());
        require(cq_commit(newcomers[0], &reserved, fourth.size()) == CQ_OK, "a reservation was taken away");
        require(to_string(drain_items(prepared.queue)) == "[ 3 4 ]", "a held message was delivered to another");
        for (int i = 0; i < 2; ++i)
            require(cq_release(newcomers[i], &taken[i]) == CQ_OK, "a held message was taken away");

        task.recoverer->kill();
        require(prepared.queue.recover().participants == 1, "not one participant was dead");
        newcomers[0].close();
        newcomers[1].close();
        require(require_whole(prepared.queue, prepared.fill.capacity, 1).empty(), "a message came back");
    });
}

INSTANTIATE_TEST_SUITE_P(after, Recoverer, ::testing::ValuesIn(cases), recovery_case_name);

} // namespace
} // namespace cqtest
