/*
 * File systems of a test's own, in a mount namespace that ends with the process that made it: nobody else sees them,
 * and nothing is left of them. Root may do that, and so may others where user namespaces are allowed.
 */
#ifndef CQTEST_MOUNTS_HPP
#define CQTEST_MOUNTS_HPP

#include <cerrno>
#include <string>
#include <system_error>

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cqtest {

/* For a child of the test. Throws where it is not allowed, which fails the test: it cannot be done another way. */
inline void own_mounts()
{
    if (::unshare(CLONE_NEWNS) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
        throw std::system_error(errno, std::generic_category(),
                                "this test mounts a file system, and this system lets neither this user nor a user "
                                "namespace of its own do so (run it as root, in a container with CAP_SYS_ADMIN)");
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
        throw std::system_error(errno, std::generic_category(), "making mounts private");
}

inline void mount_tmpfs(const std::string &directory, const std::string &options)
{
    if (::mount("cqtest", directory.c_str(), "tmpfs", 0, options.c_str()) != 0)
        throw std::system_error(errno, std::generic_category(), "mounting a tmpfs with " + options);
}

/* At directory/merged; everything it needs is made in `directory`, which must not be an overlay itself. */
inline std::string mount_overlay(const std::string &directory)
{
    for (const char *name : {"lower", "upper", "work", "merged"})
        if (::mkdir((directory + "/" + name).c_str(), 0700) != 0)
            throw std::system_error(errno, std::generic_category(), "mkdir");
    const std::string merged = directory + "/merged", options = "lowerdir=" + directory + "/lower,upperdir=" +
                                                                directory + "/upper,workdir=" + directory + "/work";
    if (::mount("cqtest", merged.c_str(), "overlay", 0, options.c_str()) != 0)
        throw std::system_error(errno, std::generic_category(), "mounting an overlay");
    return merged;
}

} // namespace cqtest

#endif
