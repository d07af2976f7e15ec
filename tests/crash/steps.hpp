/*
 * The steps of an operation: every instruction a victim executes, from a trace of one that nobody disturbs. A test
 * visits them in turn, each with a fresh queue and a fresh victim.
 */
#pragma once

#include "operations.hpp"
#include "support/clock.hpp"
#include "support/stepper.hpp"

namespace cqtest {

/* An operation, and the queue it finds. */
struct Case {
    Operation operation;
    Fill fill;
};

inline void PrintTo(const Case &example, std::ostream *out)
{
    *out << example.operation.name << " " << example.fill.name;
}

inline std::string case_name(const ::testing::TestParamInfo<Case> &info)
{
    return std::string(info.param.operation.name) + "_" + info.param.fill.name;
}

inline std::vector<Case> all(std::initializer_list<Operation> operations, std::initializer_list<Fill> fills)
{
    std::vector<Case> cases;
    for (const Operation &operation : operations)
        for (const Fill &fill : fills)
            cases.push_back({operation, fill});
    return cases;
}

/* Starts a victim with a handle of its own. What it enqueues has the numbers from `next` on. */
inline Stepper start_victim(const PreparedQueue &prepared, const Operation &operation, Record &record, uint64_t next)
{
    return Stepper(
        [&] {
            Victim victim(prepared.queue.attach(), &record, next);
            if (operation.prepare)
                operation.prepare(victim);
            stop_clock(operation.time_passed);
            return victim;
        },
        [&](Victim &victim) { operation.run(victim); });
}

inline Stepper start_victim(const PreparedQueue &prepared, const Operation &operation, Record &record)
{
    return start_victim(prepared, operation, record, prepared.next);
}

/* All the steps of an undisturbed operation. */
inline std::vector<Step> steps_of(const Fill &fill, const Operation &operation)
{
    PreparedQueue prepared(fill);
    Shared<Record> record;
    return steps_in(start_victim(prepared, operation, *record).trace());
}

/*
 * Visit every stride-th step: visit(step, index) returns false if the victim never came there. CQ_STEP in the
 * environment narrows it down to one.
 */
template <class Visit>
void at_steps(const std::vector<Step> &steps, size_t stride, Visit &&visit)
{
    ASSERT_GT(steps.size(), 10u) << "the operation was not traced";
    const uint64_t only = environment_number("CQ_STEP", UINT64_MAX);
    size_t visited = 0, missed = 0;
    for (size_t i = 0; i < steps.size(); i += only == UINT64_MAX ? stride : 1) {
        if (only != UINT64_MAX && only != i)
            continue;
        try {
            ++visited;
            missed += !visit(steps[i], i);
        } catch (const std::exception &error) {
            const ::testing::TestInfo *test = ::testing::UnitTest::GetInstance()->current_test_info();
            FAIL() << error.what() << "\nat step " << i << " of " << steps.size() << ", " << to_string(steps[i])
                   << "\nrerun: CQ_STEP=" << i << " " << program_invocation_name
                   << " --gtest_filter=" << test->test_suite_name() << "." << test->name();
        }
    }
    ASSERT_GT(visited, 0u);
    ::testing::Test::RecordProperty("steps_visited", static_cast<int>(visited));
    EXPECT_LE(missed, visited / 10) << "the operation does not take the same way twice";
}

} // namespace cqtest
