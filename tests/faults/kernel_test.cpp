/*
 * What an operation asks of the kernel, and what the kernel answers: watched, and now and then answered otherwise.
 */
#include <ctime>
#include <map>
#include <optional>
#include <string>

#include <gtest/gtest.h>
#include <linux/futex.h>
#include <sys/vfs.h>

#include "support/directory.hpp"
#include "support/leftovers.hpp"
#include "support/process.hpp"
#include "support/region_bytes.hpp"
#include "support/system_calls.hpp"

namespace {

using namespace cqtest;

/* The file that was made exclusively is replaced by another before its maker attaches to it. */
TEST(Fault19, exclusive_never_attaches_to_somebody_elses_queue)
{
    Directory directory;
    const Config config = directory.in(Config(10, 64, CQ_EXCLUSIVE));
    TracedChild traced([] { return 0; },
                       [config](int) {
                           cq_queue *queue = nullptr;
                           const int result = cq_open("q", &config, &queue);
                           Stats stats;
                           if (result == CQ_OK && cq_stat(queue, &stats) == CQ_OK && stats.length != 0)
                               return 1000;
                           return result;
                       },
                       [](int, int result, Channel &channel) { return channel.put(result), 0; });
    bool linked = false, replaced = false;
    traced.run([&](const TracedChild::Call &call) {
        if (linked && !replaced) {
            replaced = true;
            EXPECT_EQ(cq_unlink("q", &config), CQ_OK);
            Handle("q", directory.in(Config(10, 64))).must_enqueue("somebody else's");
        }
        linked |= call.number == SYS_linkat;
        return 0;
    });
    ASSERT_TRUE(replaced);
    const auto result = traced.child().get<int>();
    ASSERT_TRUE(result.has_value());
    EXPECT_NE(*result, 1000) << "CQ_OK, and a message in it";
    EXPECT_TRUE(*result == CQ_OK || *result == CQ_EEXIST) << cq_strerror(*result);
    cq_unlink("q", &config);
}

int64_t monotonic_now()
{
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* Not the clock that people set: each wait ends at a moment of the one that only runs forward, and soon, so that deaths
   are looked for. */
TEST(Fault39, waiting_asks_only_the_monotonic_clock)
{
    Queue queue(Config(10, 64));
    TracedChild traced(
        [&] { return queue.attach(); },
        [](Handle &handle) { return cq_dequeue_wait(handle, nullptr, 0, nullptr, to_ns(milliseconds(250))); },
        [](Handle &, int result, Channel &channel) { return channel.put(result), 0; });
    unsigned waits = 0;
    const int64_t begin = monotonic_now();
    traced.run([&](const TracedChild::Call &call) {
        if (call.number == SYS_clock_gettime) { /* where it is a system call at all */
            EXPECT_EQ(call.arguments[0], static_cast<uint64_t>(CLOCK_MONOTONIC));
        }
        EXPECT_NE(call.number, static_cast<uint64_t>(SYS_nanosleep));
        if (call.number != SYS_futex || (call.arguments[1] & 127) != FUTEX_WAIT_BITSET)
            return 0;
        ++waits;
        EXPECT_EQ(call.arguments[1] & FUTEX_CLOCK_REALTIME, 0u);
        const auto until = traced.peek<timespec>(call.arguments[3]);
        const int64_t end = until.tv_sec * INT64_C(1000000000) + until.tv_nsec;
        EXPECT_GE(end, begin);
        EXPECT_LE(end, monotonic_now() + to_ns(milliseconds(100)));
        return 0;
    });
    EXPECT_EQ(traced.child().get<int>(), CQ_TIMEOUT);
    EXPECT_GE(waits, 1u);
}

/* As soon as the header was read, somebody makes every size in it absurd: what was checked is what counts. */
TEST(Fault32, geometry_that_changes_after_it_was_read_is_not_read_again)
{
    Queue queue(Config(100, 64));
    const RegionBytes bytes(queue.path());
    TracedChild traced([] { return static_cast<cq_queue *>(nullptr); },
                       [&](cq_queue *&handle) {
                           const Config config(100, 64, CQ_ATTACH);
                           return cq_open(queue.name().c_str(), &config, &handle);
                       },
                       [](cq_queue *opened, int result, Channel &channel) {
                           const Handle handle(opened);
                           channel.put(result);
                           const Stats stats = handle.stat();
                           handle.must_enqueue("through");
                           return stats.capacity == 100 && stats.max_message_size == 64 && handle.walk().size() == 1 &&
                                          handle.dequeue() == "through" && handle.fill(std::string(64, 'x')) == 100
                                      ? 0
                                      : 1;
                       });
    bool read = false;
    traced.run_until([&](const TracedChild::Call &call, int64_t) {
        if (!read && call.number == SYS_pread64)
            for (uint64_t offset = field::capacity; offset <= field::file_size; offset += 8)
                bytes.put(offset, bytes.get(offset) << 20);
        read |= call.number == SYS_pread64;
        return false;
    });
    EXPECT_TRUE(read);
    EXPECT_EQ(traced.child().get<int>(), CQ_OK);
    EXPECT_EQ(traced.child().join().code, 0);
}

/* The kernel says of an ordinary directory that it is on such a file system. Only overlays can be had everywhere, see
   trust_test.cpp. */
TEST(Fault28, file_systems_of_other_machines_and_programs_are_refused_and_nothing_left_on_them)
{
    const std::map<const char *, long> kinds{{"NFS", 0x6969},       {"9p", 0x01021997},   {"FUSE", 0x65735546},
                                             {"SMB", 0x517b},       {"SMB2", 0xfe534d42}, {"CIFS", 0xff534d42},
                                             {"Ceph", 0x00c36400},  {"AFS", 0x5346414f},  {"Coda", 0x73757245},
                                             {"overlay", 0x794c7630}};
    for (const auto &[kind, magic] : kinds)
        for (const bool exists : {false, true})
            for (const bool forced : {false, true}) {
                SCOPED_TRACE(testing::Message() << kind << ", exists: " << exists << ", forced: " << forced);
                Directory directory;
                const uint32_t flags = forced ? CQ_ANY_FILESYSTEM : CQ_CREATE;
                std::optional<Queue> queue;
                if (exists)
                    queue.emplace(directory.in(Config(10, 64)), Shape(), "q");
                const Config config = directory.in(Config(10, 64, flags));
                TracedChild traced([] { return static_cast<cq_queue *>(nullptr); },
                                   [config](cq_queue *&handle) { return cq_open("q", &config, &handle); },
                                   [](cq_queue *handle, int result, Channel &channel) {
                                       channel.put(result);
                                       return cq_close(handle);
                                   });
                traced.run_until([&, type = magic](const TracedChild::Call &call, int64_t) {
                    if (call.number == SYS_fstatfs) {
                        auto status = traced.peek<struct statfs>(call.arguments[1]);
                        status.f_type = static_cast<decltype(status.f_type)>(type);
                        traced.poke(call.arguments[1], status);
                    }
                    return false;
                });
                EXPECT_EQ(traced.child().get<int>(), forced ? CQ_OK : CQ_EFILESYSTEM);
                EXPECT_EQ(traced.child().join().code, 0);
                EXPECT_EQ(entries(directory.path()).size(), exists || forced ? 1u : 0u);
            }
}

/* Each wait is cut short by a signal, as it may be: it is gone on with. */
TEST(Fault39, a_wait_that_is_interrupted_goes_on)
{
    Queue queue(Config(10, 64));
    TracedChild traced(
        [&] { return queue.attach(); },
        [](Handle &handle) {
            char text[64];
            return cq_dequeue_wait(handle, text, sizeof text, nullptr, patience_ns);
        },
        [](Handle &, int result, Channel &channel) { return channel.put(result), 0; });
    unsigned interrupted = 0;
    traced.run([&](const TracedChild::Call &call) {
        if (call.number != SYS_futex || interrupted == 1000)
            return 0;
        if (++interrupted == 1000)
            queue.must_enqueue("at last");
        return EINTR;
    });
    EXPECT_EQ(traced.child().get<int>(), CQ_OK);
    EXPECT_EQ(interrupted, 1000u);
}

} // namespace
