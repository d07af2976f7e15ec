#include "readings.hpp"

#include <utility>

#include "directory.hpp"
#include "failure.hpp"
#include "participants.hpp"
#include "units.hpp"

namespace tool {

namespace {

/* Counts that go back belong to another queue, or to a process that was killed between two of them. */
double rate(std::uint64_t before, std::uint64_t now, double seconds)
{
    return now > before && seconds > 0 ? static_cast<double>(now - before) / seconds : 0;
}

} // namespace

Readings::Readings(Place where, std::vector<std::string> names) : where_(std::move(where)), names_(std::move(names)) {}

std::vector<Reading> Readings::look()
{
    const std::vector<std::string> names = names_.empty() ? names_in(where_) : names_;
    std::map<std::string, Watched> kept;
    for (const std::string &name : names)
        kept[name] = std::move(watched_[name]);
    watched_ = std::move(kept);
    std::vector<Reading> readings;
    for (const std::string &name : names)
        readings.push_back(look_at(name));
    return readings;
}

Reading Readings::look_at(const std::string &name)
{
    Reading reading;
    reading.name = name;
    reading.time = now();
    Watched &watched = watched_[name];
    try {
        if (!watched.queue) {
            Place place = where_;
            place.name = name;
            watched.queue = std::make_unique<Queue>(place, CQ_READ_ONLY);
        }
        reading.stats = watched.queue->stat();
        reading.handles = participants(*watched.queue);
    } catch (const Failure &failure) {
        if (failure.code() == exit_usage) /* no queue can have such a name */
            throw;
        watched = Watched();
        reading.problem = failure.what();
        return reading;
    }
    const Clock::time_point looked = Clock::now();
    if (watched.looked_before) {
        const double seconds = std::chrono::duration<double>(looked - watched.looked).count();
        reading.has_rates = true;
        reading.in = rate(watched.before.enqueued, reading.stats.enqueued, seconds);
        reading.out = rate(watched.before.dequeued, reading.stats.dequeued, seconds);
    }
    if (reading.stats.unlinked) {
        watched = Watched(); /* the next look is at the one that the name leads to then */
        return reading;
    }
    watched.before = reading.stats;
    watched.looked = looked;
    watched.looked_before = true;
    return reading;
}

} // namespace tool
