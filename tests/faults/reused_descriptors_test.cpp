/*
 * A process closes descriptors it knows nothing about, and opens files that get their numbers, while the library uses them: files of
 * others are neither changed nor closed, and nobody who lives is taken for dead.
 */
#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults/disks.hpp"
#include "faults/foreign_files.hpp"
#include "support/leftovers.hpp"
#include "support/process.hpp"
#include "support/system_calls.hpp"

namespace {

using namespace cqtest;

/* Closes and opens in a thread of its own, for as long as it is there. */
class Reckless {
public:
    Reckless(const ForeignFiles &files, const std::string &region)
        : thread_([this, &files, region] {
              while (!done_) {
                  close_all();
                  (void)files.open();
                  /* The region itself is behind a number as well, but through other descriptions. */
                  for (const int flags : {O_RDONLY, O_RDWR})
                      (void)::open(region.c_str(), flags);
                  std::this_thread::sleep_for(std::chrono::microseconds(200));
                  close_all();
                  std::this_thread::sleep_for(std::chrono::microseconds(200));
              }
              close_all();
          })
    {
    }
    ~Reckless()
    {
        done_ = true;
        thread_.join();
    }

private:
    std::atomic<bool> done_{false};
    std::thread thread_;
};

/* A living process with many handles, each of which holds a message. */
class Peer {
public:
    static constexpr uint32_t count = 100;

    explicit Peer(const Queue &queue)
        : child_([&](Channel &channel) {
              std::vector<Handle> handles;
              std::vector<Message> held;
              for (uint32_t i = 0; i < count; ++i) {
                  handles.push_back(queue.attach());
                  handles.back().must_enqueue("held");
                  held.push_back(handles.back().take());
              }
              channel.put('r');
              (void)channel.get(2 * patience);
              int failed = 0;
              for (uint32_t i = 0; i < count; ++i)
                  failed += cq_release(handles[i], &held[i]) != CQ_OK;
              return failed;
          })
    {
        if (!child_.get())
            throw std::runtime_error("the peer could not begin");
    }

