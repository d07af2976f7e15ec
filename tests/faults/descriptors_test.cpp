/*
 * Descriptors closed behind the library's back, their numbers given to other files, and names that lead nowhere any more:
 * a handle goes on, and nobody else's file is written, read, locked, grown or closed.
 */
#include <array>
#include <atomic>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include <dlfcn.h>
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "faults/mounts.hpp"
#include "support/directory.hpp"
#include "support/leftovers.hpp"
#include "support/process.hpp"
#include "support/system_calls.hpp"

namespace {

using namespace cqtest;

constexpr uid_t nobody = 65534;

/* As a process does that becomes a daemon. The test goes on by exit codes. */
void close_everything()
{
    for (int fd = 3; fd < 1024; ++fd)
        ::close(fd);
}

bool is_readable(int fd, int limit_ms)
{
    pollfd wanted{fd, POLLIN, 0};
    return ::poll(&wanted, 1, limit_ms) == 1 && (wanted.revents & POLLIN);
}

/* Handles that are cut off from the name of their queue, each in another way. */
struct Cut {
    const char *name;
    bool gone; /* from where it was */
    std::function<void(const Queue &)> run;
};

const Cut cuts[] = {
    {"unlink", true, [](const Queue &queue) { must(queue.unlink() == CQ_OK, "unlink"); }},
    {"another_file_of_that_name", true,
     [](const Queue &queue) {
         must(::rename(queue.path().c_str(), (queue.path() + ".old").c_str()) == 0, "rename");
         must(::close(::open(queue.path().c_str(), O_CREAT | O_RDWR, 0600)) == 0, "create");
     }},
    {"chdir", false, [](const Queue &) { must(::chdir("/") == 0, "chdir"); }},
    {"chroot", false,
     [](const Queue &) {
         if (::geteuid() != 0)
             own_namespace(CLONE_NEWUSER, "a user namespace");
         must(::chroot("/proc/self/fdinfo") == 0 && ::chdir("/") == 0, "chroot");
     }},
    {"another_user", false,
     [](const Queue &) {
         must(::setgroups(0, nullptr) == 0 && ::setgid(nobody) == 0 && ::setuid(nobody) == 0, "setuid");
     }},
};

std::ostream &operator<<(std::ostream &out, const Cut &cut) { return out << cut.name; }

class CutOff : public testing::TestWithParam<Cut> {};
INSTANTIATE_TEST_SUITE_P(Fault12, CutOff, testing::ValuesIn(cuts), [](const auto &info) { return std::string(info.param.name); });

/* And without a descriptor. The directory is a relative one, which means something else afterwards. */
TEST_P(CutOff, a_handle_without_a_descriptor_grows_and_is_used)
{
    Directory directory;
    const End end = Child([&](Channel &) {
                        try {
                            must(::chdir(directory.path()) == 0, "chdir");
                            Config config(300, 64);
                            config.directory = ".";
                            Queue queue(config, Shape(1), "q");
                            GetParam().run(queue);
                            close_everything();
                            int fd = -1;
                            if (cq_fd(queue, &fd) != CQ_OK)
                                ::_exit(1);
                            if (queue.fill() != 300)
                                ::_exit(2);
                            if (!is_readable(fd, 60000))
                                ::_exit(3);
                            if (queue.drain().size() != 300 || queue.stat().length != 0 || is_readable(fd, 0))
                                ::_exit(4);
                            if (std::string(GetParam().name) == "chdir" && queue.stat().unlinked)
                                ::_exit(5);
                            if (cq_wait(queue, to_ns(milliseconds(200))) == CQ_STALE && !GetParam().gone)
                                ::_exit(6);
                            ::_exit(0);
                        } catch (const NotAllowed &) {
                            ::_exit(not_allowed);
                        }
                    }).join();
    if (end.code == not_allowed)
        GTEST_SKIP() << why_skipped;
    EXPECT_EQ(end.code, 0) << "1: no descriptor, 2: not grown, 3 and 4: the descriptor does not follow, 5: said to be unlinked, "
                              "6: said to be removed";
}

/* Who may look behind mappings gets a descriptor without a name, and with it sees the dead. */
TEST(Fault12, the_dead_are_seen_without_name_and_descriptor)
{
    if (::geteuid() != 0)
        GTEST_SKIP() << why_skipped;
    Queue queue(Config(10, 64));
    queue.must_enqueue("held");
    const End end = Child([&](Channel &channel) {
                        Handle handle = queue.attach();
                        Child dead([&](Channel &) {
                            Handle mine = queue.attach();
                            (void)mine.take();
                            ::_exit(0);
                        });
                        dead.join();
                        queue.unlink();
                        channel.close();
                        close_everything();
                        ::_exit(handle.recover().participants == 1 && handle.dequeue() == "held" ? 0 : 1);
                    }).join();
    EXPECT_EQ(end.code, 0);
}

/* The number of the event descriptor means something else now. Each of these would keep what is written into it, or lose
   what is read. */
class Foreign {
public:
    explicit Foreign(const char *path)
    {
        file_ = ::open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
        (void)!::pipe2(pipe_.data(), O_CLOEXEC);
        (void)!::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets_.data());
        event_ = ::eventfd(7, EFD_CLOEXEC);
        timer_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
        itimerspec when{{1000, 0}, {1000, 0}};
        ::timerfd_settime(timer_, 0, &when, nullptr);
        (void)!::write(sockets_[0], "ab", 2);
        (void)!::write(pipe_[1], "abc", 3);
    }

