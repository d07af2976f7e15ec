/*
 * Include this in one file of a test program: after all its tests, it fails if one of them left a file in /dev/shm.
 */
#pragma once

#include <set>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "directory.hpp"

namespace cqtest {

class Leftovers : public ::testing::Environment {
public:
    void SetUp() override { (void)name_prefix(); } /* before any child has one of its own */
    void TearDown() override { EXPECT_EQ(all(), std::set<std::string>()) << "left behind in /dev/shm"; }

private:
    static std::set<std::string> all()
    {
        std::set<std::string> found;
        for (const std::string &prefix : {"cqueue." + name_prefix(), name_prefix()})
            for (std::string &name : entries("/dev/shm", prefix))
                found.insert(std::move(name));
        return found;
    }
};

inline ::testing::Environment *const leftovers = ::testing::AddGlobalTestEnvironment(new Leftovers);

} // namespace cqtest
