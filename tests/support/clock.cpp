/* The program's own clock_gettime, found by libcqueue before the C library's. See clock.hpp. */
#include "clock.hpp"

#include <ctime>

#include <sys/syscall.h>
#include <unistd.h>

namespace {
bool stopped = false;
timespec reading;
} // namespace

extern "C" __attribute__((visibility("default"))) int clock_gettime(clockid_t clock, timespec *time) noexcept
{
    if (!stopped || (clock != CLOCK_MONOTONIC && clock != CLOCK_MONOTONIC_COARSE))
        return static_cast<int>(::syscall(SYS_clock_gettime, clock, time));
    *time = reading;
    return 0;
}

void cqtest::stop_clock(std::chrono::nanoseconds ahead)
{
    clock_gettime(CLOCK_MONOTONIC, &reading);
    const auto nanoseconds = std::chrono::nanoseconds(reading.tv_nsec) + ahead;
    reading.tv_sec += static_cast<time_t>(nanoseconds / std::chrono::seconds(1));
    reading.tv_nsec = static_cast<long>((nanoseconds % std::chrono::seconds(1)).count());
    stopped = true;
}
