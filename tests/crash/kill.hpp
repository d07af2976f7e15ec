/*
 * Kill a victim in the middle of an operation and see what the survivors find.
 */
#ifndef CQTEST_KILL_HPP
#define CQTEST_KILL_HPP

#include "moments.hpp"

namespace cqtest {

/* How the survivors meet the dead one. */
enum class Survivor { opens_afterwards, asks, opens_beside_another };

/* Let the survivors find out, and check that they find what they must. */
inline void recover_and_check(Situation &situation, const Operation &operation, const Record &record, Survivor survivor)
{
    /* A handle that was closed is not found dead. */
    const bool closes = operation.run == close_operation.run;
    if (survivor == Survivor::opens_afterwards) {
        Handle fresh = situation.queue.attach();
        require_effect(operation, situation, record, require_whole(fresh, situation.fill.capacity, 1));
        return;
    }
    Handle beside;
    if (survivor == Survivor::opens_beside_another)
        beside = situation.queue.attach();
    else {
        const Recovery found = situation.queue.recover();
        require(closes || found.participants == 1,
                std::to_string(found.participants) + " participants were found dead, not 1");
    }
    const uint32_t participants = beside.get() ? 2 : 1;
    require_effect(operation, situation, record, require_whole(situation.queue, situation.fill.capacity, participants));
}

/* One victim, killed at one moment. False: it never came there. */
inline bool kill_at(const Fill &fill, const Operation &operation, const Place &place, Survivor survivor)
{
    Situation situation(fill);
    Shared<Record> record;
    bool reached;
    {
        Stepper victim = start_victim(situation, operation, *record);
        if (survivor == Survivor::opens_afterwards)
            situation.queue.close();
        reached = victim.run_to(place);
        victim.kill();
    }
    recover_and_check(situation, operation, *record, survivor);
    return reached;
}

} // namespace cqtest

#endif
