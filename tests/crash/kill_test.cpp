/*
 * SIGKILL before every instruction of every operation, on nodes of one, two and four slots, in every state of the queue
 * that makes an operation go another way.
 */
#include "steps.hpp"
#include "support/leftovers.hpp"

namespace cqtest {
namespace {

/* How the survivors meet the dead one. */
enum class Survivor { opens_afterwards, asks, opens_beside_another };

/* Let the survivors find out, and check that they find what they must. */
void recover_and_check(PreparedQueue &prepared, const Operation &operation, const Record &record, Survivor survivor)
{
    /* A handle that was closed is not found dead. */
    const bool closes = operation.run == close_operation.run;
    if (survivor == Survivor::opens_afterwards) {
        Handle fresh = prepared.queue.attach();
        require_effect(operation, prepared, record, require_whole(fresh, prepared.fill.capacity, 1));
        return;
    }
    Handle beside;
    if (survivor == Survivor::opens_beside_another)
        beside = prepared.queue.attach();
    else {
        const Recovery found = prepared.queue.recover();
        require(closes || found.participants == 1,
                std::to_string(found.participants) + " participants were found dead, not 1");
    }
    const uint32_t participants = beside.get() ? 2 : 1;
    require_effect(operation, prepared, record, require_whole(prepared.queue, prepared.fill.capacity, participants));
}

/* One victim, killed at one step. False: it never came there. */
bool kill_at(const Fill &fill, const Operation &operation, const Step &step, Survivor survivor)
{
    PreparedQueue prepared(fill);
    Shared<Record> record;
    bool reached;
    {
        Stepper victim = start_victim(prepared, operation, *record);
        if (survivor == Survivor::opens_afterwards)
            prepared.queue.close();
        reached = victim.run_to(step);
        victim.kill();
    }
    recover_and_check(prepared, operation, *record, survivor);
    return reached;
}

/* ---- the states a queue is in ---------------------------------------------------------------------- */

/* Both ends cross the wrap of the sequence when the operation appends or leaves a node. */
Shape wrapping(uint32_t slots) { return Shape(slots, last_sequence - 1); }

const Fill empty{"empty", Shape(2), 5, 0, 0};
const Fill one{"one", Shape(2), 5, 0, 1};
const Fill tail_node_full{"tail_node_full", Shape(2), 5, 0, 2};
const Fill head_node_used_up{"head_node_used_up", Shape(2), 5, 2, 3};
const Fill both_nodes_used_up{"both_nodes_used_up", Shape(2), 5, 2, 0};
const Fill full{"full", Shape(2), 5, 3, 5};
const Fill nodes_used_again{"nodes_used_again", Shape(2), 5, 60, 2};
const Fill tail_wraps{"tail_wraps", wrapping(2), 5, 2, 2};
const Fill head_wraps{"head_wraps", wrapping(2), 5, 4, 3};
const Fill one_returned{"one_returned", Shape(2), 5, 0, 3, true};
const Fill holes{"holes", Shape(2), 5, 0, 1, false, 4};
const Fill capacity_of_one{"capacity_of_one", Shape(1), 1, 1, 0};
const Fill capacity_of_one_full{"capacity_of_one_full", Shape(1), 1, 1, 1};
const Fill node_a_message{"node_a_message", Shape(1), 6, 9, 3};
const Fill node_a_message_wraps{"node_a_message_wraps", Shape(1, last_sequence - 2), 6, 2, 3};
const Fill middle_of_a_node{"middle_of_a_node", Shape(4), 9, 5, 4};

class Kill : public ::testing::TestWithParam<Case> {
protected:
    void SetUp() override { stay_on_one_processor(); }
};

TEST_P(Kill, at_every_instruction_leaves_the_queue_whole)
{
    const Operation &operation = GetParam().operation;
    const Fill &fill = GetParam().fill;
    const bool closes = operation.run == close_operation.run;
    at_steps(steps_of(fill, operation), closes && !long_run() ? 7 : 1, [&](const Step &step, size_t index) {
        return kill_at(fill, operation, step, static_cast<Survivor>(index % 3));
    });
}

INSTANTIATE_TEST_SUITE_P(producer, Kill,
                         ::testing::ValuesIn(all({enqueue_operation, enqueue_batch_operation},
                                                 {empty, tail_node_full, both_nodes_used_up, full, nodes_used_again,
                                                  tail_wraps, holes, capacity_of_one, capacity_of_one_full,
                                                  node_a_message, node_a_message_wraps, middle_of_a_node})),
                         case_name);

INSTANTIATE_TEST_SUITE_P(consumer, Kill,
                         ::testing::ValuesIn(all({dequeue_operation, dequeue_batch_operation},
                                                 {empty, one, head_node_used_up, both_nodes_used_up, full, head_wraps,
                                                  one_returned, holes, capacity_of_one_full, node_a_message,
                                                  node_a_message_wraps, middle_of_a_node})),
                         case_name);

INSTANTIATE_TEST_SUITE_P(in_place, Kill,
                         ::testing::ValuesIn(all({take_release_operation, take_return_operation},
                                                 {one, head_node_used_up, head_wraps, one_returned, node_a_message})),
                         case_name);

INSTANTIATE_TEST_SUITE_P(reservation, Kill,
                         ::testing::ValuesIn(all({reserve_commit_operation, reserve_abort_operation},
                                                 {empty, tail_node_full, tail_wraps, holes, node_a_message})),
                         case_name);

/* Enough nodes for some pages that nothing but free nodes is in. */
const Fill many_nodes{"many_nodes", Shape(1), 24, 0, 0};

INSTANTIATE_TEST_SUITE_P(trimming, Kill,
                         ::testing::ValuesIn(all({trim_operation, enqueue_after_trim_operation}, {many_nodes})),
                         case_name);

INSTANTIATE_TEST_SUITE_P(closing, Kill, ::testing::ValuesIn(all({close_operation}, {one, tail_node_full, head_wraps})),
                         case_name);

} // namespace
} // namespace cqtest
