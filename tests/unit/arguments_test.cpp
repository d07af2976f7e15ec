/* CQ_EINVAL: every argument of every function that can be NULL, of an unknown size or out of range. */
#include <algorithm>
#include <cstddef>
#include <cstring>

#include <gtest/gtest.h>

#include "support/leftovers.hpp"

namespace cqtest {
namespace {

int ignore(const cq_message *, void *) { return 0; }

/* A queue with one message "x" in it; after the test it must still be there, alone. */
class Arguments : public ::testing::Test {
protected:
    Arguments() : queue(Config(4, 16)) { queue.must_enqueue("x"); }
    void TearDown() override
    {
        EXPECT_EQ(queue.walk(), std::vector<std::string>{"x"});
        EXPECT_EQ(queue.fill(), 3u) << "an invalid call must not cost a place";
    }

    Queue queue;
    char buffer[16] = {};
    size_t size = 0, done = 0;
    cq_slice slice{buffer, 1};
    Message message;
};

TEST_F(Arguments, no_queue)
{
    Stats stats;
    Recovery recovery;
    uint64_t length = 0;
    int fd = -1;
    EXPECT_EQ(cq_enqueue(nullptr, "x", 1), CQ_EINVAL);
    EXPECT_EQ(cq_dequeue(nullptr, buffer, 16, &size), CQ_EINVAL);
    EXPECT_EQ(cq_enqueue_wait(nullptr, "x", 1, -1), CQ_EINVAL);
    EXPECT_EQ(cq_dequeue_wait(nullptr, buffer, 16, &size, -1), CQ_EINVAL);
    EXPECT_EQ(cq_enqueue_batch(nullptr, &slice, 1, &done), CQ_EINVAL);
    EXPECT_EQ(cq_dequeue_batch(nullptr, buffer, 16, &slice, 1, &done), CQ_EINVAL);
    EXPECT_EQ(cq_reserve(nullptr, 1, &message), CQ_EINVAL);
    EXPECT_EQ(cq_commit(nullptr, &message, 1), CQ_EINVAL);
    EXPECT_EQ(cq_abort(nullptr, &message), CQ_EINVAL);
    EXPECT_EQ(cq_take(nullptr, &message), CQ_EINVAL);
    EXPECT_EQ(cq_take_wait(nullptr, &message, -1), CQ_EINVAL);
    EXPECT_EQ(cq_release(nullptr, &message), CQ_EINVAL);
    EXPECT_EQ(cq_return(nullptr, &message), CQ_EINVAL);
    EXPECT_EQ(cq_walk(nullptr, ignore, nullptr), CQ_EINVAL);
    EXPECT_EQ(cq_stat(nullptr, &stats), CQ_EINVAL);
    EXPECT_EQ(cq_length(nullptr, &length), CQ_EINVAL);
    EXPECT_EQ(cq_wait(nullptr, -1), CQ_EINVAL);
    EXPECT_EQ(cq_wait_room(nullptr, -1), CQ_EINVAL);
    EXPECT_EQ(cq_wait_pass_on(nullptr), CQ_EINVAL);
    EXPECT_EQ(cq_wait_room_pass_on(nullptr), CQ_EINVAL);
    EXPECT_EQ(cq_recover(nullptr, &recovery), CQ_EINVAL);
    EXPECT_EQ(cq_recover(nullptr, nullptr), CQ_EINVAL);
    EXPECT_EQ(cq_fd(nullptr, &fd), CQ_EINVAL);
    EXPECT_EQ(cq_room_fd(nullptr, &fd), CQ_EINVAL);
    EXPECT_EQ(cq_close(nullptr), CQ_OK) << "closing nothing is fine";
}

TEST_F(Arguments, no_data)
{
    EXPECT_EQ(cq_enqueue(queue, nullptr, 1), CQ_EINVAL);
    EXPECT_EQ(cq_enqueue_wait(queue, nullptr, 1, 0), CQ_EINVAL);
    EXPECT_EQ(cq_enqueue_batch(queue, nullptr, 1, &done), CQ_EINVAL);
    slice.data = nullptr;
    EXPECT_EQ(cq_enqueue_batch(queue, &slice, 1, &done), CQ_EINVAL);
}

TEST_F(Arguments, no_buffer)
{
    EXPECT_EQ(cq_dequeue(queue, nullptr, 1, &size), CQ_EINVAL);
    EXPECT_EQ(cq_dequeue_wait(queue, nullptr, 1, &size, 0), CQ_EINVAL);
    EXPECT_EQ(cq_dequeue_batch(queue, nullptr, 1, &slice, 1, &done), CQ_EINVAL);
    EXPECT_EQ(cq_dequeue_batch(queue, buffer, 16, nullptr, 1, &done), CQ_EINVAL);
}

TEST_F(Arguments, no_place_for_the_result)
{
    EXPECT_EQ(cq_enqueue_batch(queue, &slice, 1, nullptr), CQ_EINVAL);
    EXPECT_EQ(cq_dequeue_batch(queue, buffer, 16, &slice, 1, nullptr), CQ_EINVAL);
    EXPECT_EQ(cq_reserve(queue, 1, nullptr), CQ_EINVAL);
    EXPECT_EQ(cq_commit(queue, nullptr, 1), CQ_EINVAL);
    EXPECT_EQ(cq_abort(queue, nullptr), CQ_EINVAL);
    EXPECT_EQ(cq_take(queue, nullptr), CQ_EINVAL);
    EXPECT_EQ(cq_take_wait(queue, nullptr, 0), CQ_EINVAL);
    EXPECT_EQ(cq_release(queue, nullptr), CQ_EINVAL);
    EXPECT_EQ(cq_return(queue, nullptr), CQ_EINVAL);
    EXPECT_EQ(cq_walk(queue, nullptr, nullptr), CQ_EINVAL);
    EXPECT_EQ(cq_stat(queue, nullptr), CQ_EINVAL);
    EXPECT_EQ(cq_length(queue, nullptr), CQ_EINVAL);
    EXPECT_EQ(cq_fd(queue, nullptr), CQ_EINVAL);
    EXPECT_EQ(cq_room_fd(queue, nullptr), CQ_EINVAL);
    EXPECT_EQ(cq_recover(queue, nullptr), CQ_OK) << "here it may be left out";
}

TEST_F(Arguments, a_batch_of_nothing)
{
    /* All of nothing can be enqueued; but a dequeue that succeeds has one message at least. */
    done = 99;
    EXPECT_EQ(cq_enqueue_batch(queue, &slice, 0, &done), CQ_OK);
    EXPECT_EQ(done, 0u);
    done = 99;
    EXPECT_EQ(cq_enqueue_batch(queue, nullptr, 0, &done), CQ_OK);
    EXPECT_EQ(done, 0u);
    EXPECT_EQ(cq_dequeue_batch(queue, buffer, 16, &slice, 0, &done), CQ_EINVAL);
}

TEST_F(Arguments, a_message_of_another_size)
{
    ASSERT_EQ(cq_take(queue, &message), CQ_OK);
    for (const uint32_t wrong : {0u, 1u, 4u, 47u, 4097u, UINT32_MAX}) {
        Message other = message;
        other.struct_size = wrong;
        EXPECT_EQ(cq_reserve(queue, 1, &other), CQ_EINVAL) << wrong;
        EXPECT_EQ(cq_commit(queue, &other, 1), CQ_EINVAL) << wrong;
        EXPECT_EQ(cq_abort(queue, &other), CQ_EINVAL) << wrong;
        EXPECT_EQ(cq_take(queue, &other), CQ_EINVAL) << wrong;
        EXPECT_EQ(cq_take_wait(queue, &other, 0), CQ_EINVAL) << wrong;
        EXPECT_EQ(cq_release(queue, &other), CQ_EINVAL) << wrong;
        EXPECT_EQ(cq_return(queue, &other), CQ_EINVAL) << wrong;
    }
    ASSERT_EQ(cq_release(queue, &message), CQ_OK);
    ASSERT_EQ(cq_enqueue(queue, "x", 1), CQ_OK); /* a returned message would not count against capacity */
}

/* A caller's, built against a header with another version of the struct: what is around it is not his to lose. */
template <class Struct>
struct Sized {
    explicit Sized(size_t size, char behind) : Sized(Struct{}, size, behind) {}
    Sized(const Struct &value, size_t size, char behind) : bytes(256, behind)
    {
        std::memcpy(bytes.data(), &value, std::min(size, sizeof value));
        const uint32_t number = static_cast<uint32_t>(size);
        std::memcpy(bytes.data(), &number, sizeof number);
    }
    Struct *get() { return reinterpret_cast<Struct *>(bytes.data()); }
    std::string from(size_t offset) const { return bytes.substr(offset); }

