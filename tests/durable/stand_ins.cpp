// stand_ins.cpp - what hooks.h has the core call in place of the system: memory, descriptors and mappings are noted for the
// simulated process that has them, and each access to shared memory is a step of the world.
#include "../model/core.hpp"

#include "world.hpp"

#include <cstdlib>
#include <cstring>

using power::Process;
using power::World;

static Process *process_now() { return World::current() ? World::current()->running() : nullptr; }

static void *noted(void *memory)
{
    if (Process *const process = process_now(); process && memory)
        process->memory.insert(memory);
    return memory;
}

extern "C" {

void *sim_malloc(std::size_t size) { return noted(std::malloc(size)); }
void *sim_calloc(std::size_t count, std::size_t size) { return noted(std::calloc(count, size)); }
void *sim_aligned_alloc(std::size_t alignment, std::size_t size) { return noted(std::aligned_alloc(alignment, size)); }
void *sim_realloc(void *old, std::size_t size)
{
    Process *const process = process_now();
    if (process && old)
        process->memory.erase(old);
    void *const memory = std::realloc(old, size);
    return noted(memory ? memory : nullptr);
}
void sim_free(void *memory)
{
    if (Process *const process = process_now())
        process->memory.erase(memory);
    std::free(memory);
}

int sim_os_open(const char *path, std::uint32_t flags, int *fd)
{
    const int error = os_open(path, flags, fd);
    if (Process *const process = process_now(); process && error == 0)
        process->descriptors.insert(*fd);
    return error;
}
int sim_os_create_nameless(const char *directory, int *fd)
{
    const int error = os_create_nameless(directory, fd);
    if (Process *const process = process_now(); process && error == 0)
        process->descriptors.insert(*fd);
    return error;
}
void sim_os_close(int fd)
{
    if (Process *const process = process_now())
        process->descriptors.erase(fd);
    os_close(fd);
}
int sim_os_map(int fd, std::uint64_t size, enum os_map use, void **at)
{
    const int error = os_map(fd, size, use, at);
    if (Process *const process = process_now(); process && error == 0 && use != OS_MAP_TRY)
        process->mappings[*at] = size;
    return error;
}
int sim_os_map_alive(void *base, void **at, bool *populates)
{
    const int error = os_map_alive(base, at, populates);
    if (Process *const process = process_now(); process && error == 0)
        process->mappings[*at] = os_page_size();
    return error;
}
void sim_os_unmap(void *at, std::uint64_t size)
{
    if (Process *const process = process_now())
        process->mappings.erase(at);
    os_unmap(at, size);
}

int sim_os_sleep(std::uint32_t *, std::uint32_t, std::int64_t deadline, std::uint32_t)
{
    World *const world = World::current();
    if (!world)
        return 0;
    if (world->in_fiber())
        for (int i = 0; i < 20; ++i) // a wake may come at any time
            world->step();
    else if (world->now < deadline)
        world->now = deadline;
    return 0;
}
std::int64_t sim_os_clock(enum os_clock) { return World::current() ? World::current()->now : 1; }
void sim_os_yield(void)
{
    if (World::current())
        World::current()->step();
}

// No forks here.
void fork_lock(void) {}
void fork_unlock(void) {}
int fork_remember(cq_queue *) { return CQ_OK; }
void fork_forget(cq_queue *) {}
void fork_keep_unlinked(std::uint64_t, std::uint64_t) {}

// Each process is one thread, which has a seat from the beginning. The world itself does without.
struct sitter *model_sitter(void)
{
    static sitter nobody{};
    nobody.seat = SEAT_OF_NOBODY;
    Process *const process = process_now();
    return process ? &process->sitting : &nobody;
}
bool seat_find(struct sitter *) { return false; }

// tests/model/hooks.h: here everybody sees at once what was stored.
void model_step(model_operation, const volatile void *, const char *)
{
    if (World::current())
        World::current()->step();
}
std::uint64_t model_load(const volatile void *, std::uint64_t newest, int) { return newest; }
int model_differs(const volatile void *, std::uint64_t *, int) { return 0; }
void model_changed(const volatile void *, int) {}
std::uint64_t model_fetched(const volatile void *, std::uint64_t old, int) { return old; }
void model_fence(int) {}
// In two halves: others may write in between.
void *model_copy(void *to, const void *from, std::size_t size, const char *)
{
    World *const world = World::current();
    if (!world || !world->in_fiber() || size < 8)
        return std::memcpy(to, from, size);
    world->step();
    std::memcpy(to, from, size / 2);
    world->step();
    std::memcpy(static_cast<char *>(to) + size / 2, static_cast<const char *>(from) + size / 2, size - size / 2);
    return to;
}

} // extern "C"
