/* Producers and consumers that are threads of one process, on three handles in turn. */
#include "crowd.hpp"
#include "support/leftovers.hpp"

namespace cqtest {
namespace {

using Threads = ::testing::TestWithParam<Plan>;

TEST_P(Threads, pass_each_message_once_and_in_order) { Crowd(GetParam()).run(seed()); }

INSTANTIATE_TEST_SUITE_P(of_several_handles, Threads, ::testing::ValuesIn(plans(Workers::threads_of_several)), plan_name);

} // namespace
} // namespace cqtest