    /* How many of its messages it could not release. */
    int finish()
    {
        child_.put('f');
        return child_.join().code;
    }

private:
    Child child_;
};

constexpr uint64_t capacity = 2000;

/* work(handle) again and again, in a process with a reckless thread: nobody is hurt. */
template <class Work>
void nobody_is_hurt_by(Work work)
{
    Queue queue(Config(capacity, 16), Shape(1));
    const ForeignFiles files;
    Peer peer(queue);
    const auto time = long_run() ? seconds(60) : seconds(4);
    Child child([&](Channel &) {
        Handle handle = queue.attach();
        {
            Reckless reckless(files, queue.path());
            for (const auto end = Clock::now() + time; Clock::now() < end && handle.stat().reaped == 0;)
                work(handle);
        }
        /* Whatever came in between, with its numbers left alone it works as ever. */
        handle.drain();
        return handle.fill() > 0 && !handle.drain().empty() ? 0 : 1;
    });
    EXPECT_EQ(child.join().code, 0);
    EXPECT_TRUE(files.unharmed());
    EXPECT_EQ(queue.stat().reaped, 0u) << "living participants were taken for dead";
    EXPECT_EQ(queue.drain(), std::vector<std::string>()) << "held by the living";
    EXPECT_EQ(peer.finish(), 0) << "messages were taken out of its hands";
}

TEST(ReusedDescriptors, while_the_dead_are_looked_for)
{
    nobody_is_hurt_by([](const Handle &handle) { handle.recover(); });
}

TEST(ReusedDescriptors, while_somebody_looks_on)
{
    nobody_is_hurt_by([](const Handle &handle) {
        handle.stat();
        handle.walk();
    });
}

TEST(ReusedDescriptors, while_messages_pass)
{
    nobody_is_hurt_by([](const Handle &handle) {
        Message message;
        char text[16];
        (void)handle.enqueue("one");
        (void)cq_dequeue_wait(handle, text, sizeof text, nullptr, 0);
        (void)cq_take_wait(handle, &message, to_ns(milliseconds(1)));
    });
}

/* A node a message, so that the file grows with each. The peer's handles keep theirs. */
TEST(ReusedDescriptors, while_the_queue_grows)
{
    Queue queue(Config(100000, 16), Shape(1));
    const ForeignFiles files;
    Peer peer(queue);
    Child child([&](Channel &) {
        Handle handle = queue.attach();
        uint64_t accepted = 0;
        {
            Reckless reckless(files, queue.path());
            const auto end = Clock::now() + (long_run() ? seconds(60) : seconds(4));
            while (Clock::now() < end && accepted < 50000)
                accepted += handle.enqueue("grow") == CQ_OK;
        }
        handle.must_enqueue("grow");
        return handle.drain().size() == accepted + 1 ? 0 : 1;
    });
    EXPECT_EQ(child.join().code, 0);
    EXPECT_TRUE(files.unharmed());
    EXPECT_EQ(peer.finish(), 0);
}

/* Two threads that close and open as fast as they can. */
class Thieves {
public:
    explicit Thieves(const ForeignFiles &files)
    {
        for (std::thread &thread : threads_)
            thread = std::thread([this, &files] {
                while (!done_) {
                    close_all();
                    (void)files.open();
                }
            });
    }
    ~Thieves()
    {
        done_ = true;
        for (std::thread &thread : threads_)
            thread.join();
    }

private:
    std::atomic<bool> done_{false};
    std::array<std::thread, 2> threads_;
};

/* There memory is given in another way, and a file that is taken for the region gets blocks behind its end. */
TEST(ReusedDescriptors, while_a_queue_grows_on_a_disk)
{
    on_disk("ext4", 64, [](const Directory &directory, const Complaints &complaints) {
        for (const size_t size : {size_t{4000}, size_t{20000}}) {
            const ForeignFiles files;
            const End end = Child([&](Channel &) {
                                Queue queue(directory.in(Config(40000000 / size, size)), Shape(), "grows");
                                const std::string text(size, 'g');
                                const auto until = Clock::now() + (long_run() ? seconds(30) : seconds(2));
                                uint64_t accepted = 0, drained = 0;
                                {
                                    const Thieves thieves(files);
                                    while (Clock::now() < until) {
                                        while (Clock::now() < until && queue.enqueue(text) == CQ_OK)
                                            ++accepted;
                                        while (queue.dequeue())
                                            ++drained;
                                        cq_trim(queue, nullptr);
                                    }
                                }
                                return accepted == drained ? 0 : 1;
                            }).join();
            if (end.code != 0 || end.signal != 0)
                complaints.add("%zu: %d, signal %d", size, end.code, end.signal);
            if (!files.unharmed())
                complaints.add("%zu: other files are not as they were", size);
        }
    });
}

/* What the process opens next does not get the numbers of what it has closed of the library's. */
TEST(ReusedDescriptors, are_none_of_those_that_are_opened_next)
{
    Queue queue(Config(10, 64));
    const ForeignFiles files;
    const auto leads_there = [path = queue.path()](int fd) {
        struct stat region {}, found {};
        return ::stat(path.c_str(), &region) == 0 && ::fstat(fd, &found) == 0 && region.st_ino == found.st_ino;
    };
    const End end = Child([&](Channel &) {
                        close_all();
                        Handle handle = queue.attach(), reader = queue.attach(CQ_READ_ONLY);
                        std::vector<int> own;
                        for (int fd = 0; fd < 1024; ++fd)
                            if (leads_there(fd))
                                own.push_back(fd);
                        close_all();
                        std::vector<int> theirs;
                        for (int round = 0; round < 4; ++round)
                            for (const int fd : files.open())
                                theirs.push_back(fd);
                        for (const int fd : own)
                            if (std::find(theirs.begin(), theirs.end(), fd) != theirs.end())
                                return 1;
                        return own.size() == 2 ? 0 : 2;
                    }).join();
    EXPECT_EQ(end.code, 0) << "1: a number is in use again, 2: not the descriptors that were looked for";
}

/* Also children of such a process close their copies of its handles. */
TEST(ReusedDescriptors, of_event_loops_are_neither_written_nor_closed)
{
    const ForeignFiles files;
    Queue queue(Config(2, 16));
    Child child([&](Channel &) {
        Handle handle = queue.attach();
        int fd = -1;
        if (cq_fd(handle, &fd) != CQ_OK || cq_room_fd(handle, &fd) != CQ_OK)
            return 1;
        close_all();
        const std::vector<int> theirs = files.open();
        for (int i = 0; i < 100; ++i) {
            handle.fill();
            handle.drain();
            if (i % 10 == 0)
                std::this_thread::sleep_for(milliseconds(2)); /* it is the helpers that write */
        }
        const pid_t copy = ::fork();
        if (copy == 0) {
            handle.close();
            ::_exit(ForeignFiles::untouched(theirs) ? 0 : 1);
        }
        int status = -1;
        ::waitpid(copy, &status, 0);
        if (status != 0)
            return 2;
        if (!ForeignFiles::untouched(theirs))
            return 3;
        handle.close();
        return ForeignFiles::untouched(theirs) ? 0 : 4;
    });
    EXPECT_EQ(child.join().code, 0) << "2, 4: closed, by a child or its parent; 3: written to or read";
    EXPECT_TRUE(files.unharmed());
}

/* What it opens itself may have become another file before it was looked at. Then it does it over. */
TEST(ReusedDescriptors, while_queues_are_opened)
{
    Queue queue(Config(capacity, 16), Shape(1));
    const ForeignFiles files;
    Peer peer(queue);
    Child child([&](Channel &) {
        Reckless reckless(files, queue.path());
        const Config config(0, 0, CQ_ATTACH);
        int result = CQ_OK;
        for (const auto end = Clock::now() + (long_run() ? seconds(60) : seconds(4)); Clock::now() < end && result == CQ_OK;) {
            cq_queue *handle = nullptr;
            result = cq_open(queue.name().c_str(), &config, &handle);
            cq_close(handle);
        }
        return -result;
    });
    const End end = child.join();
    EXPECT_EQ(end.signal, 0) << "7 is SIGBUS";
    EXPECT_EQ(end.code, 0) << cq_strerror(-end.code);
    EXPECT_TRUE(files.unharmed());
    EXPECT_EQ(queue.stat().reaped, 0u);
    EXPECT_EQ(peer.finish(), 0);
}

/* A handle whose descriptor was closed, and a thread that looks for the dead as soon as the number is in use again. */
class Bereft {
public:
    explicit Bereft(const Queue &queue) : handle_(queue.attach())
    {
        struct stat region {}, found {};
        ::stat(queue.path().c_str(), &region);
        while (::fstat(number_, &found) != 0 || found.st_ino != region.st_ino || found.st_dev != region.st_dev)
            if (--number_ == 0)
                throw std::runtime_error("where is the descriptor?");
        while (::open("/dev/null", O_RDONLY) < number_) /* all numbers below are in use: the next to be opened gets this one */
            ;
        ::close(number_);
        looker_ = std::thread([this] {
            while (!done_)
                if (::fcntl(number_, F_GETFD) != -1)
                    handle_.recover();
        });
    }

