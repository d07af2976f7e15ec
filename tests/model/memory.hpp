// memory.hpp - what a load may return, which is not always what was stored last: by C11, or by x86-64 and AArch64.
//
// Each word has a history of messages. A thread's view says how far in each history it surely has come: it may read any
// message from there on. A release puts the view into the message, an acquire takes it over. Sequentially consistent
// accesses share one view more. Histories grow in the order of execution, and nobody reads from the future: what a compiler or
// machine may do beyond that (load buffering, stores that overtake each other) is left out.
//
// The machines promise more than C11: an acquire is as good as a sequentially consistent load, an exchange that acquires and
// releases is sequentially consistent, and a store, however relaxed, comes after what was acquired before it, for everybody.
//
// It must not know what the words are for.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

namespace model {

// For each word how many messages are certain, and for each thread how many of its steps.
class View {
public:
    std::uint32_t operator[](std::uint32_t index) const { return index < marks_.size() ? marks_[index] : 0; }
    void raise(std::uint32_t index, std::uint32_t mark);
    void join(const View &other);
    void clear() { marks_.clear(); }

private:
    std::vector<std::uint32_t> marks_;
};

struct Thread {
    View now;      // what it knows
    View pending;  // what its relaxed loads would have told it: an acquire fence makes it known
    View fenced;   // what it knew at its last release fence: its relaxed stores tell that
    View acquired; // what acquires have told it: on the machines its relaxed stores tell that too
};

enum class Promises { c11, machines };

class Memory {
public:
    // Picks from [oldest, newest] the message that a load returns.
    using Choice = std::function<std::uint32_t(std::uint32_t oldest, std::uint32_t newest)>;

    static std::uint32_t oldest(std::uint32_t first, std::uint32_t) { return first; }

    void reset(Promises promises);

    // `newest` and `old` are what memory holds before the access, from which a history begins.
    std::uint64_t load(Thread &thread, const void *word, std::uint64_t newest, std::memory_order order, const Choice &choice);
    // The first half of a compare-exchange: true if it fails, as a load that found something else than *expected.
    bool differs(Thread &thread, const void *word, std::uint64_t newest, std::uint64_t *expected, std::memory_order order,
                 const Choice &choice);
    void store(Thread &thread, const void *word, std::uint64_t old, std::uint64_t value, std::memory_order order);
    // Always acts on the newest message, whose releases it continues.
    void exchange(Thread &thread, const void *word, std::uint64_t old, std::uint64_t value, std::memory_order order);
    void fence(Thread &thread, std::memory_order order);

    // A plain access: false if it races with another thread's.
    bool read(Thread &thread, const void *bytes);
    bool write(Thread &thread, const void *bytes);

private:
    struct Message {
        std::uint64_t value;
        View view;
    };
    struct Access {
        const Thread *thread;
        std::uint32_t step;
    };
    struct Plain {
        Access written{nullptr, 0};
        std::vector<Access> reads;
    };
    std::uint32_t index_of(const void *object);
    std::vector<Message> &history_of(std::uint32_t word, std::uint64_t first);
    std::memory_order promised(std::memory_order order) const;
    std::uint32_t choose(const Thread &thread, std::uint32_t word, std::memory_order order, const Choice &choice) const;
    std::uint64_t take(Thread &thread, std::uint32_t word, std::uint32_t chosen, std::memory_order order);
    void learn(Thread &thread, const View &view, std::memory_order order);
    void append(Thread &thread, std::uint32_t word, std::uint64_t value, std::memory_order order, const View *continued);
    bool is_known(const Thread &thread, const Access &access);
    Access step(Thread &thread);

    std::unordered_map<const void *, std::uint32_t> indices_;
    std::vector<std::vector<Message>> histories_;
    std::unordered_map<const void *, Plain> plain_;
    View sequential_;
    Promises promises_ = Promises::c11;
};

} // namespace model