    std::vector<int> all() const { return {file_, pipe_[0], pipe_[1], sockets_[0], sockets_[1], event_, timer_}; }

    /* 0: all are as they were; else which is not. */
    int changed() const
    {
        struct stat status {};
        int count = 0;
        uint64_t events = 0;
        itimerspec when{};
        if (::fstat(file_, &status) != 0 || status.st_size != 0 || status.st_blocks != 0 ||
            ::lseek(file_, 0, SEEK_CUR) != 0)
            return 1;
        if (::ioctl(pipe_[0], FIONREAD, &count) != 0 || count != 3)
            return 2;
        if (::ioctl(sockets_[1], FIONREAD, &count) != 0 || count != 2 || ::ioctl(sockets_[0], FIONREAD, &count) != 0 ||
            count != 0)
            return 3;
        if (!is_readable(event_, 0) || ::read(event_, &events, sizeof events) != 8 || events != 7 ||
            ::write(event_, &events, sizeof events) != 8)
            return 4;
        if (::timerfd_gettime(timer_, &when) != 0 || when.it_interval.tv_sec != 1000 || when.it_value.tv_sec < 900)
            return 5;
        return 0;
    }

private:
    int file_, event_, timer_;
    std::array<int, 2> pipe_{}, sockets_{};
};

TEST(Fault12, a_number_that_was_the_event_descriptors_is_left_alone)
{
    Queue queue(Config(10, 64));
    const Directory directory;
    const std::string path = std::string(directory.path()) + "/other";
    for (size_t which = 0; which < 7; ++which)
        for (const bool forked : {false, true}) {
            SCOPED_TRACE(testing::Message() << which << ", forked: " << forked);
            const End end =
                Child([&](Channel &) {
                    Handle handle = queue.attach();
                    const Foreign foreign(path.c_str());
                    int fd = -1, room = -1, again = -1;
                    if (cq_fd(handle, &fd) != CQ_OK || cq_room_fd(handle, &room) != CQ_OK || !is_readable(room, 60000))
                        return 10;
                    const auto replace = [&] { return ::dup2(foreign.all()[which], fd) == fd; };
                    if (forked)
                        return Child([&](Channel &) {
                                   if (!replace())
                                       return 11;
                                   handle.close();
                                   return ::fcntl(fd, F_GETFD) < 0 ? 12 : ::fcntl(room, F_GETFD) >= 0 ? 13 : foreign.changed();
                               })
                            .join()
                            .code;
                    if (!replace())
                        return 11;
                    for (int i = 0; i < 3; ++i) { /* the helper has time to raise it */
                        handle.must_enqueue("x");
                        std::this_thread::sleep_for(a_while);
                        if (handle.drain().size() != 1 || foreign.changed())
                            return foreign.changed() ? foreign.changed() : 14;
                    }
                    /* Asked for again, there is another, which works. */
                    if (cq_fd(handle, &again) != CQ_OK || again == fd)
                        return 15;
                    handle.must_enqueue("x");
                    if (!is_readable(again, 60000) || handle.drain().size() != 1 || is_readable(again, 0))
                        return 16;
                    handle.close();
                    if (::fcntl(fd, F_GETFD) < 0 || ::fcntl(again, F_GETFD) >= 0)
                        return 17;
                    return foreign.changed();
                }).join();
            EXPECT_FALSE(end.late) << "it blocks on what is not its own";
            EXPECT_EQ(end.code, 0) << "1: file, 2: pipe, 3: socket, 4: event, 5: timer; 12 and 17: closed";
            queue.drain();
        }
}

