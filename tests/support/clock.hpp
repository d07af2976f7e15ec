/*
 * A monotonic clock that a test can stop in a process of its own. A traced operation takes a thousand times as long as
 * usual; with the time standing still it takes the same way as any other run of it, also where it asks for the time.
 */
#pragma once

#include <chrono>

namespace cqtest {

/* From now on CLOCK_MONOTONIC (the coarse one too) always reads as it would `ahead` from now. For this process and its future children. */
void stop_clock(std::chrono::nanoseconds ahead = std::chrono::nanoseconds(0));

} // namespace cqtest
