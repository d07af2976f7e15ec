// weak.cpp - the weak side of a world: what the running process gets to see of the words it accesses.
#include "world.hpp"

#include <cstring>

namespace model {

// Only words whose accesses are announced have a history: the others are the test's, or nothing depends on them.
bool World::is_weak(const void *address) const
{
    return weak && running_ && is_announced(classify(queue(), address), address);
}

Memory::Choice World::choice_now() const
{
    return choice ? choice : [](std::uint32_t, std::uint32_t newest) { return newest; };
}

std::uint64_t World::loaded(const void *address, std::uint64_t newest, int order)
{
    if (!is_weak(address))
        return newest;
    const std::uint64_t found =
        memory_.load(running_->thread, address, newest, static_cast<std::memory_order>(order), choice_now());
    log_.back().found = found;
    return found;
}

bool World::differs(const void *address, std::uint64_t *expected, int order)
{
    std::uint64_t newest;

    if (!is_weak(address))
        return false;
    std::memcpy(&newest, address, sizeof newest);
    if (!memory_.differs(running_->thread, address, newest, expected, static_cast<std::memory_order>(order), choice_now()))
        return false;
    log_.back().found = *expected;
    return true;
}

void World::changed(const void *address, int order)
{
    std::uint64_t value;

    if (!is_weak(address))
        return;
    std::memcpy(&value, address, sizeof value);
    const auto memory_order = static_cast<std::memory_order>(order);
    if (log_.back().access.operation == MODEL_STORE)
        memory_.store(running_->thread, address, log_.back().old, value, memory_order);
    else
        memory_.exchange(running_->thread, address, log_.back().old, value, memory_order);
}

// The full fences are those of names and pins. Where memory stays they would only hide what other orders are for: a call
// that looks at the same node as before passes none.
void World::fenced(int order)
{
    if (weak && running_ && (trims || order != static_cast<int>(std::memory_order_seq_cst)))
        memory_.fence(running_->thread, static_cast<std::memory_order>(order));
}

void World::copied(const void *address, bool written)
{
    if (!weak || !running_ || running_->walks())
        return;
    const bool known = written ? memory_.write(running_->thread, address) : memory_.read(running_->thread, address);
    if (!known)
        ghost.fail("%s %s a message while it does not know what others did to these bytes: a data race",
                   running_->name.c_str(), written ? "writes" : "reads");
}

} // namespace model
