/*
 * The fate of every message, in memory that outlives the processes that note it: who was told that it was accepted, who
 * had it, who may have had it when he was killed.
 */
#ifndef CQTEST_LEDGER_HPP
#define CQTEST_LEDGER_HPP

#include <cinttypes>

#include "situation.hpp"

namespace cqtest {

struct Fate {
    std::atomic<uint8_t> accepted; /* the producer was told so */
    std::atomic<uint8_t> refused;  /* the producer was told so, or gave it up: nobody may ever see it */
    std::atomic<uint8_t> first;    /* seen with deliveries of 1 */
    std::atomic<uint8_t> done;     /* dequeued or released, and the consumer was told so */
    std::atomic<uint8_t> perhaps;  /* the consumer was killed before we know whether it was told so */
};

/* What a consumer has in its hands. Its parent looks at it when it is dead. */
struct Desk {
    static constexpr size_t hands = 8;
    std::atomic<uint32_t> receiving; /* into the buffer, which was all zeros before */
    std::atomic<uint64_t> releasing[hands];
    char buffer[4096];
};

class Ledger {
public:
    Ledger(size_t messages, size_t desks, size_t max_size) : fates_(messages), desks_(desks), max_size_(max_size) {}

    Complaints complaints;

    /* `count` new messages in a row; 0 if there are no more. */
    uint64_t begin(uint64_t count)
    {
        const uint64_t id = 1 + totals_->begun.fetch_add(count);
        return id + count < fates_.size() ? id : 0;
    }

    bool used_up() const { return totals_->begun + 1000 > fates_.size(); }
    size_t max_size() const { return max_size_; }

    std::string text(uint64_t producer, uint64_t id) const
    {
        return stamped({producer, id}, stamped_size_min + id * 7 % (max_size_ - stamped_size_min + 1));
    }

    void accepted(uint64_t id) { fates_[id].accepted = 1; }
    void refused(uint64_t id) { fates_[id].refused = 1; }

    /* A message that somebody sees, whole and wanted. */
    std::optional<Stamp> see(std::string_view text)
    {
        const std::optional<Stamp> stamp = read_stamp(text);
        if (!stamp || stamp->number == 0 || stamp->number >= fates_.size() ||
            text.size() != this->text(stamp->producer, stamp->number).size()) {
            complaints.add("a message is torn");
            return std::nullopt;
        }
        if (fates_[stamp->number].refused)
            complaints.add("message %" PRIu64 " was refused, and delivered", stamp->number);
        if (fates_[stamp->number].done)
            complaints.add("message %" PRIu64 " was delivered after it was done with", stamp->number);
        return stamp;
    }

    /* It says that it is delivered for the first time. */
    void seen_first(uint64_t id)
    {
        if (fates_[id].first.fetch_add(1) != 0)
            complaints.add("message %" PRIu64 " was delivered for the first time twice", id);
    }

    void done(uint64_t id)
    {
        if (fates_[id].done.fetch_add(1) != 0)
            complaints.add("message %" PRIu64 " was delivered twice", id);
        ++totals_->delivered;
    }

    uint64_t delivered() const { return totals_->delivered; }
    Desk &desk(size_t index) const { return desks_[index]; }

    /* The owner of the desk is dead: what it was just getting may be gone with it, or not. */
    void autopsy(size_t index)
    {
        Desk &desk = desks_[index];
        if (desk.receiving.exchange(0))
            for (size_t at = 0; at + max_size_ <= sizeof desk.buffer;) {
                /* The number tells the size, and the checksum whether the number can be believed. */
                Stamp stamp;
                std::memcpy(&stamp, desk.buffer + at + 8, sizeof stamp);
                const size_t size = text(stamp.producer, stamp.number).size();
                if (!read_stamp({desk.buffer + at, size}) || stamp.number >= fates_.size())
                    break;
                fates_[stamp.number].perhaps = 1;
                at += size;
            }
        for (std::atomic<uint64_t> &id : desk.releasing)
            if (const uint64_t number = id.exchange(0))
                fates_[number].perhaps = 1;
    }

    /* After everything was drained: whatever was accepted was delivered. */
    void require_nothing_lost() const
    {
        const uint64_t end = std::min<uint64_t>(totals_->begun + 1, fates_.size());
        for (uint64_t id = 1; id < end; ++id)
            require(!fates_[id].accepted || fates_[id].done || fates_[id].perhaps,
                    "message " + std::to_string(id) + " was accepted and is lost");
    }

private:
    struct Totals {
        std::atomic<uint64_t> begun, delivered;
    };

    SharedArray<Fate> fates_;
    SharedArray<Desk> desks_;
    Shared<Totals> totals_;
    const size_t max_size_;
};

} // namespace cqtest

#endif
