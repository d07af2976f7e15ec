/* Durable queues: what was synced is there again when the region is gone. */
#include <map>
#include <set>

#include "unit/durable.hpp"

extern "C" {
#include "crc32c.h"
}

namespace cqtest {
namespace {

/* ---- what survives ---- */

TEST_F(Durable, what_was_synced_is_there_again_in_order_marked_and_with_its_position)
{
    open();
    const auto sent = numbered(0, 300);
    std::vector<uint64_t> positions;
    for (const std::string &text : sent) {
        cq_message message{};
        message.struct_size = sizeof message;
        ASSERT_EQ(cq_reserve(queue_, text.size(), &message), CQ_OK);
        memcpy(message.data, text.data(), text.size());
        ASSERT_EQ(cq_commit(queue_, &message, text.size()), CQ_OK);
        positions.push_back(message.position);
    }
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    ASSERT_EQ(put("not synced"), CQ_OK);
    EXPECT_EQ(stat().unsynced, 1u);
    reopen();
    EXPECT_EQ(stat().recovered, 300u);
    EXPECT_EQ(stat().length, 300u);
    const auto taken = take_all();
    ASSERT_EQ(taken.size(), sent.size());
    for (size_t i = 0; i < sent.size(); ++i) {
        EXPECT_EQ(taken[i].text, sent[i]);
        EXPECT_EQ(taken[i].position, positions[i]);
        EXPECT_EQ(taken[i].deliveries, 2u);
    }
}

TEST_F(Durable, what_was_released_before_a_sync_does_not_come_back)
{
    open();
    put_all(numbered(0, 10));
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    char buffer[64];
    size_t size;
    for (int i = 0; i < 4; ++i)
        ASSERT_EQ(cq_dequeue(queue_, buffer, sizeof buffer, &size), CQ_OK);
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    ASSERT_EQ(cq_dequeue(queue_, buffer, sizeof buffer, &size), CQ_OK); /* not synced: for nothing */
    reopen();
    EXPECT_EQ(drain(), numbered(4, 6));
}

TEST_F(Durable, what_was_held_comes_back_with_its_deliveries)
{
    open();
    put_all(numbered(0, 3));
    cq_message first{}, second{};
    first.struct_size = second.struct_size = sizeof first;
    ASSERT_EQ(cq_take(queue_, &first), CQ_OK);
    ASSERT_EQ(cq_take(queue_, &second), CQ_OK);
    ASSERT_EQ(cq_return(queue_, &second), CQ_OK);
    ASSERT_EQ(cq_take(queue_, &second), CQ_OK); /* its second delivery */
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    reopen();
    const auto taken = take_all();
    ASSERT_EQ(taken.size(), 3u);
    EXPECT_EQ(taken[0].deliveries, 3u);
    EXPECT_EQ(taken[1].deliveries, 4u);
    EXPECT_EQ(taken[2].deliveries, 2u);
}

TEST_F(Durable, messages_of_all_sizes_survive)
{
    for (const uint64_t largest : {1u, 8u, 56u, 248u, 249u, 4096u, 12288u, 12289u, 700000u}) {
        message_ = largest;
        capacity_ = 20;
        home_ = directory_ + "/home" + std::to_string(largest);
        open();
        std::vector<std::string> sent;
        for (int i = 0; i < 20; ++i)
            sent.emplace_back(i == 0 ? largest : static_cast<size_t>(i) * 977 % (largest + 1), static_cast<char>('a' + i));
        put_all(sent);
        ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
        reopen();
        EXPECT_EQ(drain(), sent) << largest;
        reboot();
    }
}

TEST_F(Durable, a_second_recovery_finds_the_same_and_positions_are_never_used_again)
{
    std::set<uint64_t> positions;
    std::map<std::string, uint64_t> alive;
    open();
    for (int round = 0; round < 60; ++round) {
        faults->boot = round; /* what was logged in another run of the system is not logged again */
        const std::string text = "round " + std::to_string(round);
        cq_message message{};
        message.struct_size = sizeof message;
        ASSERT_EQ(cq_reserve(queue_, text.size(), &message), CQ_OK);
        memcpy(message.data, text.data(), text.size());
        ASSERT_EQ(cq_commit(queue_, &message, text.size()), CQ_OK);
        EXPECT_TRUE(positions.insert(message.position).second) << message.position;
        if (round % 3 != 2) {
            ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
            alive[text] = message.position;
        }
        reopen();
        if (round % 2)
            reopen();
        ASSERT_EQ(stat().length, alive.size()) << round;
    }
    for (const Taken &taken : take_all())
        EXPECT_EQ(alive[taken.text], taken.position);
}

TEST_F(Durable, the_capacity_is_exact_after_a_recovery)
{
    capacity_ = 500;
    open();
    put_all(numbered(0, 500));
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    reopen();
    put_all(numbered(500, 500)); /* those that are delivered again do not count */
    EXPECT_EQ(put("too much"), CQ_FULL);
    EXPECT_EQ(drain(), numbered(0, 1000));
}

/* Each in a node of its own, and more of these than the queue would have nodes for. */
TEST_F(Durable, all_that_survives_finds_room)
{
    cq_testing.slots_per_node = 4;
    cq_testing.spare_nodes = 300;
    cq_testing.hole_slots = 8;
    capacity_ = 8;
    open();
    std::vector<cq_message> held(250);
    for (int i = 0; i < 250; ++i) {
        put_all(numbered(4 * i, 4));
        char buffer[64];
        size_t size;
        held[static_cast<size_t>(i)].struct_size = sizeof(cq_message);
        ASSERT_EQ(cq_take(queue_, &held[static_cast<size_t>(i)]), CQ_OK);
        for (int k = 0; k < 3; ++k)
            ASSERT_EQ(cq_dequeue(queue_, buffer, sizeof buffer, &size), CQ_OK);
    }
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    for (int round = 0; round < 3; ++round) {
        reopen();
        ASSERT_EQ(stat().recovered, 250u);
        put_all(numbered(0, 8));
        EXPECT_EQ(put("too much"), CQ_FULL);
    }
}

TEST_F(Durable, sequences_that_nobody_reserved_are_asked_for_and_never_come_again)
{
    cq_testing.slots_per_node = 1;
    capacity_ = 4;
    open();
    const uint64_t begun = stat().flushes_begun;
    char buffer[64];
    size_t size;
    for (int i = 0; i < (1 << 20) + 100; ++i) {
        ASSERT_EQ(put("x"), CQ_OK) << i;
        ASSERT_EQ(cq_dequeue(queue_, buffer, sizeof buffer, &size), CQ_OK);
    }
    EXPECT_EQ(stat().flushes_begun, begun + 1);
    ASSERT_EQ(put("last"), CQ_OK);
    const uint64_t last = take_all()[0].position;
    reopen();
    ASSERT_EQ(put("after"), CQ_OK);
    EXPECT_GT(take_all()[0].position, last);
}

/* ---- sync by itself ---- */

TEST_F(Durable, with_sync_what_has_returned_is_on_the_disk)
{
    open(CQ_SYNC);
    put_all({"one", "two", "three", "four", "five"});
    char buffer[64];
    size_t size, done;
    ASSERT_EQ(cq_dequeue(queue_, buffer, sizeof buffer, &size), CQ_OK);
    cq_message message{};
    message.struct_size = sizeof message;
    ASSERT_EQ(cq_take(queue_, &message), CQ_OK);
    ASSERT_EQ(cq_release(queue_, &message), CQ_OK);
    ASSERT_EQ(cq_reserve(queue_, 3, &message), CQ_OK);
    memcpy(message.data, "six", 3);
    ASSERT_EQ(cq_commit(queue_, &message, 3), CQ_OK);
    ASSERT_EQ(cq_enqueue_wait(queue_, "seven", 5, -1), CQ_OK);
    ASSERT_EQ(cq_dequeue_wait(queue_, buffer, sizeof buffer, &size, -1), CQ_OK);
    cq_slice batch[2] = {{const_cast<char *>("eight"), 5}, {const_cast<char *>("nine"), 4}};
    ASSERT_EQ(cq_enqueue_batch(queue_, batch, 2, &done), CQ_OK);
    ASSERT_EQ(cq_dequeue_batch(queue_, buffer, sizeof buffer, batch, 1, &done), CQ_OK);
    EXPECT_EQ(stat().unsynced, 0u);
    reopen();
    EXPECT_EQ(drain(), (std::vector<std::string>{"five", "six", "seven", "eight", "nine"}));
}

TEST_F(Durable, with_sync_a_failure_says_that_the_message_is_there_all_the_same)
{
    open(CQ_SYNC);
    faults->flush = ENOSPC;
    EXPECT_EQ(put("one"), CQ_EIO);
    faults->flush = 0;
    EXPECT_EQ(cq_sync(queue_, -1), CQ_OK);
    reopen();
    EXPECT_EQ(drain(), std::vector<std::string>{"one"});
}

TEST_F(Durable, a_copy_of_the_directory_is_a_backup)
{
    open();
    put_all(numbered(0, 5));
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    const std::string copy = directory_ + "/copy";
    std::filesystem::copy(home_, copy, std::filesystem::copy_options::recursive);
    std::ofstream(copy + "/restored");
    put_all(numbered(5, 5)); /* the original goes on */
    const auto originals = take_all();
    reboot();
    home_ = copy;
    open();
    EXPECT_FALSE(std::filesystem::exists(copy + "/restored"));
    EXPECT_EQ(drain(), numbered(0, 5));
    ASSERT_EQ(put("new"), CQ_OK);
    EXPECT_GT(take_all()[0].position, originals.back().position + 1000);
}

TEST(Crc32c, is_that_of_iscsi)
{
    struct crc32c crc;
    crc32c_prepare(&crc);
    EXPECT_EQ(crc32c_add(&crc, 0, "123456789", 9), 0xe3069283u);
    EXPECT_EQ(crc32c_add(&crc, crc32c_add(&crc, 0, "1234", 4), "56789", 5), 0xe3069283u);
    EXPECT_EQ(crc32c_add(&crc, 0, std::string(32, '\0').data(), 32), 0x8a9136aau);
}

} // namespace
} // namespace cqtest
