// The memory behind the model, held against the classic litmus tests: what C11 forbids cannot be read, what it allows can.
#include "memory.hpp"

#include <gtest/gtest.h>

using namespace model;
using std::memory_order_acq_rel;
using std::memory_order_acquire;
using std::memory_order_relaxed;
using std::memory_order_release;
using std::memory_order_seq_cst;

namespace {

struct Litmus : ::testing::Test {
    // The oldest value that the thread may read.
    std::uint64_t oldest(Thread &thread, const std::uint64_t &word, std::memory_order order)
    {
        return memory.load(thread, &word, word, order, [](std::uint32_t first, std::uint32_t) { return first; });
    }
    void newest(Thread &thread, const std::uint64_t &word, std::memory_order order)
    {
        memory.load(thread, &word, word, order, [](std::uint32_t, std::uint32_t last) { return last; });
    }
    void store(Thread &thread, std::uint64_t &word, std::uint64_t value, std::memory_order order)
    {
        memory.store(thread, &word, word, value, order);
        word = value;
    }
    void exchange(Thread &thread, std::uint64_t &word, std::uint64_t value, std::memory_order order)
    {
        memory.exchange(thread, &word, word, value, order);
        word = value;
    }

    void of_machines() { memory.reset(Promises::machines); }

    Memory memory;
    Thread p, q, r, s;
    std::uint64_t x = 0, y = 0;
};

} // namespace

TEST_F(Litmus, a_message_passed_by_release_and_acquire)
{
    store(p, x, 1, memory_order_relaxed);
    store(p, y, 1, memory_order_release);
    newest(q, y, memory_order_acquire);
    EXPECT_EQ(oldest(q, x, memory_order_relaxed), 1u);
}

TEST_F(Litmus, a_message_needs_both)
{
    store(p, x, 1, memory_order_relaxed);
    store(p, y, 1, memory_order_release);
    newest(q, y, memory_order_relaxed);
    EXPECT_EQ(oldest(q, x, memory_order_relaxed), 0u);
    store(p, y, 2, memory_order_relaxed);
    newest(r, y, memory_order_acquire);
    EXPECT_EQ(oldest(r, x, memory_order_relaxed), 0u);
}

TEST_F(Litmus, fences_do_as_well)
{
    store(p, x, 1, memory_order_relaxed);
    memory.fence(p, memory_order_release);
    store(p, y, 1, memory_order_relaxed);
    newest(q, y, memory_order_relaxed);
    memory.fence(q, memory_order_acquire);
    EXPECT_EQ(oldest(q, x, memory_order_relaxed), 1u);
}

TEST_F(Litmus, an_exchange_continues_a_release_and_a_store_does_not)
{
    store(p, x, 1, memory_order_relaxed);
    store(p, y, 1, memory_order_release);
    exchange(q, y, 2, memory_order_relaxed);
    newest(r, y, memory_order_acquire);
    EXPECT_EQ(oldest(r, x, memory_order_relaxed), 1u);
    store(q, y, 3, memory_order_relaxed);
    newest(s, y, memory_order_acquire);
    EXPECT_EQ(oldest(s, x, memory_order_relaxed), 0u);
}

TEST_F(Litmus, nobody_reads_back)
{
    store(p, x, 1, memory_order_relaxed);
    newest(q, x, memory_order_relaxed);
    EXPECT_EQ(oldest(q, x, memory_order_relaxed), 1u);
    EXPECT_EQ(oldest(p, x, memory_order_relaxed), 1u);
    store(q, y, 1, memory_order_release);
    newest(r, y, memory_order_acquire);
    EXPECT_EQ(oldest(r, x, memory_order_relaxed), 1u) << "what the releasing thread has read is past as well";
}

TEST_F(Litmus, two_that_store_and_then_look_at_each_other)
{
    store(p, x, 1, memory_order_seq_cst);
    store(q, y, 1, memory_order_seq_cst);
    EXPECT_EQ(oldest(p, y, memory_order_acquire), 0u);
    EXPECT_EQ(oldest(p, y, memory_order_seq_cst), 1u);
    EXPECT_EQ(oldest(q, x, memory_order_seq_cst), 1u);
}

TEST_F(Litmus, release_and_acquire_are_not_enough_for_that)
{
    store(p, x, 1, memory_order_release);
    exchange(q, y, 1, memory_order_acq_rel);
    EXPECT_EQ(oldest(p, y, memory_order_seq_cst), 0u);
    EXPECT_EQ(oldest(q, x, memory_order_seq_cst), 0u);
}

TEST_F(Litmus, fences_between_storing_and_looking)
{
    store(p, x, 1, memory_order_relaxed);
    memory.fence(p, memory_order_seq_cst);
    store(q, y, 1, memory_order_relaxed);
    memory.fence(q, memory_order_seq_cst);
    EXPECT_EQ(oldest(q, x, memory_order_relaxed), 1u);
    EXPECT_EQ(oldest(p, y, memory_order_relaxed), 0u);
}

TEST_F(Litmus, independent_readers_agree_only_if_sequentially_consistent)
{
    store(p, x, 1, memory_order_seq_cst);
    store(q, y, 1, memory_order_seq_cst);
    newest(r, x, memory_order_acquire);
    EXPECT_EQ(oldest(r, y, memory_order_acquire), 0u);
    newest(s, y, memory_order_acquire);
    EXPECT_EQ(oldest(s, x, memory_order_acquire), 0u);
    EXPECT_EQ(oldest(s, x, memory_order_seq_cst), 1u);
}

TEST_F(Litmus, machines_make_exchanges_and_acquires_sequentially_consistent)
{
    of_machines();
    exchange(p, x, 1, memory_order_acq_rel);
    exchange(q, y, 1, memory_order_acq_rel);
    EXPECT_EQ(oldest(p, y, memory_order_acquire), 1u);
    EXPECT_EQ(oldest(q, x, memory_order_acquire), 1u);
    exchange(p, x, 2, memory_order_release);
    EXPECT_EQ(oldest(q, x, memory_order_acquire), 1u);
}

TEST_F(Litmus, machines_let_no_store_overtake_what_was_acquired)
{
    for (Promises promises : {Promises::c11, Promises::machines}) {
        memory.reset(promises);
        p = q = r = Thread{};
        x = y = 0;
        store(p, x, 1, memory_order_relaxed);
        newest(q, x, memory_order_acquire);
        store(q, y, 1, memory_order_relaxed);
        newest(r, y, memory_order_acquire);
        EXPECT_EQ(oldest(r, x, memory_order_relaxed), promises == Promises::machines ? 1u : 0u);
    }
}

TEST_F(Litmus, machines_let_a_store_overtake_a_store)
{
    of_machines();
    store(p, x, 1, memory_order_relaxed);
    store(p, y, 1, memory_order_relaxed);
    newest(q, y, memory_order_acquire);
    EXPECT_EQ(oldest(q, x, memory_order_relaxed), 0u);
}

TEST_F(Litmus, plain_accesses_race_unless_one_is_known)
{
    EXPECT_TRUE(memory.write(p, &x));
    EXPECT_FALSE(memory.read(q, &x));
    store(p, y, 1, memory_order_release);
    newest(r, y, memory_order_acquire);
    EXPECT_TRUE(memory.read(r, &x));
    EXPECT_FALSE(memory.write(p, &x)) << "r reads it";
    store(r, y, 2, memory_order_release);
    newest(s, y, memory_order_acquire);
    EXPECT_FALSE(memory.write(s, &x)) << "p wrote it again";
}
