/*
 * One process is killed at any step of its operation beside another that is stopped at any step of its own and goes on
 * later. Operations, states and steps are chosen at random; no message is lost, none comes twice.
 */
#include "steps.hpp"
#include "support/ledger.hpp"
#include "support/leftovers.hpp"
#include "support/seed.hpp"

namespace cqtest {
namespace {

const std::vector<Operation> operations = {
    enqueue_operation,      enqueue_batch_operation, dequeue_operation,        dequeue_batch_operation,
    take_release_operation, take_return_operation,   reserve_commit_operation, reserve_abort_operation,
};

const std::vector<Fill> fills = {
    {"empty", Shape(2), 9, 2, 0},
    {"some", Shape(2), 9, 1, 4},
    {"at_a_boundary", Shape(2), 9, 2, 2},
    {"node_a_message", Shape(1), 7, 5, 3},
    {"wrapping", Shape(2, last_sequence - 1), 9, 2, 4},
    {"returned", Shape(4), 9, 2, 3, true},
    {"full", Shape(2), 5, 1, 5},
};

/* One process of the pair: what it does, and the step of that at which it is halted. */
class Half {
public:
    Half(Noise &noise, const std::vector<Step> (&steps)[8])
        : index(noise.below(operations.size())), operation(operations[index]),
          step(steps[index][noise.below(steps[index].size())])
    {
    }

    const size_t index;
    const Operation &operation;
    const Step step;
    Shared<Record> record;
};

/* What there was, or was accepted, is to come; what was refused is not. A killed producer may have sent the rest. */
void note_sent(Ledger &ledger, const Half &half, uint64_t next, bool killed)
{
    for (uint64_t i = 0; half.operation.role == Role::producer && i < batch_size; ++i)
        if (i < half.record->done)
            ledger.accepted(next + i);
        else if (!killed)
            ledger.refused(next + i);
}

/* The first `count` messages in the memory of a consumer: note(number). */
template <class Note>
void in_buffer(const Half &half, uint64_t count, Note note)
{
    for (uint64_t i = 0; half.operation.role == Role::consumer && i < count; ++i)
        if (const auto stamp = read_stamp({half.record->buffer + i * stamped_size_min, stamped_size_min}))
            note(stamp->number);
}

void one_pair(const Fill &fill, Half &stopped, Half &killed)
{
    PreparedQueue prepared(fill);
    const uint64_t stopped_next = prepared.next, killed_next = prepared.next + 100;
    Stepper first = start_victim(prepared, stopped.operation, *stopped.record, stopped_next);
    bool halted = false; /* else it went another way than when it was alone, to its end */
    {
        Stepper second = start_victim(prepared, killed.operation, *killed.record, killed_next);
        halted = first.run_to(stopped.step);
        second.run_to(killed.step);
        second.kill();
    }
    require(prepared.queue.recover().participants == 1, "not the one dead participant was found");
    require_nothing_to_recover(prepared.queue);
    if (halted)
        first.finish();

    Ledger ledger(killed_next + batch_size, stamped_size_min, 1);
    (void)ledger.numbers(killed_next + batch_size);
    for (const Item &item : prepared.before)
        ledger.accepted(item.number);
    note_sent(ledger, stopped, stopped_next, false);
    note_sent(ledger, killed, killed_next, true);

    uint64_t last = 0;
    const auto came = [&](uint64_t number) {
        ledger.came(number);
        ledger.done(number);
    };
    for (const Item &item : drain_items(prepared.queue)) {
        came(item.number);
        require(item.deliveries > 1 || item.number >= prepared.next || item.number > last, "out of order");
        if (item.deliveries == 1 && item.number < prepared.next)
            last = item.number;
    }
    in_buffer(stopped, stopped.record->done, came);
    in_buffer(killed, killed.record->done, came);
    /* A call that takes for good may be killed when the message is its own and before it returns: it is in the caller's
       memory then, and nowhere else. Not what was to be returned, nor what the caller had not even seen before it was
       to release it. */
    in_buffer(killed, killed.operation.effect(*killed.record, batch_size, 0).removed.to,
              [&](uint64_t number) { ledger.uncertain(number); });
    require(ledger.problem().empty(), ledger.problem());

    first.kill();
    require(prepared.queue.recover().participants == 1, "the other was not found dead");
    require(require_whole(prepared.queue, fill.capacity, 1).empty(), "there were more messages");
}

TEST(Pair, of_a_killed_and_a_stopped_process_loses_and_doubles_nothing)
{
    stay_on_one_processor();
    Noise noise(seed());
    const uint64_t rounds = long_run() ? 20000 : 12;
    for (uint64_t round = 0; round < rounds; ++round) {
        const Fill &fill = fills[noise.below(fills.size())];
        std::vector<Step> steps[8];
        for (size_t i = 0; i < operations.size(); ++i)
            steps[i] = steps_of(fill, operations[i]);
        for (int pair = 0; pair < 40; ++pair) {
            Half stopped(noise, steps), killed(noise, steps);
            try {
                one_pair(fill, stopped, killed);
            } catch (const std::exception &error) {
                FAIL() << error.what() << "\nround " << round << ", pair " << pair << ", queue " << fill.name
                       << "\nstopped in " << stopped.operation.name << " at " << to_string(stopped.step)
                       << "\nkilled in " << killed.operation.name << " at " << to_string(killed.step);
            }
        }
    }
}

} // namespace
} // namespace cqtest
