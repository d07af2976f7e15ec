/* cqueue::typed_queue: values of one type. */
#include <thread>

#include <gtest/gtest.h>

#include "named.hpp"
#include "support/leftovers.hpp"

namespace cqtest {
namespace {

using cqueue::errc;
using namespace std::chrono_literals;

struct Order {
    uint64_t id;
    double price;
    char side;
};

/* Without a default constructor, and with a member that is a constant. */
class Point {
public:
    Point(int x, int y) : x_(x), y_(y) {}
    bool operator==(const Point &other) const { return x_ == other.x_ && y_ == other.y_; }

private:
    const int x_;
    int y_;
};

TEST(Typed, passes_values)
{
    const Named name;
    cqueue::typed_queue<Order> queue(name, sized(2, 0));
    EXPECT_EQ(queue.bytes().stat().max_message_size, sizeof(Order));
    EXPECT_FALSE(queue.dequeue());
    EXPECT_TRUE(queue.enqueue({7, 1.5, 'b'}));
    EXPECT_TRUE(queue.enqueue({8, 2.5, 's'}));
    EXPECT_FALSE(queue.enqueue({9, 3.5, 'b'}));
    const auto order = queue.dequeue();
    ASSERT_TRUE(order);
    EXPECT_EQ(order->id, 7u);
    EXPECT_EQ(order->price, 1.5);
    EXPECT_EQ(order->side, 'b');
    EXPECT_EQ(queue.dequeue_wait().id, 8u);
    EXPECT_FALSE(queue.dequeue_wait(1ms));
}

TEST(Typed, passes_values_that_have_no_default)
{
    const Named name;
    cqueue::typed_queue<Point> queue(name, sized(2, 0));
    EXPECT_TRUE(queue.enqueue({3, 4}));
    EXPECT_EQ(queue.dequeue(), Point(3, 4));
}

TEST(Typed, ignores_the_message_size_of_the_options)
{
    const Named name;
    const cqueue::typed_queue<Order> queue(name, sized(2, 12345));
    EXPECT_EQ(queue.bytes().stat().max_message_size, sizeof(Order));
}

TEST(Typed, refuses_a_queue_of_values_of_another_size)
{
    const Named name;
    const cqueue::typed_queue<Order> queue(name, sized(2, 0));
    const auto error = thrown_by([&] { cqueue::typed_queue<uint64_t> other(name); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->result(), errc::mismatch);
    EXPECT_NE(std::string(error->what()).find(std::to_string(sizeof(Order))), std::string::npos) << error->what();
}

TEST(Typed, a_message_of_another_size_is_reported_and_stays)
{
    const Named name;
    cqueue::typed_queue<uint32_t> queue(name, sized(4, 0));
    EXPECT_TRUE(queue.bytes().enqueue("abc"));
    EXPECT_TRUE(queue.enqueue(5));
    const auto error = thrown_by([&] { queue.dequeue(); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->result(), errc::mismatch);
    EXPECT_NE(std::string(error->what()).find("3 bytes"), std::string::npos) << error->what();
    EXPECT_NE(std::string(error->what()).find('"' + name.str() + '"'), std::string::npos) << error->what();
    auto strange = queue.bytes().take();
    ASSERT_TRUE(strange);
    EXPECT_EQ(strange->text(), "abc");
    EXPECT_EQ(strange->deliveries(), 2u);
    strange->release();
    EXPECT_EQ(queue.dequeue(), 5u);
}

TEST(Typed, batches_and_walks)
{
    const Named name;
    cqueue::typed_queue<int> queue(name, sized(4, 0));
    const int values[] = {1, 2, 3, 4, 5};
    EXPECT_EQ(queue.enqueue_batch(values, 5), 4u);
    std::vector<int> seen;
    queue.walk([&](const int &value) { seen.push_back(value); });
    EXPECT_EQ(seen, (std::vector<int>{1, 2, 3, 4}));
    seen.clear();
    queue.walk([&](int value) {
        seen.push_back(value);
        return value < 2;
    });
    EXPECT_EQ(seen, (std::vector<int>{1, 2}));
}

TEST(Typed, a_walk_passes_over_what_is_no_value)
{
    const Named name;
    cqueue::typed_queue<int> queue(name, sized(4, 0));
    EXPECT_TRUE(queue.enqueue(1));
    EXPECT_TRUE(queue.bytes().enqueue("x"));
    EXPECT_TRUE(queue.enqueue(2));
    std::vector<int> seen;
    queue.walk([&](int value) { seen.push_back(value); });
    EXPECT_EQ(seen, (std::vector<int>{1, 2}));
}

TEST(Typed, waits_between_threads)
{
    const Named name;
    cqueue::typed_queue<int> queue(name, sized(3, 0));
    std::thread producer([&] {
        for (int i = 0; i < 1000; ++i)
            if (i % 2)
                queue.enqueue_wait(i);
            else
                EXPECT_TRUE(queue.enqueue_wait(i, patience));
    });
    for (int i = 0; i < 1000; ++i)
        EXPECT_EQ(i % 2 ? queue.dequeue_wait() : queue.dequeue_wait(patience), i);
    producer.join();
}

TEST(Typed, is_moved_like_the_queue_behind_it)
{
    static_assert(!std::is_copy_constructible_v<cqueue::typed_queue<int>>);
    const Named name;
    cqueue::typed_queue<int> first(name, sized(3, 0));
    EXPECT_TRUE(first.enqueue(1));
    cqueue::typed_queue<int> second;
    EXPECT_EQ(error_of([&] { second.dequeue(); }), errc::invalid_argument);
    second = std::move(first);
    EXPECT_EQ(second.dequeue(), 1);
    EXPECT_EQ(error_of([&] { first.dequeue(); }), errc::invalid_argument);
}

} // namespace
} // namespace cqtest
