/*
 * The ledger, on which other tests rely, notices what can go wrong with messages. Each test spoils a good exchange: two
 * producers send three messages each to one consumer.
 */
#include <gtest/gtest.h>

#include "support/ledger.hpp"

namespace cqtest {
namespace {

class LedgerTest : public ::testing::Test {
protected:
    LedgerTest() : first_(ledger_.numbers(3)), second_(ledger_.numbers(3))
    {
        for (uint64_t i = 0; i < 3; ++i) {
            ledger_.accepted(first_ + i);
            ledger_.accepted(second_ + i);
        }
    }

    void comes(std::string_view text)
    {
        if (const auto stamp = ledger_.came(text)) {
            ledger_.came_first(*stamp, order_);
            ledger_.done(stamp->number);
        }
    }

    void comes(uint64_t producer, uint64_t number) { comes(ledger_.text(producer, number)); }

    void all_come()
    {
        for (uint64_t i = 0; i < 3; ++i) {
            comes(1, first_ + i);
            comes(2, second_ + i);
        }
    }

    bool says(const std::string &words) const { return ledger_.problem().find(words) != std::string::npos; }

    Ledger ledger_{100, 64, 1};
    Ledger::Order order_;
    const uint64_t first_, second_;
};

TEST_F(LedgerTest, accepts_a_good_exchange)
{
    all_come();
    EXPECT_EQ(ledger_.problem(), "");
}

TEST_F(LedgerTest, notices_a_lost_message)
{
    comes(1, first_);
    comes(1, first_ + 2);
    for (uint64_t i = 0; i < 3; ++i)
        comes(2, second_ + i);
    EXPECT_TRUE(says("message 2 was accepted and is lost")) << ledger_.problem();
}

TEST_F(LedgerTest, notices_a_message_that_comes_twice)
{
    all_come();
    comes(2, second_ + 2);
    EXPECT_TRUE(says("message 6 was delivered after it was done with")) << ledger_.problem();
}

/* To two consumers at once, so that neither is done with it when the other sees it. */
TEST_F(LedgerTest, notices_a_message_that_two_consumers_get)
{
    all_come();
    Ledger other(100, 64, 2);
    Ledger::Order orders[2];
    const uint64_t number = other.numbers(1);
    for (Ledger::Order &order : orders)
        other.came_first(*other.came(other.text(1, number)), order);
    EXPECT_NE(other.problem().find("message 1 was delivered for the first time twice"), std::string::npos);
    Ledger third(100, 64, 2);
    const auto stamp = third.came(third.text(1, third.numbers(1)));
    third.done(stamp->number);
    third.done(stamp->number);
    EXPECT_NE(third.problem().find("message 1 was delivered twice"), std::string::npos);
}

TEST_F(LedgerTest, notices_wrong_order)
{
    comes(1, first_ + 1);
    comes(1, first_);
    EXPECT_TRUE(says("message 1 came after 2")) << ledger_.problem();
}

TEST_F(LedgerTest, notices_any_byte_that_changed)
{
    const std::string text = ledger_.text(1, first_);
    for (size_t i = 0; i < text.size(); ++i) {
        Ledger ledger(100, 64, 1);
        (void)ledger.numbers(3);
        std::string spoiled = text;
        spoiled[i] ^= 1;
        EXPECT_FALSE(ledger.came(spoiled)) << "byte " << i;
        EXPECT_NE(ledger.problem().find("is torn"), std::string::npos);
    }
}

TEST_F(LedgerTest, notices_a_message_that_is_cut_or_empty)
{
    for (const size_t size : {0u, 8u, 23u, 24u}) {
        Ledger ledger(100, 64, 1);
        EXPECT_FALSE(ledger.came(ledger.text(1, 5).substr(0, size))) << size;
        EXPECT_TRUE(ledger.complaints.any());
    }
}

TEST_F(LedgerTest, notices_a_message_of_another_size)
{
    EXPECT_FALSE(ledger_.came(stamped({1, first_}, 64)));
    EXPECT_TRUE(says("is torn"));
}

TEST_F(LedgerTest, notices_a_message_that_nobody_sent)
{
    comes(1, 101);
    EXPECT_TRUE(says("is torn"));
}

TEST_F(LedgerTest, notices_a_refused_message)
{
    const uint64_t number = ledger_.numbers(1);
    ledger_.offered(number);
    ledger_.refused(number);
    all_come();
    EXPECT_EQ(ledger_.problem(), "");
    comes(1, number);
    EXPECT_TRUE(says("message 7 was refused, and delivered")) << ledger_.problem();
}

TEST_F(LedgerTest, excuses_what_a_killed_consumer_had_in_its_buffer_and_nothing_else)
{
    comes(1, first_);
    for (uint64_t i = 0; i < 3; ++i)
        comes(2, second_ + i);
    const std::string text = ledger_.text(1, first_ + 1);
    std::memcpy(ledger_.buffer(0), text.data(), text.size());
    ledger_.in_flight(0).receiving = 64;
    ledger_.killed(0);
    EXPECT_TRUE(says("message 3 was accepted and is lost")) << ledger_.problem();
    ledger_.in_flight(0).releasing[5] = first_ + 2;
    ledger_.killed(0);
    EXPECT_EQ(ledger_.problem(), "");
}

/* Those of 8 bytes are known by less of a checksum, and empty ones can only be counted. */
TEST_F(LedgerTest, knows_small_messages)
{
    Ledger small(100, 8, 1);
    const uint64_t number = small.numbers(1);
    small.accepted(number);
    EXPECT_NE(small.problem(), "");
    ASSERT_EQ(small.text(3, number).size(), 8u);
    EXPECT_EQ(small.came(small.text(3, number))->producer, 3u);
    small.done(number);
    EXPECT_EQ(small.problem(), "");
    for (size_t i = 0; i < 8; ++i) {
        std::string spoiled = small.text(3, number);
        spoiled[i] ^= 1;
        EXPECT_FALSE(small.came(spoiled)) << i;
    }

    Ledger empty(100, 0, 1);
    empty.accepted(empty.numbers(1));
    EXPECT_NE(empty.problem(), "");
    empty.done(empty.came("")->number);
    EXPECT_EQ(empty.problem(), "");
    empty.done(empty.came("")->number);
    EXPECT_NE(empty.problem(), "");
}

} // namespace
} // namespace cqtest
