/*
 * Every system call that an operation makes, one after the other: failing, or the last thing its process does. After
 * that the result is a documented one, nothing is left over, and the next who comes finds a queue that works.
 */
#include <algorithm>
#include <fstream>
#include <functional>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/directory.hpp"
#include "support/leftovers.hpp"
#include "support/process.hpp"
#include "support/system_calls.hpp"

namespace {

using namespace cqtest;

/* An operation that makes system calls. It runs in a child, which closes its handle itself. */
struct Operation {
    const char *name;
    std::set<int> results; /* documented, besides CQ_OK */
    std::vector<int> errors;
    unsigned messages;     /* waiting before */
    bool dead;             /* somebody died with a message and a reservation in its hands */
    bool handle;           /* on an open handle */
    std::function<int(const std::string &name, const Config &config, cq_queue *&queue)> run;
};

int open_it(const std::string &name, Config config, cq_queue *&queue, uint32_t flags, uint64_t capacity)
{
    config.flags = flags;
    config.capacity = capacity;
    return cq_open(name.c_str(), &config, &queue);
}

const std::set<int> open_results{CQ_ENOENT, CQ_EEXIST, CQ_EACCESS, CQ_ENOSPACE, CQ_ENOMEM, CQ_ELIMIT, CQ_EPROCESS, CQ_EFILESYSTEM, CQ_ESYSTEM};
const std::vector<int> any{EINTR, ENOMEM, EMFILE, ENOSPC, EACCES, EIO};
const char big[256] = {};

const Operation operations[] = {
    {"create", open_results, any, 0, false, false,
     [](const std::string &name, const Config &config, cq_queue *&queue) {
         return open_it(name + "new", config, queue, CQ_CREATE, 50);
     }},
    {"attach", open_results, any, 3, false, false,
     [](const std::string &name, const Config &config, cq_queue *&queue) {
         return open_it(name, config, queue, CQ_ATTACH, 0);
     }},
    {"attach_after_a_death", open_results, any, 3, true, false,
     [](const std::string &name, const Config &config, cq_queue *&queue) {
         return open_it(name, config, queue, CQ_CREATE, 0);
     }},
    {"attach_read_only", open_results, any, 3, true, false,
     [](const std::string &name, const Config &config, cq_queue *&queue) {
         return open_it(name, config, queue, CQ_READ_ONLY, 0);
     }},
    {"growth", {CQ_ENOSPACE, CQ_ESYSTEM}, any, 4, false, true,
     [](const std::string &, const Config &, cq_queue *&queue) { return cq_enqueue(queue, big, 200); }},
    {"recover", {}, any, 3, true, true,
     [](const std::string &, const Config &, cq_queue *&queue) { return cq_recover(queue, nullptr); }},
    {"wait_for_a_message", {CQ_TIMEOUT}, any, 0, false, true,
     [](const std::string &, const Config &, cq_queue *&queue) {
         return cq_dequeue_wait(queue, nullptr, 0, nullptr, to_ns(milliseconds(220)));
     }},
    {"stat", {CQ_ESYSTEM}, any, 3, true, true,
     [](const std::string &, const Config &, cq_queue *&queue) {
         Stats stats;
         return cq_stat(queue, &stats);
     }},
    {"close", {}, any, 3, true, true,
     [](const std::string &, const Config &, cq_queue *&queue) { return cq_close(std::exchange(queue, nullptr)); }},
    {"unlink", {CQ_ENOENT, CQ_EACCESS, CQ_ESYSTEM, CQ_ENOMEM}, {EACCES, EROFS, EIO, ENOMEM}, 0, false, false,
     [](const std::string &name, const Config &config, cq_queue *&) { return cq_unlink(name.c_str(), &config); }},
};

std::ostream &operator<<(std::ostream &out, const Operation &operation) { return out << operation.name; }

size_t open_descriptors() { return entries("/proc/self/fd").size(); }

size_t mappings_of(const std::string &path)
{
    std::ifstream maps("/proc/self/maps");
    size_t count = 0;
    for (std::string line; std::getline(maps, line);)
        count += line.find(path) != std::string::npos;
    return count;
}

class SystemCalls : public testing::TestWithParam<Operation> {
protected:
    /* What the operation finds: messages 0, 1, ... of which a dead one may hold the first. */
    void prepare()
    {
        queue_.emplace(directory_.in(Config(50, 256)), Shape(4), "q");
        for (unsigned i = 0; i < GetParam().messages; ++i)
            queue_->must_enqueue(std::to_string(i));
        if (!GetParam().dead)
            return;
        Child dead([&](Channel &) {
            Handle handle = queue_->attach();
            (void)handle.take();
            (void)handle.reserve(1);
            ::_exit(0);
        });
        ASSERT_EQ(dead.join().code, 0);
    }

    struct Before {
        cq_queue *queue;
        size_t descriptors;
    };

