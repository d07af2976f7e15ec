/* With C++20: std::span in and out. */
#include <gtest/gtest.h>

#include "named.hpp"
#include "support/leftovers.hpp"

#if !defined(__cpp_lib_span)
#error "this test needs C++20"
#endif

namespace cqtest {
namespace {

TEST(Span, of_any_trivially_copyable_type_can_be_enqueued)
{
    const Named name;
    cqueue::queue queue(name, sized(4, 64));
    const int numbers[] = {1, 2, 3};
    EXPECT_TRUE(queue.enqueue(std::span(numbers)));
    EXPECT_TRUE(queue.enqueue(std::as_bytes(std::span(numbers, 1))));
    EXPECT_EQ(queue.dequeue()->size(), sizeof numbers);
    EXPECT_EQ(queue.dequeue()->size(), sizeof(int));
}

TEST(Span, of_a_reservation_and_of_a_received_message)
{
    const Named name;
    cqueue::queue queue(name, sized(4, 64));
    auto writing = queue.reserve(3);
    ASSERT_TRUE(writing);
    for (std::byte &byte : writing->span())
        byte = std::byte{'z'};
    EXPECT_TRUE(writing->commit());
    EXPECT_TRUE(writing->span().empty());
    auto reading = queue.take();
    ASSERT_TRUE(reading);
    EXPECT_EQ(reading->span().size(), 3u);
    EXPECT_EQ(reading->span()[2], std::byte{'z'});
    reading->release();
    EXPECT_TRUE(reading->span().empty());
}

} // namespace
} // namespace cqtest
