/* cq_enqueue_batch: all in order, as many as there is room for, or none at all. */
#include "support/leftovers.hpp"
#include "support/shapes.hpp"

namespace cqtest {
namespace {

using EnqueueBatch = OverShapes;
CQTEST_OVER_SHAPES(EnqueueBatch);

cq_slice slice(const std::string &text) { return {const_cast<char *>(text.data()), text.size()}; }

/* Texts of different sizes, "0", "1", ... */
std::vector<std::string> numbers(uint64_t count)
{
    std::vector<std::string> texts;
    for (uint64_t i = 0; i < count; ++i)
        texts.push_back(std::to_string(i) + std::string(i % 9, '.'));
    return texts;
}

std::vector<cq_slice> slices(const std::vector<std::string> &texts)
{
    std::vector<cq_slice> all;
    for (const std::string &text : texts)
        all.push_back(slice(text));
    return all;
}

TEST_P(EnqueueBatch, messages_come_out_in_their_order)
{
    for (const uint64_t count : {UINT64_C(1), UINT64_C(2), k(), k() + 1, 3 * k() + 1}) {
        const auto texts = numbers(count);
        Queue queue(Config(count, 16), GetParam());
        size_t done = 0;
        ASSERT_EQ(cq_enqueue_batch(queue, slices(texts).data(), count, &done), CQ_OK);
        EXPECT_EQ(done, count);
        EXPECT_EQ(queue.drain(), texts);
    }
}

TEST_P(EnqueueBatch, may_begin_at_any_index_of_a_node)
{
    const auto texts = numbers(2 * k() + 1);
    Queue queue(Config(2 * k() + 1, 16), GetParam());
    for (uint64_t start = 0; start <= k(); start += 1 + k() / 16) {
        size_t done = 0;
        ASSERT_EQ(cq_enqueue_batch(queue, slices(texts).data(), texts.size(), &done), CQ_OK) << start;
        ASSERT_EQ(done, texts.size());
        ASSERT_EQ(queue.drain(), texts) << start;
        for (uint64_t i = 0; i < 1 + k() / 16; ++i) {
            queue.must_enqueue("shift");
            ASSERT_EQ(queue.dequeue(), "shift");
        }
    }
}

TEST_P(EnqueueBatch, goes_behind_what_is_there)
{
    Queue queue(Config(8, 16), GetParam());
    queue.must_enqueue("before");
    const auto texts = numbers(3);
    size_t done = 0;
    ASSERT_EQ(cq_enqueue_batch(queue, slices(texts).data(), 3, &done), CQ_OK);
    queue.must_enqueue("after");
    EXPECT_EQ(queue.drain(), (std::vector<std::string>{"before", "0", "1.", "2..", "after"}));
}

TEST_P(EnqueueBatch, that_does_not_fit_is_done_in_part)
{
    Queue queue(Config(5, 16), GetParam());
    const auto texts = numbers(8);
    size_t done = 99;
    EXPECT_EQ(cq_enqueue_batch(queue, slices(texts).data(), 8, &done), CQ_FULL);
    EXPECT_EQ(done, 5u);
    EXPECT_EQ(cq_enqueue_batch(queue, slices(texts).data() + done, 3, &done), CQ_FULL);
    EXPECT_EQ(done, 0u);
    EXPECT_EQ(queue.drain(), (std::vector<std::string>{"0", "1.", "2..", "3...", "4...."}));
}

TEST_P(EnqueueBatch, that_fits_exactly_is_all_done)
{
    Queue queue(Config(5, 16), GetParam());
    const auto texts = numbers(5);
    size_t done = 99;
    EXPECT_EQ(cq_enqueue_batch(queue, slices(texts).data(), 5, &done), CQ_OK);
    EXPECT_EQ(done, 5u);
    EXPECT_EQ(queue.enqueue("more"), CQ_FULL);
}

TEST_P(EnqueueBatch, with_one_message_too_big_enqueues_nothing)
{
    Queue queue(Config(8, 4), GetParam());
    const std::vector<std::string> texts{"1", "2", "fiver", "4"};
    for (size_t count = 3; count <= 4; ++count) {
        size_t done = 99;
        EXPECT_EQ(cq_enqueue_batch(queue, slices(texts).data(), count, &done), CQ_ETOOBIG);
        EXPECT_EQ(done, 0u);
    }
    EXPECT_EQ(queue.dequeue(), std::nullopt);
    EXPECT_EQ(queue.fill(), 8u);
}

TEST_P(EnqueueBatch, too_big_is_told_before_full)
{
    Queue queue(Config(1, 4), GetParam());
    queue.must_enqueue("x");
    const std::vector<std::string> texts{"1", "fiver"};
    size_t done = 99;
    EXPECT_EQ(cq_enqueue_batch(queue, slices(texts).data(), 2, &done), CQ_ETOOBIG);
    EXPECT_EQ(done, 0u);
}

TEST_P(EnqueueBatch, takes_empty_messages_without_data)
{
    Queue queue(Config(4, 4), GetParam());
    const cq_slice nothing[] = {{nullptr, 0}, {nullptr, 0}, {nullptr, 0}};
    size_t done = 0;
    EXPECT_EQ(cq_enqueue_batch(queue, nothing, 3, &done), CQ_OK);
    EXPECT_EQ(done, 3u);
    EXPECT_EQ(queue.drain(), (std::vector<std::string>{"", "", ""}));
}

TEST_P(EnqueueBatch, refuses_a_message_without_data_that_has_a_size)
{
    Queue queue(Config(4, 4), GetParam());
    const cq_slice bad[] = {{const_cast<char *>("ok"), 2}, {nullptr, 1}};
    size_t done = 99;
    EXPECT_EQ(cq_enqueue_batch(queue, bad, 2, &done), CQ_EINVAL);
    EXPECT_EQ(queue.fill(), 4u);
}

TEST_P(EnqueueBatch, of_a_voided_place_keeps_its_own_order)
{
    /* A reservation in front of the batch is voided by the consumer that takes the batch. */
    Queue queue(Config(3 * k() + 4, 16), GetParam());
    Message late = queue.reserve(4);
    std::memcpy(late.data, "late", 4);
    const auto texts = numbers(2 * k() + 1);
    size_t done = 0;
    ASSERT_EQ(cq_enqueue_batch(queue, slices(texts).data(), texts.size(), &done), CQ_OK);
    ASSERT_EQ(queue.dequeue(), "0");
    ASSERT_EQ(cq_commit(queue, &late, 4), CQ_OK);
    auto expected = texts;
    expected.erase(expected.begin());
    expected.push_back("late");
    EXPECT_EQ(queue.drain(), expected);
}

} // namespace
} // namespace cqtest
