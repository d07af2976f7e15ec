/* cqueue::reservation and cqueue::received: who forgets them, moves them or throws past them loses nothing. */
#include <gtest/gtest.h>

#include "named.hpp"
#include "support/leftovers.hpp"

namespace cqtest {
namespace {

using cqueue::errc;

class Messages : public ::testing::Test {
protected:
    Named name;
    cqueue::queue queue{name, sized(4)};

    cqueue::reservation reserve(std::string_view text)
    {
        auto message = queue.reserve(text.size());
        EXPECT_TRUE(message);
        std::memcpy(message->data(), text.data(), text.size());
        return std::move(*message);
    }
};

TEST_F(Messages, are_written_and_read_in_place)
{
    auto writing = reserve("hello");
    EXPECT_TRUE(writing.held());
    EXPECT_EQ(writing.size(), 5u);
    EXPECT_TRUE(writing.commit());
    EXPECT_FALSE(writing.held());
    EXPECT_EQ(writing.data(), nullptr);
    const auto reading = queue.take();
    ASSERT_TRUE(reading);
    EXPECT_EQ(reading->text(), "hello");
    EXPECT_EQ(reading->str(), "hello");
    EXPECT_EQ(reading->view().size(), 5u);
    EXPECT_EQ(reading->deliveries(), 1u);
    EXPECT_EQ(reading->position(), writing.position());
}

TEST_F(Messages, can_be_committed_shorter)
{
    auto writing = reserve("hello");
    EXPECT_TRUE(writing.commit(4));
    EXPECT_EQ(queue.dequeue(), "hell");
    auto again = reserve("hello");
    EXPECT_EQ(error_of([&] { (void)again.commit(6); }), errc::message_too_big);
    EXPECT_TRUE(again.held());
    again.abort();
    EXPECT_FALSE(again.held());
}

TEST_F(Messages, a_forgotten_reservation_is_given_up)
{
    {
        const auto first = reserve("x"), second = reserve("y");
    }
    EXPECT_EQ(queue.dequeue(), std::nullopt);
    for (int i = 0; i < 4; ++i)
        EXPECT_TRUE(queue.enqueue("full"));
}

TEST_F(Messages, a_reservation_is_given_up_by_an_exception)
{
    EXPECT_THROW(
        {
            const auto writing = reserve("x");
            throw std::runtime_error("on the way");
        },
        std::runtime_error);
    EXPECT_EQ(queue.dequeue(), std::nullopt);
}

TEST_F(Messages, a_received_message_is_given_back_at_the_end_of_its_scope)
{
    EXPECT_TRUE(queue.enqueue("x"));
    {
        const auto reading = queue.take();
        EXPECT_TRUE(reading);
    }
    EXPECT_EQ(queue.stat().returned, 1u);
    const auto again = queue.take();
    ASSERT_TRUE(again);
    EXPECT_EQ(again->text(), "x");
    EXPECT_EQ(again->deliveries(), 2u);
}

TEST_F(Messages, a_received_message_is_given_back_by_an_exception)
{
    EXPECT_TRUE(queue.enqueue("x"));
    EXPECT_TRUE(queue.enqueue("y"));
    EXPECT_THROW(
        {
            const auto reading = queue.take();
            throw std::runtime_error("not done with it");
        },
        std::runtime_error);
    const auto again = queue.take();
    ASSERT_TRUE(again);
    EXPECT_EQ(again->text(), "x");
    EXPECT_EQ(again->deliveries(), 2u);
}

TEST_F(Messages, one_released_before_the_exception_stays_released)
{
    EXPECT_TRUE(queue.enqueue("x"));
    EXPECT_THROW(
        {
            auto reading = queue.take();
            reading->release();
            throw std::runtime_error("afterwards");
        },
        std::runtime_error);
    EXPECT_EQ(queue.dequeue(), std::nullopt);
}

TEST_F(Messages, can_be_given_back)
{
    EXPECT_TRUE(queue.enqueue("x"));
    auto reading = queue.take();
    const uint64_t position = reading->position();
    reading->give_back();
    EXPECT_FALSE(reading->held());
    EXPECT_EQ(reading->data(), nullptr);
    EXPECT_EQ(reading->size(), 0u);
    const auto again = queue.take();
    EXPECT_EQ(again->text(), "x");
    EXPECT_EQ(again->deliveries(), 2u);
    EXPECT_EQ(again->position(), position);
}

TEST_F(Messages, are_moved_and_not_copied)
{
    static_assert(!std::is_copy_constructible_v<cqueue::reservation>);
    static_assert(std::is_same_v<decltype(std::declval<const cqueue::received &>().data()), const std::byte *>);
    static_assert(!std::is_copy_constructible_v<cqueue::received>);
    static_assert(std::is_nothrow_move_constructible_v<cqueue::reservation>);
    static_assert(std::is_nothrow_move_constructible_v<cqueue::received>);
    auto writing = reserve("x");
    {
        auto moved = std::move(writing);
        EXPECT_FALSE(writing.held());
        EXPECT_EQ(writing.data(), nullptr);
        EXPECT_EQ(writing.size(), 0u);
        EXPECT_EQ(error_of([&] { (void)writing.commit(); }), errc::invalid_argument);
        EXPECT_EQ(error_of([&] { writing.abort(); }), errc::invalid_argument);
        EXPECT_TRUE(moved.commit());
    }
    auto reading = queue.take();
    ASSERT_TRUE(reading);
    {
        const auto moved = std::move(*reading);
        EXPECT_FALSE(reading->held());
        EXPECT_EQ(reading->size(), 0u);
        EXPECT_EQ(error_of([&] { reading->release(); }), errc::invalid_argument);
        EXPECT_EQ(error_of([&] { reading->give_back(); }), errc::invalid_argument);
        EXPECT_EQ(moved.text(), "x");
    }
    EXPECT_EQ(queue.dequeue(), "x") << "what it was moved to gave it back";
}

TEST_F(Messages, used_twice_are_not_held)
{
    auto writing = reserve("x");
    EXPECT_TRUE(writing.commit());
    EXPECT_EQ(error_of([&] { (void)writing.commit(0); }), errc::not_held);
    EXPECT_EQ(error_of([&] { writing.abort(); }), errc::not_held);
    auto reading = queue.take();
    reading->release();
    EXPECT_EQ(error_of([&] { reading->release(); }), errc::not_held);
    EXPECT_EQ(error_of([&] { reading->give_back(); }), errc::not_held);
}

TEST_F(Messages, survive_the_move_of_their_queue)
{
    EXPECT_TRUE(queue.enqueue("x"));
    auto writing = reserve("y");
    auto reading = queue.take();
    cqueue::queue other(std::move(queue));
    EXPECT_EQ(reading->text(), "x");
    reading->release();
    EXPECT_TRUE(writing.commit());
    EXPECT_EQ(other.dequeue(), "y");
}

TEST_F(Messages, outlive_their_queue_without_harm)
{
    EXPECT_TRUE(queue.enqueue("x"));
    cqueue::queue witness(name);
    {
        auto writing = reserve("y");
        auto reading = queue.take();
        queue.close();
        EXPECT_FALSE(writing.held());
        EXPECT_FALSE(reading->held());
        EXPECT_EQ(writing.data(), nullptr);
        EXPECT_EQ(reading->data(), nullptr);
        EXPECT_EQ(reading->text(), "");
        EXPECT_EQ(error_of([&] { (void)writing.commit(0); }), errc::invalid_argument);
        EXPECT_EQ(error_of([&] { reading->release(); }), errc::invalid_argument);
    }
    EXPECT_EQ(witness.dequeue(), "x") << "closing gave it back";
    EXPECT_EQ(witness.dequeue(), std::nullopt);
}

TEST_F(Messages, a_commit_that_finds_the_queue_full_may_be_repeated)
{
    auto late = reserve("late");
    EXPECT_TRUE(queue.enqueue("pass"));
    EXPECT_EQ(queue.dequeue(), "pass");
    for (int i = 0; i < 4; ++i)
        EXPECT_TRUE(queue.enqueue("full"));
    EXPECT_FALSE(late.commit());
    EXPECT_TRUE(late.held());
    EXPECT_EQ(queue.dequeue(), "full");
    EXPECT_TRUE(late.commit());
}

TEST_F(Messages, no_room_and_no_message_are_no_errors)
{
    EXPECT_FALSE(queue.take());
    EXPECT_FALSE(queue.take_wait(std::chrono::milliseconds(1)));
    for (int i = 0; i < 4; ++i)
        EXPECT_TRUE(queue.enqueue("full"));
    EXPECT_FALSE(queue.reserve(1));
    EXPECT_EQ(queue.take_wait(patience)->text(), "full");
    EXPECT_TRUE(queue.reserve(1));
}

} // namespace
} // namespace cqtest
