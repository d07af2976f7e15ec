// world.cpp - see world.hpp.
#include "../model/core.hpp"

extern "C" {
#include "disk.h"
#include "testing.h"
}

#include "world.hpp"

#include <algorithm>
#include <cstring>
#include <sstream>

#include <gtest/gtest.h>

namespace power {

static World *current_world;
World *World::current() { return current_world; }

World::World(const Shape &shape, std::uint64_t seed) : random(seed), now(1'000'000'000), shape_(shape), disk_(new Disk)
{
    current_world = this;
    cq_testing = {};
    cq_testing.slots_per_node = shape.slots;
    cq_testing.first_sequence = shape.first_sequence;
    cq_testing.hole_slots = shape.holes;
    cq_testing.spare_nodes = shape.spare_nodes;
    cq_testing.generation_bytes = shape.generation_bytes;
    cq_testing.reserve_step = shape.reserve_step;
    messages_.emplace_back(); // there is no message 0
    use_disk(*disk_);
    name_ = next_name();
    observer_ = open(name_, &observing_, 0);
}

World::~World()
{
    for (Process &process : processes_)
        kill(process);
    kill(observing_);
    remove(name_);
    cq_testing = {};
    cq_testing_disk = nullptr;
    current_world = nullptr;
}

void World::use_disk(Disk &disk)
{
    disk.use();
    disk.step = [this] { step(); };
    disk.fails = [this](bool flush) {
        return inside_ && disk_fails && below(random, flush ? 12 : 40) == 0 ? (below(random, 2) ? EIO : ENOSPC) : 0;
    };
    disk.process = running_;
}

std::string World::next_name() { return "q" + std::to_string(serial_++); }
void World::remove(const std::string &name) { ::unlink(directory_.file(name).c_str()); }

void World::fail(const std::string &what)
{
    if (failures_.size() < 10)
        failures_.push_back(what + " (after " + std::to_string(cuts) + " cuts, " + std::to_string(images) + " images, step " +
                            std::to_string(steps) + ")");
}

std::string World::failures() const
{
    std::ostringstream text;
    for (const std::string &failure : failures_)
        text << failure << "\n";
    return text.str();
}

cq_queue *World::open(const std::string &name, Process *process, std::uint32_t flags, int *result)
{
    cq_config config{};
    config.struct_size = sizeof config;
    config.flags = CQ_DURABLE | flags;
    config.directory = directory_.path();
    config.durable_directory = "/cqueue_simulated_disk";
    config.capacity = shape_.capacity;
    config.max_message_size = shape_.message;
    cq_queue *queue = nullptr;
    Process *const before = running_;
    Disk *const used = disk_.get();
    running_ = process;
    used->process = process;
    const int got = cq_open(name.c_str(), &config, &queue);
    running_ = before;
    used->process = before;
    if (result)
        *result = got;
    else if (got != CQ_OK)
        fail(std::string("cq_open: ") + cq_strerror(got));
    return queue;
}

// ---- processes

Process &World::start(std::function<void(Process &)> program)
{
    Process &process = processes_.emplace_back();
    process.world = this;
    process.number = static_cast<std::uint32_t>(processes_.size());
    give(process, std::move(program));
    return process;
}

void World::give(Process &process, std::function<void(Process &)> program)
{
    if (!process.queue)
        process.queue = open(name_, &process, CQ_ATTACH);
    process.program = std::move(program);
    process.finished = !process.queue;
    process.stopped_until = 0;
    process.fiber.start(
        [](void *context) {
            auto *const self = static_cast<Process *>(context);
            self->program(*self);
            self->finished = true;
        },
        &process);
}

bool World::run(Process &process, std::uint64_t count)
{
    if (process.finished)
        return false;
    running_ = &process;
    disk_->process = &process;
    inside_ = true;
    budget_ = count;
    process.fiber.resume();
    inside_ = false;
    running_ = nullptr;
    disk_->process = nullptr;
    return !process.finished;
}

void World::finish(Process &process)
{
    for (int turns = 0; run(process, 1000); ++turns)
        if (turns > 5000) {
            fail("a process waits for something");
            return kill(process);
        }
}

void World::step()
{
    if (!inside_)
        return;
    ++steps;
    now += 20'000;
    if (budget_ > 0 && --budget_ > 0)
        return;
    running_->fiber.yield();
}

void World::pause(std::uint64_t count)
{
    while (count-- > 0)
        step();
}

void World::kill(Process &process)
{
    disk_->forget(&process);
    for (const auto &[at, size] : process.mappings)
        os_unmap(at, size);
    for (const int descriptor : process.descriptors)
        os_close(descriptor);
    for (void *memory : process.memory)
        std::free(memory);
    process.mappings.clear();
    process.descriptors.clear();
    process.memory.clear();
    process.queue = nullptr;
    process.finished = true;
}

// ---- messages: a number, and bytes that follow from it

std::size_t World::fill(std::uint64_t id, unsigned char *bytes) const
{
    const std::size_t size = 8 + (id * 2654435761u >> 7) % (shape_.message - 7);
    std::uint64_t state = id * 0x9E3779B97F4A7C15u;
    std::memcpy(bytes, &id, 8);
    for (std::size_t i = 8; i < size; ++i) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        bytes[i] = static_cast<unsigned char>(state);
    }
    return size;
}

std::uint64_t World::id_of(const void *bytes, std::size_t size) const
{
    unsigned char expected[4096];
    std::uint64_t id = 0;
    if (size < 8)
        return 0;
    std::memcpy(&id, bytes, 8);
    if (id == 0 || id >= messages_.size() || fill(id, expected) != size || std::memcmp(expected, bytes, size) != 0)
        return 0;
    return id;
}

std::uint64_t World::new_message()
{
    const std::uint64_t id = messages_.size();
    messages_.emplace_back();
    messages_.back().sent = ++tick_;
    open_.insert(id);
    return id;
}

void World::accepted(std::uint64_t id) { messages_[id].accepted = ++tick_; }

std::uint64_t World::delivered(const void *bytes, std::size_t size, std::uint32_t deliveries, std::uint64_t position)
{
    const std::uint64_t id = id_of(bytes, size);
    if (id == 0) {
        fail("bytes of no message are delivered");
        return 0;
    }
    Message &message = messages_[id];
    if (message.released != 0)
        fail("message " + std::to_string(id) + " is delivered though it was released");
    if (deliveries != 0) {
        if (message.recovered && deliveries < 2)
            fail("message " + std::to_string(id) + " is not marked as delivered again");
        if (message.position != 0 && message.position != position)
            fail("message " + std::to_string(id) + " changes its position");
        message.delivered.emplace_back(++tick_, deliveries);
    }
    return id;
}

void World::released(std::uint64_t id) { messages_[id].released = ++tick_; }

bool World::send(Process &process)
{
    unsigned char bytes[4096];
    const std::uint64_t id = new_message();
    const int result = cq_enqueue(process.queue, bytes, fill(id, bytes));
    if (result == CQ_OK)
        accepted(id);
    else if (result != CQ_FULL && result != CQ_ENOSPACE)
        fail(std::string("cq_enqueue: ") + cq_strerror(result));
    full += result == CQ_FULL;
    return result == CQ_OK;
}

void World::send_batch(Process &process, std::size_t count)
{
    unsigned char bytes[4][1024];
    std::uint64_t ids[4];
    cq_slice slices[4];
    std::size_t done = 0;
    for (std::size_t i = 0; i < count; ++i) {
        ids[i] = new_message();
        slices[i] = {bytes[i], fill(ids[i], bytes[i])};
    }
    const int result = cq_enqueue_batch(process.queue, slices, count, &done);
    if (result < 0 && result != CQ_ENOSPACE)
        fail(std::string("cq_enqueue_batch: ") + cq_strerror(result));
    for (std::size_t i = 0; i < done; ++i)
        accepted(ids[i]);
}

void World::send_in_place(Process &process, std::uint64_t count, bool abort)
{
    cq_message message{};
    message.struct_size = sizeof message;
    if (cq_reserve(process.queue, shape_.message, &message) != CQ_OK)
        return;
    unsigned char bytes[4096];
    const std::uint64_t id = new_message();
    const std::size_t size = fill(id, bytes);
    auto *const data = static_cast<unsigned char *>(message.data);
    std::memcpy(data, bytes, size / 2);
    pause(count);
    std::memcpy(data + size / 2, bytes + size / 2, size - size / 2);
    int result = CQ_FULL;
    for (int tries = 0; !abort && result == CQ_FULL && tries < 50; ++tries) {
        result = cq_commit(process.queue, &message, size);
        pause(20);
    }
    if (result == CQ_OK)
        accepted(id);
    else
        cq_abort(process.queue, &message);
}

void World::receive(Process &process)
{
    unsigned char bytes[4096];
    std::size_t size = 0;
    if (cq_dequeue(process.queue, bytes, sizeof bytes, &size) != CQ_OK)
        return;
    if (const std::uint64_t id = delivered(bytes, size, 0, 0))
        released(id);
}

void World::receive_batch(Process &process, std::size_t count)
{
    unsigned char bytes[4096];
    cq_slice slices[4];
    std::size_t done = 0;
    cq_dequeue_batch(process.queue, bytes, sizeof bytes, slices, count, &done);
    for (std::size_t i = 0; i < done; ++i)
        if (const std::uint64_t id = delivered(slices[i].data, slices[i].size, 0, 0))
            released(id);
}

void World::receive_in_place(Process &process, std::uint64_t count, bool give_back)
{
    cq_message message{};
    message.struct_size = sizeof message;
    if (cq_take(process.queue, &message) != CQ_OK)
        return;
    const std::uint64_t id = delivered(message.data, message.size, message.deliveries, message.position);
    pause(count);
    if (give_back)
        cq_return(process.queue, &message);
    else if (cq_release(process.queue, &message) != CQ_OK)
        fail("cq_release");
    else if (id != 0)
        released(id);
}

int World::sync(Process &process)
{
    const std::uint64_t begun = ++tick_;
    const int result = cq_sync(process.queue, -1);
    if (result == CQ_OK)
        floor_ = std::max(floor_, begun);
    else if (!disk_fails || (result != CQ_EIO && result != CQ_ENOSPACE))
        fail(std::string("cq_sync: ") + cq_strerror(result));
    ++syncs;
    failed_syncs += result != CQ_OK;
    return result;
}

// ---- what must hold

// Each slot that has a message, whoever has it. Nobody moves meanwhile.
std::vector<World::Found> World::messages_of(cq_queue *queue) const
{
    std::vector<Found> found;
    unsigned char bytes[4096];
    for (std::uint64_t number = 0; number < queue->header->touched; ++number) {
        const std::uint64_t state = queue->states[number];
        if (!node_is_listed(state))
            continue;
        layout_node *const node = node_at(queue, static_cast<std::uint32_t>(number));
        for (std::uint32_t i = 0; i < queue->geometry.slots_per_node; ++i) {
            layout_slot *const slot = slot_at(queue, node, i);
            const std::uint64_t word = slot->state;
            const std::uint32_t phase = slot_phase(word);
            std::size_t size = 0;
            if (word_sequence(word) != word_sequence(state) ||
                (phase != SLOT_FULL && phase != SLOT_READING && phase != SLOT_ORPHAN))
                continue;
            if (slot_size(queue, slot, word, &size) != CQ_OK || size > sizeof bytes)
                continue;
            slot_read(queue, slot, 0, bytes, size);
            found.push_back({id_of(bytes, size), word_sequence(word) * queue->geometry.slots_per_node + i,
                             slot_deliveries(word)});
        }
    }
    return found;
}

std::uint64_t World::live() const { return messages_of(observer_).size(); }

// How far a position is from another on the ring of sequences.
static std::uint64_t ahead(std::uint64_t to, std::uint64_t from, std::uint32_t slots)
{
    const std::uint64_t ring = SEQUENCE_MAX * slots;
    return (to + ring - from) % ring;
}

std::vector<World::Found> World::drain(cq_queue *queue, const char *when)
{
    std::vector<Found> found;
    for (;;) {
        cq_message message{};
        message.struct_size = sizeof message;
        const int result = cq_take(queue, &message);
        if (result == CQ_EMPTY)
            break;
        if (result != CQ_OK) {
            fail(std::string(when) + ": cq_take: " + cq_strerror(result));
            break;
        }
        const std::uint64_t id = id_of(message.data, message.size);
        if (id == 0)
            fail(std::string(when) + ": torn or foreign bytes at position " + std::to_string(message.position));
        if (message.deliveries < 2)
            fail(std::string(when) + ": message " + std::to_string(id) + " is not marked");
        if (!found.empty() &&
            ahead(message.position, found.back().position, shape_.slots) > SEQUENCE_MAX / 2 * shape_.slots)
            fail(std::string(when) + ": not in the order of positions");
        found.push_back({id, message.position, message.deliveries});
        cq_release(queue, &message);
    }
    return found;
}

void World::note_positions(const std::vector<Found> &found, const char *when)
{
    for (const Found &one : found) {
        if (one.id == 0) {
            fail(std::string(when) + ": bytes of no message in the queue");
            continue;
        }
        std::uint64_t &name = names_[one.position];
        if (name != 0 && name != one.id)
            fail(std::string(when) + ": position " + std::to_string(one.position) + " names messages " +
                 std::to_string(name) + " and " + std::to_string(one.id));
        name = one.id;
        messages_[one.id].position = one.position;
    }
}

void World::check(const std::vector<Found> &found, const std::unordered_set<std::uint64_t> &live, const char *when)
{
    std::unordered_set<std::uint64_t> there;
    const auto say = [&](std::uint64_t id, const std::string &what) {
        fail(std::string(when) + ": message " + std::to_string(id) + " at " + std::to_string(messages_[id].position) + " " +
             what);
    };
    for (const Found &one : found) {
        ++seen;
        if (one.id == 0)
            continue; // was told
        const Message &message = messages_[one.id];
        if (!there.insert(one.id).second)
            say(one.id, "is there twice");
        if (message.lost)
            say(one.id, "comes back, after it was absent");
        if (message.released != 0 && message.released < floor_)
            say(one.id, "is back, though its release was synced");
        const auto name = names_.find(one.position);
        if ((message.position != 0 && message.position != one.position) || (name != names_.end() && name->second != one.id))
            say(one.id, "is at another's position, " + std::to_string(one.position));
        for (const auto &[time, deliveries] : message.delivered)
            if (time < floor_ && deliveries < 255 && one.deliveries <= deliveries)
                say(one.id, "says " + std::to_string(one.deliveries) + " deliveries after " + std::to_string(deliveries));
    }
    for (const std::uint64_t id : live)
        if (id != 0 && messages_[id].accepted != 0 && messages_[id].accepted < floor_ && !messages_[id].lost &&
            there.count(id) == 0)
            say(id, "is lost, though it was synced");
}

void World::check_capacity(cq_queue *queue, const char *when)
{
    std::uint64_t count = 0;
    int result;
    while ((result = cq_enqueue(queue, "12345678", 8)) == CQ_OK && count <= shape_.capacity)
        ++count;
    if (result != CQ_FULL || count != shape_.capacity)
        fail(std::string(when) + ": takes " + std::to_string(count) + " of " + std::to_string(shape_.capacity) + ": " +
             cq_strerror(result));
    char bytes[64];
    std::size_t size;
    while (cq_dequeue(queue, bytes, 8, &size) == CQ_OK)
        --count;
    if (count != 0)
        fail(std::string(when) + ": not what was put is got");
}

void World::look()
{
    ++images;
    most_files = std::max<std::uint64_t>(most_files, disk_->files());
    most_bytes = std::max(most_bytes, disk_->bytes());
    const std::vector<Found> now_there = messages_of(observer_);
    note_positions(now_there, "in the queue");
    std::unordered_set<std::uint64_t> live;
    for (const Found &one : now_there)
        live.insert(one.id);

    std::unique_ptr<Disk> world = disk_->after(Cut::any(random), random);
    std::swap(world, disk_); // `world` is the real one until the end
    const std::string name = next_name();
    int result = CQ_OK;
    cq_queue *queue = nullptr;
    const std::uint64_t how = below(random, 8);
    if (how == 0) { // recovery is cut, once or more
        for (std::uint64_t times = 1 + below(random, 3); times > 0; --times) {
            use_disk(*disk_);
            disk_->countdown = below(random, 60);
            queue = open(name, nullptr, CQ_ATTACH, &result);
            cq_close(queue);
            remove(name);
            auto left = disk_->after(Cut::any(random), random);
            disk_ = std::move(left);
            ++recoveries_cut;
        }
    }
    use_disk(*disk_);
    queue = open(name, nullptr, 0, &result);
    std::vector<Found> first;
    if (how == 1 && queue) { // nothing is done, and the power goes again
        first = messages_of(queue);
        cq_close(queue);
        remove(name);
        auto left = disk_->after(Cut::any(random), random);
        disk_ = std::move(left);
        use_disk(*disk_);
        queue = open(name, nullptr, 0, &result);
    }
    if (!queue)
        fail(std::string("an image: cq_open: ") + cq_strerror(result));
    else {
        std::vector<Found> found = drain(queue, "an image");
        check(found, live, "an image");
        if (how == 1) {
            const auto by_position = [](const Found &a, const Found &b) { return a.position < b.position; };
            std::vector<Found> second = found;
            std::sort(first.begin(), first.end(), by_position);
            std::sort(second.begin(), second.end(), by_position);
            if (first != second)
                fail("a second recovery finds " + std::to_string(second.size()) + " messages, the first " +
                     std::to_string(first.size()));
        }
        if (how < 4)
            check_capacity(queue, "an image");
        cq_close(queue);
    }
    remove(name);
    std::swap(world, disk_);
    use_disk(*disk_);
}

void World::cut() { begin_again(disk_->after(Cut::any(random), random), below(random, 2) != 0, "after a cut"); }

void World::lose_region() { begin_again(nullptr, true, "without the region"); }

void World::copy() { begin_again(disk_->copy(), true, "in a copy"); }

void World::end()
{
    switch (below(random, 8)) {
    case 0: return lose_region();
    case 1: return copy();
    default: return cut();
    }
}

void World::begin_again(std::unique_ptr<Disk> left, bool removed, const char *when)
{
    ++cuts;
    most_files = std::max<std::uint64_t>(most_files, disk_->files());
    most_bytes = std::max(most_bytes, disk_->bytes());
    const std::vector<Found> before = messages_of(observer_);
    note_positions(before, "in the queue");
    std::unordered_set<std::uint64_t> live;
    for (const Found &one : before)
        live.insert(one.id);
    for (Process &process : processes_)
        kill(process);
    processes_.clear();
    kill(observing_);
    const bool power_cut = left != nullptr;
    if (power_cut) {
        collected += disk_->unlinks;
        disk_ = std::move(left);
        use_disk(*disk_);
    }
    if (removed) { // else the region of before still lies there
        remove(name_);
        name_ = next_name();
    }
    observer_ = open(name_, &observing_, below(random, 2) ? std::uint32_t{CQ_ATTACH} : 0u);
    if (!observer_)
        return;
    const std::vector<Found> found = messages_of(observer_);
    check(found, live, when);
    settle(found, power_cut);
    note_positions(found, when);
}

// What is not there is gone for ever. What is there after a power cut, or in a copy, stays; what somebody only wrote, and maybe
// failed to flush, still has to be synced.
void World::settle(const std::vector<Found> &found, bool power_cut)
{
    std::unordered_set<std::uint64_t> there;
    for (const Found &one : found) {
        there.insert(one.id);
        Message &message = messages_[one.id];
        if (power_cut || (message.accepted != 0 && message.accepted < floor_))
            message.accepted = 1;
        else
            message.accepted = ++tick_;
        message.released = 0;
        message.recovered = true;
        message.delivered.assign(1, {power_cut ? 1 : ++tick_, one.deliveries});
    }
    for (auto at = open_.begin(); at != open_.end();) {
        if (there.count(*at) == 0) {
            messages_[*at].lost = true;
            messages_[*at].delivered.clear();
            at = open_.erase(at);
        } else
            ++at;
    }
}

} // namespace power

// ---- the stand-ins of hooks.h

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
int sim_os_map_alive(void **at, bool *populates)
{
    const int error = os_map_alive(at, populates);
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

// tests/model/hooks.h: here everybody sees at once what was stored.
void model_step(int, const volatile void *, const char *)
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
