/*
 * The seed of a randomised test: another one every time, printed with the line that runs the same test again.
 */
#pragma once

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <random>

#include <errno.h>
#include <gtest/gtest.h>

namespace cqtest {

/* CQ_SEED if it is set. */
inline uint64_t seed()
{
    const char *fixed = std::getenv("CQ_SEED");
    std::random_device device;
    const uint64_t value =
        fixed ? std::strtoull(fixed, nullptr, 0) : static_cast<uint64_t>(device()) << 32 | device();
    const ::testing::TestInfo *test = ::testing::UnitTest::GetInstance()->current_test_info();
    std::printf("seed %" PRIu64 "; rerun: CQ_SEED=%" PRIu64 " %s --gtest_filter=%s.%s\n", value, value,
                program_invocation_name, test->test_suite_name(), test->name());
    return value;
}

} // namespace cqtest
