// ghost.hpp - what must hold, watched from outside: every change of a word of the region is held against the rules.
//
// It owns the ghost state: who claimed, published, read and finished each position. It must not know how the core gets there:
// only words that change, calls that begin and results that come back.
#pragma once

#include "process.hpp"
#include "words.hpp"

#include <array>

namespace model {

// A place for one message in the order of the queue, counted from the first one there ever was.
struct Position {
    const Process *producer, *consumer, *finisher; // who claimed it, who reads (last), who ended it
    std::uint32_t message;
    std::uint8_t phase; // slot_phase, once touched
    std::uint8_t deliveries;
    std::int64_t due; // given back: not before this time
    bool touched, published, settled; // settled: an orphan that has surely been announced
    bool passed_by;                  // an orphan that may not be delivered now
    bool is_letter, to_be_letter;    // among the dead letters; claimed to go there
};

class Ghost {
public:
    static constexpr std::uint32_t positions = 256, messages = 512;

    void reset(const cq_queue *queue, std::vector<Process *> *processes);

    // Before and after process did its next access to the word, which was `old` then and is `now`.
    void before(const Process &process, const Word &word);
    void after(Process &process, const Word &word, std::uint64_t old, std::uint64_t now);

    void call_begins(Process &process);
    void call_ends(Process &process, const Action &action, const Result &result);
    void sweep_begins(Process &process);
    void sweep_ends(Process &process);
    bool is_dead(std::uint32_t owner) const;

    // A message of this queue is among the dead letters, from now on.
    void got_letter(const Word &payload);

    // After a sweep, with nobody else at work.
    void check_sources();
    // When all is over and the queue was drained.
    void check_drained();

    bool failed() const { return failure_[0] != '\0'; }
    const char *failure() const { return failure_; }
    void fail(const char *format, ...) __attribute__((format(printf, 2, 3)));

    // In positions. waiting: messages, and claims that may become messages.
    std::uint32_t enq = 0, deq = 0, waiting = 0;
    std::bitset<64> absent; // nodes whose memory was given back
    std::uint32_t voids = 0, holes = 0, orphans_made = 0, redelivered = 0, appended = 0, settled = 0, recycled = 0;
    std::uint64_t source_number() const; // of the one source that tests feed; 0: it is not known
    const Position &at(std::uint32_t position) const { return positions_[position]; }
    std::uint32_t delivered(std::uint32_t message) const { return delivered_[message % messages]; }

private:
    std::uint32_t position_of(std::uint64_t sequence, std::uint32_t index) const;
    bool is_listed(std::uint32_t node, std::uint64_t sequence) const;
    Position *find(std::uint64_t sequence, std::uint32_t index);
    void slot_changed(Process &process, const Word &word, std::uint64_t old, std::uint64_t now);
    void published(Process &process, std::uint32_t number, const Word &word);
    void made_hole(Process &process, std::uint32_t number, std::uint32_t phase);
    void enq_changed(Process &process, const Word &word, std::uint64_t old, std::uint64_t now);
    void deq_changed(Process &process, const Word &word, std::uint64_t old, std::uint64_t now);
    void state_changed(Process &process, const Word &word, std::uint64_t old, std::uint64_t now);
    void decided_changed(const Word &word, std::uint64_t old, std::uint64_t now);
    void number_changed(const Word &word, std::uint64_t old, std::uint64_t now);
    bool is_reached(const Position &position, std::uint32_t source) const;
    void check_letters();
    void check_consumer(const Process &process, std::uint32_t number);
    void links_changed(const Word &word, std::uint64_t old, std::uint64_t now);
    void recount();
    void note_instant();
    bool bare_changed(const Process &process, const Word &word, std::uint64_t old, std::uint64_t now) const;
    bool is_prepared_by(const Process &process, std::uint32_t node) const;

    const cq_queue *queue_ = nullptr;
    std::vector<Process *> *processes_ = nullptr;
    std::array<Position, positions> positions_;
    std::array<std::uint8_t, messages> accepted_, delivered_;
    std::array<std::uint8_t, messages> decided_; // numbers of the source: 1 with a message, 2 without
    std::uint32_t used_ = 0;      // positions to be cleared at a reset
    std::uint32_t unclaimed_ = 0; // FULL and not claimed
    std::uint32_t newest_ = 0;    // position behind the newest published
    std::uint32_t settled_orphans_ = 0;
    char failure_[200];
};

} // namespace model
