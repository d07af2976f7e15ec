/*
 * Whoever opens a queue meets a finished region or none, at whatever step its creator is, or was killed.
 */
#include <gtest/gtest.h>

#include "support/leftovers.hpp"
#include "support/process.hpp"
#include "support/seed.hpp"
#include "support/system_calls.hpp"

namespace cqtest {
namespace {

constexpr uint64_t capacity = 1000;

/* Opens the queue as somebody who does not create it. True: it is there, whole and usable. False: it is not there. */
bool find(const std::string &name, uint32_t flags)
{
    const Config config(0, 0, flags);
    cq_queue *opened = nullptr;
    const int result = cq_open(name.c_str(), &config, &opened);
    const Handle handle(opened);
    if (result == CQ_ENOENT)
        return false;
    EXPECT_EQ(result, CQ_OK) << cq_strerror(result);
    if (result != CQ_OK)
        return false;
    EXPECT_EQ(handle.stat().capacity, capacity);
    if (flags == CQ_ATTACH) {
        handle.must_enqueue("whole");
        EXPECT_EQ(handle.dequeue(), "whole");
    }
    EXPECT_EQ(handle.walk(), std::vector<std::string>());
    return true;
}

/* A region changes by system calls only, until its creator attaches to it like anybody else. */
TEST(UnfinishedQueue, is_never_found_between_two_system_calls_of_its_creator)
{
    const std::string name = unique_name();
    TracedChild creator([] { return 0; },
                        [&](int) {
                            const Config config(capacity, 64, CQ_EXCLUSIVE);
                            cq_queue *queue = nullptr;
                            return cq_open(name.c_str(), &config, &queue);
                        },
                        [](int, int result, Channel &) { return result; });
    unsigned absent = 0, present = 0;
    creator.run([&](const TracedChild::Call &) {
        const bool found = find(name, CQ_ATTACH);
        EXPECT_EQ(find(name, CQ_READ_ONLY), found);
        EXPECT_TRUE(found || present == 0) << "what was there is gone";
        ++(found ? present : absent);
        return 0;
    });
    EXPECT_EQ(creator.child().join().code, CQ_OK);
    EXPECT_GE(absent, 8u) << "it should take several calls to make a region";
    EXPECT_GE(present, 1u);
    cq_unlink(name.c_str(), nullptr);
}

TEST(UnfinishedQueue, is_never_found_while_creators_are_killed)
{
    Noise noise(seed());
    const std::string name = unique_name();
    const auto create_for_ever = [&](Channel &) {
        for (;;) {
            cq_unlink(name.c_str(), nullptr);
            Handle(name, Config(capacity, 64, CQ_EXCLUSIVE));
        }
    };
    unsigned absent = 0, present = 0;
    const auto end = Clock::now() + patience;
    for (int kill = 0; kill < 100 || absent < 100 || present < 100; ++kill) {
        ASSERT_LT(Clock::now(), end) << "absent " << absent << " times, present " << present << " times";
        Child creator(create_for_ever);
        for (uint64_t looks = 1 + noise.below(40); looks > 0; --looks)
            ++(find(name, noise.once_in(2) ? CQ_ATTACH : CQ_READ_ONLY) ? present : absent);
        EXPECT_EQ(creator.kill().signal, SIGKILL);
    }
    cq_unlink(name.c_str(), nullptr);
}

} // namespace
} // namespace cqtest
