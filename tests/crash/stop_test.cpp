/*
 * A process stopped before any instruction of any operation: the others pass messages as if it were not there, nobody
 * takes anything from it or calls it dead, and when it goes on, everything arrives exactly once.
 */
#include "steps.hpp"
#include "support/ledger.hpp"
#include "support/leftovers.hpp"

namespace cqtest {
namespace {

/* The numbers of the messages that the others put in while the victim is stopped begin here. */
constexpr uint64_t later = 1000;

/* What the others get from others keeps its order, and is theirs alone. */
void require_ascending(const std::vector<Item> &items, const Operation &operation, uint64_t victims_first)
{
    uint64_t last = 0;
    for (const Item &item : items) {
        const bool returned = operation.run == take_return_operation.run && item.deliveries == 2;
        require(item.deliveries == 1 || returned, "a message of a living process is delivered again: " + to_string(items));
        if (returned || (victims_first <= item.number && item.number < victims_first + batch_size))
            continue;
        require(item.number > last, "out of order: " + to_string(items));
        last = item.number;
    }
}

/* The others, while the victim is stopped: each message they put in comes out at once. What keeps it out, if anything does, are
   messages: they come out first. */
uint64_t pass_messages(const PreparedQueue &prepared, uint64_t count, std::vector<Item> &received)
{
    uint64_t next = later;
    for (uint64_t i = 0; i < count; ++i) {
        int result = prepared.queue.enqueue(text_of(next));
        if (result == CQ_FULL) {
            const std::vector<Item> waiting = drain_items(prepared.queue);
            require(!waiting.empty(), "the queue is full and empty at once behind a stopped process");
            received.insert(received.end(), waiting.begin(), waiting.end());
            result = prepared.queue.enqueue(text_of(next));
        }
        ++next;
        require(result == CQ_OK, "enqueue returned " + std::to_string(result) + " beside a stopped process");
        const std::vector<Item> some = drain_items(prepared.queue);
        require(!some.empty() && some.back().number == next - 1,
                "message " + std::to_string(next - 1) + " is stuck behind a stopped process");
        received.insert(received.end(), some.begin(), some.end());
    }
    return next;
}

bool stop_at(const Fill &fill, const Operation &operation, const Step &step)
{
    PreparedQueue prepared(fill);
    Shared<Record> record;
    Stepper victim = start_victim(prepared, operation, *record);
    const bool reached = victim.run_to(step);

    std::vector<Item> items;
    const uint64_t end = pass_messages(prepared, 4 * fill.capacity + 4 * fill.shape.slots_per_node, items);
    require_nothing_to_recover(prepared.queue);
    require(prepared.queue.stat().participants == 2, "a stopped process is not counted any more");

    victim.finish();
    /* There was always room, but the others may have taken everything. */
    require(record->result == CQ_OK || (record->result == CQ_EMPTY && operation.role == Role::consumer),
            "the stopped call returned " + std::to_string(record->result) + " at last");
    const std::vector<Item> rest = drain_items(prepared.queue);
    items.insert(items.end(), rest.begin(), rest.end());
    require_ascending(items, operation, prepared.next);

    const uint64_t added = prepared.next + operation.effect(*record, 1, batch_size).added.from;
    Ledger ledger(end, stamped_size_min, 1);
    (void)ledger.numbers(end);
    for (uint64_t number = prepared.next - prepared.before.size(); number < end; ++number)
        if (number < added || number >= later)
            ledger.accepted(number);
        else
            ledger.refused(number); /* or was never sent */
    for (const Item &item : items) {
        ledger.came(item.number);
        ledger.done(item.number);
    }
    for (size_t i = 0; i < record->done && operation.role == Role::consumer; ++i)
        ledger.done(number_of({record->buffer + i * stamped_size_min, stamped_size_min}));
    require(ledger.problem().empty(), ledger.problem());

    victim.kill();
    require(prepared.queue.recover().participants == 1, "a killed process was not found dead");
    require_whole(prepared.queue, fill.capacity, 1);
    return reached;
}

const Fill some{"some", Shape(2), 9, 0, 3};
const Fill at_a_boundary{"at_a_boundary", Shape(2), 9, 2, 2};
const Fill wrapping{"wrapping", Shape(2, last_sequence - 1), 9, 3, 3};
const Fill node_a_message{"node_a_message", Shape(1), 7, 4, 2};
const Fill empty{"empty", Shape(4), 9, 3, 0};

class Stop : public ::testing::TestWithParam<Case> {
protected:
    void SetUp() override { stay_on_one_processor(); }
};

TEST_P(Stop, at_every_instruction_holds_nobody_up)
{
    const Operation &operation = GetParam().operation;
    const Fill &fill = GetParam().fill;
    at_steps(steps_of(fill, operation), long_run() ? 1 : 3,
               [&](const Step &step, size_t) { return stop_at(fill, operation, step); });
}

INSTANTIATE_TEST_SUITE_P(state, Stop,
                         ::testing::ValuesIn(all({enqueue_operation, enqueue_batch_operation, dequeue_operation,
                                                  dequeue_batch_operation, take_release_operation, take_return_operation,
                                                  reserve_commit_operation, reserve_abort_operation},
                                                 {some, at_a_boundary, wrapping, node_a_message, empty})),
                         case_name);

/* Enough nodes for some pages that nothing but free nodes is in. */
const Fill many_nodes{"many_nodes", Shape(1), 24, 0, 0};
INSTANTIATE_TEST_SUITE_P(trimming, Stop,
                         ::testing::ValuesIn(all({trim_operation, enqueue_after_trim_operation}, {many_nodes})),
                         case_name);

/* One claim may be all that the queue has room for. */
const Fill one{"one", Shape(2), 1, 3, 0};
const Fill one_a_node{"one_a_node", Shape(1), 1, 4, 0};
const Fill a_batch{"a_batch", Shape(4), batch_size, 4, 0};
const Fill a_batch_in_two_nodes{"a_batch_in_two_nodes", Shape(2), batch_size, 5, 0};
const Fill the_rest{"the_rest", Shape(4), batch_size + 1, 4, 1};

class StopAtTheLimit : public Stop {};

TEST_P(StopAtTheLimit, at_every_instruction_holds_nobody_up)
{
    const Operation &operation = GetParam().operation;
    const Fill &fill = GetParam().fill;
    at_steps(steps_of(fill, operation), 1, [&](const Step &step, size_t) { return stop_at(fill, operation, step); });
}

INSTANTIATE_TEST_SUITE_P(one, StopAtTheLimit,
                         ::testing::ValuesIn(all({enqueue_operation, reserve_commit_operation, reserve_abort_operation},
                                                 {one, one_a_node})),
                         case_name);
INSTANTIATE_TEST_SUITE_P(batch, StopAtTheLimit,
                         ::testing::ValuesIn(all({enqueue_batch_operation}, {a_batch, a_batch_in_two_nodes, the_rest})),
                         case_name);

} // namespace
} // namespace cqtest