    std::string bytes; /* too long to be in the string itself, and so aligned for anything */
};

TEST_F(Arguments, a_message_of_a_newer_version)
{
    const auto all_fit = [&](char behind) {
        Sized<cq_message> one(message, sizeof(cq_message) + 16, behind);
        if (cq_take(queue, one.get()) != CQ_OK)
            return false;
        EXPECT_EQ(cq_return(queue, one.get()), CQ_OK);
        EXPECT_EQ(cq_take_wait(queue, one.get(), 0), CQ_OK);
        EXPECT_EQ(cq_release(queue, one.get()), CQ_OK);
        EXPECT_EQ(cq_reserve(queue, 1, one.get()), CQ_OK);
        EXPECT_EQ(cq_abort(queue, one.get()), CQ_OK);
        EXPECT_EQ(cq_reserve(queue, 1, one.get()), CQ_OK);
        std::memcpy(one.get()->data, "x", 1);
        EXPECT_EQ(cq_commit(queue, one.get(), 1), CQ_OK);
        EXPECT_EQ(one.get()->struct_size, sizeof(cq_message) + 16) << "it stays the caller's";
        return true;
    };
    EXPECT_TRUE(all_fit('\0'));
    EXPECT_FALSE(all_fit('#')) << "something is asked for that this library does not know";
}

TEST_F(Arguments, stats_of_an_older_version)
{
    for (const uint32_t size : {156u, 160u}) { /* without and with the padding behind `unlinked`, and no more */
        Sized<cq_stats> stats(size, '#');
        ASSERT_EQ(cq_stat(queue, stats.get()), CQ_OK) << size;
        EXPECT_EQ(stats.get()->struct_size, size);
        EXPECT_EQ(stats.get()->capacity, 4u);
        EXPECT_EQ(stats.get()->unlinked, 0u);
        EXPECT_EQ(stats.from(size), std::string(256 - size, '#')) << size;
    }
}

TEST_F(Arguments, a_recovery_of_the_first_version)
{
    Sized<cq_recovery> recovery(32, '#');
    ASSERT_EQ(cq_recover(queue, recovery.get()), CQ_OK);
    EXPECT_EQ(recovery.get()->struct_size, 32u);
    EXPECT_EQ(recovery.get()->nodes, 0u);
    EXPECT_EQ(recovery.from(32), std::string(256 - 32, '#'));
}

/* Of a struct that only reports, a caller built against a later header may offer a larger one. */
TEST_F(Arguments, a_larger_struct_is_filled_in_as_far_as_it_is_known)
{
    struct {
        cq_stats stats;
        char later[64];
    } stats{};
    std::memset(stats.later, '#', sizeof stats.later);
    stats.stats.struct_size = sizeof stats;
    ASSERT_EQ(cq_stat(queue, &stats.stats), CQ_OK);
    EXPECT_EQ(stats.stats.struct_size, sizeof(cq_stats));
    EXPECT_EQ(stats.stats.capacity, 4u);
    EXPECT_EQ(std::string(stats.later, sizeof stats.later), std::string(64, '#'));

    struct {
        cq_recovery recovery;
        char later[64];
    } recovery{};
    std::memset(recovery.later, '#', sizeof recovery.later);
    recovery.recovery.struct_size = sizeof recovery;
    ASSERT_EQ(cq_recover(queue, &recovery.recovery), CQ_OK);
    EXPECT_EQ(recovery.recovery.struct_size, sizeof(cq_recovery));
    EXPECT_EQ(std::string(recovery.later, sizeof recovery.later), std::string(64, '#'));
}

TEST_F(Arguments, a_report_too_small_for_its_own_size)
{
    for (const uint32_t wrong : {0u, 1u, 3u, 31u}) {
        for (const uint32_t far : {wrong, wrong + 124}) {
            Stats stats;
            stats.struct_size = far;
            EXPECT_EQ(cq_stat(queue, &stats), CQ_EINVAL) << far;
        }
        Recovery recovery;
        recovery.struct_size = wrong;
        EXPECT_EQ(cq_recover(queue, &recovery), CQ_EINVAL) << wrong;
    }
}

TEST_F(Arguments, timeouts_of_every_sign_are_valid)
{
    Queue empty(Config(1, 8));
    size_t got = 0;
    for (const int64_t timeout : {INT64_C(0), INT64_C(1), INT64_C(1000000)}) {
        EXPECT_EQ(cq_dequeue_wait(empty, buffer, 16, &got, timeout), CQ_TIMEOUT) << timeout;
        EXPECT_EQ(cq_take_wait(empty, &message, timeout), CQ_TIMEOUT) << timeout;
    }
    for (const int64_t timeout : {INT64_C(0), INT64_C(1), INT64_C(-1), INT64_MIN, INT64_MAX}) {
        EXPECT_EQ(cq_enqueue_wait(empty, "y", 1, timeout), CQ_OK) << timeout;
        EXPECT_EQ(cq_enqueue_wait(empty, "y", 1, timeout > 0 && timeout < 9 ? timeout : 0), CQ_TIMEOUT) << timeout;
        EXPECT_EQ(cq_dequeue_wait(empty, buffer, 16, &got, timeout), CQ_OK) << timeout;
    }
}

/* cq_open has its own arguments. */
int open_with(const Config &config)
{
    const std::string name = unique_name();
    const int result = open_result(name, config);
    cq_unlink(name.c_str(), &config);
    return result;
}

TEST(OpenArguments, no_place_for_the_handle)
{
    const std::string name = unique_name();
    EXPECT_EQ(cq_open(name.c_str(), nullptr, nullptr), CQ_EINVAL);
    EXPECT_EQ(cq_unlink(name.c_str(), nullptr), CQ_ENOENT) << "nothing may have been created";
}

TEST(OpenArguments, no_config_means_the_defaults)
{
    const std::string name = unique_name();
    cq_queue *queue = nullptr;
    ASSERT_EQ(cq_open(name.c_str(), nullptr, &queue), CQ_OK);
    const Handle handle(queue);
    EXPECT_EQ(handle.stat().capacity, 65536u);
    EXPECT_EQ(handle.stat().max_message_size, 4096u);
    EXPECT_EQ(cq_unlink(name.c_str(), nullptr), CQ_OK);
}

TEST(OpenArguments, a_config_of_another_size)
{
    for (const uint32_t wrong : {0u, 1u, 8u, 39u, 4097u, UINT32_MAX}) {
        Config config(4, 16);
        config.struct_size = wrong;
        EXPECT_EQ(open_with(config), CQ_EINVAL) << wrong;
        EXPECT_EQ(cq_unlink(unique_name().c_str(), &config), CQ_EINVAL) << wrong;
    }
}

TEST(OpenArguments, a_config_of_the_first_version)
{
    const std::string name = unique_name();
    Sized<cq_config> config(Config(4, 16, CQ_EXCLUSIVE), 40, '#'); /* behind it is what is not his */
    cq_queue *queue = nullptr;
    ASSERT_EQ(cq_open(name.c_str(), config.get(), &queue), CQ_OK);
    const Handle handle(queue);
    EXPECT_EQ(handle.stat().capacity, 4u);
    EXPECT_EQ(config.from(40), std::string(256 - 40, '#'));
    EXPECT_EQ(cq_unlink(name.c_str(), config.get()), CQ_OK);
}

TEST(OpenArguments, a_config_of_a_newer_version)
{
    const std::string name = unique_name();
    const size_t size = sizeof(cq_config) + 16;
    Sized<cq_config> unset(Config(4, 16, CQ_EXCLUSIVE), size, '\0'), set(Config(4, 16, CQ_EXCLUSIVE), size, '#');
    cq_queue *queue = nullptr;
    EXPECT_EQ(cq_open(name.c_str(), set.get(), &queue), CQ_EINVAL) << "something is asked for that is not known";
    EXPECT_EQ(cq_unlink(name.c_str(), set.get()), CQ_EINVAL);
    ASSERT_EQ(cq_open(name.c_str(), unset.get(), &queue), CQ_OK);
    const Handle handle(queue);
    EXPECT_EQ(handle.stat().capacity, 4u);
    EXPECT_EQ(cq_unlink(name.c_str(), unset.get()), CQ_OK);
}

TEST(OpenArguments, unknown_and_contradictory_flags)
{
    for (uint32_t bit = 1024; bit != 0; bit <<= 1)
        EXPECT_EQ(open_with(Config(4, 16, bit)), CQ_EINVAL) << bit;
    EXPECT_EQ(open_with(Config(4, 16, CQ_EXCLUSIVE | CQ_ATTACH)), CQ_EINVAL);
    EXPECT_EQ(open_with(Config(4, 16, CQ_EXCLUSIVE | CQ_READ_ONLY)), CQ_EINVAL);
    EXPECT_EQ(open_with(Config(4, 16, CQ_SYNC | CQ_READ_ONLY)), CQ_EINVAL);
    Config config(4, 16);
    config.durable_directory = "/var/tmp";
    EXPECT_EQ(open_with(config), CQ_EINVAL) << "a directory for what is not durable";
}

TEST(OpenArguments, reserved_must_be_zero)
{
    Config config(4, 16);
    config.reserved = 1;
    EXPECT_EQ(open_with(config), CQ_EINVAL);
}

TEST(OpenArguments, both_ends_of_the_capacity)
{
    EXPECT_EQ(open_with(Config(1, 1)), CQ_OK);
    EXPECT_EQ(open_with(Config(UINT64_C(1) << 31, 1)), CQ_OK);
    EXPECT_EQ(open_with(Config((UINT64_C(1) << 31) + 1, 1)), CQ_EINVAL);
    EXPECT_EQ(open_with(Config(UINT64_MAX, 1)), CQ_EINVAL);
}

TEST(OpenArguments, both_ends_of_the_message_size)
{
    EXPECT_EQ(open_with(Config(1, 1)), CQ_OK);
    EXPECT_EQ(open_with(Config(1, UINT64_C(1) << 24)), CQ_OK);
    EXPECT_EQ(open_with(Config(1, (UINT64_C(1) << 30) + 1)), CQ_EINVAL);
    EXPECT_EQ(open_with(Config(1, UINT64_MAX)), CQ_EINVAL);
}

TEST(OpenArguments, permissions_may_not_let_others_write_or_be_anything_else)
{
    for (const uint32_t wrong : {0400u, 0060u, 0200u, 0602u, 0606u, 0666u, 0700u, 0610u, 01600u, 04600u, 0100600u, UINT32_MAX}) {
        Config config(4, 16);
        config.permissions = wrong;
        EXPECT_EQ(open_with(config), CQ_EINVAL) << std::oct << wrong;
    }
}

} // namespace
} // namespace cqtest