/* Again and again, at any moment of any call. */
TEST(Fault12, descriptors_that_are_replaced_all_the_time_are_left_alone)
{
    Queue queue(Config(20000, 64), Shape(1));
    const Directory directory;
    const std::string path = std::string(directory.path()) + "/other";
    const End end = Child([&](Channel &) {
                        Handle handle = queue.attach();
                        std::atomic<bool> done{false};
                        std::atomic<int> changed{0};
                        std::thread closer([&] {
                            while (!done) {
                                ::syscall(SYS_close_range, 3u, ~0u, 0u);
                                const Foreign foreign(path.c_str());
                                for (int i = 0; i < 20; ++i)
                                    ::sched_yield();
                                /* A timer may be seen in the moment in which it is given back what it had. */
                                if (!eventually([&] { return foreign.changed() == 0; }, milliseconds(500)))
                                    changed = foreign.changed();
                            }
                        });
                        int result = 0;
                        const auto until = Clock::now() + seconds(long_run() ? 30 : 2);
                        while (result == 0 && Clock::now() < until) {
                            int fd = -1, room = -1;
                            for (const int got : {cq_fd(handle, &fd), cq_room_fd(handle, &room)})
                                if (got != CQ_OK && got != CQ_ESYSTEM)
                                    result = 10;
                            const int enqueued = handle.enqueue("x");
                            if (enqueued == CQ_FULL)
                                handle.drain();
                            else if (enqueued != CQ_OK || (handle.stat().length % 64 == 0 && !handle.dequeue()))
                                result = 11;
                        }
                        done = true;
                        closer.join();
                        ::_exit(changed != 0 ? changed.load() : result);
                    }).join();
    EXPECT_FALSE(end.late);
    EXPECT_EQ(end.code, 0) << "1: file, 2: pipe, 3: socket, 4: event, 5: timer, 10 and 11: refused";
}

/* Another thread may close a descriptor for event loops in the moment in which it is made. */
TEST(Fault12, an_event_descriptor_that_was_lost_at_once_is_made_again)
{
    Queue queue(Config(4, 16));
    TracedChild traced([&] { return queue.attach(); },
                       [](const Handle &handle) {
                           int fd = -1;
                           return cq_fd(handle, &fd);
                       },
                       [](const Handle &, int result, Channel &) { return -result; });
    unsigned lost = 0;
    traced.run([&](const TracedChild::Call &call) { return call.number == SYS_timerfd_settime && ++lost < 4 ? EBADF : 0; });
    EXPECT_EQ(traced.child().join().code, 0);
    EXPECT_GE(lost, 4u);
}

/* On a tmpfs of many kernels a signal undoes all that fallocate did: what takes longer than from one to the next would never
   be done. */
