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
    leave_blocks();
    name_ = next_name();
    observer_ = open(name_, &observing_, 0);
}

// There was another queue on this disk.
void World::leave_blocks()
{
    const std::string name = next_name();
    cq_config config{};
    cq_queue *queue = nullptr;
    config.struct_size = sizeof config;
    config.flags = CQ_DURABLE;
    config.directory = directory_.path();
    config.durable_directory = "/cqueue_older";
    config.capacity = shape_.capacity;
    config.max_message_size = shape_.message;
    bool done = cq_open(name.c_str(), &config, &queue) == CQ_OK;
    for (int i = 0; done && i < 6; ++i) {
        done = cq_enqueue(queue, "\xff\xff\xff\xff\xff\xff\xff\xff", 8) == CQ_OK && cq_sync(queue, -1) == CQ_OK;
        if (i % 4 != 0) {
            char bytes[8];
            std::size_t size;
            done &= cq_dequeue(queue, bytes, sizeof bytes, &size) == CQ_OK;
        }
    }
    cq_close(queue);
    remove(name);
    disk_->remove(config.durable_directory);
    if (!done)
        fail("the other queue");
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
    disk.partly = [this](std::uint64_t size) { return below(random, size / 8 + 1) * 8; };
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
    if (shape_.rich) {
        config.max_headers = 20;
        config.flags |= CQ_ENQUEUE_TIMES;
    }
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
    process.sitting.seat = SEAT_OF_NOBODY + sizeof(seat);
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

} // namespace power
