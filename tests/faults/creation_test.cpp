/*
 * Creating, and what may come in between: other creators, death, somebody who removes the file.
 */
#include <atomic>
#include <set>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include "support/directory.hpp"
#include "support/leftovers.hpp"
#include "support/process.hpp"

namespace {

using namespace cqtest;

/* `count` children that call body(index) at the same moment. */
template <class Body>
void together(int count, Body body)
{
    std::vector<Child> children;
    Shared<std::atomic<int>> ready;
    for (int i = 0; i < count; ++i)
        children.emplace_back([&, i](Channel &) {
            ++*ready;
            while (*ready < count)
                ::sched_yield();
            body(i);
        });
    for (Child &child : children)
        EXPECT_EQ(child.join().code, 0);
}

TEST(Fault17, of_several_creators_exactly_one_creates)
{
    for (int round = 0; round < 50; ++round) {
        const std::string name = unique_name();
        Shared<std::atomic<int>> created, existed;
        together(4, [&](int) {
            cq_queue *queue = nullptr;
            const Config config(10, 64, CQ_EXCLUSIVE);
            const int result = cq_open(name.c_str(), &config, &queue);
            ++(result == CQ_OK ? *created : *existed);
            if (result != CQ_OK && result != CQ_EEXIST)
                ::_exit(1);
            cq_close(queue);
        });
        EXPECT_EQ(*created, 1);
        EXPECT_EQ(*existed, 3);
        EXPECT_EQ(cq_unlink(name.c_str(), nullptr), CQ_OK);
    }
}

TEST(Fault17, all_who_create_or_attach_meet_in_one_queue)
{
    for (int round = 0; round < 50; ++round) {
        const std::string name = unique_name();
        together(4, [&](int i) { Handle(name, Config(10, 64)).must_enqueue(std::to_string(i)); });
        const std::vector<std::string> all = Handle(name, Config(10, 64, CQ_ATTACH)).drain();
        EXPECT_EQ((std::set<std::string>(all.begin(), all.end())), (std::set<std::string>{"0", "1", "2", "3"}));
        EXPECT_EQ(all.size(), 4u);
        EXPECT_EQ(cq_unlink(name.c_str(), nullptr), CQ_OK);
    }
}

/* Killed at every system call: system_calls_test.cpp. This is what it would leave if it made the file under its name. */
TEST(Fault18, a_file_that_is_not_ready_is_refused_at_once)
{
    Directory directory;
    const Config config = directory.in(Config(10, 64));
    for (const off_t size : {0, 4096, 200000}) {
        const int fd = ::open(directory.file("half").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
        ASSERT_EQ(::ftruncate(fd, size), 0);
        ::close(fd);
        cq_queue *queue = nullptr;
        EXPECT_EQ(cq_open("half", &config, &queue), CQ_ECORRUPT);
        EXPECT_EQ(cq_unlink("half", &config), CQ_OK);
    }
}

/* Takes the name away all the time, until told to stop. */
class Remover {
public:
    explicit Remover(const std::string &name)
        : name_(name), child_([this](Channel &) {
              while (!*done_) {
                  const int result = cq_unlink(name_.c_str(), nullptr);
                  if (result != CQ_OK && result != CQ_ENOENT)
                      ::_exit(1);
                  for (int i = 0; result == CQ_OK && i < 10; ++i)
                      ::sched_yield();
              }
          })
    {
    }
    ~Remover()
    {
        *done_ = true;
        EXPECT_EQ(child_.join().code, 0);
        cq_unlink(name_.c_str(), nullptr);
    }

private:
    std::string name_;
    Shared<std::atomic<bool>> done_;
    Child child_;
};

TEST(Fault19, opening_while_others_unlink_and_create_gives_a_whole_queue)
{
    const std::string name = unique_name();
    Remover remover(name);
    Shared<std::atomic<int>> orphaned;
    const auto end = Clock::now() + patience;
    together(3, [&](int i) {
        for (int round = 0; (round < 300 || *orphaned == 0) && Clock::now() < end; ++round) {
            Handle handle(name, Config(1000, 64));
            handle.must_enqueue(std::to_string(i));
            for (int yields = 0; yields < 5; ++yields)
                ::sched_yield();
            *orphaned += static_cast<int>(handle.stat().unlinked);
            if (handle.stat().capacity != 1000 || !handle.dequeue())
                ::_exit(2);
        }
    });
    EXPECT_GT(*orphaned, 0) << "the name was never taken away from a queue that was open";
}

TEST(Fault19, a_handle_whose_file_was_replaced_says_so)
{
    Queue first(Config(10, 64));
    first.must_enqueue("old");
    ASSERT_EQ(first.unlink(), CQ_OK);
    EXPECT_EQ(first.stat().unlinked, 1u);
    {
        Queue second(Config(20, 64), Shape(), first.name());
        EXPECT_EQ(first.stat().unlinked, 1u) << "the name leads to another file";
        EXPECT_EQ(second.stat().unlinked, 0u);
        EXPECT_EQ(second.dequeue(), std::nullopt);
        EXPECT_EQ(second.attach().stat().capacity, 20u);
    }
}

TEST(Fault20, a_queue_whose_file_was_removed_keeps_working)
{
    Queue queue(Config(100, 64), Shape(4));
    Handle other = queue.attach();
    Child dead([&](Channel &channel) {
        Handle handle = queue.attach();
        channel.put('o');
        (void)channel.get();
        (void)handle.take();
        ::_exit(0);
    });
    ASSERT_TRUE(dead.get());
    ASSERT_EQ(::unlink(queue.path().c_str()), 0); /* as systemd-logind does, with none of our functions */
    for (int i = 0; i < 100; ++i)                 /* growing all the while */
        queue.must_enqueue(std::to_string(i));
    dead.put('g');
    EXPECT_EQ(dead.join().code, 0);
    EXPECT_EQ(other.stat().unlinked, 1u);
    EXPECT_EQ(other.recover().messages, 1u);
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(other.dequeue(), std::to_string(i));
    Config attach(0, 0, CQ_ATTACH);
    cq_queue *nobody = nullptr;
    EXPECT_EQ(cq_open(queue.name().c_str(), &attach, &nobody), CQ_ENOENT);
}

} // namespace
