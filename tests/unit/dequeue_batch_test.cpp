/* cq_dequeue_batch: the oldest messages, one behind the other in one buffer. */
#include "support/leftovers.hpp"
#include "support/shapes.hpp"

namespace cqtest {
namespace {

using DequeueBatch = OverShapes;
CQTEST_OVER_SHAPES(DequeueBatch);

struct Batch {
    int result = 0;
    size_t done = 0;
    size_t needed = 0; /* messages[0].size */
    bool gapless = true;
    std::vector<std::string> texts;
};

Batch dequeue_batch(const Handle &queue, size_t count, size_t buffer_size)
{
    Batch batch;
    std::vector<char> buffer(buffer_size + 1, '#');
    std::vector<cq_slice> slices(count, cq_slice{nullptr, 0});
    batch.done = 99;
    batch.result = cq_dequeue_batch(queue, buffer.data(), buffer_size, slices.data(), count, &batch.done);
    batch.needed = slices[0].size;
    const char *place = buffer.data();
    for (size_t i = 0; i < batch.done && batch.done <= count; ++i) {
        batch.gapless = batch.gapless && (slices[i].data == place || slices[i].size == 0);
        place += slices[i].size;
        batch.texts.emplace_back(static_cast<const char *>(slices[i].data), slices[i].size);
    }
    EXPECT_EQ(buffer[buffer_size], '#') << "nothing may be written behind the buffer";
    return batch;
}

using Texts = std::vector<std::string>;


TEST_P(DequeueBatch, of_an_empty_queue_returns_empty)
{
    Queue queue(Config(4, 16), GetParam());
    const Batch batch = dequeue_batch(queue, 3, 100);
    EXPECT_EQ(batch.result, CQ_EMPTY);
    EXPECT_EQ(batch.done, 0u);
}

TEST_P(DequeueBatch, takes_as_many_as_are_asked_for)
{
    Queue queue(Config(4, 16), GetParam());
    for (const char *text : {"one", "two", "three", "four"})
        queue.must_enqueue(text);
    const Batch batch = dequeue_batch(queue, 3, 100);
    EXPECT_EQ(batch.result, CQ_OK);
    EXPECT_EQ(batch.texts, (Texts{"one", "two", "three"}));
    EXPECT_TRUE(batch.gapless);
    EXPECT_EQ(queue.drain(), Texts{"four"});
}

TEST_P(DequeueBatch, takes_as_many_as_are_waiting)
{
    Queue queue(Config(4, 16), GetParam());
    queue.must_enqueue("one");
    queue.must_enqueue("two");
    const Batch batch = dequeue_batch(queue, 9, 100);
    EXPECT_EQ(batch.result, CQ_OK);
    EXPECT_EQ(batch.texts, (Texts{"one", "two"}));
    EXPECT_EQ(queue.dequeue(), std::nullopt);
}

TEST_P(DequeueBatch, reaches_across_what_was_given_up)
{
    Queue queue(Config(8, 16), GetParam());
    queue.must_enqueue("one");
    cq_message aborted = {};
    aborted.struct_size = sizeof aborted;
    ASSERT_EQ(cq_reserve(queue, 4, &aborted), CQ_OK);
    queue.must_enqueue("two");
    ASSERT_EQ(cq_abort(queue, &aborted), CQ_OK);
    EXPECT_EQ(dequeue_batch(queue, 3, 100).texts, (Texts{"one", "two"}));
}

TEST_P(DequeueBatch, reaches_across_nodes)
{
    const uint64_t count = 3 * k() + 2;
    Queue queue(Config(count, 16), GetParam());
    Texts sent;
    for (uint64_t i = 0; i < count; ++i) {
        sent.push_back(std::to_string(i));
        queue.must_enqueue(sent.back());
    }
    const Batch batch = dequeue_batch(queue, count, 16 * count);
    EXPECT_EQ(batch.result, CQ_OK);
    EXPECT_EQ(batch.texts, sent);
    EXPECT_TRUE(batch.gapless);
}

TEST_P(DequeueBatch, takes_as_many_as_fit_into_the_buffer)
{
    Queue queue(Config(4, 16), GetParam());
    for (const char *text : {"1234", "567", "89"})
        queue.must_enqueue(text);
    Batch batch = dequeue_batch(queue, 3, 8);
    EXPECT_EQ(batch.result, CQ_OK);
    EXPECT_EQ(batch.texts, (Texts{"1234", "567"}));
    batch = dequeue_batch(queue, 3, 2);
    EXPECT_EQ(batch.result, CQ_OK);
    EXPECT_EQ(batch.texts, Texts{"89"});
}

TEST_P(DequeueBatch, fits_a_buffer_of_exactly_the_right_size)
{
    Queue queue(Config(4, 16), GetParam());
    for (const char *text : {"1234", "567", "89"})
        queue.must_enqueue(text);
    const Batch batch = dequeue_batch(queue, 3, 9);
    EXPECT_EQ(batch.result, CQ_OK);
    EXPECT_EQ(batch.texts, (Texts{"1234", "567", "89"}));
}

TEST_P(DequeueBatch, does_not_skip_a_message_that_does_not_fit_for_one_that_does)
{
    Queue queue(Config(4, 16), GetParam());
    for (const char *text : {"12", "a long one", "3"})
        queue.must_enqueue(text);
    EXPECT_EQ(dequeue_batch(queue, 3, 5).texts, Texts{"12"});
    EXPECT_EQ(queue.drain(), (Texts{"a long one", "3"}));
}

TEST_P(DequeueBatch, whose_first_message_does_not_fit_reports_its_size)
{
    Queue queue(Config(4, 16), GetParam());
    queue.must_enqueue("twelve bytes");
    queue.must_enqueue("x");
    for (const size_t room : {0u, 1u, 11u}) {
        const Batch batch = dequeue_batch(queue, 2, room);
        EXPECT_EQ(batch.result, CQ_ETOOSMALL);
        EXPECT_EQ(batch.done, 0u);
        EXPECT_EQ(batch.needed, 12u);
    }
    EXPECT_EQ(queue.drain(), (Texts{"twelve bytes", "x"}));
}

TEST_P(DequeueBatch, takes_empty_messages_without_a_buffer)
{
    Queue queue(Config(4, 16), GetParam());
    queue.must_enqueue("");
    queue.must_enqueue("");
    queue.must_enqueue("x");
    cq_slice slices[3];
    size_t done = 0;
    EXPECT_EQ(cq_dequeue_batch(queue, nullptr, 0, slices, 3, &done), CQ_OK);
    EXPECT_EQ(done, 2u);
    EXPECT_EQ(slices[0].size, 0u);
    EXPECT_EQ(slices[1].size, 0u);
    EXPECT_EQ(queue.drain(), Texts{"x"});
}

TEST_P(DequeueBatch, skips_places_that_were_given_up)
{
    Queue queue(Config(4 * k() + 8, 16), GetParam());
    Texts sent;
    for (uint64_t i = 0; i < 2 * k() + 2; ++i) {
        sent.push_back(std::to_string(i));
        queue.must_enqueue(sent.back());
        Message hole = queue.reserve(1);
        ASSERT_EQ(cq_abort(queue, &hole), CQ_OK);
    }
    Texts got;
    for (;;) {
        const Batch batch = dequeue_batch(queue, sent.size(), 16 * sent.size());
        if (batch.result == CQ_EMPTY)
            break;
        ASSERT_EQ(batch.result, CQ_OK);
        got.insert(got.end(), batch.texts.begin(), batch.texts.end());
    }
    EXPECT_EQ(got, sent);
}

TEST_P(DequeueBatch, begins_with_the_messages_to_be_redelivered)
{
    Queue queue(Config(8, 16), GetParam());
    for (const char *text : {"a", "b", "c", "d"})
        queue.must_enqueue(text);
    Message first = queue.take();
    Message second = queue.take();
    ASSERT_EQ(cq_return(queue, &second), CQ_OK);
    ASSERT_EQ(cq_return(queue, &first), CQ_OK);
    Texts got;
    for (;;) {
        const Batch batch = dequeue_batch(queue, 8, 100);
        if (batch.result == CQ_EMPTY)
            break;
        ASSERT_EQ(batch.result, CQ_OK);
        got.insert(got.end(), batch.texts.begin(), batch.texts.end());
    }
    EXPECT_EQ(got, (Texts{"a", "b", "c", "d"}));
    EXPECT_EQ(queue.stat().redelivered, 2u);
}

TEST_P(DequeueBatch, of_one_is_a_dequeue)
{
    Queue queue(Config(2 * k(), 16), GetParam());
    for (uint64_t i = 0; i < 2 * k(); ++i)
        queue.must_enqueue(std::to_string(i));
    for (uint64_t i = 0; i < 2 * k(); ++i)
        ASSERT_EQ(dequeue_batch(queue, 1, 16).texts, Texts{std::to_string(i)});
    EXPECT_EQ(dequeue_batch(queue, 1, 16).result, CQ_EMPTY);
}

} // namespace
} // namespace cqtest
