/* cq_fd and cq_room_fd: descriptors for event loops. */
#include <atomic>
#include <csignal>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>

#include "support/leftovers.hpp"
#include "support/shapes.hpp"

namespace cqtest {
namespace {

bool readable(int fd, milliseconds limit)
{
    pollfd wanted{fd, POLLIN, 0};
    return ::poll(&wanted, 1, static_cast<int>(limit.count())) == 1 && (wanted.revents & POLLIN);
}

bool becomes_readable(int fd) { return readable(fd, std::chrono::duration_cast<milliseconds>(patience)); }

/* A descriptor may be up when nothing is there, until a call has come back empty-handed. */
template <class TryUntilNothing>
bool becomes_and_stays_unreadable(int fd, TryUntilNothing &&attempt)
{
    return eventually([&] {
        attempt();
        return !readable(fd, milliseconds(150));
    });
}

int message_fd(const Handle &queue)
{
    int fd = -1;
    EXPECT_EQ(cq_fd(queue, &fd), CQ_OK);
    EXPECT_GE(fd, 0);
    return fd;
}

int room_fd(const Handle &queue)
{
    int fd = -1;
    EXPECT_EQ(cq_room_fd(queue, &fd), CQ_OK);
    EXPECT_GE(fd, 0);
    return fd;
}

TEST(Fd, of_an_empty_queue_is_not_readable)
{
    Queue queue(Config(4, 16));
    const int fd = message_fd(queue);
    EXPECT_TRUE(becomes_and_stays_unreadable(fd, [&] { EXPECT_EQ(queue.dequeue(), std::nullopt); }));
}

TEST(Fd, of_a_queue_with_a_message_is_readable)
{
    Queue queue(Config(4, 16));
    queue.must_enqueue("x");
    EXPECT_TRUE(becomes_readable(message_fd(queue)));
}

TEST(Fd, becomes_readable_with_a_message_and_unreadable_when_it_is_gone)
{
    Queue queue(Config(4, 16));
    const int fd = message_fd(queue);
    for (int round = 0; round < 5; ++round) {
        queue.must_enqueue("x");
        ASSERT_TRUE(becomes_readable(fd));
        ASSERT_EQ(queue.dequeue(), "x");
        ASSERT_TRUE(becomes_and_stays_unreadable(fd, [&] { queue.dequeue(); }));
    }
}

TEST(Fd, stays_readable_until_the_queue_was_found_empty)
{
    Queue queue(Config(4, 16));
    const int fd = message_fd(queue);
    ASSERT_EQ(queue.fill(), 4u);
    for (int i = 0; i < 4; ++i) {
        ASSERT_TRUE(becomes_readable(fd)) << i;
        ASSERT_TRUE(queue.dequeue());
    }
    EXPECT_TRUE(becomes_and_stays_unreadable(fd, [&] { queue.dequeue(); }));
}

TEST(Fd, is_readable_as_often_as_one_looks)
{
    Queue queue(Config(4, 16));
    const int fd = message_fd(queue);
    queue.must_enqueue("x");
    ASSERT_TRUE(becomes_readable(fd));
    for (int i = 0; i < 5; ++i)
        EXPECT_TRUE(readable(fd, milliseconds(0))) << "level-triggered";
}

TEST(Fd, empty_handed_calls_of_every_kind_make_it_unreadable)
{
    Queue queue(Config(4, 16));
    const int fd = message_fd(queue);
    char buffer[16];
    size_t size = 0;
    cq_slice slice;
    Message message;
    const auto raise = [&] {
        queue.must_enqueue("x");
        ASSERT_TRUE(becomes_readable(fd));
        ASSERT_EQ(cq_dequeue(queue, buffer, sizeof buffer, &size), CQ_OK);
    };
    raise();
    EXPECT_TRUE(becomes_and_stays_unreadable(fd, [&] { cq_dequeue_wait(queue, buffer, 16, &size, 0); }));
    raise();
    EXPECT_TRUE(becomes_and_stays_unreadable(fd, [&] { cq_dequeue_batch(queue, buffer, 16, &slice, 1, &size); }));
    raise();
    EXPECT_TRUE(becomes_and_stays_unreadable(fd, [&] { cq_take(queue, &message); }));
    raise();
    EXPECT_TRUE(becomes_and_stays_unreadable(fd, [&] { cq_take_wait(queue, &message, 1); }));
}

/* At once, and not only when the helper has noticed: an event loop would go round for nothing until then. */
TEST(Fd, is_unreadable_when_a_call_has_come_back_empty_handed)
{
    Queue queue(Config(4, 16));
    const int fd = message_fd(queue);
    int up = 0;
    for (int round = 0; round < 300; ++round) {
        queue.must_enqueue("x");
        ASSERT_TRUE(becomes_readable(fd));
        ASSERT_EQ(queue.dequeue(), "x");
        ASSERT_EQ(queue.dequeue(), std::nullopt);
        up += readable(fd, milliseconds(0));
    }
    EXPECT_EQ(up, 0);
}

/* As event loops that are told of changes only: whatever the helper was doing, each message after CQ_EMPTY is a change. */
TEST(Fd, rises_for_each_message_after_a_call_came_back_empty_handed)
{
    Queue queue(Config(4, 16));
    const Handle producer = queue.attach();
    const int fd = message_fd(queue), set = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    ASSERT_EQ(::epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), 0);
    for (int round = 0; round < 2000; ++round) {
        producer.must_enqueue("x");
        if (round % 3 == 0) /* or the message is taken before anything rose, or while it does */
            ASSERT_EQ(::epoll_wait(set, &event, 1, static_cast<int>(patience.count()) * 1000), 1) << round;
        else
            for (int spin = round % 7 * 500; spin-- > 0;)
                std::atomic_signal_fence(std::memory_order_seq_cst);
        ASSERT_EQ(queue.dequeue(), "x");
        ASSERT_EQ(queue.dequeue(), std::nullopt);
        while (round % 3 != 0 && ::epoll_wait(set, &event, 1, 0) == 1)
            ASSERT_EQ(queue.dequeue(), std::nullopt);
    }
    ::close(set);
}

TEST(Fd, is_another_one_when_somebody_closed_it)
{
    Queue queue(Config(4, 16));
    const int fd = message_fd(queue);
    queue.must_enqueue("x");
    ASSERT_TRUE(becomes_readable(fd));
    ASSERT_EQ(::close(fd), 0);
    const int fresh = message_fd(queue);
    EXPECT_TRUE(becomes_readable(fresh)) << "the message is waiting still";
    EXPECT_EQ(queue.dequeue(), "x");
    EXPECT_TRUE(becomes_and_stays_unreadable(fresh, [&] { queue.dequeue(); }));
}

TEST(Fd, becomes_readable_for_a_message_that_was_returned)
{
    Queue queue(Config(4, 16));
    const int fd = message_fd(queue);
    queue.must_enqueue("x");
    Message message = queue.take();
    EXPECT_TRUE(becomes_and_stays_unreadable(fd, [&] { queue.dequeue(); }));
    ASSERT_EQ(cq_return(queue, &message), CQ_OK);
    EXPECT_TRUE(becomes_readable(fd));
    EXPECT_EQ(queue.dequeue(), "x");
}

TEST(Fd, becomes_readable_for_what_a_killed_process_held)
{
    Queue queue(Config(4, 16));
    queue.must_enqueue("x");
    Child child([&](Channel &channel) {
        const Handle mine = queue.attach();
        mine.take();
        channel.put('t');
        channel.get();
    });
    ASSERT_EQ(child.get(), 't');
    const int fd = message_fd(queue);
    EXPECT_TRUE(becomes_and_stays_unreadable(fd, [&] { queue.dequeue(); }));
    child.kill();
    EXPECT_TRUE(becomes_readable(fd)) << "whoever only polls must hear of it as well";
    EXPECT_EQ(queue.dequeue(), "x");
}

TEST(Fd, becomes_readable_on_every_handle)
{
    Queue queue(Config(4, 16));
    const Handle second = queue.attach(), third = queue.attach();
    const int fds[] = {message_fd(queue), message_fd(second), message_fd(third)};
    queue.must_enqueue("x");
    for (const int fd : fds)
        EXPECT_TRUE(becomes_readable(fd));
    ASSERT_EQ(second.dequeue(), "x");
    EXPECT_TRUE(becomes_and_stays_unreadable(fds[0], [&] { queue.dequeue(); }));
    EXPECT_TRUE(becomes_and_stays_unreadable(fds[1], [&] { second.dequeue(); }));
    EXPECT_TRUE(becomes_and_stays_unreadable(fds[2], [&] { third.dequeue(); }));
}

TEST(Fd, is_the_same_every_time_and_another_for_room_and_other_handles)
{
    Queue queue(Config(4, 16));
    const Handle other = queue.attach();
    const int fd = message_fd(queue), room = room_fd(queue);
    EXPECT_EQ(message_fd(queue), fd);
    EXPECT_EQ(room_fd(queue), room);
    EXPECT_NE(fd, room);
    EXPECT_NE(message_fd(other), fd);
    EXPECT_NE(room_fd(other), room);
}

TEST(Fd, is_closed_with_the_handle_and_not_inherited_by_programs)
{
    Queue queue(Config(4, 16));
    Handle other = queue.attach();
    const int fd = message_fd(other), room = room_fd(other);
    EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_NE(::fcntl(room, F_GETFD) & FD_CLOEXEC, 0);
    other.close();
    EXPECT_EQ(::fcntl(fd, F_GETFD), -1);
    EXPECT_EQ(::fcntl(room, F_GETFD), -1);
}

TEST(Fd, its_thread_takes_no_signal)
{
    static std::atomic<pthread_t> handled_by;
    Queue queue(Config(4, 16));
    message_fd(queue);
    room_fd(queue);
    struct sigaction action = {}, before;
    action.sa_handler = [](int) { handled_by = pthread_self(); };
    ASSERT_EQ(::sigaction(SIGUSR2, &action, &before), 0);
    for (int i = 0; i < 20; ++i) {
        handled_by = pthread_t{};
        ASSERT_EQ(::kill(::getpid(), SIGUSR2), 0);
        EXPECT_TRUE(eventually([&] { return handled_by != pthread_t{}; }));
        EXPECT_TRUE(pthread_equal(handled_by, pthread_self()));
    }
    ::sigaction(SIGUSR2, &before, nullptr);
}

TEST(RoomFd, of_a_queue_with_room_is_readable)
{
    Queue queue(Config(4, 16));
    EXPECT_TRUE(becomes_readable(room_fd(queue)));
}

TEST(RoomFd, is_unreadable_while_the_queue_is_full)
{
    Queue queue(Config(4, 16));
    const int fd = room_fd(queue);
    for (int round = 0; round < 5; ++round) {
        EXPECT_TRUE(becomes_and_stays_unreadable(fd, [&] { queue.fill(); }));
        ASSERT_TRUE(queue.dequeue());
        EXPECT_TRUE(becomes_readable(fd));
    }
}

TEST(RoomFd, becomes_readable_by_a_take_before_the_release)
{
    Queue queue(Config(1, 16));
    const int fd = room_fd(queue);
    EXPECT_TRUE(becomes_and_stays_unreadable(fd, [&] { queue.fill(); }));
    Message message = queue.take();
    EXPECT_TRUE(becomes_readable(fd));
    EXPECT_EQ(queue.fill(), 1u);
    EXPECT_EQ(cq_release(queue, &message), CQ_OK);
}

TEST(RoomFd, empty_handed_calls_of_every_kind_make_it_unreadable)
{
    Queue queue(Config(1, 16));
    const int fd = room_fd(queue);
    const cq_slice slice{const_cast<char *>("x"), 1};
    size_t done = 0;
    Message message;
    EXPECT_TRUE(becomes_and_stays_unreadable(fd, [&] { cq_enqueue_wait(queue, "x", 1, 0); }));
    queue.drain();
    EXPECT_TRUE(becomes_readable(fd));
    EXPECT_TRUE(becomes_and_stays_unreadable(fd, [&] { cq_enqueue_batch(queue, &slice, 1, &done); }));
    queue.drain();
    EXPECT_TRUE(becomes_readable(fd));
    queue.fill();
    EXPECT_TRUE(becomes_and_stays_unreadable(fd, [&] { EXPECT_EQ(cq_reserve(queue, 1, &message), CQ_FULL); }));
}

/* Held messages keep their nodes: then there is no room, though no message is waiting. */
TEST(RoomFd, is_unreadable_while_no_node_is_free)
{
    Queue queue(Config(1, 16), Shape(1, 0, 1, 1));
    const int fd = room_fd(queue);
    ASSERT_TRUE(becomes_readable(fd));
    std::vector<Message> held;
    int result;
    while ((result = queue.enqueue("x")) == CQ_OK)
        held.push_back(queue.take());
    ASSERT_EQ(result, CQ_FULL);
    ASSERT_EQ(queue.stat().length, 0u);
    EXPECT_TRUE(becomes_and_stays_unreadable(fd, [&] { EXPECT_EQ(queue.enqueue("x"), CQ_FULL); }));
    for (Message &message : held)
        ASSERT_EQ(cq_release(queue, &message), CQ_OK);
    EXPECT_TRUE(becomes_readable(fd));
    EXPECT_EQ(queue.enqueue("x"), CQ_OK);
}

/* The third call that may say CQ_FULL, beside enqueue and reserve: its place was voided, and there is no other. */
TEST(RoomFd, is_lowered_by_a_commit_that_is_refused)
{
    Queue queue(Config(2, 16));
    const int fd = room_fd(queue);
    ASSERT_TRUE(becomes_readable(fd));
    Message early;
    ASSERT_EQ(cq_reserve(queue, 1, &early), CQ_OK);
    queue.must_enqueue("b");
    ASSERT_EQ(queue.dequeue(), "b"); // voids the reservation
    queue.must_enqueue("c");
    queue.must_enqueue("d");
    EXPECT_TRUE(becomes_and_stays_unreadable(fd, [&] { EXPECT_EQ(cq_commit(queue, &early, 1), CQ_FULL); }));
}

/* An event loop that does what the header says: on readable, dequeue until empty. */
TEST(FdLoop, receives_everything)
{
    constexpr uint64_t count = 3000;
    Queue queue(Config(16, 64));
    const int fd = message_fd(queue);
    std::thread producer([&] {
        const Handle mine = queue.attach();
        const int room = room_fd(mine);
        for (uint64_t i = 0; i < count;) {
            const std::string text = stamped({1, i});
            const int result = mine.enqueue(text);
            if (result == CQ_OK)
                ++i;
            else if (result != CQ_FULL || !becomes_readable(room))
                return;
        }
    });
    uint64_t next = 0;
    bool in_order = true;
    while (next < count && becomes_readable(fd)) {
        while (const auto text = queue.dequeue()) {
            const auto stamp = read_stamp(*text);
            in_order = in_order && stamp && stamp->number == next;
            ++next;
        }
    }
    producer.join();
    EXPECT_EQ(next, count);
    EXPECT_TRUE(in_order);
}

TEST(FdLoop, with_epoll_and_edge_triggering_receives_everything_too)
{
    constexpr uint64_t count = 1000;
    Queue queue(Config(16, 64));
    const int fd = message_fd(queue), set = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    ASSERT_EQ(::epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), 0);
    std::thread producer([&] {
        for (uint64_t i = 0; i < count; ++i)
            if (cq_enqueue_wait(queue, &i, sizeof i, patience_ns) != CQ_OK)
                return;
    });
    uint64_t next = 0;
    while (next < count) {
        if (::epoll_wait(set, &event, 1, static_cast<int>(patience.count()) * 1000) != 1)
            break;
        uint64_t value = 0;
        while (cq_dequeue(queue, &value, sizeof value, nullptr) == CQ_OK)
            next += value == next;
    }
    EXPECT_EQ(next, count);
    producer.join();
    ::close(set);
}

} // namespace
} // namespace cqtest
