/*
 * While one thread opens or creates a queue, another closes all descriptors and opens files that get their numbers: between
 * any two system calls, once. The queue is opened all the same, and the files are as they were, and open.
 *
 * What is done with a number right after it was looked at cannot be told apart from what is done in the same moment:
 * there, nothing is closed.
 */
#include <atomic>
#include <memory>
#include <set>
#include <thread>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "faults/foreign_files.hpp"
#include "support/leftovers.hpp"
#include "support/process.hpp"
#include "support/system_calls.hpp"

namespace {

using namespace cqtest;

struct Order {
    std::atomic<int> asked, done;
};

/* In the process that opens: closes and opens as soon as it is asked to. */
class Thief {
public:
    Thief(const ForeignFiles &files, Order &order)
        : thread_([this, &files, &order] {
              while (order.asked == 0)
                  if (over_)
                      return;
                  else
                      std::this_thread::yield();
              close_all();
              theirs_ = files.open();
              order.done = 1;
          })
    {
    }
    ~Thief() { join(); }

    bool untouched()
    {
        join();
        return ForeignFiles::untouched(theirs_);
    }

private:
    void join()
    {
        over_ = true;
        if (thread_.joinable())
            thread_.join();
    }

    std::vector<int> theirs_;
    std::atomic<bool> over_{false};
    std::thread thread_;
};

/* So that queues are not created in a thread with descriptors of its own (os_run_apart). */
bool starts_a_thread(const TracedChild::Call &call) { return call.number == SYS_clone3 || call.number == SYS_clone; }

/* Looks at, or asks, what the number is; whatever else there is may have been looked at just before. */
bool may_come_before(const TracedChild::Call &call)
{
    switch (call.number) {
    case SYS_ftruncate: case SYS_pwrite64: case SYS_fallocate: case SYS_fchmod: case SYS_linkat: case SYS_close: return false;
    default: return true;
    }
}

struct Opening {
    const char *name;
    uint32_t flags;
    uint64_t reserve;
    bool there; /* the queue exists */
};

const Opening openings[] = {
    {"attach", CQ_ATTACH, 0, true},
    {"to_look_on", CQ_READ_ONLY, 0, true},
    {"create", CQ_CREATE, 0, false},
    {"create_exclusively", CQ_EXCLUSIVE, 0, false},
    {"create_with_memory", CQ_CREATE, 100000, false},
};

std::ostream &operator<<(std::ostream &out, const Opening &opening) { return out << opening.name; }

class StolenNumbers : public testing::TestWithParam<Opening> {};
INSTANTIATE_TEST_SUITE_P(, StolenNumbers, testing::ValuesIn(openings), [](const auto &info) { return std::string(info.param.name); });

TEST_P(StolenNumbers, do_not_keep_a_queue_from_being_opened)
{
    const Opening &opening = GetParam();
    const ForeignFiles files;
    unsigned stolen = 0;
    for (unsigned nth = 1;; ++nth) {
        const Directory directory;
        Config config = directory.in(Config(300, 64, opening.flags));
        config.reserve = opening.reserve;
        if (opening.there)
            Handle("q", directory.in(Config(300, 64)));
        Shared<Order> order;
        TracedChild traced([&] { return std::make_unique<Thief>(files, *order); },
                           [&](auto &) {
                               cq_queue *queue = nullptr;
                               const int result = cq_open("q", &config, &queue);
                               return std::make_pair(result, queue);
                           },
                           [&](auto &thief, const std::pair<int, cq_queue *> &opened, Channel &) {
                               if (opened.first != CQ_OK)
                                   return -opened.first;
                               if (!thief->untouched())
                                   return 100;
                               if (opening.flags == CQ_READ_ONLY)
                                   return 0;
                               char text[64];
                               return cq_enqueue(opened.second, "tea", 3) == CQ_OK &&
                                              cq_dequeue(opened.second, text, sizeof text, nullptr) == CQ_OK
                                          ? 0
                                          : 101;
                           });
        unsigned count = 0;
        uint64_t before = 0;
        traced.run([&](const TracedChild::Call &call) {
            if (++count == nth && may_come_before(call)) {
                before = call.number;
                order->asked = 1;
                while (order->done == 0)
                    std::this_thread::yield();
            }
            return starts_a_thread(call) ? EAGAIN : 0;
        });
        const int code = traced.child().join().code;
        ASSERT_EQ(code, 0) << "stolen before system call " << before << ", the " << nth << "th: "
                           << (code < 100 ? cq_strerror(-code) : code == 100 ? "closed, or read or written through" : "useless");
        ASSERT_TRUE(files.unharmed()) << "stolen before system call " << before << ", the " << nth << "th";
        stolen += before != 0;
        if (count < nth)
            break;
    }
    EXPECT_GT(stolen, 10u);
}

/* Puts a file in the place of the descriptor that is asked for. */
class Replacer {
public:
    Replacer(const std::string &path, Order &order)
        : file_(::open(path.c_str(), O_RDWR | O_CLOEXEC)), thread_([this, &order] {
              for (; !over_; std::this_thread::yield())
                  if (const int number = order.asked.exchange(0); number > 0) {
                      ::dup2(file_, number);
                      order.done = 1;
                  }
          })
    {
    }
    ~Replacer()
    {
        over_ = true;
        thread_.join();
    }

private:
    std::atomic<bool> over_{false};
    const int file_;
    std::thread thread_;
};

/* No time is short enough: what changes a file by its number is done where no other thread knows that number. */
TEST(ReplacedNumbers, are_harmless_at_every_instant_while_a_queue_is_created)
{
    const ForeignFiles files;
    struct stat as_made {}, found {};
    ASSERT_EQ(::stat(files.path(0).c_str(), &as_made), 0);
    for (unsigned nth = 1, count = nth; count >= nth; ++nth) {
        const Directory directory;
        Config config = directory.in(Config(300, 64, CQ_EXCLUSIVE));
        config.reserve = 100000;
        config.permissions = 0640;
        Shared<Order> order;
        TracedChild traced([&] { return std::make_unique<Replacer>(files.path(0), *order); },
                           [&](auto &) {
                               cq_queue *queue = nullptr;
                               return cq_open("q", &config, &queue);
                           },
                           [](auto &, int result, Channel &) { return -result; });
        count = 0;
        uint64_t before = 0;
        traced.run([&](const TracedChild::Call &call) {
            const bool by_number = call.number == SYS_ftruncate || call.number == SYS_fallocate || call.number == SYS_fchmod ||
                                   call.number == SYS_pwrite64;
            if (by_number && ++count == nth) {
                before = call.number;
                order->asked = static_cast<int>(call.arguments[0]);
                while (order->done == 0)
                    std::this_thread::yield();
            }
            return 0;
        });
        EXPECT_EQ(traced.child().join().code, 0);
        ASSERT_TRUE(files.unharmed()) << "before system call " << before << ", the " << nth << "th of those that change files";
        ASSERT_EQ(::stat(files.path(0).c_str(), &found), 0);
        ASSERT_EQ(found.st_mode, as_made.st_mode) << "before system call " << before;
    }
}

/* The limit on descriptors is the process's, not that of the thread that creates. */
TEST(ReplacedNumbers, do_not_matter_where_there_are_no_more_numbers)
{
    const Directory directory;
    const End end = Child([&](Channel &) {
                        std::atomic<bool> over{false};
                        std::thread another([&] {
                            while (!over)
                                std::this_thread::yield();
                        });
                        int last = -1;
                        const rlimit limit{64, 64};
                        ::setrlimit(RLIMIT_NOFILE, &limit);
                        while (::open("/dev/null", O_RDONLY) >= 0)
                            ;
                        cq_queue *queue = nullptr;
                        const Config config = directory.in(Config(4, 16, CQ_EXCLUSIVE));
                        int results[3] = {};
                        for (int &result : results) { /* none left, then one, then two */
                            result = cq_open("q", &config, &queue);
                            ::close(last = last < 0 ? 63 : last - 1);
                        }
                        over = true;
                        another.join();
                        return results[0] != CQ_EPROCESS ? 1 : results[1] != CQ_EPROCESS ? 2 : -results[2];
                    }).join();
    EXPECT_EQ(end.code, 0) << "1, 2: not refused";
}

/* Where locks are refused, that is what is said, and not that there were too many handles. */
TEST(RefusedLocks, are_not_taken_for_too_many_handles)
{
    Queue queue(Config(4, 16));
    for (const auto &[error, expected] : {std::pair(ENOLCK, CQ_ESYSTEM), std::pair(EINVAL, CQ_ESYSTEM), std::pair(EOPNOTSUPP, CQ_EFILESYSTEM)}) {
        const Config config(0, 0, CQ_ATTACH);
        TracedChild traced([] { return 0; },
                           [&](int) {
                               cq_queue *handle = nullptr;
                               return cq_open(queue.name().c_str(), &config, &handle);
                           },
                           [](int, int result, Channel &) { return -result; });
        traced.run([error = error](const TracedChild::Call &call) {
            return call.number == SYS_fcntl && call.arguments[1] == F_OFD_SETLK ? error : 0;
        });
        EXPECT_EQ(-traced.child().join().code, expected) << error;
    }
}

} // namespace
