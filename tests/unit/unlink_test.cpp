/* cq_unlink: the name goes at once, the queue when the last handle does. */
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "support/leftovers.hpp"

namespace cqtest {
namespace {

TEST(Unlink, of_what_does_not_exist)
{
    EXPECT_EQ(cq_unlink(unique_name().c_str(), nullptr), CQ_ENOENT);
}

TEST(Unlink, works_once)
{
    Queue queue(Config(4, 16));
    EXPECT_EQ(queue.unlink(), CQ_OK);
    EXPECT_EQ(queue.unlink(), CQ_ENOENT);
}

TEST(Unlink, leaves_no_file)
{
    const Directory directory;
    Queue queue(directory.in(Config(4, 16)));
    EXPECT_EQ(queue.unlink(), CQ_OK);
    EXPECT_EQ(entries(directory.path()), std::vector<std::string>());
}

TEST(Unlink, those_who_have_it_open_go_on)
{
    Queue queue(Config(4, 16));
    const Handle other = queue.attach();
    queue.must_enqueue("before");
    ASSERT_EQ(queue.unlink(), CQ_OK);
    queue.must_enqueue("after");
    EXPECT_EQ(other.dequeue(), "before");
    EXPECT_EQ(other.dequeue(), "after");
    EXPECT_EQ(queue.stat().participants, 2u);
    EXPECT_EQ(queue.fill(), 4u);
    EXPECT_EQ(other.recover().participants, 0u);
}

TEST(Unlink, those_who_have_it_open_still_see_each_other_die)
{
    Queue queue(Config(4, 16));
    queue.must_enqueue("x");
    Child child([&](Channel &channel) {
        const Handle handle = queue.attach();
        const Message message = handle.take();
        channel.put('t');
        channel.get();
        return static_cast<int>(message.size);
    });
    ASSERT_EQ(child.get(), 't');
    ASSERT_EQ(queue.unlink(), CQ_OK);
    EXPECT_EQ(queue.recover().participants, 0u);
    child.kill();
    const Recovery recovery = queue.recover();
    EXPECT_EQ(recovery.participants, 1u);
    EXPECT_EQ(recovery.messages, 1u);
    EXPECT_EQ(queue.dequeue(), "x");
}

TEST(Unlink, nobody_can_attach_any_more)
{
    Queue queue(Config(4, 16));
    ASSERT_EQ(queue.unlink(), CQ_OK);
    const Config attach(0, 0, CQ_ATTACH);
    cq_queue *handle = nullptr;
    EXPECT_EQ(cq_open(queue.name().c_str(), &attach, &handle), CQ_ENOENT);
}

TEST(Unlink, a_queue_created_again_is_another_one)
{
    Queue old(Config(4, 16));
    old.must_enqueue("old");
    ASSERT_EQ(old.unlink(), CQ_OK);
    /* Another geometry: nothing of the old one may be found. */
    Queue fresh(Config(5, 32), Shape(), old.name());
    EXPECT_EQ(fresh.dequeue(), std::nullopt);
    EXPECT_EQ(fresh.stat().capacity, 5u);
    fresh.must_enqueue("fresh");
    EXPECT_EQ(old.dequeue(), "old");
    EXPECT_EQ(old.dequeue(), std::nullopt);
    EXPECT_EQ(old.stat().unlinked, 1u) << "the name leads to another region now";
    EXPECT_EQ(fresh.stat().unlinked, 0u);
    EXPECT_EQ(fresh.dequeue(), "fresh");
}

TEST(Unlink, uses_the_directory_of_the_config)
{
    const Directory directory;
    Queue here(directory.in(Config(4, 16)));
    Queue there(Config(4, 16), Shape(), here.name());
    EXPECT_EQ(cq_unlink(here.name().c_str(), nullptr), CQ_OK);
    EXPECT_EQ(here.stat().unlinked, 0u);
    EXPECT_EQ(there.stat().unlinked, 1u);
}

TEST(Unlink, of_a_directory_is_refused)
{
    const Directory directory;
    ASSERT_EQ(::mkdir(directory.file("name").c_str(), 0700), 0);
    const Config config = directory.in(Config());
    EXPECT_EQ(cq_unlink("name", &config), CQ_EACCESS);
}

TEST(Unlink, memory_goes_with_the_last_handle)
{
    const Directory directory;
    Queue queue(directory.in(Config(1000, 4096)));
    queue.fill(std::string(4096, 'x'));
    Handle last = queue.attach();
    ASSERT_EQ(queue.unlink(), CQ_OK);
    queue.close();
    EXPECT_EQ(last.stat().length, 1000u);
    EXPECT_EQ(last.drain().size(), 1000u);
    last.close();
}

TEST(Unlink, messages_outlive_every_handle_while_the_name_is_there)
{
    Queue queue(Config(4, 16));
    queue.must_enqueue("still here");
    queue.close();
    EXPECT_EQ(queue.attach().dequeue(), "still here");
}

TEST(Unlink, creating_and_removing_at_once_never_gives_half_a_queue)
{
    const std::string name = unique_name();
    std::atomic<bool> done{false};
    std::thread remover([&] {
        for (Noise noise(1); !done; std::this_thread::sleep_for(std::chrono::microseconds(noise.below(500))))
            cq_unlink(name.c_str(), nullptr);
    });
    for (int i = 0; i < 300; ++i) {
        const Config config(4, 16);
        cq_queue *opened = nullptr;
        const int result = cq_open(name.c_str(), &config, &opened);
        EXPECT_EQ(result, CQ_OK) << i;
        if (result != CQ_OK)
            break;
        const Handle handle(opened);
        handle.must_enqueue("x");
        EXPECT_EQ(handle.dequeue(), "x");
    }
    done = true;
    remover.join();
    cq_unlink(name.c_str(), nullptr);
}

} // namespace
} // namespace cqtest
