/*
 * Include this in one file of a test program: after all its tests, it fails if one of them left a file in /dev/shm.
 */
#ifndef CQTEST_LEFTOVERS_HPP
#define CQTEST_LEFTOVERS_HPP

#include <set>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "directory.hpp"

namespace cqtest {

class Leftovers : public ::testing::Environment {
public:
    /* Another process may have had this one's id, and have been killed. */
    void SetUp() override { before_ = all(); }
    void TearDown() override { EXPECT_EQ(all(), before_) << "left behind in /dev/shm"; }

private:
    static std::set<std::string> all()
    {
        std::set<std::string> found;
        for (const std::string &prefix : {"cqueue." + name_prefix(), name_prefix()})
            for (std::string &name : entries("/dev/shm", prefix))
                found.insert(std::move(name));
        return found;
    }

    std::set<std::string> before_;
};

inline ::testing::Environment *const leftovers = ::testing::AddGlobalTestEnvironment(new Leftovers);

} // namespace cqtest

#endif
