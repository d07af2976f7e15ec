/*
 * Include this in one file of a test program: after all its tests, it fails if one of them left a file in /dev/shm.
 */
#ifndef CQTEST_LEFTOVERS_HPP
#define CQTEST_LEFTOVERS_HPP

#include <gtest/gtest.h>

#include "directory.hpp"

namespace cqtest {

class Leftovers : public ::testing::Environment {
public:
    void TearDown() override
    {
        for (const std::string &name : {"cqueue." + name_prefix(), name_prefix()})
            EXPECT_EQ(entries("/dev/shm", name), std::vector<std::string>()) << "left behind in /dev/shm";
    }
};

inline ::testing::Environment *const leftovers = ::testing::AddGlobalTestEnvironment(new Leftovers);

} // namespace cqtest

#endif
