/*
 * A region whose shared words say anything at all: no operation crashes, hangs, writes where it must not, or returns what
 * it is not documented to return.
 */
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "faults/corruption.hpp"
#include "support/leftovers.hpp"
#include "support/seed.hpp"

namespace {

using namespace cqtest;

constexpr uint64_t participants = 4; /* the victim, a dead one, a live one, and whoever comes next */
constexpr int hang = 30;             /* seconds of processor time; the slowest lie costs a fraction of one */

struct State {
    const char *name;
    unsigned messages; /* before */
    bool dead, holes, loans, wrap;
    enum { plain, fates, exclusive } kind = plain;
};

std::ostream &operator<<(std::ostream &out, const State &state) { return out << state.name; }

const State states[] = {
    {"empty", 0, false, false, false, false},      {"some", 6, false, false, true, false},
    {"full", 7, false, false, false, false},       {"holes", 5, false, true, true, false},
    {"dead", 6, true, false, true, false},         {"everything_at_the_wrap", 5, true, true, true, true},
    {"fates", 4, true, true, true, false, State::fates}, {"one_consumer", 6, false, false, true, false, State::exclusive},
};

/* Everything that somebody who is killed can leave behind. */
void leave_things(const Queue &queue)
{
    Child dead([&](Channel &) {
        Handle handle = queue.attach();
        handle.must_enqueue("1");
        handle.must_enqueue("2");
        (void)handle.take();
        (void)handle.reserve(1);
        Message returned = handle.take();
        cq_return(handle, &returned);
        (void)handle.reserve(1);
        ::_exit(0);
    });
    if (dead.join().code != 0)
        throw std::runtime_error("the one that was to die with things in its hands");
}

class Victim {
public:
    Victim(const Queue &queue, const State &state, Note &note)
        : queue_(queue), note_(note), limit_(static_cast<size_t>(queue.config().max_message_size)),
          handle_(queue.attach()), live_([&](Channel &channel) {
              Handle handle = queue.attach();
              Message taken, reserved;
              if (state.kind != State::exclusive)
                  (void)cq_take(handle, &taken);
              (void)cq_reserve(handle, 1, &reserved);
              channel.put('r');
              (void)channel.get(std::chrono::hours(10));
          })
    {
        if (!live_.get())
            throw std::runtime_error("the live one did not come");
        Message taken, reserved;
        for (unsigned i = 0; i < state.messages; ++i)
            handle_.must_enqueue(std::string(i % 2 ? limit_ : 1, 'm'));
        if (state.loans)
            taken = handle_.take();
        if (state.holes) {
            Message aborted = handle_.reserve(1);
            cq_abort(handle_, &aborted);
        }
        if (state.loans)
            reserved = handle_.reserve(1);
        if (state.holes)
            handle_.must_enqueue("behind");
        if (state.kind != State::plain)
            leave_more(state);
        if (state.dead)
            leave_things(queue_);
        bytes_.emplace(queue.path());
        /* Somebody sleeps, as far as the words say. */
        bytes_->put<uint32_t>(field::consumers, 3);
        bytes_->put<uint32_t>(field::producers, 3);
        image_.emplace(*bytes_);
        operations_.emplace(handle_.get(), note_, limit_);
        operations_->lend(taken, reserved);
    }

    /* Each word, each value; every `stride`th, and which of them the seed says. */
    void each_word(uint64_t stride, uint64_t seed)
    {
        uint64_t number = 0;
        const uint64_t nodes = bytes_->get(field::node_count);
        for (const Word &word : shared_words(*bytes_, participants)) {
            image_->restore();
            const uint64_t now = word.size == 4 ? bytes_->get<uint32_t>(word.offset) : bytes_->get(word.offset);
            for (const uint64_t value : harmful_values(now, nodes)) {
                if (number++ < note_.next || (number + seed) % stride != 0)
                    continue;
                note_.next = number - 1;
                note_.offset = word.offset;
                note_.value = value;
                tell([&] { lie(word, value); }, number + seed);
            }
        }
        note_.total = note_.next = number;
    }

    /* Many words at once, some of them random through and through. */
    void many_words(uint64_t rounds, uint64_t seed)
    {
        const std::vector<Word> words = shared_words(*bytes_, participants);
        const uint64_t nodes = bytes_->get(field::node_count);
        while (note_.next < rounds) {
            note_.offset = seed + note_.next;
            tell(
                [&] {
                    Noise noise(seed + note_.next);
                    for (uint64_t count = 1 + noise.below(12); count > 0; --count) {
                        const Word word = words[noise.below(words.size())];
                        const auto values = harmful_values(bytes_->get(word.offset / 8 * 8), nodes);
                        lie(word, noise.once_in(3) ? noise.next() : values[noise.below(values.size())]);
                    }
                },
                note_.next);
            ++note_.next;
        }
        note_.total = rounds;
    }

private:
    /* A source, a message that waits for its time, one that was delivered too often and cannot be moved. */
    void leave_more(const State &state)
    {
        const cq_outgoing message{sizeof message, 0, "m", 1, nullptr, 0};
        if (cq_enqueue_from(handle_, &message, "stream", 7) != CQ_OK)
            throw std::runtime_error("nothing came from the source");
        Message later = handle_.take();
        if (cq_return_after(handle_, &later, INT64_C(3600000000000)) != CQ_OK)
            throw std::runtime_error("nothing was given back for later");
        for (int i = 0; i < 2 && state.kind == State::fates; ++i) {
            Message spent = handle_.take();
            if (cq_return(handle_, &spent) != CQ_OK)
                throw std::runtime_error("nothing was given back");
        }
    }