    uint64_t finish()
    {
        done_ = true;
        looker_.join();
        return handle_.stat().reaped;
    }

private:
    Handle handle_;
    int number_ = 1023; /* the last of those that lead there: the parent's are here as well */
    std::atomic<bool> done_{false};
    std::thread looker_;
};

/* A description does not see its own locks: through the one that another thread locks with, its handle looks dead. */
TEST(ReusedDescriptors, by_a_handle_that_is_being_opened)
{
    Queue queue(Config(10, 16));
    TracedChild traced([&] { return std::make_unique<Bereft>(queue); }, [&](auto &) { return queue.attach(); },
                       [](auto &bereft, const Handle &another, Channel &) {
                           another.must_enqueue("alive");
                           return static_cast<int>(bereft->finish());
                       });
    traced.run([](const TracedChild::Call &) {
        std::this_thread::sleep_for(milliseconds(10)); /* between any two steps there is time for many looks */
        return 0;
    });
    EXPECT_EQ(traced.child().join().code, 0) << "living participants taken for dead";
}

/* Whoever may only read the file can read-lock all of it. That says nothing about anybody's life. */
class ReadLock : public ::testing::Test {
protected:
    ReadLock()
        : queue_(Config(10, 64)), victim_([&](Channel &channel) {
              Handle handle = queue_.attach();
              handle.must_enqueue("precious");
              handle.take();
              channel.put('r');
              (void)channel.get();
          })
    {
        if (!victim_.get())
            throw std::runtime_error("the victim could not begin");
        reader_.emplace([&](Channel &channel) {
            const int fd = ::open(queue_.path().c_str(), O_RDONLY | O_CLOEXEC);
            struct flock lock {};
            lock.l_type = F_RDLCK;
            lock.l_whence = SEEK_SET;
            do {
                /* All of it; where that is refused, the bytes far behind the end one by one, as far as it goes. */
                lock.l_start = lock.l_len = 0;
                const bool all = ::fcntl(fd, F_OFD_SETLK, &lock) == 0;
                lock.l_len = 1;
                for (off_t byte = 0; !all && byte < 3 * 4096; ++byte) {
                    lock.l_start = (INT64_C(1) << 62) + byte;
                    (void)::fcntl(fd, F_OFD_SETLK, &lock);
                }
                channel.put('l');
            } while (channel.get());
        });
        if (!reader_->get())
            throw std::runtime_error("the reader could not begin");
    }

    Queue queue_;
    Child victim_;
    std::optional<Child> reader_;
};

TEST_F(ReadLock, keeps_nobody_from_opening)
{
    const Config config(0, 0, CQ_ATTACH);
    cq_queue *handle = nullptr;
    EXPECT_EQ(cq_open(queue_.name().c_str(), &config, &handle), CQ_OK);
    Handle(handle).must_enqueue("hello");
}

TEST_F(ReadLock, keeps_no_death_from_being_found)
{
    EXPECT_EQ(victim_.kill().signal, SIGKILL);
    reader_->put('a'); /* also what nobody holds any more */
    ASSERT_TRUE(reader_->get());
    Message message;
    EXPECT_EQ(cq_take_wait(queue_, &message, to_ns(seconds(10))), CQ_OK);
}

} // namespace
