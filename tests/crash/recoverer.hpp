/*
 * A recoverer under control, with one or two dead participants for it to clean up after. It opens its handle before they
 * die, because opening cleans up as well.
 */
#ifndef CQTEST_RECOVERER_HPP
#define CQTEST_RECOVERER_HPP

#include <optional>

#include "moments.hpp"

namespace cqtest {

/* A dead participant's operation, and the moment of its death. */
struct Wound {
    Operation operation;
    Place place;
};

class Accident {
public:
    /* All open their handles before the first dies, because opening cleans up as well. */
    Accident(const Fill &fill, const std::vector<Wound> &wounds) : situation(fill), wounds(wounds), records(wounds.size())
    {
        recoverer.emplace(
            [&] {
                Handle handle = situation.queue.attach();
                stop_clock();
                return handle;
            },
            [](Handle &handle) { cq_recover(handle, nullptr); });
        std::vector<Stepper> victims;
        for (size_t i = 0; i < wounds.size(); ++i)
            victims.push_back(start_victim(situation, wounds[i].operation, records[i]));
        for (size_t i = 0; i < wounds.size(); ++i)
            victims[i].run_to(wounds[i].place);
        for (Stepper &victim : victims)
            victim.kill();
    }

    /* What may be in the queue when all is cleaned up. */
    Effect effect() const
    {
        Effect sum;
        for (size_t i = 0; i < wounds.size(); ++i)
            sum = sum + effect_of(wounds[i].operation, situation, records[i]);
        return sum;
    }

    /* The memory of the consumer among the victims, if there is one. */
    const char *buffer() const
    {
        size_t i = 0;
        while (i + 1 < wounds.size() && wounds[i].operation.role != Role::consumer)
            ++i;
        return records[i].buffer;
    }

    Situation situation;
    const std::vector<Wound> wounds;
    SharedArray<Record> records;
    std::optional<Stepper> recoverer;
};

/*
 * Where victims die: a number of moments spread over the operation, from its claim to its end. What they leave differs,
 * and so does what the recoverer executes.
 */
inline std::vector<Wound> wounds_in(const Fill &fill, const Operation &operation, size_t count)
{
    const std::vector<Place> places = moments(fill, operation);
    std::vector<Wound> chosen;
    for (size_t i = 1; i <= count; ++i)
        chosen.push_back({operation, places[i * places.size() / (count + 1)]});
    return chosen;
}

/*
 * The moments of a recovery. A scan over thousands of participants executes the same few instructions again and again; a
 * stop at the third time and later tells nothing that the first, the second and the last do not.
 */
inline std::vector<Place> moments_of_recovery(const Fill &fill, const std::vector<Wound> &wounds)
{
    Accident accident(fill, wounds);
    const std::vector<Place> places = places_of(accident.recoverer->trace());
    std::map<uintptr_t, uint32_t> last;
    for (const Place &place : places)
        last[place.address] = place.visit;
    std::vector<Place> chosen;
    for (const Place &place : places)
        if (place.visit <= 2 || place.visit == last[place.address])
            chosen.push_back(place);
    return chosen;
}

} // namespace cqtest

#endif
