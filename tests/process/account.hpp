/*
 * What was sent and what arrived, in memory that all workers share: none lost, none twice, none torn, and in order as far
 * as a consumer can see it.
 */
#ifndef CQTEST_ACCOUNT_HPP
#define CQTEST_ACCOUNT_HPP

#include <cinttypes>
#include <optional>

#include "plan.hpp"
#include "support/process.hpp"

namespace cqtest {

/* The whole text follows from who sent it and which it is: a checksum and a stamp, or what 8 bytes have room for. */
inline std::string text_of(const Stamp &stamp, size_t max_size)
{
    if (max_size < 8)
        return std::string(max_size, '\0');
    if (max_size < stamped_size_min) {
        const uint64_t said = stamp.producer << 32 | stamp.number;
        const uint64_t word = checksum({reinterpret_cast<const char *>(&said), 8}) << 48 | said;
        return {reinterpret_cast<const char *>(&word), 8};
    }
    const bool shorter = stamp.number % 4 == 0;
    return stamped(stamp, shorter ? stamped_size_min + stamp.number * 7 % (max_size - stamped_size_min + 1) : max_size);
}

inline std::optional<Stamp> stamp_of(std::string_view text, size_t max_size)
{
    Stamp stamp{};
    if (max_size < stamped_size_min && text.size() == 8) {
        uint64_t word;
        std::memcpy(&word, text.data(), sizeof word);
        stamp = {word >> 32 & 0xffff, word & 0xffffffff};
    } else if (const auto read = read_stamp(text))
        stamp = *read;
    else
        return std::nullopt;
    return text == text_of(stamp, max_size) ? std::optional(stamp) : std::nullopt;
}

class Account {
public:
    explicit Account(const Plan &plan) : plan_(plan), times_(plan.total()) {}

    Complaints complaints;

    /* What one consumer sees. */
    class Witness {
    public:
        explicit Witness(const Account &account) : account_(account), next_(account.plan_.producers) {}

        void saw(std::string_view text)
        {
            ++account_.totals_->arrived;
            if (account_.plan_.size == 0 && text.empty())
                return;
            const auto stamp = stamp_of(text, account_.plan_.size);
            if (!stamp || stamp->producer >= next_.size() || stamp->number >= account_.plan_.each)
                return account_.complaints.add("a message of %zu bytes is torn", text.size());
            /* The only consumer sees all messages, so that each producer's come without a gap; among several, they rise. */
            uint64_t &next = next_[stamp->producer];
            if (account_.plan_.consumers == 1 ? stamp->number != next : stamp->number < next)
                account_.complaints.add("message %" PRIu64 " of producer %" PRIu64 " came where %" PRIu64 " was due",
                                        stamp->number, stamp->producer, next);
            next = stamp->number + 1;
            ++account_.times_[stamp->producer * account_.plan_.each + stamp->number];
        }

    private:
        const Account &account_;
        std::vector<uint64_t> next_;
    };

    void expect_each_once() const
    {
        ASSERT_EQ(complaints.text(), "");
        EXPECT_EQ(totals_->arrived, plan_.total());
        for (size_t i = 0; plan_.size > 0 && i < times_.size(); ++i)
            ASSERT_EQ(times_[i], 1) << "message " << i % plan_.each << " of producer " << i / plan_.each;
    }

private:
    struct Totals {
        std::atomic<uint64_t> arrived;
    };

    const Plan &plan_;
    SharedArray<std::atomic<uint8_t>> times_;
    Shared<Totals> totals_;
};

} // namespace cqtest

#endif
