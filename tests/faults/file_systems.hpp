/*
 * File systems for one test: each in a child of the test, and gone with it. Small ones are filled to the last page.
 */
#pragma once

#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/statvfs.h>

#include "faults/mounts.hpp"
#include "support/directory.hpp"
#include "support/process.hpp"

namespace cqtest {

/* body(directory, complaints) in a child, on a file system of its own; what it complains of fails the test. */
template <class Body>
void on_file_system(const char *type, const char *options, Body body, unsigned long flags = 0)
{
    Complaints complaints;
    const End end = Child([&](Channel &) {
                        return with_own_mounts([&] {
                            Directory directory;
                            mount_at(directory.path(), type, options, flags);
                            body(directory, complaints);
                            ::umount2(directory.path(), MNT_DETACH);
                            return 0;
                        });
                    }).join();
    if (end.code == not_allowed)
        GTEST_SKIP() << why_skipped;
    EXPECT_EQ(complaints.text(), "") << "on " << type << " with " << options;
    EXPECT_EQ(end.signal, 0) << "7 is SIGBUS: a store where there is no memory, or that is read-only";
    EXPECT_EQ(end.code, 0);
}

template <class Body>
void on_tmpfs(const char *options, Body body)
{
    on_file_system("tmpfs", options, body);
}

inline struct statvfs space(const Directory &directory)
{
    struct statvfs now {};
    if (::statvfs(directory.path(), &now) != 0)
        throw std::system_error(errno, std::generic_category(), "statvfs");
    return now;
}

/* Takes all room but so many bytes, until give_room(). */
inline void leave_room(const Directory &directory, uint64_t bytes)
{
    const struct statvfs now = space(directory);
    const uint64_t free = now.f_bfree * now.f_frsize;
    const int fd = ::open((std::string(directory.path()) + "/ballast").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (free > bytes && ::fallocate(fd, 0, 0, static_cast<off_t>(free - bytes)) != 0)
        throw std::system_error(errno, std::generic_category(), "fallocate");
    ::close(fd);
}

inline void give_room(const Directory &directory) { ::unlink((std::string(directory.path()) + "/ballast").c_str()); }

} // namespace cqtest
