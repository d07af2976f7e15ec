/*
 * One process is killed at any moment of its operation beside another that is stopped at any moment of its own and goes on
 * later. Operations, states and moments are chosen at random; no message is lost, none comes twice.
 */
#include "moments.hpp"
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

/* One process of the pair: what it does, and the moment of that at which it is halted. */
class Half {
public:
    Half(Noise &noise, const std::vector<Place> (&places)[8])
        : index(noise.below(operations.size())), operation(operations[index]),
          place(places[index][noise.below(places[index].size())])
    {
    }

    const size_t index;
    const Operation &operation;
    const Place place;
    Shared<Record> record;
};

class Ledger {
public:
    explicit Ledger(const Situation &situation) : situation_(situation) {}

    void came(uint64_t number) { ++count_[number]; }

    /* What the process got for good. */
    void received(const Half &half)
    {
        for (size_t i = 0; half.operation.role == Role::consumer && i < half.record->done; ++i)
            came(number_of({half.record->buffer + i * stamped_size_min, stamped_size_min}));
    }

    /* What a process put in has come if it was accepted, and at most once in any case. */
    void require_sent(const Half &half, uint64_t next, bool dead) const
    {
        if (half.operation.role != Role::producer)
            return;
        for (uint64_t i = 0; i < batch_size; ++i) {
            const int times = count(next + i);
            require(times <= 1, "message " + std::to_string(next + i) + " came twice");
            require(times == 1 || i >= half.record->done, "message " + std::to_string(next + i) + " was lost");
            require(times == 0 || i < half.record->done || dead, "message " + std::to_string(next + i) + " was refused");
        }
    }

    /* What was there has come, or is in the memory of the dead one if that was receiving. */
    void require_before(const Half &dead) const
    {
        for (const Item &item : situation_.before) {
            const int times = count(item.number);
            require(times <= 1, "message " + std::to_string(item.number) + " came twice");
            require(times == 1 || (dead.operation.role == Role::consumer && has(dead, item.number)),
                    "message " + std::to_string(item.number) + " was lost");
        }
    }

private:
    int count(uint64_t number) const
    {
        const auto found = count_.find(number);
        return found == count_.end() ? 0 : found->second;
    }

    static bool has(const Half &half, uint64_t number)
    {
        for (size_t i = 0; i < batch_size; ++i) {
            const auto stamp = read_stamp({half.record->buffer + i * stamped_size_min, stamped_size_min});
            if (stamp && stamp->number == number)
                return true;
        }
        return false;
    }

    const Situation &situation_;
    std::map<uint64_t, int> count_;
};

void one_pair(const Fill &fill, Half &stopped, Half &killed)
{
    Situation situation(fill);
    const uint64_t stopped_next = situation.next, killed_next = situation.next + 100;
    Stepper first = start_victim(situation, stopped.operation, *stopped.record, stopped_next);
    {
        Stepper second = start_victim(situation, killed.operation, *killed.record, killed_next);
        first.run_to(stopped.place);
        second.run_to(killed.place);
        second.kill();
    }
    require(situation.queue.recover().participants == 1, "not the one dead participant was found");
    require_nothing_to_recover(situation.queue);
    first.finish();

    Ledger ledger(situation);
    uint64_t last = 0;
    for (const Item &item : drain_items(situation.queue)) {
        ledger.came(item.number);
        require(item.deliveries > 1 || item.number >= situation.next || item.number > last, "out of order");
        if (item.deliveries == 1 && item.number < situation.next)
            last = item.number;
    }
    ledger.received(stopped);
    ledger.received(killed);
    ledger.require_before(killed);
    ledger.require_sent(stopped, stopped_next, false);
    ledger.require_sent(killed, killed_next, true);

    first.kill();
    require(situation.queue.recover().participants == 1, "the other was not found dead");
    require(require_whole(situation.queue, fill.capacity, 1).empty(), "there were more messages");
}

TEST(Pair, of_a_killed_and_a_stopped_process_loses_and_doubles_nothing)
{
    stay_on_one_processor();
    Noise noise(seed());
    const uint64_t rounds = long_run() ? 20000 : 12;
    for (uint64_t round = 0; round < rounds; ++round) {
        const Fill &fill = fills[noise.below(fills.size())];
        std::vector<Place> places[8];
        for (size_t i = 0; i < operations.size(); ++i)
            places[i] = moments(fill, operations[i]);
        for (int pair = 0; pair < 40; ++pair) {
            Half stopped(noise, places), killed(noise, places);
            try {
                one_pair(fill, stopped, killed);
            } catch (const std::exception &error) {
                FAIL() << error.what() << "\nround " << round << ", pair " << pair << ", queue " << fill.name
                       << "\nstopped in " << stopped.operation.name << " at " << to_string(stopped.place)
                       << "\nkilled in " << killed.operation.name << " at " << to_string(killed.place);
            }
        }
    }
}

} // namespace
} // namespace cqtest
