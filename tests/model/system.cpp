// system.cpp - the stand-ins for what the core's algorithm reports to: looking for the dead, memory, sleeping.
//
// Death is decided by the test, at once and for sure; memory is there from the beginning; nobody sleeps.
#include "world.hpp"

#include <cstdlib>
#include <cstring>

extern "C" void model_drop_leases(cq_queue *queue, std::uint32_t owner); // leave.c

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
    for (std::uint32_t owner = 0; owner < ids.size(); ++owner)
        if (ids[owner] && result == CQ_OK)
            model_drop_leases(queue, owner);
    settle();
    reaper->sweeping &= ~ids;
    reapers_.join(reaper->thread.now);
    if (result != CQ_OK)
        return result;
    const auto reaped = static_cast<int>((ids & ~reaped_).count());
    reaped_ |= ids;
    return reaped;
}

bool World::is_suspect(std::uint32_t owner) const { return ghost.is_dead(owner) && !reaped_[owner]; }

void *World::allocate(std::size_t size)
{
    memory_of_processes_.push_back(std::make_unique<unsigned char[]>(size));
    return memory_of_processes_.back().get();
}

// The other queue takes each number once, in one step. A process may die before it and after it.
int World::send_letter(const cq_outgoing &message, std::uint64_t number)
{
    reached(MODEL_YIELD, nullptr, "send_letter");
    const int result = number > letters_number_ ? CQ_OK : CQ_DUPLICATE;
    if (result == CQ_OK) {
        letters_number_ = number;
        ghost.got_letter(classify(queue(), message.data));
    }
    reached(MODEL_YIELD, nullptr, "send_letter");
    return result;
}

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

void *model_allocate(std::size_t size) { return World::current()->allocate(size); }

int __real_cq_enqueue_from(cq_queue *queue, const cq_outgoing *message, const char *source, std::uint64_t number);
int __wrap_cq_enqueue_from(cq_queue *queue, const cq_outgoing *message, const char *source, std::uint64_t number);
int __wrap_cq_enqueue_from(cq_queue *queue, const cq_outgoing *message, const char *source, std::uint64_t number)
{
    return World::current()->is_letters(queue) ? World::current()->send_letter(*message, number)
                                               : __real_cq_enqueue_from(queue, message, source, number);
}

// The other queue says nothing of a number that got there while nothing is noted here: it has none then.
bool __real_source_find(cq_queue *queue, const char *name, std::uint32_t length, std::uint32_t *source);
bool __wrap_source_find(cq_queue *queue, const char *name, std::uint32_t length, std::uint32_t *source);
bool __wrap_source_find(cq_queue *queue, const char *name, std::uint32_t length, std::uint32_t *source)
{
    return !World::current()->is_letters(queue) && __real_source_find(queue, name, length, source);
}

int reap_all(cq_queue *queue, cq_recovery *) { return World::current()->reap(queue); }

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
void supply_note(cq_queue *) {}
void supply_node(cq_queue *, growth *growth)
{
    World::current()->reached(MODEL_YIELD, nullptr, "supply_node");
    World::current()->supplied(growth->node);
    growth->result = CQ_OK;
}
std::int64_t os_clock(enum os_clock) { return World::current()->clock(); }
int os_hold_cancellation(void) { return 0; }
void os_restore_cancellation(int) {}
bool region_is_linked(const cq_queue *) { return true; }
int sync_now(cq_queue *, std::int64_t) { std::abort(); } // no queue here is durable
int sync_reserve(cq_queue *, std::uint64_t) { std::abort(); }
void reach_more(const cq_queue *, std::uint64_t) { std::abort(); } // all of it is reached
void reach_dues(const cq_queue *) { std::abort(); }
int region_descriptor(cq_queue *) { std::abort(); }
int memory_allocate_table(cq_queue *, std::uint64_t, std::uint64_t) { return CQ_OK; }
int supply_slot(cq_queue *, const struct end *, std::size_t) { std::abort(); }
void watch_clear(cq_queue *, enum side) {}
struct sitter *model_sitter(void)
{
    static sitter nobody{offsetof(cq_queue, seats) + LAYOUT_SEATS * sizeof(seat), 0, 0, 0};
    return World::current()->running() ? &World::current()->running()->sitting : &nobody;
}
bool seat_find(struct sitter *) { return false; } // each thread has its seat from the beginning
std::uint32_t participant_highest(const cq_queue *) { return World::current()->owners(); }
std::uint32_t participant_last_entry(const cq_queue *) { return World::current()->owners(); }
bool participant_is_gone(cq_queue *, std::uint32_t id) { return World::current()->ghost.is_dead(id); }
bool memory_taken(cq_queue *, std::uint64_t *) { return false; }
std::uint64_t os_page_size(void) { return LAYOUT_PAGE; }
bool os_is_resident(void *) { return true; }
int os_punch(void *at, std::uint64_t size)
{
    World::current()->punched(at, size);
    return 0;
}

// Nothing in the model comes here.
verdict participant_ask(const cq_queue *, int, std::uint32_t, std::uint64_t) { std::abort(); }
std::uint64_t flush_unsynced(cq_queue *) { std::abort(); }
int cq_open(const char *, const cq_config *, cq_queue **) { std::abort(); }
int cq_close(cq_queue *) { return CQ_OK; }
void wake_bits(cq_queue *, enum side, std::uint32_t, std::size_t) { std::abort(); }
std::size_t wake_surely(cq_queue *, enum side, std::size_t, std::uint32_t) { return 0; }
int wait_until(cq_queue *, enum side, std::int64_t, wait_try *, void *) { std::abort(); }

} // extern "C"
