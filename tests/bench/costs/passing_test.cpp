/*
 * What it costs to pass messages while nobody waits: no system call, and no more memory than the backlog needs.
 */
#include <map>
#include <thread>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "support/leftovers.hpp"
#include "support/process.hpp"
#include "support/system_calls.hpp"

namespace cqtest {
namespace {

constexpr uint64_t million = 1000000;

/* System calls by number. */
using Calls = std::map<uint64_t, unsigned>;

std::string to_string(const Calls &calls)
{
    std::string text;
    for (const auto &[number, count] : calls)
        text += "system call " + std::to_string(number) + ": " + std::to_string(count) + " times; ";
    return text;
}

/* The system calls that pass(queue) makes in a process of its own, with a handle of its own. */
template <class Pass>
Calls calls_of(const Queue &queue, Pass pass)
{
    TracedChild child([&] { return queue.attach(); },
                      [&](const Handle &handle) { return pass(handle); },
                      [](const Handle &, bool well, Channel &) { return well ? 0 : 1; });
    Calls calls;
    child.run([&](const TracedChild::Call &call) {
        ++calls[call.number];
        return 0;
    });
    EXPECT_EQ(child.child().join().code, 0);
    return calls;
}

/* So that what follows finds all the nodes it needs with memory. */
void warm_up(const Queue &queue)
{
    for (int round = 0; round < 3; ++round) {
        queue.fill("warm");
        queue.drain();
    }
}

bool passes(cq_queue *queue, uint64_t count)
{
    uint64_t got = 0;
    for (uint64_t i = 0; i < count; ++i)
        if (cq_enqueue(queue, &i, sizeof i) != CQ_OK || cq_dequeue(queue, &got, sizeof got, nullptr) != CQ_OK || got != i)
            return false;
    return true;
}

bool passes_in_other_ways(cq_queue *queue, uint64_t count)
{
    uint64_t numbers[16] = {};
    cq_slice slices[16];
    for (cq_slice &slice : slices)
        slice = {&slice - slices + numbers, sizeof *numbers};
    uint64_t received[16];
    cq_slice got[16];
    for (uint64_t i = 0; i < count; i += 16 + 1) {
        size_t done = 0;
        if (cq_enqueue_batch(queue, slices, 16, &done) != CQ_OK)
            return false;
        for (size_t left = 16; left > 0; left -= done)
            if (cq_dequeue_batch(queue, received, sizeof received, got, left, &done) != CQ_OK)
                return false;
        Message message;
        if (cq_reserve(queue, 8, &message) != CQ_OK || cq_commit(queue, &message, 8) != CQ_OK ||
            cq_take_wait(queue, &message, -1) != CQ_OK || cq_release(queue, &message) != CQ_OK)
            return false;
    }
    return true;
}

/* The queue has the capacity of several nodes; the test's own handle is closed, so that the child is alone with it. */
TEST(NobodyWaits, a_million_messages_pass_without_a_system_call)
{
    Queue queue(Config(1000, 56));
    warm_up(queue);
    queue.close();
    EXPECT_EQ(to_string(calls_of(queue, [](cq_queue *mine) { return passes(mine, million); })), "");
    EXPECT_EQ(to_string(calls_of(queue, [](cq_queue *mine) { return passes_in_other_ways(mine, million); })), "");
}

/* A refusal costs none either. */
TEST(NobodyWaits, a_million_refusals_pass_without_a_system_call)
{
    Queue queue(Config(10, 56));
    queue.close();
    const auto refused = [](cq_queue *mine) {
        Message message;
        for (uint64_t i = 0; i < million / 2; ++i)
            if (cq_dequeue(mine, nullptr, 0, nullptr) != CQ_EMPTY || cq_take(mine, &message) != CQ_EMPTY)
                return false;
        for (int i = 0; i < 10; ++i)
            if (cq_enqueue(mine, "x", 1) != CQ_OK)
                return false;
        for (uint64_t i = 0; i < million / 2; ++i)
            if (cq_enqueue(mine, "x", 1) != CQ_FULL || cq_reserve(mine, 1, &message) != CQ_FULL)
                return false;
        return true;
    };
    EXPECT_EQ(to_string(calls_of(queue, refused)), "");
}

/*
 * Two processes look every 80 ms whether the other one is dead, which takes a few calls; but none of them is made
 * for a message, to wake or to yield to anybody.
 */
TEST(NobodyWaits, a_million_messages_pass_between_processes_without_a_system_call_for_any)
{
    Queue queue(Config(1000, 56));
    warm_up(queue);
    const auto begin = Clock::now();
    Calls consumers, producers;
    /* A traced child belongs to the thread that started it. */
    std::thread consumer([&] {
        consumers = calls_of(queue, [](cq_queue *mine) {
            uint64_t got = 0;
            for (uint64_t i = 0; i < million; i += got == i)
                for (got = million; got == million;)
                    if (cq_dequeue(mine, &got, sizeof got, nullptr) == CQ_OK && got != i)
                        return false;
            return true;
        });
    });
    producers = calls_of(queue, [](cq_queue *mine) {
        for (uint64_t i = 0; i < million;)
            i += cq_enqueue(mine, &i, sizeof i) == CQ_OK;
        return true;
    });
    consumer.join();
    const auto looks = static_cast<unsigned>((Clock::now() - begin) / milliseconds(80)) + 1;
    for (const Calls &calls : {consumers, producers}) {
        unsigned count = 0;
        for (const auto &[number, times] : calls) {
            EXPECT_TRUE(number != SYS_futex && number != SYS_sched_yield) << to_string(calls);
            count += times;
        }
        EXPECT_LE(count, 20 * looks) << to_string(calls);
    }
}

/* ---- memory ---------------------------------------------------------------------------------------- */

void expect_memory_of_at_most(const Queue &queue, uint64_t limit)
{
    struct stat status {};
    ASSERT_EQ(::stat(queue.path().c_str(), &status), 0);
    EXPECT_LE(static_cast<uint64_t>(status.st_blocks) * 512, limit);
    EXPECT_LE(queue.stat().memory, limit);
    EXPECT_GE(queue.stat().file_size, 70 * million) << "the queue is not as large as it should be";
}

TEST(Backlog, of_100_in_a_queue_for_a_million_takes_1_MiB_after_10_million_messages)
{
    Queue queue(Config(million, 64));
    Noise noise(1);
    uint64_t in = 0, out = 0;
    const std::string text(64, 'x');
    while (in < 10 * million) {
        for (const uint64_t most = out + noise.below(101); in < most; ++in)
            ASSERT_EQ(cq_enqueue(queue, text.data(), text.size()), CQ_OK);
        char buffer[64];
        for (const uint64_t least = in - noise.below(101) % (in - out + 1); out < least; ++out)
            ASSERT_EQ(cq_dequeue(queue, buffer, sizeof buffer, nullptr), CQ_OK);
    }
    expect_memory_of_at_most(queue, 1 << 20);
}

TEST(Backlog, of_100_takes_1_MiB_also_among_threads_that_hold_what_they_read)
{
    Queue queue(Config(million, 64));
    std::atomic<int64_t> room{100};
    std::atomic<uint64_t> received{0};
    std::atomic<int> error{0};
    const auto send = [&] {
        for (uint64_t sent = 0; sent < million / 2 && error == 0;) {
            if (room.fetch_sub(1) <= 0)
                ++room;
            else if (queue.enqueue("text") == CQ_OK)
                ++sent;
            else
                error = 1;
        }
    };
    const auto receive = [&] {
        while (received < million && error == 0) {
            Message messages[10];
            int held = 0;
            while (held < 10 && cq_take(queue, &messages[held]) == CQ_OK)
                ++held;
            for (; held > 0; ++received, ++room)
                if (cq_release(queue, &messages[--held]) != CQ_OK)
                    error = 2;
        }
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) {
        threads.emplace_back(send);
        threads.emplace_back(receive);
    }
    for (std::thread &thread : threads)
        thread.join();
    EXPECT_EQ(error, 0);
    EXPECT_EQ(received, million);
    expect_memory_of_at_most(queue, 1 << 20);
}

} // namespace
} // namespace cqtest
