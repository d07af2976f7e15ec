// world.hpp - a durable queue on a simulated disk, simulated processes that use it, a ledger of what they were told, and
// what must hold of each image that a power cut may leave.
//
// The core is the real one with a real region in shared memory, compiled with hooks.h: processes are fibers that move one
// access to shared memory, or half an operation of the disk, at a time. They may be stopped anywhere, or killed.
#pragma once

#include "../model/core.hpp"
#include "../model/fiber.hpp"
#include "disk.hpp"
#include "support/directory.hpp"

#include <deque>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

namespace power {

struct Shape {
    std::uint32_t slots = 4; // K
    std::uint64_t capacity = 6, message = 40, holes = 1, first_sequence = 0, reserve_step = 4, generation_bytes = 1 << 18;
    std::uint32_t spare_nodes = 1;
    bool rich = false; // messages with headers and times
};

class World;

std::size_t headers_of(std::uint64_t id, unsigned char *bytes); // up to 20
const char *source_name(std::uint32_t source);

// What a simulated process has, and what it is doing.
struct Process {
    World *world = nullptr;
    cq_queue *queue = nullptr;
    std::uint32_t number = 0;
    std::function<void(Process &)> program; // what lives on its stack may own nothing: it may be killed
    model::Fiber fiber;
    sitter sitting{};
    bool finished = true;
    std::uint64_t stopped_until = 0; // in steps of the world
    // What the kernel would take back.
    std::unordered_set<void *> memory;
    std::map<void *, std::uint64_t> mappings;
    std::set<int> descriptors;
};

// What is known of a message.
struct Message {
    std::uint64_t sent = 0;     // 0: not yet
    std::uint64_t accepted = 0; // when the call that sent it had returned
    std::uint64_t released = 0; // when the call that released it had returned; 0: none has
    std::uint64_t position = 0; // 0: nobody has seen it
    std::uint32_t source = 0;   // 0: it was not fed
    std::uint64_t number = 0;   // in its source
    bool headers = false;
    std::int64_t earliest = 0, latest = INT64_MAX; // when it was enqueued
    bool recovered = false, lost = false;
    std::vector<std::pair<std::uint64_t, std::uint32_t>> delivered; // when, and what `deliveries` said
};

class World {
public:
    World(const Shape &shape, std::uint64_t seed);
    ~World();
    World(const World &) = delete;
    World &operator=(const World &) = delete;

    Process &start(std::function<void(Process &)> program);
    // The process that is done, or was killed, does something else from now on.
    void give(Process &process, std::function<void(Process &)> program);
    // So many steps; false: it is done.
    bool run(Process &process, std::uint64_t steps);
    void finish(Process &process); // fails after very many steps
    void kill(Process &process);

    // One look at what a power cut at this moment may leave; the world goes on.
    void look() { look(Cut::any(random)); }
    void look(const Cut &cut);
    // The power goes. Nobody is left; the world goes on with what survived.
    void cut();
    // All processes are killed, and somebody removes the region; the disk has all that was written, flushed or not.
    void lose_region();
    // The same, and the directory is a copy: all is there, and nothing was flushed.
    void copy();
    void end(); // one of the three

    // For programs.
    bool send(Process &process);
    void send_batch(Process &process, std::size_t count);
    void send_in_place(Process &process, std::uint64_t pause, bool abort);
    void feed(Process &process); // from one of the sources
    void receive(Process &process);
    void receive_batch(Process &process, std::size_t count);
    void receive_in_place(Process &process, std::uint64_t pause, bool give_back);
    int sync(Process &process);
    void pause(std::uint64_t steps);

    Random random;
    std::uint64_t steps = 0, images = 0, cuts = 0, seen = 0, recoveries_cut = 0, syncs = 0, failed_syncs = 0, collected = 0,
                  most_files = 0, most_bytes = 0, full = 0, fed = 0;
    bool failed() const { return !failures_.empty(); }
    std::string failures() const;
    void fail(const std::string &what);
    Disk &disk() { return *disk_; }
    bool disk_fails = false;
    std::uint64_t live() const; // messages in the queue

    // Called by the stand-ins.
    static World *current();
    Process *running() const { return running_; }
    void step();
    std::int64_t now;
    bool in_fiber() const { return inside_; }

private:
    struct Found {
        std::uint64_t id, position;
        std::uint32_t deliveries;
        bool operator==(const Found &other) const { return id == other.id && position == other.position; }
    };
    cq_queue *open(const std::string &name, Process *process, std::uint32_t flags, int *result = nullptr);
    void leave_blocks();
    std::string next_name();
    void remove(const std::string &name);
    std::size_t fill(std::uint64_t id, unsigned char *bytes) const;
    std::uint64_t id_of(const void *bytes, std::size_t size) const; // 0: of no message
    std::uint64_t new_message();
    void accepted(std::uint64_t id);
    std::uint64_t delivered(const void *bytes, std::size_t size, std::uint32_t deliveries, std::uint64_t position);
    void released(std::uint64_t id);
    std::vector<Found> messages_of(cq_queue *queue, bool proposed = false) const;
    std::vector<Found> drain(cq_queue *queue, const char *when);
    void check_extras(cq_queue *queue, const cq_message &message, std::uint64_t id, const char *when);
    static std::unordered_set<std::uint64_t> ids(const std::vector<Found> &found);
    void check_sources(cq_queue *queue, const std::vector<Found> &found, const std::unordered_set<std::uint64_t> &live,
                       const std::unordered_set<std::uint64_t> &proposed, const char *when);
    void settle_sources(bool power_cut);
    void check(const std::vector<Found> &found, const std::unordered_set<std::uint64_t> &live, const char *when);
    void check_capacity(cq_queue *queue, const char *when);
    void note_positions(const std::vector<Found> &found, const char *when);
    void begin_again(std::unique_ptr<Disk> left, bool removed, const char *when);
    void settle(const std::vector<Found> &found, bool power_cut);
    void use_disk(Disk &disk);

    const Shape shape_;
    const cqtest::Directory directory_;
    std::unique_ptr<Disk> disk_;
    std::string name_;
    std::uint32_t serial_ = 0;
    cq_queue *observer_ = nullptr;
    Process observing_;
    std::deque<Process> processes_;
    Process *running_ = nullptr;
    bool inside_ = false;
    std::uint64_t budget_ = 0;
    std::uint64_t tick_ = 2, floor_ = 2; // all before floor_ is promised
    std::deque<Message> messages_;
    std::set<std::uint64_t> open_; // messages that are neither lost nor surely gone
    std::unordered_map<std::uint64_t, std::uint64_t> names_; // position: message
    std::vector<std::string> failures_;
    struct Source {
        std::uint64_t newest = 0;                       // number that was tried
        std::map<std::uint64_t, std::uint64_t> reached; // from when on: the number that the queue said at least
    };
    static constexpr std::uint32_t sources = 2;
    Source sources_[sources + 1];
};

} // namespace power
