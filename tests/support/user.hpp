/*
 * A user who is trusted with nothing, for tests that are run by root. Root of a container may have no other users.
 */
#pragma once

#include <grp.h>
#include <unistd.h>

#include "child.hpp"

namespace cqtest {

inline constexpr uid_t nobody = 65534;
inline constexpr char why_no_other_user[] = "root is the only user here; run it as root of the machine, or as somebody else";

/* For a child: there is no way back. */
inline bool become_nobody() { return ::setgroups(0, nullptr) == 0 && ::setgid(nobody) == 0 && ::setuid(nobody) == 0; }

inline bool may_become_nobody()
{
    return Child([](Channel &) { return become_nobody() ? 0 : 1; }).join().code == 0;
}

} // namespace cqtest
