/* CQ_EFORK: a child's copy of its parent's handle refuses every call, and can be freed without harm to the parent. */
#include <gtest/gtest.h>

#include "support/leftovers.hpp"

namespace cqtest {
namespace {

int ignore(const cq_message *, void *) { return 0; }

TEST(Fork, every_function_refuses_the_parents_handle)
{
    Queue queue(Config(4, 16));
    queue.must_enqueue("x");
    const Message held = queue.take();
    const Message open = queue.reserve(1);
    Child child([&](Channel &) {
        char buffer[16];
        size_t size = 0, done = 0;
        cq_slice slice{buffer, 1};
        int fd = -1;
        Message message;
        Message taken = held;
        Message reserved = open;
        Stats stats;
        uint64_t length = 0;
        const int results[] = {
            cq_enqueue(queue, "x", 1),
            cq_dequeue(queue, buffer, 16, &size),
            cq_enqueue_wait(queue, "x", 1, -1),
            cq_dequeue_wait(queue, buffer, 16, &size, -1),
            cq_enqueue_batch(queue, &slice, 1, &done),
            cq_dequeue_batch(queue, buffer, 16, &slice, 1, &done),
            cq_reserve(queue, 1, &message),
            cq_commit(queue, &reserved, 1),
            cq_abort(queue, &reserved),
            cq_take(queue, &message),
            cq_take_wait(queue, &message, -1),
            cq_release(queue, &taken),
            cq_return(queue, &taken),
            cq_walk(queue, ignore, nullptr),
            cq_stat(queue, &stats),
            cq_length(queue, &length),
            cq_wait(queue, -1),
            cq_wait_room(queue, -1),
            cq_wait_pass_on(queue),
            cq_wait_room_pass_on(queue),
            cq_recover(queue, nullptr),
            cq_fd(queue, &fd),
            cq_room_fd(queue, &fd),
        };
        for (const int result : results)
            if (result != CQ_EFORK)
                return 1;
        return 0;
    });
    EXPECT_EQ(child.join().code, 0);
    Message message = held;
    EXPECT_EQ(cq_return(queue, &message), CQ_OK);
    message = open;
    EXPECT_EQ(cq_abort(queue, &message), CQ_OK);
    EXPECT_EQ(queue.dequeue(), "x");
}

TEST(Fork, a_read_only_handle_is_refused_too)
{
    Queue queue(Config(4, 16));
    const Handle reader = queue.attach(CQ_READ_ONLY);
    Child child([&](Channel &) {
        Stats stats;
        return cq_walk(reader, ignore, nullptr) == CQ_EFORK && cq_stat(reader, &stats) == CQ_EFORK ? 0 : 1;
    });
    EXPECT_EQ(child.join().code, 0);
    EXPECT_EQ(reader.stat().participants, 1u);
}

TEST(Fork, closing_the_copy_leaves_the_parents_handle_alone)
{
    Queue queue(Config(4, 16));
    queue.must_enqueue("x");
    Message held = queue.take();
    int fd = -1, room = -1;
    ASSERT_EQ(cq_fd(queue, &fd), CQ_OK);
    ASSERT_EQ(cq_room_fd(queue, &room), CQ_OK);
    Child child([&](Channel &) { return cq_close(queue); });
    EXPECT_EQ(child.join().code, CQ_OK);
    EXPECT_EQ(queue.stat().participants, 1u);
    EXPECT_EQ(queue.dequeue(), std::nullopt) << "the held message must not have been given back";
    EXPECT_EQ(held.text(), "x");
    EXPECT_EQ(cq_release(queue, &held), CQ_OK);
    queue.must_enqueue("y");
    EXPECT_EQ(queue.dequeue(), "y");
}

TEST(Fork, the_child_opens_its_own)
{
    Queue queue(Config(4, 16));
    Child child([&](Channel &channel) {
        const Handle mine = queue.attach();
        mine.must_enqueue("from the child");
        channel.put(mine.stat().participants);
        channel.get();
    });
    EXPECT_EQ(child.get<uint32_t>(), 2u);
    EXPECT_EQ(queue.dequeue(), "from the child");
    child.put('x');
    EXPECT_EQ(child.join().code, 0);
    EXPECT_EQ(queue.stat().participants, 1u);
}

TEST(Fork, a_child_that_outlives_its_parent_does_not_keep_its_handle_alive)
{
    Queue queue(Config(4, 16));
    queue.must_enqueue("x");
    Child parent([&](Channel &channel) {
        Handle mine = queue.attach();
        mine.take();
        const pid_t grandchild = ::fork();
        if (grandchild == 0) {
            /* Until the test lets go of its end of the channel. */
            channel.get();
            ::_exit(0);
        }
        channel.put('f');
        for (;;)
            ::pause();
    });
    ASSERT_EQ(parent.get(), 'f');
    parent.kill();
    EXPECT_EQ(queue.recover().participants, 1u);
    EXPECT_EQ(queue.dequeue(), "x");
}

} // namespace
} // namespace cqtest
