// walk.cpp - a walk of a simulated process, and what must be true of the messages that it shows.
//
// It owns nothing. Messages that were given back come first; then those of the list, each once and in order; and none that
// waited all the time is missing.
#include "world.hpp"

#include <cstring>

namespace model {

namespace {

struct Seen {
    World *world;
    const Process *process;
    Result *result;
    std::uint64_t last = 0; // position of the list, or 0
    std::bitset<Ghost::positions> shown;
};

int see(const cq_message *message, void *context)
{
    Seen &seen = *static_cast<Seen *>(context);
    const geometry &g = seen.world->queue().geometry;
    const std::uint64_t first = word_sequence(seen.world->queue().header->first_position) * g.slots_per_node;
    std::uint64_t number = 0;

    std::memcpy(&number, message->data, sizeof number);
    if (message->deliveries == 1) {
        if (message->position <= seen.last)
            seen.world->ghost.fail("%s is shown message %u behind a later one, or again", seen.process->name.c_str(),
                                   static_cast<unsigned>(number));
        seen.last = message->position;
        seen.shown[(message->position - first) % Ghost::positions] = true;
    }
    if (seen.result->count < most_in_batch)
        seen.result->messages[seen.result->count++] = static_cast<std::uint32_t>(number);
    return 0;
}

} // namespace

void World::perform_walk(const Process &process, Result &result)
{
    Seen seen{this, &process, &result, 0, {}};
    std::bitset<Ghost::positions> waited;
    const auto waits = [&](std::uint32_t position) {
        return position >= ghost.deq && ghost.at(position).phase == SLOT_FULL;
    };

    for (std::uint32_t i = 0; i < ghost.enq; ++i)
        waited[i] = waits(i);
    result.code = look_walk(process.queue, see, &seen);
    for (std::uint32_t i = 0; i < ghost.enq; ++i)
        if (!failed() && waited[i] && waits(i) && !seen.shown[i])
            ghost.fail("%s is not shown message %u", process.name.c_str(), static_cast<unsigned>(ghost.at(i).message));
}

} // namespace model
