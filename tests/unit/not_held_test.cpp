/* CQ_ENOTHELD: a cq_message that this handle does not hold, or does not hold any more, in each way that can come about. */
#include "support/leftovers.hpp"
#include "support/shapes.hpp"

namespace cqtest {
namespace {

using NotHeld = OverShapes;
CQTEST_OVER_SHAPES(NotHeld);

/* None of the four may do anything with the message. */
void expect_not_held(const Handle &queue, Message message)
{
    EXPECT_EQ(cq_commit(queue, &message, 0), CQ_ENOTHELD);
    EXPECT_EQ(cq_abort(queue, &message), CQ_ENOTHELD);
    EXPECT_EQ(cq_release(queue, &message), CQ_ENOTHELD);
    EXPECT_EQ(cq_return(queue, &message), CQ_ENOTHELD);
}

TEST_P(NotHeld, a_message_that_was_never_filled_in)
{
    Queue queue(Config(4, 16), GetParam());
    expect_not_held(queue, Message());
}

TEST_P(NotHeld, a_committed_message)
{
    Queue queue(Config(4, 16), GetParam());
    Message message = queue.reserve(0);
    const Message copy = message;
    ASSERT_EQ(cq_commit(queue, &message, 0), CQ_OK);
    expect_not_held(queue, message);
    expect_not_held(queue, copy);
    EXPECT_EQ(queue.dequeue(), "") << "the message must not have suffered";
    expect_not_held(queue, copy);
}

TEST_P(NotHeld, a_reservation_given_up)
{
    Queue queue(Config(4, 16), GetParam());
    Message message = queue.reserve(0);
    const Message copy = message;
    ASSERT_EQ(cq_abort(queue, &message), CQ_OK);
    expect_not_held(queue, message);
    expect_not_held(queue, copy);
    EXPECT_EQ(queue.fill(), 4u);
}

TEST_P(NotHeld, a_released_message)
{
    Queue queue(Config(4, 16), GetParam());
    queue.must_enqueue("x");
    Message message = queue.take();
    const Message copy = message;
    ASSERT_EQ(cq_release(queue, &message), CQ_OK);
    expect_not_held(queue, message);
    expect_not_held(queue, copy);
}

TEST_P(NotHeld, a_returned_message)
{
    Queue queue(Config(4, 16), GetParam());
    queue.must_enqueue("x");
    Message message = queue.take();
    const Message copy = message;
    ASSERT_EQ(cq_return(queue, &message), CQ_OK);
    expect_not_held(queue, message);
    expect_not_held(queue, copy);
    EXPECT_EQ(queue.dequeue(), "x");
}

TEST_P(NotHeld, a_returned_message_that_was_taken_again)
{
    Queue queue(Config(4, 16), GetParam());
    queue.must_enqueue("x");
    Message message = queue.take();
    const Message stale = message;
    ASSERT_EQ(cq_return(queue, &message), CQ_OK);
    Message again = queue.take();
    expect_not_held(queue, stale);
    EXPECT_EQ(cq_release(queue, &again), CQ_OK);
}

TEST_P(NotHeld, a_reservation_can_be_neither_released_nor_returned)
{
    Queue queue(Config(4, 16), GetParam());
    Message message = queue.reserve(1);
    EXPECT_EQ(cq_release(queue, &message), CQ_ENOTHELD);
    EXPECT_EQ(cq_return(queue, &message), CQ_ENOTHELD);
    *static_cast<char *>(message.data) = 'x';
    EXPECT_EQ(cq_commit(queue, &message, 1), CQ_OK);
    EXPECT_EQ(queue.dequeue(), "x");
}

TEST_P(NotHeld, a_taken_message_can_be_neither_committed_nor_aborted)
{
    Queue queue(Config(4, 16), GetParam());
    queue.must_enqueue("x");
    Message message = queue.take();
    EXPECT_EQ(cq_commit(queue, &message, 1), CQ_ENOTHELD);
    EXPECT_EQ(cq_abort(queue, &message), CQ_ENOTHELD);
    EXPECT_EQ(message.text(), "x");
    EXPECT_EQ(cq_release(queue, &message), CQ_OK);
}

TEST_P(NotHeld, a_message_of_another_handle_on_the_queue)
{
    Queue queue(Config(4, 16), GetParam());
    const Handle other = queue.attach();
    queue.must_enqueue("x");
    Message taken = queue.take();
    Message reserved = queue.reserve(0);
    expect_not_held(other, taken);
    expect_not_held(other, reserved);
    EXPECT_EQ(cq_release(queue, &taken), CQ_OK);
    EXPECT_EQ(cq_commit(queue, &reserved, 0), CQ_OK);
}

TEST_P(NotHeld, a_message_of_another_queue)
{
    Queue queue(Config(4, 16), GetParam());
    Queue other(Config(4, 16), GetParam());
    queue.must_enqueue("x");
    Message taken = queue.take();
    Message reserved = queue.reserve(0);
    expect_not_held(other, taken);
    expect_not_held(other, reserved);
    EXPECT_EQ(cq_return(queue, &taken), CQ_OK);
    EXPECT_EQ(cq_abort(queue, &reserved), CQ_OK);
}

TEST_P(NotHeld, a_stale_message_when_its_slot_is_in_use_again)
{
    Queue queue(Config(1, 16), GetParam());
    const Message stale_reserved = queue.reserve(0);
    Message message = stale_reserved;
    ASSERT_EQ(cq_commit(queue, &message, 0), CQ_OK);
    const Message stale_taken = queue.take();
    message = stale_taken;
    ASSERT_EQ(cq_release(queue, &message), CQ_OK);
    /* Long enough for every node to be used again. */
    for (uint64_t i = 0; i < 4 * k() + 8; ++i) {
        Message reserved = queue.reserve(0);
        expect_not_held(queue, stale_reserved);
        expect_not_held(queue, stale_taken);
        ASSERT_EQ(cq_commit(queue, &reserved, 0), CQ_OK);
        Message taken = queue.take();
        expect_not_held(queue, stale_reserved);
        expect_not_held(queue, stale_taken);
        ASSERT_EQ(cq_release(queue, &taken), CQ_OK);
    }
}

TEST_P(NotHeld, a_message_with_nonsense_in_it)
{
    Queue queue(Config(4, 16), GetParam());
    queue.must_enqueue("x");
    const Message taken = queue.take();
    const Message reserved = queue.reserve(8);
    Noise noise(7);
    for (int i = 0; i < 2000; ++i) {
        Message message = i % 2 ? taken : reserved;
        /* One word at a time may be damaged, or all of them, by one bit or by many. */
        uint64_t *words[] = {&message.token[0], &message.token[1], &message.position};
        for (uint64_t *word : words) {
            if (i % 3 == 0)
                *word = noise.next();
            else if (noise.once_in(2))
                *word ^= UINT64_C(1) << noise.below(64);
        }
        if (message.token[0] == taken.token[0] || message.token[0] == reserved.token[0])
            message.token[0] = ~message.token[0];
        message.data = reinterpret_cast<void *>(uintptr_t{8});
        expect_not_held(queue, message);
    }
    Message message = taken;
    EXPECT_EQ(message.text(), "x");
    EXPECT_EQ(cq_release(queue, &message), CQ_OK);
    message = reserved;
    EXPECT_EQ(cq_abort(queue, &message), CQ_OK);
}

} // namespace
} // namespace cqtest
