// world.hpp - a queue in plain memory, simulated processes that use it, and the stand-ins for what the core asks of the
// system: who is dead, memory for nodes, yielding.
//
// Processes move one shared access at a time, when step() says so. Between two steps the region may be looked at freely.
#pragma once

#include "ghost.hpp"

#include <cstdlib>
#include <memory>

namespace model {

struct Shape {
    std::uint32_t slots = 2; // K
    std::uint64_t capacity = 4;
    std::uint64_t hole_slots = 4;  // S
    std::uint64_t spare_nodes = 4; // X
    std::uint64_t first_sequence = 1;
    std::uint64_t max_deliveries = 0; // then a message goes to the dead letters
    bool exclusive = false;           // one consumer at a time
};

// A place in the core: the next access is `operation` on a word whose name begins with `word`, in `function`. Empty and
// MODEL_BEGIN match everything.
struct Place {
    model_operation operation;
    std::string word, function;
};
inline Place about_to_load(std::string word, std::string function = "") { return {MODEL_LOAD, word, function}; }
inline Place about_to_store(std::string word, std::string function = "") { return {MODEL_STORE, word, function}; }
inline Place about_to_exchange(std::string word, std::string function = "") { return {MODEL_EXCHANGE, word, function}; }
inline Place about_to_enter(std::string function) { return {MODEL_BEGIN, "", function}; }

class World {
public:
    explicit World(const Shape &shape);
    ~World();
    World(const World &) = delete;
    World &operator=(const World &) = delete;

    // Begin again: no processes, an empty queue.
    void reset();

    Process &add(const std::string &name, Program program);
    // Another thread that uses the handle of `of`.
    Process &add_thread(const std::string &name, Process &of, Program program);
    // A new process that got the id of a dead and reaped one.
    Process &add_successor(const std::string &name, Process &of, Program program);

    // One more call for a process that has nothing to do.
    void give(Process &process, const Action &action);

    void step(Process &process);
    // Until the call under way (or the next one) is over. Fails after `limit` steps.
    void finish_call(Process &process, std::uint32_t limit = 3000);
    void finish(Process &process);
    // Until just before the access at `place`; false (and a failure) if the process finishes first.
    bool run_to(Process &process, const Place &place, std::uint32_t times = 1);
    void kill(Process &process);
    bool is_at(const Process &process, const Place &place) const;

    // Everybody still alive finishes, the dead are reaped, the queue is drained, filled to its capacity and drained again; then
    // every node must be free or in the list.
    void finish_all();

    // An empty answer means that all went well. Otherwise what failed, and the last steps that led to it.
    std::string report() const;
    bool failed() const { return ghost.failed(); }

    // How often `process` accessed words whose name begins with `word` since forget_accesses.
    std::uint32_t accesses(const Process &process, const std::string &word) const;
    void forget_accesses() { log_.clear(); }
    // "load head", "load node 0 deq", ... in order.
    std::vector<std::string> accessed(const Process &process) const;

    const cq_queue &queue() const { return *handles_[0]; }
    // One step that was taken.
    struct Entry {
        const Process *process;
        Access access;
        Word word;
        std::uint64_t old, now;
        std::uint64_t found; // by the access: `old`, or in a weak world something older
    };
    const std::vector<Entry> &log() const { return log_; }

    std::vector<Process *> processes;
    Ghost ghost;
    bool weak = false;     // may loads return anything but what was stored last? From the next reset on
    Promises promises = Promises::machines; // by whose rules?
    Memory::Choice choice; // which of these; the newest if there is no choice
    bool trims = false; // is memory given back, so that who names what matters?
    bool look_finds_dead = true; // does lookout_look, called when head moves, look for the dead?

    // Called by the stand-ins, on the stack of the process that runs.
    static World *current();
    void reached(model_operation operation, const void *address, const char *function);
    std::uint64_t loaded(const void *address, std::uint64_t newest, int order);
    bool differs(const void *address, std::uint64_t *expected, int order);
    void changed(const void *address, int order);
    void fenced(int order);
    void copied(const void *address, bool written);
    int reap(cq_queue *queue);
    bool is_suspect(std::uint32_t owner) const;
    std::int64_t clock() const { return clock_; }
    void *allocate(std::size_t size);
    bool is_letters(const cq_queue *queue) const { return queue == &letters_; }
    int send_letter(const cq_outgoing &message, std::uint64_t number);
    void punched(const void *begin, std::uint64_t size);
    void supplied(std::uint64_t node) { ghost.absent[node] = false; }
    std::uint32_t owners() const { return owners_; }
    Process *running() const { return running_; }
    bool is_free(std::uint32_t owner) const; // may a new process have this id?

private:
    cq_queue *make_handle(std::uint32_t owner);
    Process &insert(const std::string &name, Program program, cq_queue *queue);
    static void run(void *process);
    void settle();
    bool is_announced(const Word &word, const void *address) const;
    bool is_weak(const void *address) const;
    Memory::Choice choice_now() const;
    void perform(Process &process, const Action &action, Result &result);
    void perform_walk(const Process &process, Result &result);
    void drain(std::uint32_t fill, std::uint32_t first_message);
    void check_nodes();

    struct Free { void operator()(void *memory) const { std::free(memory); } };
    Shape shape_;
    geometry geometry_{};
    std::unique_ptr<unsigned char, Free> region_;
    std::vector<std::unique_ptr<cq_queue, Free>> handles_;
    std::vector<std::unique_ptr<Process>> owned_;
    std::vector<std::unique_ptr<Fiber>> fibers_;
    std::uint32_t owners_ = 0;
    std::bitset<64> reaped_;
    Memory memory_;
    View reapers_; // what those who reaped know, and who uses the id next
    std::int64_t clock_ = 1;          // moves only when a test says so
    cq_queue letters_{};              // the other queue, of which nothing is looked at
    std::uint64_t letters_number_ = 0; // of this queue as its source, there
    std::vector<std::unique_ptr<unsigned char[]>> memory_of_processes_;
    Process *running_ = nullptr;
    bool unsettled_ = false; // the newest entry of the log has been made, but not looked at
    std::vector<Entry> log_;
};

} // namespace model
