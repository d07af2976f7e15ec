/* CQ_READ_ONLY handles: they look on, need no right to write, and are refused everything else. */
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "support/leftovers.hpp"
#include "support/user.hpp"

namespace cqtest {
namespace {

TEST(ReadOnly, walk_and_stat_work)
{
    Queue queue(Config(4, 16));
    const Handle reader = queue.attach(CQ_READ_ONLY);
    EXPECT_TRUE(reader.walk().empty());
    queue.must_enqueue("a");
    queue.must_enqueue("b");
    Message message = queue.take();
    ASSERT_EQ(cq_return(queue, &message), CQ_OK);
    EXPECT_EQ(reader.walk(), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(reader.stat().length, 2u);
    EXPECT_EQ(reader.stat().orphans, 1u);
}

TEST(ReadOnly, everything_else_is_refused)
{
    Queue queue(Config(4, 16));
    queue.must_enqueue("x");
    const Handle reader = queue.attach(CQ_READ_ONLY);
    char buffer[16];
    size_t size = 0, done = 0;
    cq_slice slice{buffer, 1};
    int fd = -1;
    Message message;
    Recovery recovery;
    EXPECT_EQ(cq_enqueue(reader, "x", 1), CQ_EREADONLY);
    EXPECT_EQ(cq_dequeue(reader, buffer, 16, &size), CQ_EREADONLY);
    EXPECT_EQ(cq_enqueue_wait(reader, "x", 1, -1), CQ_EREADONLY);
    EXPECT_EQ(cq_dequeue_wait(reader, buffer, 16, &size, -1), CQ_EREADONLY);
    EXPECT_EQ(cq_enqueue_batch(reader, &slice, 1, &done), CQ_EREADONLY);
    EXPECT_EQ(cq_dequeue_batch(reader, buffer, 16, &slice, 1, &done), CQ_EREADONLY);
    EXPECT_EQ(cq_reserve(reader, 1, &message), CQ_EREADONLY);
    EXPECT_EQ(cq_commit(reader, &message, 1), CQ_EREADONLY);
    EXPECT_EQ(cq_abort(reader, &message), CQ_EREADONLY);
    EXPECT_EQ(cq_take(reader, &message), CQ_EREADONLY);
    EXPECT_EQ(cq_take_wait(reader, &message, -1), CQ_EREADONLY);
    EXPECT_EQ(cq_release(reader, &message), CQ_EREADONLY);
    EXPECT_EQ(cq_return(reader, &message), CQ_EREADONLY);
    EXPECT_EQ(cq_wait(reader, -1), CQ_EREADONLY);
    EXPECT_EQ(cq_wait_room(reader, -1), CQ_EREADONLY);
    EXPECT_EQ(cq_wait_pass_on(reader), CQ_EREADONLY);
    EXPECT_EQ(cq_wait_room_pass_on(reader), CQ_EREADONLY);
    EXPECT_EQ(cq_recover(reader, &recovery), CQ_EREADONLY);
    EXPECT_EQ(cq_recover(reader, nullptr), CQ_EREADONLY);
    EXPECT_EQ(cq_fd(reader, &fd), CQ_EREADONLY);
    EXPECT_EQ(cq_room_fd(reader, &fd), CQ_EREADONLY);
    EXPECT_EQ(queue.drain(), std::vector<std::string>{"x"});
}

TEST(ReadOnly, the_right_to_read_is_enough)
{
    if (::geteuid() == 0 && !may_become_nobody())
        GTEST_SKIP() << why_no_other_user;
    Queue queue(Config(4, 16));
    queue.must_enqueue("x");
    ASSERT_EQ(::chmod(queue.path().c_str(), 0444), 0);
    Child child([&](Channel &) {
        /* Root may write everything, so the child becomes somebody who may not. */
        if (::geteuid() == 0 && !become_nobody())
            return 1;
        Config config(0, 0, CQ_READ_ONLY);
        config.permissions = 0644;
        const Handle reader(queue.name(), config);
        if (reader.walk() != std::vector<std::string>{"x"} || reader.stat().length != 1)
            return 2;
        config.flags = CQ_ATTACH;
        config.permissions = 0660;
        cq_queue *refused = nullptr;
        return cq_open(queue.name().c_str(), &config, &refused) == CQ_EACCESS ? 0 : 3;
    });
    EXPECT_EQ(child.join().code, 0);
}

TEST(ReadOnly, does_not_take_part)
{
    Queue queue(Config(4, 16));
    struct stat before, after;
    ASSERT_EQ(::stat(queue.path().c_str(), &before), 0);
    const Handle reader = queue.attach(CQ_READ_ONLY);
    EXPECT_EQ(queue.stat().participants, 1u);
    reader.stat();
    reader.walk();
    ASSERT_EQ(::stat(queue.path().c_str(), &after), 0);
    EXPECT_EQ(before.st_blocks, after.st_blocks) << "looking must not allocate memory for the region";
}

TEST(ReadOnly, sees_what_happens_in_a_queue_that_was_unlinked)
{
    Queue queue(Config(4, 16));
    const Handle reader = queue.attach(CQ_READ_ONLY);
    ASSERT_EQ(queue.unlink(), CQ_OK);
    queue.must_enqueue("x");
    EXPECT_EQ(reader.walk(), std::vector<std::string>{"x"});
    EXPECT_EQ(reader.stat().unlinked, 1u);
}

TEST(ReadOnly, creates_nothing)
{
    Queue queue(Config(4, 16));
    const Config config(4, 16, CQ_READ_ONLY);
    const std::string name = unique_name();
    cq_queue *reader = nullptr;
    EXPECT_EQ(cq_open(name.c_str(), &config, &reader), CQ_ENOENT);
    EXPECT_EQ(cq_unlink(name.c_str(), nullptr), CQ_ENOENT);
}

} // namespace
} // namespace cqtest
