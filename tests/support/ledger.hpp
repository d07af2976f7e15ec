/*
 * The one check that every accepted message arrives exactly once, whole and in its producer's order, and that no
 * refused message ever arrives. It is in shared memory and outlives the processes that fill it in. It knows no queue;
 * what calls producers and consumers make is in workers.hpp.
 */
#pragma once

#include <algorithm>
#include <cinttypes>
#include <map>
#include <optional>

#include "payload.hpp"
#include "process.hpp"

namespace cqtest {

/* The largest batch that producers and consumers pass. */
inline constexpr size_t batch_max = 300;

/* What a consumer is about to have: if it is killed, its parent looks here for what may be gone with it. */
struct InFlight {
    static constexpr size_t held_max = 8;
    std::atomic<size_t> receiving; /* so many bytes of the buffer, which were zeros before */
    std::atomic<uint64_t> releasing[held_max];
};

class Ledger {
public:
    /* For messages numbered 1 to `messages`. What fewer than 8 bytes say is nothing: such messages are only counted. */
    Ledger(size_t messages, size_t max_size, size_t consumers)
        : entries_(messages + 1), in_flight_(consumers), buffers_(consumers * buffer_size(max_size)),
          max_size_(max_size)
    {
    }

    Complaints complaints;

    size_t max_size() const { return max_size_; }
    uint64_t accepted() const { return totals_->accepted; }
    uint64_t delivered() const { return totals_->delivered; }

    /* ---- what a producer notes ------------------------------------------------------------------------ */

    /* `count` new numbers in a row, for one producer; 0 if there are no more. */
    uint64_t numbers(uint64_t count)
    {
        const uint64_t first = 1 + totals_->given.fetch_add(count);
        return first + count <= entries_.size() ? first : 0;
    }

    /* There may be producers that get no numbers any more. */
    bool used_up() const { return totals_->given + 32 * batch_max > entries_.size(); }

    std::string text(uint64_t producer, uint64_t number) const { return stamped({producer, number}, size_of(number)); }

    void offered(uint64_t number) { entries_[number].refused = 0; }
    void refused(uint64_t number) { entries_[number].refused = 1; }
    void accepted(uint64_t number)
    {
        entries_[number].accepted = 1;
        ++totals_->accepted;
    }

    /* ---- what a consumer notes ------------------------------------------------------------------------ */

    /* The last number from each producer that came to one consumer for the first time. */
    using Order = std::map<uint64_t, uint64_t>;

    InFlight &in_flight(size_t consumer) const { return in_flight_[consumer]; }
    char *buffer(size_t consumer) const { return &buffers_[consumer * buffer_size(max_size_)]; }

    /* A message that came, whole and wanted. Number 0: it says nothing. */
    std::optional<Stamp> came(std::string_view text)
    {
        if (max_size_ < stamped_size_small && text.empty())
            return Stamp{0, 0};
        const std::optional<Stamp> stamp = read_stamp(text);
        if (!stamp || stamp->number == 0 || stamp->number >= entries_.size() || text.size() != size_of(stamp->number)) {
            complaints.add("a message of %zu bytes is torn", text.size());
            return std::nullopt;
        }
        came(stamp->number);
        return stamp;
    }

    /* The same for what somebody has read already. */
    void came(uint64_t number)
    {
        if (entries_[number].refused)
            complaints.add("message %" PRIu64 " was refused, and delivered", number);
        if (entries_[number].done)
            complaints.add("message %" PRIu64 " was delivered after it was done with", number);
    }

    /* It is delivered for the first time, by what the queue says. */
    void came_first(const Stamp &stamp, Order &order)
    {
        if (stamp.number == 0)
            return;
        if (entries_[stamp.number].first.fetch_add(1) != 0)
            complaints.add("message %" PRIu64 " was delivered for the first time twice", stamp.number);
        uint64_t &last = order[stamp.producer];
        if (stamp.number <= last)
            complaints.add("message %" PRIu64 " came after %" PRIu64, stamp.number, last);
        last = stamp.number;
    }

    /* Dequeued or released, and the consumer was told so. */
    void done(uint64_t number)
    {
        if (number > 0 && entries_[number].done.fetch_add(1) != 0)
            complaints.add("message %" PRIu64 " was delivered twice", number);
        ++totals_->delivered;
    }

    /* ---- what their parent does ----------------------------------------------------------------------- */

    /* The message was a killed consumer's, who may have been told so: it need not come, and may. */
    void uncertain(uint64_t number) { entries_[number].uncertain = 1; }

    /* This consumer was killed: what it was just getting may be gone with it, or not. */
    void killed(size_t consumer)
    {
        InFlight &in_flight = in_flight_[consumer];
        char *const buffer = this->buffer(consumer);
        for (size_t at = 0, end = in_flight.receiving.exchange(0); at + stamped_size_min <= end;) {
            /* The number tells the size, and the checksum whether the number can be believed. */
            Stamp stamp;
            std::memcpy(&stamp, buffer + at + 8, sizeof stamp);
            const size_t size = size_of(stamp.number);
            if (at + size > end || !read_stamp({buffer + at, size}) || stamp.number >= entries_.size())
                break;
            uncertain(stamp.number);
            at += size;
        }
        for (std::atomic<uint64_t> &number : in_flight.releasing)
            if (const uint64_t it = number.exchange(0))
                uncertain(it);
    }

    /* Once all has arrived that will: what is wrong, or nothing. */
    std::string problem() const
    {
        if (complaints.any())
            return complaints.text();
        if (max_size_ < stamped_size_small && delivered() != accepted())
            return std::to_string(delivered()) + " messages arrived, " + std::to_string(accepted()) + " were accepted";
        const uint64_t end = std::min<uint64_t>(totals_->given + 1, entries_.size());
        for (uint64_t number = 1; max_size_ >= stamped_size_small && number < end; ++number)
            if (entries_[number].accepted && !entries_[number].done && !entries_[number].uncertain)
                return "message " + std::to_string(number) + " was accepted and is lost";
        return "";
    }

private:
    struct Entry {
        std::atomic<uint8_t> accepted;  /* the producer was told so */
        std::atomic<uint8_t> refused;   /* the producer was told so, or gave it up: nobody may ever see it */
        std::atomic<uint8_t> first;     /* delivered for the first time */
        std::atomic<uint8_t> done;      /* dequeued or released, and the consumer was told so */
        std::atomic<uint8_t> uncertain; /* the consumer was killed before it could say whether it was told so */
    };
    struct Totals {
        std::atomic<uint64_t> given, accepted, delivered;
    };

    static size_t buffer_size(size_t max_size) { return batch_max * max_size + 1; }

    /* Of every size that there is room for. */
    size_t size_of(uint64_t number) const
    {
        if (max_size_ < stamped_size_min)
            return max_size_ < stamped_size_small ? 0 : stamped_size_small;
        return stamped_size_min + number * 7 % (max_size_ - stamped_size_min + 1);
    }

    SharedArray<Entry> entries_;
    SharedArray<InFlight> in_flight_;
    SharedArray<char> buffers_;
    Shared<Totals> totals_;
    const size_t max_size_;
};

} // namespace cqtest
