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

    /* What was there has come, or the dead one has it. */
    void require_before(const Half &dead) const
    {
        for (const Item &item : situation_.before)
            require_once(item.number, dead);
    }

    /* So has what a process put in, if it was accepted. */
    void require_sent(const Half &half, uint64_t next, const Half &dead) const
    {
        if (half.operation.role != Role::producer)
            return;
        for (uint64_t number = next; number < next + batch_size; ++number) {
            if (number < next + half.record->done)
                require_once(number, dead);
            require(count(number) <= 1, "message " + std::to_string(number) + " came twice");
            require(count(number) == 0 || number < next + half.record->done || &half == &dead,
                    "message " + std::to_string(number) + " was refused");
        }
    }

private:
    void require_once(uint64_t number, const Half &dead) const
    {
        require(count(number) <= 1, "message " + std::to_string(number) + " came twice");
        require(count(number) == 1 || may_keep(dead, number), "message " + std::to_string(number) + " was lost");
    }

    /* A call that takes for good may be killed when the message is its own and before it returns: it is in the caller's memory
       then, and nowhere else. Not what was to be returned, nor what the caller had not even seen before it was to release it. */
    static bool may_keep(const Half &dead, uint64_t number)
    {
        const uint64_t taken = dead.operation.effect(*dead.record, batch_size, 0).removed.to;
        for (uint64_t i = 0; i < taken; ++i) {
            const auto stamp = read_stamp({dead.record->buffer + i * stamped_size_min, stamped_size_min});
            if (stamp && stamp->number == number)
                return true;
        }
        return false;
    }

    int count(uint64_t number) const
    {
        const auto found = count_.find(number);
        return found == count_.end() ? 0 : found->second;
    }

    const Situation &situation_;
    std::map<uint64_t, int> count_;
};

void one_pair(const Fill &fill, Half &stopped, Half &killed)
{
    Situation situation(fill);
    const uint64_t stopped_next = situation.next, killed_next = situation.next + 100;
    Stepper first = start_victim(situation, stopped.operation, *stopped.record, stopped_next);
    bool halted = false; /* else it went another way than when it was alone, to its end */
    {
        Stepper second = start_victim(situation, killed.operation, *killed.record, killed_next);
        halted = first.run_to(stopped.place);
        second.run_to(killed.place);
        second.kill();
    }
    require(situation.queue.recover().participants == 1, "not the one dead participant was found");
    require_nothing_to_recover(situation.queue);
    if (halted)
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
    ledger.require_sent(stopped, stopped_next, killed);
    ledger.require_sent(killed, killed_next, killed);

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