    TracedChild start()
    {
        const Config config = directory_.in(Config(0, 0));
        const Operation &operation = GetParam();
        const std::string path = directory_.path();
        return TracedChild(
            [this, operation] {
                if (!operation.handle)
                    return Before{nullptr, open_descriptors()};
                const size_t descriptors = open_descriptors();
                Config attach = directory_.in(Config(0, 0, CQ_ATTACH));
                Before before{nullptr, descriptors};
                if (cq_open("q", &attach, &before.queue) != CQ_OK)
                    throw std::runtime_error("no handle to begin with");
                return before;
            },
            [operation, config](Before &before) {
                ShapeScope shape(Shape(4));
                return operation.run("q", config, before.queue);
            },
            [operation, path](Before &before, int result, Channel &channel) {
                channel.put(result);
                if (result < 0 && !operation.handle && before.queue != nullptr)
                    return 2;
                if (before.queue != nullptr && operation.handle) {
                    /* Whatever happened, the handle works. */
                    char buffer[256];
                    if (cq_enqueue(before.queue, "x", 1) != CQ_OK ||
                        cq_dequeue(before.queue, buffer, sizeof buffer, nullptr) != CQ_OK)
                        return 3;
                }
                cq_close(before.queue);
                if (open_descriptors() != before.descriptors)
                    return 4;
                return mappings_of(path) == 0 ? 0 : 5;
            });
    }

    /* Everything is there still, once, and the queue takes as much as ever. */
    void expect_whole()
    {
        Handle handle("q", directory_.in(Config(50, 0, CQ_CREATE)));
        handle.recover();
        std::vector<std::string> all = handle.drain(), wanted;
        ASSERT_GE(handle.fill(), 50u);
        handle.drain();
        EXPECT_EQ(handle.fill(), 50u);
        EXPECT_EQ(handle.stat().participants, queue_->get() != nullptr ? 2u : 1u);
        int extra = 0;
        for (const std::string &message : all)
            extra += message == "x" || message.size() == 200;
        all.erase(std::remove_if(all.begin(), all.end(),
                                 [](const std::string &message) { return message == "x" || message.size() == 200; }),
                  all.end());
        EXPECT_LE(extra, 2) << "the operation's, and one to try";
        const unsigned taken = GetParam().messages - static_cast<unsigned>(all.size());
        EXPECT_LE(taken, GetParam().handle ? 1u : 0u) << "messages lost";
        for (size_t i = 1; i < all.size(); ++i)
            EXPECT_LT(all[i - 1], all[i]) << "twice, or out of order";
    }

    /* Made before its maker failed, others may be using it already: so it stays. */
    void expect_whole_if_there()
    {
        if (!std::filesystem::exists(directory_.file("qnew")))
            return;
        Handle next("qnew", directory_.in(Config(50, 0, CQ_ATTACH)));
        EXPECT_EQ(next.stat().participants, 1u);
        EXPECT_EQ(next.fill(), 50u);
    }

    static bool removes() { return std::string(GetParam().name) == "unlink"; }

    void expect_nothing_left()
    {
        for (const std::string &entry : entries(directory_.path()))
            EXPECT_TRUE(entry == "cqueue.q" || entry == "cqueue.qnew") << entry;
    }

    void clean_up()
    {
        queue_.reset();
        const Config config = directory_.in(Config());
        cq_unlink("qnew", &config);
    }

    Directory directory_;
    std::optional<Queue> queue_;
};

std::string name_of(const testing::TestParamInfo<Operation> &info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Fault22, SystemCalls, testing::ValuesIn(operations), name_of);

TEST_P(SystemCalls, each_may_fail)
{
    const Operation &operation = GetParam();
    bool reached = true;
    unsigned nth = 1;
    for (; reached && nth < 1000; ++nth)
        for (const int error : operation.errors) {
            prepare();
            TracedChild traced = start();
            reached = traced.run({Injection::fail, nth, error});
            const std::string what = "call " + std::to_string(nth) + " (number " + std::to_string(traced.call().number) +
                                     ") failed: " + ::strerror(error);
            SCOPED_TRACE(what);
            const auto result = traced.child().get<int>();
            const End end = traced.child().join();
            ASSERT_TRUE(result.has_value()) << "signal " << end.signal;
            EXPECT_TRUE(*result == CQ_OK || operation.results.count(*result) == 1)
                << *result << " " << cq_strerror(*result);
            EXPECT_EQ(end.code, 0) << "2: a handle and an error, 3: unusable, 4: descriptors, 5: mappings left";
            if (!removes())
                expect_whole();
            if (*result != CQ_OK)
                expect_whole_if_there();
            expect_nothing_left();
            clean_up();
            if (HasFailure())
                return;
        }
    EXPECT_GT(nth, 2u) << "it makes no system calls at all";
    std::printf("%u system calls\n", nth - 2);
}

TEST_P(SystemCalls, each_may_be_the_last)
{
    bool reached = true;
    unsigned nth = 1;
    for (; reached && nth < 1000; ++nth)
        for (const auto kind : {Injection::kill_before, Injection::kill_after}) {
            prepare();
            TracedChild traced = start();
            reached = traced.run({kind, nth, 0});
            SCOPED_TRACE("killed at call " + std::to_string(nth) + " (number " + std::to_string(traced.call().number) + ")");
            if (!reached)
                traced.child().join();
            expect_nothing_left();
            if (std::string(GetParam().name) == "create") {
                /* Whoever comes next creates the queue, or finds it whole: never anything in between. */
                ShapeScope shape(Shape(4));
                Handle("qnew", directory_.in(Config(50)));
                expect_whole_if_there();
            }
            if (!removes())
                expect_whole();
            clean_up();
            if (HasFailure())
                return;
        }
    std::printf("%u system calls\n", nth - 2);
}

} // namespace
