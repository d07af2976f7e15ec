/* Every counter that wraps: the same calls give the same results whatever sequence the queue begins with. */
#include <sstream>

#include "support/leftovers.hpp"
#include "support/shapes.hpp"

namespace cqtest {
namespace {

/* A fixed script of all kinds of calls, written down with all that a caller can see but positions. */
class Script {
public:
    explicit Script(const Shape &shape) : queue_(Config(capacity, 24), shape), other_(queue_.attach()) {}

    std::string run(uint64_t steps)
    {
        Noise noise(42);
        for (uint64_t i = 0; i < steps; ++i) {
            step(noise, i);
            if (i % 16 == 0)
                note_stats();
        }
        for (Message &message : taken_)
            note("return", cq_return(queue_, &message));
        for (Message &message : reserved_)
            note("abort", cq_abort(queue_, &message));
        note_walk();
        for (const std::string &text : queue_.drain())
            note(text, 0);
        note("capacity", static_cast<int64_t>(queue_.fill()));
        note_stats();
        return trace_.str();
    }

private:
    static constexpr uint64_t capacity = 37;

    void note(const std::string &what, int64_t number) { trace_ << what << ' ' << number << '\n'; }

    void step(Noise &noise, uint64_t number)
    {
        const std::string text = std::to_string(number);
        const Handle &handle = noise.once_in(2) ? static_cast<const Handle &>(queue_) : other_;
        switch (noise.below(10)) {
        case 0: case 1: return note("enqueue", handle.enqueue(text));
        case 2: return enqueue_batch(handle, noise.below(9) + 1, text);
        case 3: case 4: return note("dequeue " + handle.dequeue().value_or("nothing"), 0);
        case 5: return dequeue_batch(handle, noise.below(9) + 1);
        case 6: return reserve_or_finish(noise, text);
        case 7: return take();
        case 8: return finish_taken(noise);
        default: return noise.once_in(8) ? close_other() : note_walk();
        }
    }

    void enqueue_batch(const Handle &handle, size_t count, std::string text)
    {
        const std::vector<cq_slice> slices(count, cq_slice{text.data(), text.size()});
        size_t done = 0;
        note("enqueue_batch", cq_enqueue_batch(handle, slices.data(), count, &done));
        note("done", static_cast<int64_t>(done));
    }

    void dequeue_batch(const Handle &handle, size_t count)
    {
        char buffer[50];
        std::vector<cq_slice> slices(count);
        size_t done = 0;
        note("dequeue_batch", cq_dequeue_batch(handle, buffer, sizeof buffer, slices.data(), count, &done));
        for (size_t i = 0; i < done; ++i)
            note(std::string(static_cast<char *>(slices[i].data), slices[i].size), static_cast<int64_t>(done));
    }

    void reserve_or_finish(Noise &noise, const std::string &text)
    {
        if (reserved_.size() < 3) {
            Message message;
            note("reserve", cq_reserve(queue_, text.size(), &message));
            if (message.data) {
                std::memcpy(message.data, text.data(), text.size());
                reserved_.push_back(message);
            }
            return;
        }
        Message &message = reserved_[noise.below(3)];
        const int result = noise.once_in(3) ? cq_abort(queue_, &message) : cq_commit(queue_, &message, message.size);
        note("finish reservation", result);
        if (result == CQ_OK)
            reserved_.erase(reserved_.begin() + (&message - reserved_.data()));
    }

    void take()
    {
        Message message;
        note("take", cq_take(queue_, &message));
        if (message.data) {
            note(message.text(), message.deliveries);
            taken_.push_back(message);
        }
    }

    void finish_taken(Noise &noise)
    {
        if (taken_.empty())
            return;
        Message &message = taken_[noise.below(taken_.size())];
        note("finish taken", noise.once_in(2) ? cq_return(queue_, &message) : cq_release(queue_, &message));
        taken_.erase(taken_.begin() + (&message - taken_.data()));
    }

    /* With one message in hand, which becomes one to be redelivered. */
    void close_other()
    {
        Message message;
        note("take and close", cq_take(other_, &message));
        other_.close();
        other_ = queue_.attach();
    }

    void note_walk()
    {
        for (const std::string &text : queue_.walk())
            note("walk " + text, 0);
    }

