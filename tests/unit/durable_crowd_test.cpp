/* Durable queues of many: callers share flushes, and nobody waits for a flusher that is stopped. */
#include <csignal>

#include "unit/durable.hpp"

namespace cqtest {
namespace {

TEST_F(Durable, a_flusher_that_is_stopped_delays_nobody)
{
    open();
    put_all(numbered(0, 5));
    const pid_t child = fork();
    if (child == 0) {
        cq_queue *mine;
        if (try_open(&mine) != CQ_OK)
            _exit(2);
        faults->stop_in_flush = ::getpid();
        _exit(cq_sync(mine, -1) == CQ_OK ? 0 : 1);
    }
    int status;
    ASSERT_EQ(waitpid(child, &status, WUNTRACED), child);
    ASSERT_TRUE(WIFSTOPPED(status));
    for (int i = 0; i < 5; ++i) {
        ASSERT_EQ(put("another"), CQ_OK);
        ASSERT_EQ(cq_sync(queue_, 30'000'000'000), CQ_OK);
    }
    faults->stop_in_flush = 0;
    kill(child, SIGCONT);
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0) << "and goes on where it was";
    reopen();
    EXPECT_EQ(drain().size(), 10u);
}

TEST_F(Durable, many_callers_share_flushes)
{
    capacity_ = 100000;
    open();
    const int before = faults->flushes;
    faults->slow = 2000;
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t)
        threads.emplace_back([this] {
            cq_queue *mine;
            ASSERT_EQ(try_open(&mine), CQ_OK);
            for (int i = 0; i < 50; ++i) {
                ASSERT_EQ(cq_enqueue(mine, "x", 1), CQ_OK);
                ASSERT_EQ(cq_sync(mine, -1), CQ_OK);
            }
            cq_close(mine);
        });
    for (std::thread &thread : threads)
        thread.join();
    EXPECT_LT(faults->flushes - before, 8 * 50) << "for 400 messages";
    reopen();
    EXPECT_EQ(drain().size(), 400u);
}

TEST_F(Durable, threads_of_one_handle_share_too)
{
    open(CQ_SYNC);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([this] {
            for (int i = 0; i < 50; ++i)
                ASSERT_EQ(put("x"), CQ_OK);
        });
    for (std::thread &thread : threads)
        thread.join();
    reopen();
    EXPECT_EQ(drain().size(), 200u);
}

TEST_F(Durable, who_does_not_sync_does_not_touch_the_disk)
{
    open();
    put_all(numbered(0, 5));
    faults->write = faults->flush = faults->create = faults->fill = EIO;
    const int before = faults->flushes;
    put_all(numbered(5, 900));
    EXPECT_EQ(drain(), numbered(0, 905));
    EXPECT_EQ(faults->flushes, before);
}

TEST_F(Durable, of_many_that_open_it_at_once_one_recovers_and_all_succeed)
{
    open();
    put_all(numbered(0, 100));
    ASSERT_EQ(cq_sync(queue_, -1), CQ_OK);
    for (int round = 0; round < 10; ++round) {
        reboot();
        std::vector<std::thread> threads;
        std::atomic<int> opened{0};
        for (int t = 0; t < 16; ++t)
            threads.emplace_back([&] {
                cq_queue *mine = nullptr;
                EXPECT_EQ(try_open(&mine), CQ_OK);
                ++opened;
                while (opened < 16)
                    std::this_thread::yield();
                cq_close(mine);
            });
        for (std::thread &thread : threads)
            thread.join();
    }
    open();
    EXPECT_EQ(drain(), numbered(0, 100));
}

} // namespace
} // namespace cqtest
