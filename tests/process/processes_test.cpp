/* Producers and consumers that are processes, each with a handle of its own. */
#include "crowd.hpp"
#include "support/leftovers.hpp"

namespace cqtest {
namespace {

using Processes = ::testing::TestWithParam<Plan>;

TEST_P(Processes, pass_each_message_once_and_in_order) { Crowd(GetParam()).run(seed()); }

INSTANTIATE_TEST_SUITE_P(plan, Processes, ::testing::ValuesIn(plans(Workers::processes)), plan_name);

} // namespace
} // namespace cqtest
