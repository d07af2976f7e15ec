/* Batches and walks. */
#include <list>

#include <gtest/gtest.h>

#include "named.hpp"
#include "support/leftovers.hpp"

namespace cqtest {
namespace {

using Texts = std::vector<std::string>;

Texts texts_of(const cqueue::batch &batch)
{
    Texts texts;
    for (size_t i = 0; i < batch.size(); ++i)
        texts.push_back(batch[i].str());
    return texts;
}

TEST(CppBatch, enqueues_from_containers_of_every_kind)
{
    const Named name;
    cqueue::queue queue(name, sized(20));
    EXPECT_EQ(queue.enqueue_batch({"a", std::string("b"), std::string_view("c")}), 3u);
    EXPECT_EQ(queue.enqueue_batch(std::vector<std::string>{"d", "e"}), 2u);
    EXPECT_EQ(queue.enqueue_batch(std::list<const char *>{"f"}), 1u);
    const cqueue::bytes_view views[] = {"g", ""};
    EXPECT_EQ(queue.enqueue_batch(views, 2), 2u);
    EXPECT_EQ(queue.enqueue_batch(std::vector<std::string>{}), 0u);
    for (const char *expected : {"a", "b", "c", "d", "e", "f", "g", ""})
        EXPECT_EQ(queue.dequeue(), expected);
}

TEST(CppBatch, enqueues_as_many_as_fit)
{
    const Named name;
    cqueue::queue queue(name, sized(3));
    EXPECT_EQ(queue.enqueue_batch({"a", "b", "c", "d"}), 3u);
    EXPECT_EQ(queue.enqueue_batch({"d"}), 0u);
}

TEST(CppBatch, dequeues_as_many_as_are_wanted_waiting_and_fitting)
{
    const Named name;
    cqueue::queue queue(name, sized(8));
    cqueue::batch batch(3, 10);
    EXPECT_FALSE(queue.dequeue_batch(batch));
    EXPECT_TRUE(batch.empty());
    queue.enqueue_batch({"1", "2", "3", "4444444444", "5"});
    EXPECT_TRUE(queue.dequeue_batch(batch));
    EXPECT_EQ(texts_of(batch), (Texts{"1", "2", "3"}));
    EXPECT_TRUE(queue.dequeue_batch(batch));
    EXPECT_EQ(texts_of(batch), (Texts{"4444444444"}));
    EXPECT_TRUE(queue.dequeue_batch(batch));
    EXPECT_EQ(texts_of(batch), (Texts{"5"}));
    EXPECT_FALSE(queue.dequeue_batch(batch));
    EXPECT_EQ(batch.size(), 0u);
}

TEST(CppBatch, grows_for_a_message_that_is_larger_than_its_room)
{
    const Named name;
    cqueue::queue queue(name, sized(8, 100));
    cqueue::batch batch(3, 0);
    queue.enqueue_batch({std::string(100, 'x'), "y"});
    EXPECT_TRUE(queue.dequeue_batch(batch));
    EXPECT_EQ(texts_of(batch), (Texts{std::string(100, 'x')}));
    EXPECT_TRUE(queue.dequeue_batch(batch));
    EXPECT_EQ(texts_of(batch), (Texts{"y"}));
}

TEST(CppBatch, of_no_messages_is_refused)
{
    const Named name;
    cqueue::queue queue(name, sized(8));
    cqueue::batch batch(0, 10);
    EXPECT_EQ(error_of([&] { queue.dequeue_batch(batch); }), cqueue::errc::invalid_argument);
}

TEST(CppWalk, shows_all_messages_in_order)
{
    const Named name;
    cqueue::queue queue(name, sized(8));
    queue.enqueue_batch({"a", "b", "c"});
    queue.take()->give_back();
    Texts seen;
    std::vector<uint32_t> deliveries;
    queue.walk([&](const cqueue::shown &message) {
        seen.push_back(message.data.str());
        deliveries.push_back(message.deliveries);
    });
    EXPECT_EQ(seen, (Texts{"a", "b", "c"}));
    EXPECT_EQ(deliveries, (std::vector<uint32_t>{2, 1, 1}));
    EXPECT_EQ(queue.stat().length, 3u);
}

TEST(CppWalk, tells_the_positions_that_takes_tell)
{
    const Named name;
    cqueue::queue queue(name, sized(8));
    queue.enqueue_batch({"a", "b"});
    std::vector<uint64_t> seen;
    queue.walk([&](const cqueue::shown &message) { seen.push_back(message.position); });
    ASSERT_EQ(seen.size(), 2u);
    for (const uint64_t position : seen) {
        auto message = queue.take();
        ASSERT_TRUE(message);
        EXPECT_EQ(message->position(), position);
        message->release();
    }
}

TEST(CppWalk, ends_when_the_visitor_returns_false)
{
    const Named name;
    cqueue::queue queue(name, sized(8));
    queue.enqueue_batch({"a", "b", "c"});
    Texts seen;
    const auto visitor = [&](const cqueue::shown &message) {
        seen.push_back(message.data.str());
        return message.data.text() != "b";
    };
    queue.walk(visitor);
    EXPECT_EQ(seen, (Texts{"a", "b"}));
}

TEST(CppWalk, ends_with_what_the_visitor_throws)
{
    const Named name;
    cqueue::queue queue(name, sized(8));
    queue.enqueue_batch({"a", "b", "c"});
    int calls = 0;
    EXPECT_THROW(queue.walk([&](const cqueue::shown &) {
        if (++calls == 2)
            throw std::runtime_error("enough");
    }),
                 std::runtime_error);
    EXPECT_EQ(calls, 2);
    EXPECT_EQ(queue.stat().length, 3u);
}

} // namespace
} // namespace cqtest
