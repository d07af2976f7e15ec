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
            return 0;
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