TEST(Fault39, an_interrupted_creation_asks_for_less)
{
    const Directory directory;
    Config config = directory.in(Config(1, 4 << 20));
    config.reserve = 4 << 20;
    TracedChild traced([] { return 0; },
                       [&](int) {
                           cq_queue *queue = nullptr;
                           return cq_open("q", &config, &queue);
                       },
                       [](int, int result, Channel &channel) { return channel.put(result), 0; });
    unsigned interrupted = 0;
    traced.run([&](const TracedChild::Call &call) {
        return call.number == SYS_fallocate && call.arguments[3] > 65536 && ++interrupted < 1000 ? EINTR : 0;
    });
    EXPECT_EQ(traced.child().get<int>(), CQ_OK);
    EXPECT_GT(interrupted, 0u);
    EXPECT_LT(interrupted, 1000u);
}

/* A kernel that only knows fallocate, and a file system that a signal always interrupts where more than a little is asked. */
TEST(Fault39, an_interrupted_growth_asks_for_less)
{
    Queue queue(Config(4, 4 << 20), Shape(1));
    queue.must_enqueue("first");
    TracedChild traced([&] { return queue.attach(); }, [](Handle &handle) { return handle.enqueue("x"); },
                       [](Handle &, int result, Channel &channel) { return channel.put(result), 0; });
    unsigned interrupted = 0, asked = 0;
    traced.run([&](const TracedChild::Call &call) {
        if (call.number == SYS_madvise)
            return EINVAL;
        if (call.number != SYS_fallocate)
            return 0;
        ++asked;
        return call.arguments[3] > 65536 && ++interrupted < 1000 ? EINTR : 0;
    });
    EXPECT_EQ(traced.child().get<int>(), CQ_OK);
    EXPECT_GT(asked, 0u);
    EXPECT_LT(interrupted, 1000u);
}

/* The last moment in which a number may become another file's cannot be seen. What is asked for then changes no size. */
TEST(Fault12, growth_asks_for_no_larger_file)
{
    Queue queue(Config(4, 64), Shape(1));
    queue.must_enqueue("first");
    TracedChild traced([&] { return queue.attach(); }, [](Handle &handle) { return handle.enqueue("x"); },
                       [](Handle &, int result, Channel &channel) { return channel.put(result), 0; });
    unsigned asked = 0;
    traced.run([&](const TracedChild::Call &call) {
        if (call.number == SYS_fallocate) {
            ++asked;
            EXPECT_EQ(call.arguments[1], static_cast<uint64_t>(FALLOC_FL_KEEP_SIZE));
        }
        return call.number == SYS_madvise ? EINVAL : 0;
    });
    EXPECT_EQ(traced.child().get<int>(), CQ_OK);
    EXPECT_GT(asked, 0u);
}

/* Its helper threads run on, and forks call it: a library that was unloaded would be a crash. */
TEST(Fault12, the_shared_library_stays_when_it_is_unloaded)
{
    const std::string name = unique_name();
    const End end = Child([&](Channel &) {
                        void *library = ::dlopen(CQTEST_SHARED_LIBRARY, RTLD_NOW | RTLD_LOCAL);
                        if (library == nullptr)
                            return 1;
                        const auto open = reinterpret_cast<decltype(&cq_open)>(::dlsym(library, "cq_open"));
                        const auto fd_of = reinterpret_cast<decltype(&cq_fd)>(::dlsym(library, "cq_fd"));
                        const auto unlink = reinterpret_cast<decltype(&cq_unlink)>(::dlsym(library, "cq_unlink"));
                        cq_queue *queue = nullptr;
                        int fd = -1;
                        if (open(name.c_str(), nullptr, &queue) != CQ_OK || fd_of(queue, &fd) != CQ_OK)
                            return 2;
                        unlink(name.c_str(), nullptr);
                        ::dlclose(library);
                        if (::dlopen(CQTEST_SHARED_LIBRARY, RTLD_NOW | RTLD_NOLOAD) == nullptr)
                            return 3;
                        std::this_thread::sleep_for(milliseconds(250)); /* the helper looks around every 100 ms */
                        const pid_t child = ::fork();
                        if (child == 0)
                            ::_exit(0);
                        int status = -1;
                        return ::waitpid(child, &status, 0) == child && status == 0 ? 0 : 4;
                    }).join();
    EXPECT_EQ(end.signal, 0);
    EXPECT_EQ(end.code, 0) << "1 and 2: no library to try, 3: unloaded";
}

} // namespace
