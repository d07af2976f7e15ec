/*
 * Waiting in tests: always for an event, with a limit that only a hang reaches. No test asserts a measured time,
 * because the machine may be busy with anything else.
 */
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <thread>

namespace cqtest {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

/* How long anything that must happen is waited for. Reached only when it does not happen. */
inline constexpr seconds patience{60};

/* Long enough for a thread that wrongly does not block to get past the call it should block in. */
inline constexpr milliseconds a_while{30};

inline constexpr int64_t to_ns(nanoseconds time) { return static_cast<int64_t>(time.count()); }

/* The patience as a timeout of the C interface. */
inline constexpr int64_t patience_ns = to_ns(patience);

/* Polls until the predicate holds; false if it does not within the limit. */
template <class Predicate>
bool eventually(Predicate &&predicate, nanoseconds limit = patience)
{
    const auto end = Clock::now() + limit;
    while (!predicate()) {
        if (Clock::now() > end)
            return static_cast<bool>(predicate());
        std::this_thread::sleep_for(milliseconds(1));
    }
    return true;
}

/* CQ_LONG=1 asks for the long form of the tests that have one. */
inline bool long_run()
{
    const char *value = std::getenv("CQ_LONG");
    return value != nullptr && std::string_view(value) != "" && std::string_view(value) != "0";
}

} // namespace cqtest
