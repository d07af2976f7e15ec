/* Several handles on one queue in one process, and handles that are closed with something in hand. */
#include "support/leftovers.hpp"
#include "support/shapes.hpp"

namespace cqtest {
namespace {

using Handles = OverShapes;
CQTEST_OVER_SHAPES(Handles);

using Texts = std::vector<std::string>;

TEST_P(Handles, share_the_queue)
{
    Queue queue(Config(3 * k() + 3, 16), GetParam());
    const Handle other = queue.attach();
    const Handle third = queue.attach();
    const Handle *handles[] = {&queue, &other, &third};
    for (uint64_t i = 0; i < 3 * k() + 3; ++i)
        handles[i % 3]->must_enqueue(std::to_string(i));
    for (uint64_t i = 0; i < 3 * k() + 3; ++i)
        ASSERT_EQ(handles[(i / 2) % 3]->dequeue(), std::to_string(i));
    for (const Handle *handle : handles)
        EXPECT_EQ(handle->dequeue(), std::nullopt);
}

TEST_P(Handles, agree_on_full)
{
    Queue queue(Config(4, 16), GetParam());
    const Handle other = queue.attach();
    EXPECT_EQ(queue.fill(), 4u);
    EXPECT_EQ(other.enqueue("x"), CQ_FULL);
    other.dequeue();
    EXPECT_EQ(queue.fill(), 1u);
    EXPECT_EQ(other.enqueue("x"), CQ_FULL);
}

TEST_P(Handles, may_come_and_go)
{
    Queue queue(Config(4, 16), GetParam());
    for (uint64_t i = 0; i < 50; ++i) {
        const Handle producer = queue.attach();
        producer.must_enqueue(std::to_string(i));
        const Handle consumer = queue.attach();
        ASSERT_EQ(consumer.dequeue(), std::to_string(i));
    }
    EXPECT_EQ(queue.stat().participants, 1u);
    EXPECT_EQ(queue.recover().participants, 0u) << "who closed is not dead";
}

TEST_P(Handles, closed_with_messages_in_hand_give_them_back)
{
    const uint64_t count = std::min<uint64_t>(k() + 2, 30);
    Queue queue(Config(count, 16), GetParam());
    Texts sent;
    for (uint64_t i = 0; i < count; ++i) {
        sent.push_back(std::to_string(i));
        queue.must_enqueue(sent.back());
    }
    Handle consumer = queue.attach();
    for (uint64_t i = 0; i < count; ++i)
        consumer.take();
    EXPECT_EQ(queue.dequeue(), std::nullopt);
    consumer.close();
    EXPECT_EQ(queue.drain(), sent);
    EXPECT_EQ(queue.fill(), count);
}

TEST_P(Handles, closed_with_reservations_open_drop_them)
{
    const uint64_t count = k() + 2;
    Queue queue(Config(count, 16), GetParam());
    Handle producer = queue.attach();
    for (uint64_t i = 0; i < count; ++i)
        producer.reserve(16);
    EXPECT_EQ(producer.enqueue("x"), CQ_FULL);
    producer.close();
    EXPECT_EQ(queue.fill(), count);
    EXPECT_EQ(queue.drain().size(), count);
}

TEST_P(Handles, closed_with_voided_reservations_leave_nothing)
{
    Queue queue(Config(4, 16), GetParam());
    for (uint64_t i = 0; i < k() + 2; ++i) {
        Handle producer = queue.attach();
        producer.reserve(16);
        queue.must_enqueue("x");
        ASSERT_EQ(queue.dequeue(), "x");
        producer.close();
    }
    EXPECT_EQ(queue.fill(), 4u);
}

TEST_P(Handles, closing_one_does_not_touch_what_another_holds)
{
    Queue queue(Config(6, 16), GetParam());
    for (const char *text : {"a", "b", "c", "d"})
        queue.must_enqueue(text);
    Handle other = queue.attach();
    Message a = queue.take();
    other.take();
    Message c = queue.take();
    Message open = queue.reserve(1);
    other.reserve(1);
    other.close();
    EXPECT_EQ(a.text(), "a");
    EXPECT_EQ(c.text(), "c");
    EXPECT_EQ(cq_release(queue, &a), CQ_OK);
    EXPECT_EQ(cq_return(queue, &c), CQ_OK);
    *static_cast<char *>(open.data) = 'e';
    EXPECT_EQ(cq_commit(queue, &open, 1), CQ_OK);
    EXPECT_EQ(queue.drain(), (Texts{"b", "c", "d", "e"}));
}

/* An id is used again by the next handle: it must not inherit what its predecessor left. */
TEST_P(Handles, a_new_one_holds_nothing_of_a_closed_one)
{
    Queue queue(Config(4, 16), GetParam());
    queue.must_enqueue("x");
    Handle first = queue.attach();
    Message message = first.take();
    first.close();
    const Handle second = queue.attach();
    EXPECT_EQ(cq_release(second, &message), CQ_ENOTHELD);
    EXPECT_EQ(cq_return(second, &message), CQ_ENOTHELD);
    EXPECT_EQ(queue.dequeue(), "x");
}

TEST_P(Handles, recover_with_nobody_dead_finds_nothing)
{
    Queue queue(Config(4, 16), GetParam());
    const Handle other = queue.attach();
    queue.must_enqueue("a");
    Message held = other.take();
    Message open = other.reserve(1);
    for (int i = 0; i < 3; ++i) {
        const Recovery recovery = queue.recover();
        EXPECT_EQ(recovery.struct_size, sizeof(cq_recovery));
        EXPECT_EQ(recovery.participants, 0u);
        EXPECT_EQ(recovery.slots, 0u);
        EXPECT_EQ(recovery.messages, 0u);
        EXPECT_EQ(recovery.nodes, 0u);
    }
    EXPECT_EQ(cq_release(other, &held), CQ_OK);
    EXPECT_EQ(cq_abort(other, &open), CQ_OK);
}

TEST_P(Handles, recover_counts_what_a_dead_one_left)
{
    Queue queue(Config(8, 16), GetParam());
    for (const char *text : {"a", "b", "c"})
        queue.must_enqueue(text);
    Child child([&](Channel &channel) {
        const Handle handle = queue.attach();
        handle.take();
        handle.take();
        handle.reserve(4);
        channel.put('r');
        channel.get();
    });
    ASSERT_EQ(child.get(), 'r');
    child.kill();
    Recovery recovery = queue.recover();
    EXPECT_EQ(recovery.participants, 1u);
    EXPECT_EQ(recovery.messages, 2u);
    EXPECT_EQ(recovery.slots, 1u);
    recovery = queue.recover();
    EXPECT_EQ(recovery.participants, 0u);
    EXPECT_EQ(recovery.messages, 0u);
    EXPECT_EQ(recovery.slots, 0u);
    EXPECT_EQ(recovery.nodes, 0u);
    EXPECT_EQ(queue.drain(), (Texts{"a", "b", "c"}));
    EXPECT_EQ(queue.fill(), 8u);
}

} // namespace
} // namespace cqtest