    void note_stats()
    {
        const Stats stats = queue_.stat();
        for (const uint64_t number : {stats.length, stats.orphans, stats.enqueued, stats.dequeued, stats.redelivered,
                                      stats.returned, stats.voided, stats.nodes_touched, stats.nodes_linked})
            trace_ << number << ' ';
        trace_ << '\n';
    }

    Queue queue_;
    Handle other_;
    std::vector<Message> taken_, reserved_;
    std::ostringstream trace_;
};

class Wrap : public ::testing::TestWithParam<uint32_t> {};
INSTANTIATE_TEST_SUITE_P(slots, Wrap, ::testing::Values(1, 2, 64, 256));

TEST_P(Wrap, of_the_sequence_changes_no_result)
{
    const uint64_t steps = 40 * GetParam() + 2000;
    const std::string expected = Script(Shape(GetParam(), 1)).run(steps);
    EXPECT_GT(expected.size(), steps) << "the script must have done something";
    /* The wrap then happens at each of the first nodes, and each half of the number range is crossed once. */
    for (const uint64_t first : {last_sequence, last_sequence - 1, last_sequence - 2, last_sequence - 3,
                                 last_sequence - 7, last_sequence / 2, last_sequence / 2 + 1, last_sequence / 2 - 2,
                                 (UINT64_C(1) << 32) - 2, (UINT64_C(1) << 31) - 1, (UINT64_C(1) << 24) - 2}) {
        const std::string got = Script(Shape(GetParam(), first)).run(steps);
        EXPECT_TRUE(got == expected) << "beginning with sequence " << first;
    }
}

/* What was held or returned before the wrap is older than what came after it. */
TEST_P(Wrap, messages_from_before_it_are_redelivered_before_those_from_after_it)
{
    const uint64_t k = GetParam();
    Queue queue(Config(8 * k, 16), Shape(GetParam(), last_sequence - 1));
    std::vector<std::string> sent;
    for (uint64_t i = 0; i < 5 * k; ++i) {
        sent.push_back(std::to_string(i));
        queue.must_enqueue(sent.back());
    }
    std::vector<Message> held;
    for (uint64_t i = 0; i < 5 * k; ++i)
        held.push_back(queue.take());
    for (uint64_t i = 5 * k; i-- > 0;)
        ASSERT_EQ(cq_return(queue, &held[i]), CQ_OK);
    queue.must_enqueue("new");
    sent.push_back("new");
    EXPECT_EQ(queue.walk(), sent);
    EXPECT_EQ(queue.drain(), sent);
}

TEST_P(Wrap, a_reservation_from_before_it_can_be_committed_after_it)
{
    const uint64_t k = GetParam();
    Queue queue(Config(4, 16), Shape(GetParam(), last_sequence - 1));
    Message late = queue.reserve(4);
    for (uint64_t i = 0; i < 6 * k; ++i) {
        queue.must_enqueue("x");
        ASSERT_EQ(queue.dequeue(), "x");
    }
    std::memcpy(late.data, "late", 4);
    ASSERT_EQ(cq_commit(queue, &late, 4), CQ_OK);
    EXPECT_EQ(queue.dequeue(), "late");
    EXPECT_EQ(queue.fill(), 4u);
}

TEST_P(Wrap, what_a_process_killed_before_it_held_is_recovered_after_it)
{
    const uint64_t k = GetParam();
    Queue queue(Config(4, 16), Shape(GetParam(), last_sequence - 1));
    queue.must_enqueue("held");
    Child child([&](Channel &channel) {
        const Handle mine = queue.attach();
        mine.take();
        mine.reserve(1);
        channel.put('h');
        channel.get();
    });
    ASSERT_EQ(child.get(), 'h');
    for (uint64_t i = 0; i < 6 * k; ++i) {
        queue.must_enqueue("x");
        ASSERT_EQ(queue.dequeue(), "x");
    }
    child.kill();
    const Recovery recovery = queue.recover();
    EXPECT_EQ(recovery.participants, 1u);
    EXPECT_EQ(recovery.messages, 1u);
    EXPECT_EQ(queue.dequeue(), "held");
    EXPECT_EQ(queue.dequeue(), std::nullopt);
    EXPECT_EQ(queue.fill(), 4u);
}

} // namespace
} // namespace cqtest