    void lie(const Word &word, uint64_t value) const
    {
        if (word.size == 4)
            bytes_->put<uint32_t>(word.offset, static_cast<uint32_t>(value));
        else
            bytes_->put(word.offset, value);
    }

    /* To a handle that is open, and to one that is about to be. */
    template <class Lie>
    void tell(Lie &&lies, uint64_t first)
    {
        limit_processor_time(hang);
        image_->restore();
        lies();
        operations_->all(first);
        image_->restore();
        lies();
        note_.operation = "cq_open";
        Config config(0, 0, first % 4 == 0 ? CQ_READ_ONLY : CQ_ATTACH);
        cq_queue *opened = nullptr;
        const int result = cq_open(queue_.name().c_str(), &config, &opened);
        Handle handle(opened);
        if (result == CQ_OK && config.flags == CQ_ATTACH)
            Operations(opened, note_, limit_).all(first);
        else if (result == CQ_OK)
            look_on(opened);
        else if (result != CQ_ECORRUPT && result != CQ_ELIMIT)
            note_.wrong = static_cast<uint64_t>(result + 1000);
        note_.operation = "cq_close";
        handle.close();
        limit_processor_time(0);
        if (note_.wrong != 0)
            ::_exit(1);
    }

    void look_on(cq_queue *opened) const
    {
        Stats stats;
        note_.operation = "cq_stat, read-only";
        if (const int result = cq_stat(opened, &stats); result != CQ_OK && result != CQ_ECORRUPT)
            note_.wrong = static_cast<uint64_t>(result + 1000);
        note_.operation = "cq_walk, read-only";
        const int result = cq_walk(opened, [](const cq_message *, void *) { return 0; }, nullptr);
        if (result != CQ_OK && result != CQ_ECORRUPT)
            note_.wrong = static_cast<uint64_t>(result + 1000);
    }

    const Queue &queue_;
    Note &note_;
    size_t limit_;
    Handle handle_;
    Child live_;
    std::optional<RegionBytes> bytes_;
    std::optional<Image> image_;
    std::optional<Operations> operations_;
};

class Corruption : public testing::TestWithParam<std::tuple<State, uint64_t>> {
protected:
    /* One victim after the other, until all lies were told. */
    template <class Body>
    void torture(Body &&body)
    {
        const auto &state = std::get<0>(GetParam());
        const auto limit = std::get<1>(GetParam());
        Shared<Note> note;
        int failures = 0;
        while ((note->total == 0 || note->next < note->total) && failures < 5) {
            Config config(8, limit, state.kind == State::exclusive ? CQ_EXCLUSIVE_CONSUMER : 0);
            const std::string letters = unique_name();
            std::optional<Queue> dead_letters;
            if (state.kind == State::fates) {
                dead_letters.emplace(Config(3, limit), Shape(), letters); /* soon full */
                config.flags |= CQ_ENQUEUE_TIMES;
                config.max_headers = 40;
                config.max_deliveries = 2;
                config.time_to_live = INT64_C(3600000000000);
                config.dead_letter = letters.c_str();
            }
            Queue queue(config, Shape(4, state.wrap ? last_sequence - 1 : 0, 4, 3));
            queue.close();
            const End end = Child([&](Channel &) {
                                Victim victim(queue, state, *note);
                                body(victim);
                            }).join(std::chrono::hours(10));
            if (end.code == 0)
                break;
            ++failures;
            ADD_FAILURE() << "lie " << note->next << ": word at " << note->offset << " made " << std::hex << note->value
                          << std::dec << "; after " << (note->operation ? note->operation : "nothing")
                          << ": exit " << end.code << " signal " << end.signal << " (27: hang), result "
                          << (note->wrong ? static_cast<int64_t>(note->wrong) - 1000 : 0);
            ASSERT_NE(end.code, 99);
            note->wrong = 0;
            ++note->next;
        }
        std::printf("slowest: %s after lie %" PRIu64 ", %.3f s; refused %" PRIu64 " times\n",
                    note->slowest_operation ? note->slowest_operation : "none", note->slowest_lie, note->slowest,
                    note->refused);
        EXPECT_GT(note->refused, 0u) << "no lie was ever noticed";
    }
};

std::string name_of(const testing::TestParamInfo<std::tuple<State, uint64_t>> &info)
{
    return std::string(std::get<0>(info.param).name) + "_" + std::to_string(std::get<1>(info.param));
}

INSTANTIATE_TEST_SUITE_P(Fault33, Corruption, testing::Combine(testing::ValuesIn(states), testing::Values(16, 300)), name_of);

TEST_P(Corruption, of_any_word_neither_crashes_nor_hangs)
{
    const uint64_t chosen = seed();
    const uint64_t stride = environment_number("CQ_STRIDE", long_run() ? 1 : 8);
    torture([&](Victim &victim) { victim.each_word(stride, chosen); });
}

TEST_P(Corruption, of_many_words_neither_crashes_nor_hangs)
{
    const uint64_t chosen = seed();
    torture([&](Victim &victim) { victim.many_words(long_run() ? 100000 : 500, chosen); });
}

} // namespace
