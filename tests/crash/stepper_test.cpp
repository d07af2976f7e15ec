/* The machinery of these tests: a child can be halted before any instruction, and has executed exactly those before it. */
#include "support/leftovers.hpp"
#include "support/process.hpp"
#include "support/stepper.hpp"

namespace cqtest {
namespace {

struct Counter {
    std::atomic<int> count;
};

/* Three atomic additions and a loop, not optimised into anything else. */
__attribute__((noinline)) void add(Counter &counter)
{
    for (int i = 0; i < 3; ++i)
        counter.count.fetch_add(1);
}

Stepper adder(Counter &counter)
{
    return Stepper([] { return 0; }, [&](int) { add(counter); });
}

TEST(Stepper, traces_an_operation_to_its_end)
{
    Shared<Counter> counter;
    Stepper stepper = adder(*counter);
    const std::vector<uintptr_t> trace = stepper.trace();
    EXPECT_EQ(counter->count, 3);
    EXPECT_GT(trace.size(), 8u);
    EXPECT_LT(trace.size(), 200u);
    EXPECT_TRUE(std::count(trace.begin(), trace.end(), reinterpret_cast<uintptr_t>(&add)) == 1);
}

TEST(Stepper, halts_before_every_instruction_in_turn_and_nothing_runs_after_the_kill)
{
    Shared<Counter> first;
    const std::vector<Step> steps = steps_in(adder(*first).trace());
    int last = 0;
    for (const Step &step : steps) {
        Shared<Counter> counter;
        Stepper stepper = adder(*counter);
        ASSERT_TRUE(stepper.run_to(step)) << to_string(step);
        const int count = counter->count;
        EXPECT_TRUE(count == last || count == last + 1) << to_string(step);
        last = count;
        stepper.kill();
        EXPECT_EQ(counter->count, count);
    }
    EXPECT_EQ(last, 3);
}

TEST(Stepper, lets_a_halted_child_go_on)
{
    Shared<Counter> first;
    const std::vector<Step> steps = steps_in(adder(*first).trace());
    Shared<Counter> counter;
    Stepper stepper = adder(*counter);
    ASSERT_TRUE(stepper.run_to(steps[steps.size() / 2]));
    EXPECT_LT(counter->count, 3);
    stepper.finish();
    EXPECT_EQ(counter->count, 3);
}

TEST(Stepper, says_that_a_moment_never_came)
{
    Shared<Counter> counter;
    Stepper stepper = adder(*counter);
    EXPECT_FALSE(stepper.run_to({reinterpret_cast<uintptr_t>(&add), 2}));
    EXPECT_EQ(counter->count, 3);
}

/* Compare and exchange without LSE, as gcc 12 compiles it for AArch64, then single instructions that look similar. */
TEST(Stepper, knows_where_an_exclusive_pair_ends)
{
    const uint32_t code[] = {
        0xC85FFC04, /*  0 ldaxr x4, [x0] */
        0xEB03009F, /*  4 cmp x4, x3 */
        0x54000061, /*  8 b.ne 20 */
        0xC805FC02, /* 12 stlxr w5, x2, [x0] */
        0x35FFFF85, /* 16 cbnz w5, 0 */
        0xC8DFFC05, /* 20 ldar x5, [x0] */
        0xC8E4FC02, /* 24 casal x4, x2, [x0] */
        0xD65F03C0, /* 28 ret */
    };
    const auto fetch = [&](uintptr_t address) { return address / 4 < 8 ? code[address / 4] : 0xD65F03C0; };
    EXPECT_EQ(exclusive_exits(0, fetch), (std::vector<uintptr_t>{20, 16}));
    for (uintptr_t address = 4; address < 32; address += 4)
        EXPECT_TRUE(exclusive_exits(address, fetch).empty()) << address;
}

} // namespace
} // namespace cqtest
