// system.cpp - the stand-ins for what the core's algorithm reports to: looking for the dead, memory, sleeping.
//
// Death is decided by the test, at once and for sure; memory is there from the beginning; nobody sleeps.
#include "world.hpp"

#include <cstdlib>
#include <cstring>

namespace model {

// As participant.c does it: while a sweep takes an id for dead, that id is not used again.
int World::reap(cq_queue *queue)
{
    Process *const reaper = running_;
    owner_set dead{};
    std::bitset<64> ids;

    settle();
    for (const Process *process : processes)
        if (process->dead && process->owner() != queue->owner && ghost.is_dead(process->owner()) &&
            !reaped_[process->owner()])
            ids[process->owner()] = true;
    if (ids.none())
        return 0;
    dead.bits[0] = ids.to_ullong();
    reaper->sweeping |= ids;
    for (const Process *process : processes) // whoever finds a lock free sees all that its holder did
        if (ids[process->owner()])
            reaper->thread.now.join(process->thread.now);
    ghost.sweep_begins(*reaper);
    core_sweep sweep; // in the smallest pieces
    sweep_begin(&sweep, queue, &dead);
    int result;
    do {
        std::uint64_t budget = 1;
        result = sweep_step(&sweep, &budget);
    } while (result == RESULT_RETRY);
    settle();
    ghost.sweep_ends(*reaper);
    reaper->sweeping &= ~ids;
    reapers_.join(reaper->thread.now);
    if (result != CQ_OK)
        return result;
    const auto reaped = static_cast<int>((ids & ~reaped_).count());
    reaped_ |= ids;
    return reaped;
}

bool World::is_suspect(std::uint32_t owner) const { return ghost.is_dead(owner) && !reaped_[owner]; }

bool World::is_free(std::uint32_t owner) const
{
    bool swept = false;
    for (const Process *process : processes)
        swept |= !process->killed && process->sweeping[owner];
    return reaped_[owner] && !swept;
}

} // namespace model

using model::World;

extern "C" {

void model_step(model_operation operation, const volatile void *address, const char *function)
{
    World::current()->reached(operation, const_cast<const void *>(address), function);
}

std::uint64_t model_load(const volatile void *address, std::uint64_t newest, int order)
{
    return World::current()->loaded(const_cast<const void *>(address), newest, order);
}

int model_differs(const volatile void *address, std::uint64_t *expected, int order)
{
    return World::current()->differs(const_cast<const void *>(address), expected, order);
}

void model_changed(const volatile void *address, int order)
{
    World::current()->changed(const_cast<const void *>(address), order);
}

std::uint64_t model_fetched(const volatile void *address, std::uint64_t old, int order)
{
    World::current()->changed(const_cast<const void *>(address), order);
    return old;
}

void model_fence(int order) { World::current()->fenced(order); }

void *model_copy(void *to, const void *from, std::size_t size, const char *function)
{
    const geometry &g = World::current()->queue().geometry;
    const unsigned char *const base = World::current()->queue().base;
    const auto is_payload = [&](const void *address) {
        const auto *const bytes = static_cast<const unsigned char *>(address);
        return bytes >= base + g.nodes_offset && bytes < base + g.file_size;
    };
    if (is_payload(to) || is_payload(from))
        World::current()->reached(MODEL_COPY, is_payload(to) ? to : from, function);
    if (is_payload(from))
        World::current()->copied(from, false);
    if (is_payload(to))
        World::current()->copied(to, true);
    return std::memcpy(to, from, size);
}

bool lookout_look(cq_queue *queue)
{
    return World::current()->look_finds_dead && World::current()->reap(queue) > 0;
}

void participant_claims(cq_queue *queue) { queue->active = 1; }

void reap_suspect(cq_queue *queue, std::uint32_t owner)
{
    if (World::current()->is_suspect(owner))
        World::current()->reap(queue);
}

void os_yield(void) { World::current()->reached(MODEL_YIELD, nullptr, "os_yield"); }
void participant_name(cq_queue *, enum side, std::uint32_t) {}
void supply_note(cq_queue *) {}
void supply_node(cq_queue *, growth *growth) { growth->result = CQ_OK; }
std::int64_t os_clock(enum os_clock) { return 1; }
int sync_now(cq_queue *, std::int64_t) { std::abort(); } // no queue here is durable
int sync_reserve(cq_queue *, std::uint64_t) { std::abort(); }
int consume_special(cq_queue *, std::size_t, std::size_t, struct run *, std::size_t *) { std::abort(); }
int headers_check(const cq_queue *, const void *, std::size_t) { std::abort(); }
cq_slice headers_of(const cq_queue *, const unsigned char *) { std::abort(); }
void letter_move(cq_queue *, const struct run *) { std::abort(); }
int region_descriptor(cq_queue *) { std::abort(); }
int memory_allocate(cq_queue *, int, std::uint64_t, std::uint64_t) { std::abort(); }
int supply_slot(cq_queue *, const struct end *, std::size_t) { std::abort(); }
void watch_clear(cq_queue *, enum side) {}

// Nothing in the model comes here.
void wake_bits(cq_queue *, enum side, std::uint32_t, std::size_t) { std::abort(); }
int wait_until(cq_queue *, enum side, std::int64_t, wait_try *, void *) { std::abort(); }

} // extern "C"
