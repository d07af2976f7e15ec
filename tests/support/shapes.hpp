/*
 * The shapes that most of the unit tests run over: one slot a node, two, the usual number and the largest, each starting
 * at the first sequence and three nodes before the sequence wraps.
 */
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "queue.hpp"

namespace cqtest {

/* The sequence three nodes before the wrap: the fourth node that is linked has sequence 1 again. */
inline constexpr uint64_t before_wrap = last_sequence - 2;

inline std::vector<Shape> all_shapes()
{
    std::vector<Shape> shapes;
    for (const uint32_t slots : {1u, 2u, 64u, 256u})
        for (const uint64_t first : {UINT64_C(1), before_wrap})
            shapes.emplace_back(slots, first);
    return shapes;
}

inline std::string shape_name(const ::testing::TestParamInfo<Shape> &info)
{
    return "K" + std::to_string(info.param.slots_per_node) + (info.param.first_sequence == 1 ? "" : "wrap");
}

class OverShapes : public ::testing::TestWithParam<Shape> {
protected:
    /* Slots a node. */
    uint64_t k() const { return GetParam().slots_per_node; }
};

} // namespace cqtest

/* Run the tests of `suite`, which is OverShapes or derived from it, over all shapes. */
#define CQTEST_OVER_SHAPES(suite)                                                                                      \
    INSTANTIATE_TEST_SUITE_P(shape, suite, ::testing::ValuesIn(::cqtest::all_shapes()), ::cqtest::shape_name)
