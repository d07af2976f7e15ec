/*
 * Disks for one test: a file of this machine's with a file system on it, mounted in a child of the test and gone with it.
 */
#pragma once

#include <cstdlib>

#include "faults/file_systems.hpp"

namespace cqtest {

/* False: the command is not there, or failed. */
inline bool run(const std::string &command) { return std::system((command + " >/dev/null 2>&1").c_str()) == 0; }

/* body(directory, complaints) on a new file system of this kind and size, as on_file_system. */
template <class Body>
void on_disk(const std::string &kind, uint64_t mebibytes, Body body)
{
    const Directory images;
    const std::string image = images.file("disk");
    if (!run("truncate -s " + std::to_string(mebibytes) + "M " + image) || !run("mkfs." + kind + " -q " + image))
        GTEST_SKIP() << "there is no mkfs." << kind << " here";
    Complaints complaints;
    const End end = Child([&](Channel &) {
                        return with_own_mounts([&] {
                            Directory directory;
                            if (!run("mount -o loop " + image + " " + directory.path()))
                                return not_allowed;
                            body(directory, complaints);
                            ::umount2(directory.path(), MNT_DETACH);
                            return 0;
                        });
                    }).join();
    if (end.code == not_allowed)
        GTEST_SKIP() << "no loop device, or no " << kind << ": " << why_skipped;
    EXPECT_EQ(complaints.text(), "") << "on " << kind;
    EXPECT_EQ(end.signal, 0) << "7 is SIGBUS: a store where there is no block";
    EXPECT_EQ(end.code, 0);
}

} // namespace cqtest
