// process.hpp - a simulated process: what it is to do, where it is, and what its calls returned.
#pragma once

#include "access.h"
#include "core.hpp"
#include "fiber.hpp"
#include "memory.hpp"

#include <array>
#include <bitset>
#include <string>
#include <vector>

namespace model {

// One call of the public interface. Messages are numbers; a batch takes `count` of them from `message` on.
struct Action {
    enum What { enqueue, dequeue, take, release, give_back, give_back_later, reserve, commit, give_up, sweep, trim, walk,
                feed, raise_to, resume, pass } what;
    std::uint32_t message = 0, count = 1;
};
using Program = std::vector<Action>;

inline Action enqueue(std::uint32_t message) { return {Action::enqueue, message, 1}; }
inline Action enqueue_batch(std::uint32_t first, std::uint32_t count) { return {Action::enqueue, first, count}; }
inline Action dequeue() { return {Action::dequeue}; }
inline Action dequeue_batch(std::uint32_t count) { return {Action::dequeue, 0, count}; }
inline Action take() { return {Action::take}; }
inline Action release() { return {Action::release}; }
inline Action give_back() { return {Action::give_back}; }
inline Action reserve() { return {Action::reserve}; }
inline Action commit(std::uint32_t message) { return {Action::commit, message, 1}; }
inline Action give_up() { return {Action::give_up}; }
// Given back until so much time has passed; 0: until the front has come to what is the tail now.
inline Action give_back_later(std::uint32_t delay) { return {Action::give_back_later, delay}; }
// A message with its number in the one source that there is, and the same without a message.
inline Action feed(std::uint32_t number) { return {Action::feed, number, 1}; }
inline Action raise_to(std::uint32_t number) { return {Action::raise_to, number}; }
inline Action resume() { return {Action::resume}; } // read the number, and feed the next
inline Action pass(std::uint32_t time) { return {Action::pass, time}; } // for everybody
inline Action sweep() { return {Action::sweep}; } // look for the dead
inline Action trim() { return {Action::trim}; }   // give back the memory of free nodes
inline Action walk() { return {Action::walk}; }   // look at what is waiting; the result has the first messages

constexpr std::uint32_t most_in_batch = 8;

struct Result {
    int code = 0;
    std::uint32_t count = 0; // messages that went in or came out
    std::array<std::uint32_t, most_in_batch> messages{};
};

// The access that comes next. `address` is NULL before the first one.
struct Access {
    model_operation operation = MODEL_BEGIN;
    const void *address = nullptr;
    const char *function = "";
};

struct Process {
    std::string name;
    Program program;
    cq_queue *queue = nullptr;
    Fiber *fiber = nullptr;
    bool handle_is_shared = false; // by several processes, which then are the threads of one

    bool finished = false, killed = false; // killed: in the middle of its program
    bool was_followed = false;             // by a new process with the same id
    bool dead = false;                     // the handle's process is, perhaps after this thread had finished
    std::uint32_t call = 0; // index in program of the call under way, or of the next
    Access next;
    std::vector<Result> results;
    cq_message loan{};
    sitter sitting{}; // the thread has a seat of its own
    Thread thread; // what it knows of a weak memory

    // Ghost state of the call under way.
    bool in_call = false;
    std::int64_t began = 0; // when
    bool was_empty = false, was_full = false; // at some instant of it
    std::uint32_t after = 0;                  // it may not publish before this position
    std::bitset<256> orphans;                 // positions it will have announced when the call or sweep ends
    std::bitset<64> sweeping;                 // owners that the sweep under way takes for dead
    std::uint32_t published_up_to = 0;        // position behind the newest it published by an enqueue

    bool walks() const { return call < program.size() && program[call].what == Action::walk; }
    bool runnable() const { return !finished && !killed; }
    std::uint32_t owner() const { return queue->owner; }
    const Result &result(std::size_t call_index) const { return results.at(call_index); }
};

} // namespace model
