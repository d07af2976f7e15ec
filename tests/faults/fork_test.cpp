/*
 * What a forked child inherits, and what happens to descriptors behind the library's back: neither must keep a lock of the dead,
 * nor drop one of the living.
 */
#include <atomic>
#include <csignal>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "support/directory.hpp"
#include "support/leftovers.hpp"
#include "support/process.hpp"
#include "support/system_calls.hpp"

namespace {

using namespace cqtest;

std::vector<int> descriptors_of(const std::string &path)
{
    std::vector<int> found;
    struct stat wanted {}, status {};
    if (::stat(path.c_str(), &wanted) != 0)
        throw std::system_error(errno, std::generic_category(), path);
    for (const std::string &name : entries("/proc/self/fd"))
        if (::fstat(std::stoi(name), &status) == 0 && status.st_ino == wanted.st_ino && status.st_dev == wanted.st_dev)
            found.push_back(std::stoi(name));
    return found;
}

bool is_mapped(const std::string &path)
{
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);)
        if (line.find(path) != std::string::npos)
            return true;
    return false;
}

/* fork without what the C library does around it: also a language's runtime that never heard of pthread_atfork forks. */
pid_t bare_fork()
{
#ifdef SYS_fork
    return static_cast<pid_t>(::syscall(SYS_fork));
#else
    return static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
#endif
}

TEST(Fault11, a_forked_child_has_no_part_of_the_region_and_its_handle_refuses)
{
    Queue queue(Config(10, 64));
    queue.must_enqueue("stays");
    Message held = queue.take();
    ASSERT_TRUE(is_mapped(queue.path()));
    for (const bool bare : {false, true}) {
        SCOPED_TRACE(bare);
        const pid_t child = bare ? bare_fork() : ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            if (is_mapped(queue.path()))
                ::_exit(1);
            Stats stats;
            if (queue.enqueue("x") != CQ_EFORK || cq_release(queue, &held) != CQ_EFORK || cq_stat(queue, &stats) != CQ_EFORK)
                ::_exit(2);
            ::_exit(cq_close(queue));
        }
        int status = -1;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_EQ(status, 0) << "1 * 256: mapped, 2 * 256: not refused";
    }
    EXPECT_EQ(queue.recover().participants, 0u);
    EXPECT_EQ(held.text(), "stays");
    EXPECT_EQ(cq_release(queue, &held), CQ_OK);
}

/* A child of whatever moment of an open that another thread is in would hold a copy of the lock, but for the guard. */
TEST(Fault11, a_child_forked_during_an_open_keeps_no_lock_of_its_dead_parent)
{
    constexpr uint32_t opened = 200;
    Queue queue(Config(10, 64));
    Child parent([&](Channel &channel) {
        std::vector<Handle> handles;
        std::atomic<bool> done{false};
        std::thread opener([&] {
            while (handles.size() < opened)
                handles.push_back(queue.attach());
            done = true;
        });
        for (int forks = 0; forks < 1000 && !done; ++forks) {
            const pid_t child = ::fork();
            if (child == 0) {
                (void)channel.get(std::chrono::hours(1)); /* until the test lets go */
                ::_exit(0);
            }
            if (child < 0)
                return 1;
        }
        opener.join();
        channel.put('f');
        for (;;)
            ::pause();
    });
    ASSERT_TRUE(parent.get());
    EXPECT_EQ(queue.stat().participants, opened + 1);
    parent.kill();
    EXPECT_EQ(queue.recover().participants, opened);
    EXPECT_EQ(queue.stat().participants, 1u) << "a child holds a lock of the dead";
}

/* Emulators and sandboxes say of any advice that it is taken, or that they never heard of it. Then a child has mapping,
   handle and lock, unless something else takes them away. */
TEST(Fault11, a_child_has_no_part_of_the_region_even_if_the_kernel_does_not_see_to_it)
{
    for (const int answer : {TracedChild::not_made, EINVAL}) {
        SCOPED_TRACE(answer);
        Queue queue(Config(10, 64));
        TracedChild traced([] { return static_cast<cq_queue *>(nullptr); },
                           [&](cq_queue *&handle) {
                               const Config config(0, 0, CQ_ATTACH);
                               return cq_open(queue.name().c_str(), &config, &handle);
                           },
                           [&](cq_queue *handle, int result, Channel &channel) {
                               channel.put(result);
                               const pid_t child = result == CQ_OK ? ::fork() : -1;
                               if (child == 0) {
                                   int code = is_mapped(queue.path()) ? 1 : 0;
                                   if (cq_enqueue(handle, "x", 1) != CQ_EFORK)
                                       code += 2;
                                   if (cq_close(handle) != CQ_OK)
                                       code += 4;
                                   channel.put(code);
                                   (void)channel.get(std::chrono::hours(1)); /* it outlives its parent */
                                   ::_exit(0);
                               }
                               ::pause();
                               return 0;
                           });
        traced.run([&](const TracedChild::Call &call) { return call.number == SYS_madvise ? answer : 0; });
        ASSERT_EQ(traced.child().get<int>(), CQ_OK);
        EXPECT_EQ(traced.child().get<int>(), 0) << "1: mapped, 2: not refused, 4: not closed";
        traced.child().kill();
        EXPECT_EQ(queue.recover().participants, 1u) << "a child holds a lock of the dead";
    }
}

