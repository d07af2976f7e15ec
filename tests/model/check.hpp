// check.hpp - reports as GoogleTest wants them: printed once, as they are.
#pragma once

#include "explore.hpp"

#include <gtest/gtest.h>

inline ::testing::AssertionResult fine(const std::string &report)
{
    return report.empty() ? ::testing::AssertionSuccess() : ::testing::AssertionFailure() << report;
}

inline ::testing::AssertionResult fine(const model::World &world) { return fine(world.report()); }