/* Handlers may fork, at any moment of a call that keeps forks out. */
TEST(Fault11, a_handler_that_forks_while_a_handle_is_opened_does_not_hang)
{
    static std::atomic<int> forks;
    Queue queue(Config(10, 64));
    const End end = Child([&](Channel &) {
                        struct sigaction action {};
                        action.sa_handler = [](int) {
                            const pid_t child = ::fork();
                            if (child == 0)
                                ::_exit(0);
                            while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR)
                                ;
                            ++forks;
                        };
                        ::sigaction(SIGALRM, &action, nullptr);
                        const itimerval often{{0, 3000}, {0, 3000}};
                        ::setitimer(ITIMER_REAL, &often, nullptr);
                        while (forks < 300)
                            for (int i = 0; i < 20; ++i)
                                queue.attach().recover();
                        const itimerval never{};
                        ::setitimer(ITIMER_REAL, &never, nullptr);
                        return 0;
                    }).join(seconds(30));
    EXPECT_FALSE(end.late) << "the handler waits for the thread that it interrupts";
    EXPECT_EQ(end.code, 0);
}

/* The traditional locks of a process go when it closes any descriptor of the file. These do not. */
TEST(Fault12, closing_another_descriptor_of_the_file_drops_no_lock)
{
    Queue queue(Config(10, 64));
    queue.must_enqueue("held");
    Child child([&](Channel &channel) {
        Handle handle = queue.attach();
        Message held = handle.take();
        const int fd = ::open(queue.path().c_str(), O_RDWR | O_CLOEXEC);
        struct flock lock {};
        lock.l_type = F_WRLCK;
        lock.l_whence = SEEK_SET;
        lock.l_len = 1;
        if (::fcntl(fd, F_SETLK, &lock) != 0)
            return 1;
        ::close(fd);
        channel.put('c');
        (void)channel.get();
        return cq_release(handle, &held);
    });
    ASSERT_TRUE(child.get());
    EXPECT_EQ(queue.recover().participants, 0u);
    EXPECT_EQ(queue.stat().participants, 2u);
    child.put('g');
    EXPECT_EQ(child.join().code, CQ_OK);
    EXPECT_EQ(queue.drain(), std::vector<std::string>());
}

/* As daemons do when they start, and careless libraries at any time. */
TEST(Fault12, closing_every_descriptor_of_the_process_drops_no_lock)
{
    Queue queue(Config(100, 64), Shape(1));
    queue.must_enqueue("held");
    Child child([&](Channel &channel) {
        Handle handle = queue.attach();
        Message held = handle.take();
        for (int fd = 3; fd < 1000; ++fd)
            if (fd != channel.descriptor())
                ::close(fd);
        channel.put('c');
        (void)channel.get();
        /* It can still grow the file, and look for the dead. */
        if (handle.fill() != 100 || handle.recover().participants != 1)
            return 1;
        return cq_release(handle, &held);
    });
    ASSERT_TRUE(child.get());
    EXPECT_EQ(queue.recover().participants, 0u);
    Child([&](Channel &) {
        Handle dead = queue.attach();
        ::_exit(0);
    }).join();
    child.put('g');
    EXPECT_EQ(child.join().code, CQ_OK);
    EXPECT_EQ(queue.drain().size(), 100u);
}

/* The number means another file now: that one is neither locked, grown nor closed. */
TEST(Fault12, a_descriptor_that_was_replaced_is_left_alone)
{
    Queue queue(Config(100, 64), Shape(1));
    const Directory directory;
    Child child([&](Channel &) {
        Handle handle = queue.attach(), unused = queue.attach();
        const std::string path = std::string(directory.path()) + "/other";
        const int other = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
        const std::vector<int> ours = descriptors_of(queue.path());
        if (other < 0 || ours.empty())
            return 1;
        for (const int fd : ours)
            ::dup2(other, fd);
        if (handle.fill() != 100)
            return 2;
        handle.recover();
        handle.close();
        unused.close();
        struct stat status {};
        if (::fstat(other, &status) != 0 || status.st_size != 0 || status.st_blocks != 0)
            return 3;
        for (const int fd : ours)
            if (::fstat(fd, &status) != 0)
                return 4;
        return 0;
    });
    EXPECT_EQ(child.join().code, 0) << "2: not grown, 3: the other file changed, 4: its descriptor closed";
    EXPECT_EQ(queue.drain().size(), 100u);
}

} // namespace
